package quant

import "github.com/bitdial/bitdial/quant/model"

// Compress returns the plan that gives each of tensors its scheme.
func Compress(tensors []*model.Tensor, schemes []Scheme) Plan {
	var p Plan
	for i, t := range tensors {
		p.Rules = append(p.Rules, Rule{Literal(t.Name), Choice{Scheme: schemes[i]}})
	}
	return p
}
