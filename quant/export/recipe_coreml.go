package export

import (
	"fmt"
	"strings"

	"github.com/bitdial/bitdial/quant"
)

// coreMLRecipe is for coremltools 8 and later: configurations by the name of a
// constant, which is that of the torch parameter with underscores for dots.
var coreMLRecipe = &Recipe{
	Name: "coremltools", Ext: ".py", For: "coreml",
	About:  "op_name_configs of coremltools.optimize, in Python",
	naming: byModule, fits: wholeGroups,
	whyNot: func(s quant.Scheme) string {
		if !cast(s) && coreMLConfig(s) == "" {
			return lacks(s, "int4 and int8 per tensor, channel or in groups, kmeans1 kmeans2 kmeans3 kmeans4 kmeans6 kmeans8 per tensor")
		}
		return ""
	},
	write: func(s *sheet) error {
		s.tellFloats()
		if len(s.schemes()) == 0 {
			return errNothing
		}
		var linear, books strings.Builder
		recent := false
		called := map[string]string{}
		for _, p := range s.parts {
			name := milName(p.Name + weightSuffix)
			if other, twice := called[name]; twice {
				return fmt.Errorf("%s and %s are both called %s there, and cannot be told apart", other, p.Tensor.Name, name)
			}
			called[name] = p.Tensor.Name
			if p.floats() {
				continue
			}
			b := &linear
			if p.Scheme.Format.Book {
				b = &books
			}
			recent = recent || p.Scheme.Format.Bits == 4 && !p.Scheme.Format.Book || grouped(p.Scheme) > 0
			fmt.Fprintf(b, "    %s: %s,\n", pythonText(name), coreMLConfig(p.Scheme))
		}
		s.Text = "import coremltools.optimize.coreml as cto\n\nlinear = {\n" + linear.String() + "}\npalettes = {\n" + books.String() + `}


def quantize(mlmodel):
    if linear:
        mlmodel = cto.linear_quantize_weights(mlmodel, cto.OptimizationConfig(op_name_configs=linear))
    if palettes:
        mlmodel = cto.palettize_weights(mlmodel, cto.OptimizationConfig(op_name_configs=palettes))
    return mlmodel
`
		if recent {
			s.note("int4 and groups ask for a model of minimum_deployment_target iOS 18 or macOS 15")
		}
		return nil
	},
}

// milName returns the name that coremltools gives a parameter of torch.
func milName(name string) string {
	if name != "" && '0' <= name[0] && name[0] <= '9' {
		name = "_" + name
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' {
			return r
		}
		return '_'
	}, name)
}

// coreMLConfig returns the configuration for s, "" if there is none.
func coreMLConfig(s quant.Scheme) string {
	if s.Format.Book {
		if s.Granularity != quant.PerTensor || !strings.Contains(" 1 2 3 4 6 8 ", fmt.Sprintf(" %d ", s.Format.Bits)) {
			return ""
		}
		return fmt.Sprintf(`cto.OpPalettizerConfig(mode="kmeans", nbits=%d, granularity="per_tensor", weight_threshold=None)`, s.Format.Bits)
	}
	if bits := integer(s); bits != 4 && bits != 8 {
		return ""
	}
	mode := "linear_symmetric"
	if s.Asymmetric {
		mode = "linear"
	}
	granularity := `"per_tensor"`
	switch {
	case grouped(s) > 0:
		granularity = fmt.Sprintf(`"per_block", block_size=%d`, grouped(s))
	case s.Granularity == quant.PerChannel:
		granularity = `"per_channel"`
	}
	return fmt.Sprintf(`cto.OpLinearQuantizerConfig(mode=%q, dtype="int%d", granularity=%s, weight_threshold=None)`, mode, s.Format.Bits, granularity)
}
