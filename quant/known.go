package quant

import "github.com/bitdial/bitdial/quant/model"

// Known is a plan that people know by name, to hold others against.
type Known struct {
	Name string // of a mix, or of the scheme that all weights have
	Mix  bool

	scheme  Scheme
	schemes []Scheme // of a mix, by tensor
}

// Scheme returns what k gives to t, the i-th tensor of the model. Where a scheme
// does not fit, t stays as it is stored.
func (k *Known) Scheme(i int, t *model.Tensor) Scheme {
	switch {
	case k.Mix:
		return k.schemes[i]
	case IsWeight(t) && k.scheme.WhyNot(t.Shape) == "":
		return k.scheme
	}
	return Scheme{}
}

// knownMixes are the mixes that most files of language models have, the commonest
// first.
var knownMixes = []string{"Q4_K_M", "Q3_K_M", "Q5_K_M", "Q2_K", "Q4_K_S", "IQ4_XS", "Q3_K_S", "Q5_K_S", "Q4_0", "Q6_K", "IQ3_XXS", "IQ3_M"}

// maxMixed is how many tensors a model has at most for which mixes are known: each
// takes a rule for each tensor.
const maxMixed = 1 << 14

// KnownPlans returns the plans to hold one against that is chosen from schemes:
// where these are ggml's the mixes of llama-quantize, and all weights in any one of
// them. guided says whether there is an importance matrix, which changes mixes.
func KnownPlans(m *model.Model, schemes []Scheme, guided bool) []Known {
	var list []Known
	packed := false
	for _, s := range schemes {
		packed = packed || !s.Keep() && s.Format.Packing != nil
	}
	if packed && len(m.Tensors) <= maxMixed {
		for _, name := range knownMixes {
			if p, err := MixOf(name).Plan(m, guided); err == nil { // of other architectures there are none
				list = append(list, Known{Name: name, Mix: true, schemes: p.Schemes(m.Tensors)})
			}
		}
	}
	for _, s := range schemes {
		if !s.Keep() {
			list = append(list, Known{Name: s.String(), scheme: s})
		}
	}
	return list
}
