package export

import (
	"fmt"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// compressedRecipe is for compressed-tensors, as transformers, vLLM and
// llm-compressor read it: groups of modules by patterns, re.match, that share
// arguments of quantization.
var compressedRecipe = &Recipe{
	Name: "compressed-tensors", Ext: ".json", For: "compressed-tensors",
	About:  "the quantization_config of a config.json, for llm-compressor, transformers and vLLM",
	naming: byModule, fits: noEmbeddings,
	ranges: []*kernels.Range{kernels.MSE},
	whyNot: func(s quant.Scheme) string {
		if _, format := compressedArguments(s); format == "" && !cast(s) {
			return lacks(s, "integers per channel or in groups, int8 per tensor, fp8_e4m3, nvfp4, mxfp4, mxfp8_e4m3")
		}
		return ""
	},
	write: func(s *sheet) error {
		s.tellFloats()
		s.tellFused()
		type group struct {
			Targets []string         `json:"targets"`
			Weights *compressedWords `json:"weights"`
			Inputs  *struct{}        `json:"input_activations"`
			Outputs *struct{}        `json:"output_activations"`
			Format  string           `json:"format"`
		}
		config := struct {
			Method string            `json:"quant_method"`
			Format string            `json:"format"`
			Status string            `json:"quantization_status"`
			Groups map[string]*group `json:"config_groups"`
			Ignore []string          `json:"ignore"`
		}{"compressed-tensors", "", "initialized", map[string]*group{}, []string{}}
		groups := map[string]*group{}
		for i, scheme := range s.schemes() {
			words, format := compressedArguments(scheme)
			g := &group{Targets: []string{}, Weights: words, Format: format}
			groups[scheme.String()] = g
			config.Groups[fmt.Sprintf("group_%d", i)] = g
			if config.Format == "" || config.Format == format {
				config.Format = format
			} else {
				config.Format = "mixed-precision"
			}
		}
		for _, l := range s.modules(quant.Scheme.String, ignored, false) {
			if l.value == ignored {
				config.Ignore = append(config.Ignore, "re:"+l.pattern)
			} else {
				g := groups[l.value]
				g.Targets = append(g.Targets, "re:"+l.pattern)
			}
		}
		s.Text = indented(map[string]any{"quantization_config": config})
		return nil
	},
}

// ignored is the value of modules that are left out.
const ignored = "-"

// compressedWords are the arguments of a group.
type compressedWords struct {
	Bits      int    `json:"num_bits"`
	Type      string `json:"type"`
	Symmetric bool   `json:"symmetric"`
	Strategy  string `json:"strategy"`
	Group     *int   `json:"group_size"`
	Dynamic   bool   `json:"dynamic"`
	Observer  string `json:"observer"`
	Scale     string `json:"scale_dtype,omitempty"`
	Zero      string `json:"zp_dtype,omitempty"`
}

// compressedArguments returns the arguments for s and the format of its weights in
// the file, "" if there is none.
func compressedArguments(s quant.Scheme) (words *compressedWords, format string) {
	w := &compressedWords{Bits: s.Format.Bits, Type: "int", Symmetric: !s.Asymmetric, Observer: "minmax"}
	if s.Range == kernels.MSE {
		w.Observer = "mse"
	}
	g := grouped(s)
	switch {
	case g > 0:
		w.Strategy, w.Group = "group", &g
	case s.Granularity == quant.PerChannel:
		w.Strategy = "channel"
	default:
		w.Strategy = "tensor"
	}
	switch bits := integer(s); {
	case bits == 8 && g == 0 && !s.Asymmetric:
		return w, "int-quantized"
	case bits >= 1 && bits <= 8 && s.Granularity != quant.PerTensor:
		return w, "pack-quantized"
	case s.Format.Name == "fp8_e4m3" && (s.Granularity == quant.PerTensor || s.Granularity == quant.PerChannel):
		w.Type = "float"
		return w, "float-quantized"
	}
	if s.Format.Micro == nil {
		return nil, ""
	}
	block := s.Format.Micro.Block
	w.Type, w.Strategy, w.Group, w.Scale, w.Zero = "float", "group", &block, "torch.uint8", "torch.uint8"
	switch s.Format.Name {
	case "nvfp4":
		w.Strategy, w.Scale, w.Zero = "tensor_group", "torch.float8_e4m3fn", "torch.float8_e4m3fn"
		return w, "nvfp4-pack-quantized"
	case "mxfp4":
		return w, "mxfp4-pack-quantized"
	case "mxfp8_e4m3":
		return w, "mxfp8-quantized"
	}
	return nil, ""
}
