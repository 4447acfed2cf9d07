package export

import (
	"fmt"
	"slices"

	"github.com/bitdial/bitdial/quant"
)

// mlxRecipe is for mlx-lm: what quantize_model writes into a config.json, and what a
// quant_predicate that looks modules up in it gives back.
var mlxRecipe = &Recipe{
	Name: "mlx", Ext: ".json", For: "mlx",
	About:  "the quantization of a config.json of mlx-lm, by module; a quant_predicate of one line",
	naming: byModule, fits: wholeGroups,
	whyNot: func(s quant.Scheme) string {
		if !cast(s) && mlxWords(s) == nil {
			return lacks(s, "asymmetric int2 int3 int4 int5 int6 int8 in groups of g32 g64 g128, mxfp4, mxfp8_e4m3, nvfp4")
		}
		return ""
	},
	write: func(s *sheet) error {
		s.tellFloats()
		schemes := s.schemes()
		if len(schemes) == 0 {
			return errNothing
		}
		// Modules whose rows the first group does not divide are left out before they are asked for.
		base := slices.MinFunc(schemes, func(a, b quant.Scheme) int { return mlxWords(a).Group - mlxWords(b).Group })
		config := map[string]any{"group_size": mlxWords(base).Group, "bits": mlxWords(base).Bits, "mode": mlxWords(base).Mode}
		for _, p := range s.parts {
			switch {
			case p.floats():
				config[p.Name] = false
			case p.Scheme != base:
				config[p.Name] = mlxWords(p.Scheme)
			}
		}
		s.Text = indented(map[string]any{"quantization": config})
		code := fmt.Sprintf(`import json; from mlx_lm import convert; q = json.load(open(%s))["quantization"]; convert("MODEL", quantize=True, q_group_size=q["group_size"], q_bits=q["bits"], q_mode=q["mode"], quant_predicate=lambda path, module: q.get(path, True))`, pythonText(s.paths.Recipe))
		s.Command = "python3 -c " + shellQuote(code)
		return nil
	},
}

// mlxArguments are those of mx.quantize.
type mlxArguments struct {
	Group int    `json:"group_size"`
	Bits  int    `json:"bits"`
	Mode  string `json:"mode"`
}

// mlxWords returns the arguments of mx.quantize for s, nil if there are none.
func mlxWords(s quant.Scheme) *mlxArguments {
	switch s.Format.Name {
	case "mxfp4":
		return &mlxArguments{32, 4, "mxfp4"}
	case "mxfp8_e4m3":
		return &mlxArguments{32, 8, "mxfp8"}
	case "nvfp4":
		return &mlxArguments{16, 4, "nvfp4"}
	}
	if s.Asymmetric && slices.Contains([]int{2, 3, 4, 5, 6, 8}, integer(s)) && sized(s, 32, 64, 128) {
		return &mlxArguments{grouped(s), s.Format.Bits, "affine"}
	}
	return nil
}
