package quant

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/kernels"
)

// Activation is a scheme for what flows into a layer, instead of what is stored
// in it. The zero value, "keep", leaves it in float.
//
// PerTensor is one scale for everything that one input of the network, such as a
// picture, makes flow into the layer; PerChannel, which is written "token",
// one for each row of the last axis.
type Activation struct {
	Scheme
	// Static says that calibration fixes the range before the network runs;
	// otherwise it comes from the values themselves as they flow.
	Static bool
	// Average is a range of calibration alone: the mean of the extremes of its
	// inputs, one by one, instead of the extremes of all.
	Average bool
}

const (
	staticWord  = "static"
	dynamicWord = "dynamic"
	tokenWord   = "token"
	averageWord = "range=average"
)

// ParseActivation reads the scheme of an activation: that of [Parse] with
// "token" instead of "channel", and one of "static" and "dynamic", which is the
// default; a static one may have range=average.
func ParseActivation(text string) (Activation, error) {
	var a Activation
	words := strings.Split(text, ":")
	var rest []string
	var dynamic bool
	for _, w := range words {
		switch w {
		case staticWord:
			a.Static = true
		case dynamicWord:
			dynamic = true
		case averageWord:
			a.Average = true
		case tokenWord:
			rest = append(rest, PerChannel.String())
		case PerChannel.String():
			return Activation{}, invalid(text, w, "is no granularity of activations: a matrix product adds their channels up, which one scale has to leave", "tensor token gN")
		default:
			rest = append(rest, w)
		}
	}
	s, err := Parse(strings.Join(rest, ":"))
	if err != nil {
		return Activation{}, fmt.Errorf("activation %q: %w", text, err)
	}
	a.Scheme = s
	switch {
	case a.Static && dynamic:
		return Activation{}, invalid(text, staticWord, "and dynamic exclude each other", "one of the two")
	case s.Keep() && len(words) > 1:
		return Activation{}, invalid(text, words[1], "means nothing beside keep", "keep")
	case a.Average && !a.Has(kernels.Ranged):
		return Activation{}, invalid(text, averageWord, "does not fit: "+whyNot(a.Format, kernels.Ranged), a.Format.Name+":static")
	case a.Average && !a.Static:
		return Activation{}, invalid(text, averageWord, "is a range of calibration", "static:range=average")
	case a.Average && slices.ContainsFunc(rest, func(w string) bool { return strings.HasPrefix(w, "range=") }):
		return Activation{}, invalid(text, averageWord, "is set beside another range", "one of the two")
	case a.Static && a.whyNotStatic() != "":
		return Activation{}, invalid(text, staticWord, "does not fit: "+a.whyNotStatic(), dynamicWord)
	case s.Store == kernels.DoubleQuantized:
		return Activation{}, invalid(text, "scale=dq", "needs all scales of a tensor at once", "scale=f32")
	}
	return a, nil
}

// Unit returns the shape of what a takes at a time of a value of the given
// shape, that of one input of the network: a row of the last axis, or all.
func (a Activation) Unit(shape []int) []int {
	if a.Granularity == PerChannel && len(shape) > 0 {
		return shape[len(shape)-1:]
	}
	return shape
}

// WhyNot returns why a cannot act on values of the given shape, that of one
// input of the network, or "" if it can.
func (a Activation) WhyNot(shape []int) string { return a.Scheme.WhyNot(a.Unit(shape)) }

// whyNotStatic returns why the range of a cannot be fixed, or "".
func (a Activation) whyNotStatic() string {
	switch {
	case a.Format.Cast != nil, a.Granularity == Unscaled:
		return "it has no range"
	case a.Format.Block() > 0:
		return a.Format.Name + " finds the scale of each of its blocks anew"
	case a.Granularity != PerTensor:
		return "its units are as many as the values that flow; calibration fixes one scale for the tensor"
	case a.Range == kernels.OptimalScale:
		return "search=optimal looks at the values themselves"
	case a.Format.Grid == nil && !a.Format.Integer():
		return "its codebook is made from the values themselves"
	}
	return ""
}

// String returns a as [ParseActivation] reads it.
func (a Activation) String() string {
	if a.Keep() {
		return a.Scheme.String()
	}
	words := strings.Split(a.Scheme.String(), ":")
	for i, w := range words {
		if w == PerChannel.String() {
			words[i] = tokenWord
		}
	}
	when := dynamicWord
	if a.Static {
		when = staticWord
	}
	words = append(words, when)
	if a.Average {
		words = append(words, averageWord)
	}
	return strings.Join(words, ":")
}
