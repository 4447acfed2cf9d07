package export

import (
	"fmt"
	"strings"

	"github.com/bitdial/bitdial/quant"
)

// gptqRecipe is for GPTQModel: a base, and patterns of modules, the first that
// matches, that have other bits or, with "-:", none.
var gptqRecipe = &Recipe{
	Name: "gptqmodel", Ext: ".py",
	About:  "a QuantizeConfig of GPTQModel with dynamic, in Python",
	naming: byModule, fits: noEmbeddings,
	whyNot: func(s quant.Scheme) string {
		bits := integer(s)
		if !cast(s) && (bits != 2 && bits != 3 && bits != 4 && bits != 8 || s.Granularity != quant.PerChannel && !sized(s, 16, 32, 64, 128, 256, 512, 1024)) {
			return lacks(s, "int2 int3 int4 int8, per channel or in groups of g16 to g1024")
		}
		return ""
	},
	write: func(s *sheet) error {
		s.tellFloats()
		s.tellFused()
		schemes := s.schemes()
		if len(schemes) == 0 {
			return errNothing
		}
		base := gptqWords(schemes[0])
		var b strings.Builder
		fmt.Fprintf(&b, "from gptqmodel import GPTQModel, QuantizeConfig\n\ndynamic = {\n")
		for _, l := range s.modules(gptqWords, ignored, false) {
			switch l.value {
			case ignored:
				fmt.Fprintf(&b, "    %s: {},\n", pythonPattern("-:"+l.pattern))
			case base:
			default:
				fmt.Fprintf(&b, "    %s: {%s},\n", pythonPattern("+:"+l.pattern), l.value)
			}
		}
		lm := "False"
		for _, p := range s.parts {
			if p.Name == "lm_head" && !p.floats() {
				lm = "True"
			}
		}
		fmt.Fprintf(&b, "}\nconfig = QuantizeConfig(**{%s}, lm_head=%s, dynamic=dynamic)\n\n\n", base, lm)
		fmt.Fprintf(&b, "def quantize(model_id, calibration, out):\n    model = GPTQModel.load(model_id, config)\n    model.quantize(calibration)\n    model.save(out)\n")
		s.Text = b.String()
		s.note("GPTQ rounds by its calibration, where the plan was measured with rounding to nearest: its errors will be others")
		return nil
	},
}

var errNothing = fmt.Errorf("the plan quantizes no weight")

// gptqWords returns the keys of s.
func gptqWords(s quant.Scheme) string {
	g := grouped(s)
	if g == 0 {
		g = -1
	}
	sym := "True"
	if s.Asymmetric {
		sym = "False"
	}
	return fmt.Sprintf(`"bits": %d, "group_size": %d, "sym": %s`, s.Format.Bits, g, sym)
}
