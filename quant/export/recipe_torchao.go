package export

import (
	"fmt"
	"strings"

	"github.com/bitdial/bitdial/quant"
)

// torchaoRecipe is for torchao 0.15 and later: FqnToConfig, once ModuleFqnToConfig,
// of which the first pattern that matches a whole name decides.
var torchaoRecipe = &Recipe{
	Name: "torchao", Ext: ".py", For: "torchao",
	About:  "a FqnToConfig for torchao's quantize_, in Python",
	naming: byModule, fits: wholeGroups,
	whyNot: func(s quant.Scheme) string {
		if !cast(s) && torchaoConfig(s) == "" {
			return lacks(s, "int1 to int8 per channel or in groups, int8 per tensor if symmetric, fp8_e4m3 and fp8_e5m2 per tensor or channel")
		}
		return ""
	},
	write: func(s *sheet) error {
		s.tellFloats()
		if len(s.schemes()) == 0 {
			return errNothing
		}
		var b strings.Builder
		b.WriteString(`from collections import OrderedDict

import torch
from torchao.quantization import (
    Float8WeightOnlyConfig,
    FqnToConfig,
    Int8WeightOnlyConfig,
    IntxWeightOnlyConfig,
    PerAxis,
    PerGroup,
    PerRow,
    PerTensor,
    quantize_,
)
from torchao.quantization.quant_primitives import MappingType

config = FqnToConfig(OrderedDict([
`)
		for _, l := range s.modules(torchaoConfig, "", true) {
			fmt.Fprintf(&b, "    (%s, %s),\n", pythonPattern("re:"+strings.TrimSuffix(strings.TrimPrefix(l.pattern, "^"), "$")), l.value)
		}
		b.WriteString(`]))


def quantize(model):
    quantize_(model, config, filter_fn=None)
`)
		s.Text = b.String()
		return nil
	},
}

// torchaoConfig returns the configuration for s, "" if there is none.
func torchaoConfig(s quant.Scheme) string {
	g, bits := grouped(s), integer(s)
	per := "PerTensor()"
	switch {
	case g > 0:
		per = fmt.Sprintf("PerGroup(%d)", g)
	case s.Granularity == quant.PerChannel:
		per = "PerRow()"
	case s.Granularity == quant.Unscaled:
		return ""
	}
	switch {
	case bits == 8 && !s.Asymmetric:
		return "Int8WeightOnlyConfig(granularity=" + per + ")"
	case bits >= 1 && bits <= 8 && s.Granularity != quant.PerTensor:
		if g == 0 {
			per = "PerAxis(0)"
		}
		mapping := "SYMMETRIC"
		if s.Asymmetric {
			mapping = "ASYMMETRIC"
		}
		return fmt.Sprintf("IntxWeightOnlyConfig(weight_dtype=torch.int%d, granularity=%s, mapping_type=MappingType.%s)", bits, per, mapping)
	case g == 0 && s.Format.Name == "fp8_e4m3":
		return "Float8WeightOnlyConfig(weight_dtype=torch.float8_e4m3fn, granularity=" + per + ")"
	case g == 0 && s.Format.Name == "fp8_e5m2":
		return "Float8WeightOnlyConfig(weight_dtype=torch.float8_e5m2, granularity=" + per + ")"
	}
	return ""
}
