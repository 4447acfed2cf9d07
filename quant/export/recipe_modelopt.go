package export

import (
	"fmt"
	"strings"

	"github.com/bitdial/bitdial/quant"
)

// modelOptRecipe is for NVIDIA's Model Optimizer: wildcards of quantizers, the last
// that matches decides.
var modelOptRecipe = &Recipe{
	Name: "modelopt", Ext: ".py",
	About:  "a quant_cfg of NVIDIA's Model Optimizer, in Python",
	naming: byModule,
	fits: func(p part) string {
		if strings.ContainsAny(p.Name, "*?[]") {
			return "a name with a wildcard in it cannot be told from a pattern"
		}
		return noEmbeddings(p)
	},
	whyNot: func(s quant.Scheme) string {
		if !cast(s) && modelOptAttributes(s) == "" {
			return lacks(s, "symmetric int2 to int8 and fp8_e4m3 per tensor, per channel or in groups, nvfp4, mxfp4, mxfp6_e3m2, mxfp6_e2m3, mxfp8_e4m3, mxfp8_e5m2")
		}
		return ""
	},
	write: func(s *sheet) error {
		s.tellFloats()
		schemes := s.schemes()
		if len(schemes) == 0 {
			return errNothing
		}
		var b strings.Builder
		b.WriteString("import modelopt.torch.quantization as mtq\n\n")
		for i, scheme := range schemes {
			fmt.Fprintf(&b, "s%d = {%s}  # %s\n", i, modelOptAttributes(scheme), scheme)
		}
		b.WriteString("config = {\n    \"quant_cfg\": {\n        \"default\": {\"enable\": False},\n        \"*input_quantizer\": {\"enable\": False},\n")
		for _, p := range s.parts {
			for i, scheme := range schemes {
				if p.Scheme == scheme {
					fmt.Fprintf(&b, "        %s: s%d,\n", pythonText(p.Name+".weight_quantizer"), i)
				}
			}
		}
		b.WriteString("    },\n    \"algorithm\": \"max\",\n}\n\n\ndef quantize(model, forward_loop=None):\n    return mtq.quantize(model, config, forward_loop)\n")
		s.Text = b.String()
		return nil
	},
}

// modelOptAttributes returns the attributes of a quantizer for s, "" if there are
// none.
func modelOptAttributes(s quant.Scheme) string {
	if m := map[string]string{
		"nvfp4": "(2, 1)", "mxfp4": "(2, 1)", "mxfp6_e3m2": "(3, 2)", "mxfp6_e2m3": "(2, 3)", "mxfp8_e4m3": "(4, 3)", "mxfp8_e5m2": "(5, 2)",
	}[s.Format.Name]; m != "" {
		scale := "(8, 0)"
		if s.Format.Name == "nvfp4" {
			scale = "(4, 3)"
		}
		return fmt.Sprintf(`"num_bits": %s, "block_sizes": {-1: %d, "type": "dynamic", "scale_bits": %s}, "axis": None, "enable": True`, m, s.Format.Micro.Block, scale)
	}
	bits := ""
	switch n := integer(s); {
	case n >= 2 && n <= 8 && !s.Asymmetric:
		bits = fmt.Sprint(n)
	case s.Format.Name == "fp8_e4m3":
		bits = "(4, 3)"
	}
	switch {
	case bits == "" || s.Granularity == quant.Unscaled:
		return ""
	case grouped(s) > 0:
		return fmt.Sprintf(`"num_bits": %s, "block_sizes": {-1: %d}, "axis": None, "enable": True`, bits, grouped(s))
	case s.Granularity == quant.PerChannel:
		return fmt.Sprintf(`"num_bits": %s, "axis": 0, "enable": True`, bits)
	}
	return fmt.Sprintf(`"num_bits": %s, "axis": None, "enable": True`, bits)
}
