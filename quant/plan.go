package quant

import (
	"slices"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// Plan gives every tensor of a model its scheme: that of the last rule whose
// glob matches the tensor's name, else the default for weights, else keep. A
// Plan is a value: its methods return a new one and leave it as it is.
//
// What flows into the layers has schemes of its own, likewise: that of the last
// activation rule that matches the name of the layer's weight, else the default
// for activations.
type Plan struct {
	Default Choice
	Rules   []Rule

	DefaultActivation Activation
	ActivationRules   []ActivationRule

	Remedies Remedies
}

// ActivationRule gives what flows into the layers whose weights' names match
// Glob a scheme.
type ActivationRule struct {
	Glob string
	Activation
}

// Activation returns the scheme of what flows into the layer of the weight
// called name.
func (p Plan) Activation(name string) Activation {
	for _, r := range slices.Backward(p.ActivationRules) {
		if Match(r.Glob, name) {
			return r.Activation
		}
	}
	return p.DefaultActivation
}

// RunsOtherwise reports whether p says anything beside the schemes of weights:
// of activations, or of remedies, which only a network that runs can follow.
func (p Plan) RunsOtherwise() bool {
	return !p.DefaultActivation.Keep() || p.Remedies != Remedies{} || slices.ContainsFunc(p.ActivationRules, func(r ActivationRule) bool { return !r.Keep() })
}

// NeedsCalibration reports whether p gives any activation a fixed range.
func (p Plan) NeedsCalibration() bool {
	return p.DefaultActivation.Static || slices.ContainsFunc(p.ActivationRules, func(r ActivationRule) bool { return r.Static })
}

// Rule gives the tensors whose names match Glob a scheme. A star stands for
// any characters, dots and slashes too; see [Match].
type Rule struct {
	Glob string
	Choice
}

// Choice is a scheme and what takes its place where it does not fit the
// tensor's shape, see [Scheme.WhyNot]. The zero value keeps.
type Choice struct {
	Scheme, Else Scheme
}

// ParseChoice reads a scheme, or two that are separated by a comma.
func ParseChoice(text string) (Choice, error) {
	first, second, two := strings.Cut(text, ",")
	s, err := Parse(first)
	if err != nil || !two {
		return Choice{Scheme: s}, err
	}
	e, err := Parse(second)
	return Choice{s, e}, err
}

// String returns c as [ParseChoice] reads it.
func (c Choice) String() string {
	if c.Else.Keep() {
		return c.Scheme.String()
	}
	return c.Scheme.String() + "," + c.Else.String()
}

// on returns the scheme for a tensor of the given shape.
func (c Choice) on(shape []int) Scheme {
	switch {
	case c.Scheme.WhyNot(shape) == "":
		return c.Scheme
	case c.Else.WhyNot(shape) == "":
		return c.Else
	}
	return Scheme{}
}

// IsWeight reports whether the default scheme applies to t: floats of two axes
// or more. Biases, norms, ids and masks stay as they are unless a rule names
// them.
func IsWeight(t *model.Tensor) bool { return Quantizable(t) && len(t.Shape) >= 2 }

// Quantizable reports whether a scheme can apply to t at all: integers and
// truth values are codes or ids, and stay as they are under any rule.
func Quantizable(t *model.Tensor) bool { return t.DType.Float() && t.Len() > 0 }

// For returns the scheme of t.
func (p Plan) For(t *model.Tensor) Scheme { return p.Wish(t).on(t.Shape) }

// Wish returns what the plan's rules say of t, whether it fits or not.
func (p Plan) Wish(t *model.Tensor) Choice {
	if !Quantizable(t) {
		return Choice{}
	}
	for _, r := range slices.Backward(p.Rules) {
		if Match(r.Glob, t.Name) {
			return r.Choice
		}
	}
	if IsWeight(t) {
		return p.Default
	}
	return Choice{}
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
			schemes[i] = p.Rules[rule].on(t.Shape)
		case IsWeight(t):
			schemes[i] = p.Default.on(t.Shape)
		}
	}
	return schemes
}

// With returns p with a rule added. Rules with the same glob, which it would
// hide, are dropped.
func (p Plan) With(glob string, c Choice) Plan {
	rules := slices.DeleteFunc(slices.Clone(p.Rules), func(r Rule) bool { return r.Glob == glob })
	p.Rules = append(rules, Rule{glob, c})
	return p
}

// WithActivation returns p with an activation rule added, as [Plan.With] does.
func (p Plan) WithActivation(glob string, a Activation) Plan {
	rules := slices.DeleteFunc(slices.Clone(p.ActivationRules), func(r ActivationRule) bool { return r.Glob == glob })
	p.ActivationRules = append(rules, ActivationRule{glob, a})
	return p
}

// Only returns the plan under which t alone has a scheme, and what flows into
// its layer: those that p gives them. The remedies stay.
func (p Plan) Only(t *model.Tensor) Plan {
	return Plan{Remedies: p.Remedies}.With(Literal(t.Name), p.Wish(t)).WithActivation(Literal(t.Name), p.Activation(t.Name))
}

// Without returns p with the tensor called name, and what flows into its layer,
// left as they are.
func (p Plan) Without(name string) Plan {
	return p.With(Literal(name), Choice{}).WithActivation(Literal(name), Activation{})
}

// Everywhere returns the plan with c for all weights and no other rule.
func Everywhere(c Choice) Plan { return Plan{Default: c} }

// Equal reports whether p and o say the same.
func (p Plan) Equal(o Plan) bool {
	return p.Default == o.Default && slices.Equal(p.Rules, o.Rules) && p.Remedies == o.Remedies &&
		p.DefaultActivation == o.DefaultActivation && slices.Equal(p.ActivationRules, o.ActivationRules)
}
