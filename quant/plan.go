package quant

import (
	"slices"

	"github.com/bitdial/bitdial/quant/model"
)

// Plan gives every tensor of a model its scheme: the last rule whose glob
// matches the tensor's name, else Default for weights, else keep. A Plan is a
// value: its methods return a new one and leave it as it is.
type Plan struct {
	Default Scheme
	Rules   []Rule
}

// Rule gives the tensors whose names match Glob a scheme. A star stands for
// any characters, dots and slashes too; see [Match].
type Rule struct {
	Glob   string
	Scheme Scheme
}

// IsWeight reports whether the default scheme applies to t: floats of two axes
// or more. Biases, norms, ids and masks stay as they are unless a rule names
// them.
func IsWeight(t *model.Tensor) bool { return Quantizable(t) && len(t.Shape) >= 2 }

// Quantizable reports whether a scheme can apply to t at all: integers and
// truth values are codes or ids, and stay as they are under any rule.
func Quantizable(t *model.Tensor) bool { return t.DType.Float() && t.Len() > 0 }

// For returns the scheme of t.
func (p Plan) For(t *model.Tensor) Scheme {
	if !Quantizable(t) {
		return Scheme{}
	}
	for _, r := range slices.Backward(p.Rules) {
		if Match(r.Glob, t.Name) {
			return r.Scheme
		}
	}
	if IsWeight(t) {
		return p.Default
	}
	return Scheme{}
}

// Schemes returns the scheme of each tensor, as [Plan.For] has it. It is for
// plans of many rules and models of many tensors: a rule that names one tensor
// costs nothing for the others.
func (p Plan) Schemes(tensors []*model.Tensor) []Scheme {
	named := map[string]int{} // rule by the name that it is for
	var globs []int           // the other rules, the last first
	for i, r := range slices.Backward(p.Rules) {
		if name, ok := literal(r.Glob); !ok {
			globs = append(globs, i)
		} else if _, hidden := named[name]; !hidden {
			named[name] = i
		}
	}
	schemes := make([]Scheme, len(tensors))
	for i, t := range tensors {
		rule := -1
		if n, ok := named[t.Name]; ok {
			rule = n
		}
		for _, g := range globs {
			if g < rule {
				break
			}
			if Match(p.Rules[g].Glob, t.Name) {
				rule = g
				break
			}
		}
		switch {
		case !Quantizable(t):
		case rule >= 0:
			schemes[i] = p.Rules[rule].Scheme
		case IsWeight(t):
			schemes[i] = p.Default
		}
	}
	return schemes
}

// With returns p with a rule added. Rules with the same glob, which it would
// hide, are dropped.
func (p Plan) With(glob string, s Scheme) Plan {
	rules := slices.DeleteFunc(slices.Clone(p.Rules), func(r Rule) bool { return r.Glob == glob })
	return Plan{p.Default, append(rules, Rule{glob, s})}
}

// Everywhere returns the plan with s for all weights and no other rule.
func (p Plan) Everywhere(s Scheme) Plan { return Plan{Default: s} }

// Equal reports whether p and o say the same.
func (p Plan) Equal(o Plan) bool {
	return p.Default == o.Default && slices.Equal(p.Rules, o.Rules)
}
