package quant

import (
	"slices"

	"github.com/bitdial/bitdial/kernels"
)

// ActivationDials is the table of dials of what flows into a layer, in the
// order of the screen. Most are those of weights; the first two are the same
// ones, so that a key for bits means the same.
var ActivationDials = []*Dial[Activation]{
	lifted("family", "the kind of numbers that values become as they flow"),
	lifted("format", "the numbers themselves: within a family mostly a matter of bits"),
	{"granularity", "which values share a scale", whyNotFlowGranularity, flowGranularityOptions},
	lifted("zero point", "whether the range may sit off zero: after a ReLU every value is positive"),
	{"when", "dynamic finds the range as values flow; static fixes it by calibration", func(Activation) string { return "" }, whenOptions},
	{"range", "how the clipping range is chosen", liftedWhy("range"), flowRangeOptions},
	lifted("rounding", "how a value between two grid points chooses"),
}

// lifted returns the dial of weights called name, for activations.
func lifted(name, about string) *Dial[Activation] {
	return &Dial[Activation]{name, about, liftedWhy(name), func(a Activation) []Option[Activation] { return liftedOptions(name, a) }}
}

// schemeDial returns the dial of weights called name.
func schemeDial(name string) *Dial[Scheme] {
	return lookup(Dials, name, func(d *Dial[Scheme]) string { return d.Name })
}

func liftedWhy(name string) func(Activation) string {
	d := schemeDial(name)
	return func(a Activation) string {
		if a.Keep() && name != "family" {
			return "what flows in stays in float"
		}
		return d.Why(a.Scheme)
	}
}

func liftedOptions(name string, a Activation) []Option[Activation] {
	of, _ := schemeDial(name).Options(a.Scheme)
	options := make([]Option[Activation], len(of))
	for i, o := range of {
		t := a // with its range of calibration, which no scheme knows
		if o.Scheme != a.Scheme {
			t = a.with(o.Scheme)
		}
		options[i] = Option[Activation]{o.Label, t}
	}
	return options
}

// with returns a on another scheme. A range that this one does not let
// calibration fix is found as values flow.
func (a Activation) with(s Scheme) Activation {
	t := Activation{s, a.Static, a.Average && s.Range == kernels.MinMax}
	if s.Keep() || t.Static && t.whyNotStatic() != "" {
		t.Static, t.Average = false, false
	}
	return t
}

func whyNotFlowGranularity(a Activation) string {
	if a.Static {
		return "static: calibration fixes one scale for all that flows in"
	}
	return liftedWhy("granularity")(a)
}

func flowGranularityOptions(a Activation) []Option[Activation] {
	options := liftedOptions("granularity", a)
	for i := range options {
		if options[i].Scheme.Granularity == PerChannel {
			options[i].Label = tokenWord
		}
	}
	return options
}

// As returns a in another format, as [Scheme.As] has it.
func (a Activation) As(f *kernels.Format) Activation { return a.with(a.Scheme.As(f)) }

// WhyNotStatic returns why no range of a's format can be fixed by calibration,
// or "" if turning to static is possible.
func (a Activation) WhyNotStatic() string {
	if a.Keep() {
		return ""
	}
	return a.static().whyNotStatic()
}

// static returns a with its range fixed by calibration: one scale for all.
func (a Activation) static() Activation {
	switch {
	case a.Keep():
		a.Scheme = defaults(kernels.FormatOf("int8"), PerTensor)
	case a.Granularity != PerTensor:
		a.Scheme = a.at(PerTensor)
	}
	a.Static = true
	return a
}

// whenOptions are "float", "dynamic" and, where calibration can fix the range,
// "static".
func whenOptions(a Activation) []Option[Activation] {
	dynamic := a
	if a.Keep() {
		dynamic = a.static()
	}
	dynamic.Static, dynamic.Average = false, false
	options := []Option[Activation]{{"float", Activation{}}, {dynamicWord, dynamic}}
	if a.WhyNotStatic() == "" {
		options = append(options, Option[Activation]{staticWord, a.static()})
	}
	return options
}

// flowRangeOptions are those of weights and, for static ranges, the average of
// each input's extremes.
func flowRangeOptions(a Activation) []Option[Activation] {
	plain := a
	plain.Average = false
	options := liftedOptions("range", plain)
	if !a.Static {
		return options
	}
	average := plain
	average.Range, average.Percentile, average.Average = kernels.MinMax, 0, true
	i := slices.IndexFunc(options, func(o Option[Activation]) bool { return o.Scheme.Range == kernels.MinMax })
	return slices.Insert(options, i+1, Option[Activation]{"average", average})
}

// Calibrated returns the ways in which calibration can fix a range for a, each
// as a whole scheme; where a stays in float, or its format has no range, those
// for int8.
func (a Activation) Calibrated() []Option[Activation] {
	fixed := a.static()
	if fixed.whyNotStatic() != "" || !fixed.Has(kernels.Ranged) {
		fixed = Activation{}.static()
	}
	const usual = 9990 // of the percentiles, one is enough to compare with
	return slices.DeleteFunc(flowRangeOptions(fixed), func(o Option[Activation]) bool {
		s := o.Scheme
		return s.Range == kernels.Full || s.Range == kernels.Percentile && s.Percentile != usual
	})
}
