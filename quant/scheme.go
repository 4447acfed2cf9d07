package quant

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/kernels"
)

// Scheme is the position of every dial of one tensor. It is comparable, and
// its String is the grammar that the command line, plan files and the screen
// share. The zero value, "keep", leaves a tensor as it is stored.
//
// Schemes come from [Parse] or from turning a [Dial]: both give valid ones.
type Scheme struct {
	Format      *kernels.Format // nil: keep
	Granularity Granularity     // PerTensor where the format has blocks of its own
	Asymmetric  bool
	Rounding    *kernels.Rounding // nil where it is no dial of the format, as the next two
	Range       *kernels.Range
	Store       *kernels.Store // how scales are stored
	Percentile  uint16         // of range=pNN.N, in hundredths
	Seed        uint16         // of round=stochastic
}

// Granularity says which weights share a scale: [PerTensor], [PerChannel],
// [Unscaled], or any other value g for groups of g.
type Granularity int32

const (
	// PerTensor is one scale for the whole tensor.
	PerTensor Granularity = 0
	// PerChannel is one scale per index of the first axis.
	PerChannel Granularity = -1
	// Unscaled is no scale at all: a small float as it is.
	Unscaled Granularity = -2

	// MinGroup is the smallest group.
	MinGroup = 8
	maxGroup = 1 << 30
)

// String returns "tensor", "channel", "unscaled" or "gN".
func (g Granularity) String() string {
	switch g {
	case PerTensor:
		return "tensor"
	case PerChannel:
		return "channel"
	case Unscaled:
		return "unscaled"
	}
	return "g" + strconv.Itoa(int(g))
}

// Keep reports whether s leaves a tensor as it is.
func (s Scheme) Keep() bool { return s.Format == nil }

// Has reports whether all dials of d are among those of the scheme's format.
func (s Scheme) Has(d kernels.Dials) bool { return s.Format != nil && s.Format.Has(d) }

// String returns s in the grammar of [Parse], without what is default.
func (s Scheme) String() string {
	if s.Keep() {
		return "keep"
	}
	plain := defaults(s.Format, s.Granularity)
	part := []string{s.Format.Name}
	add := func(differs bool, text string) {
		if differs {
			part = append(part, text)
		}
	}
	add(s.Granularity != PerTensor, s.Granularity.String())
	add(s.Asymmetric != plain.Asymmetric, "asym")
	add(s.Rounding != plain.Rounding, "round="+s.roundingName())
	add(s.Range != plain.Range, s.rangeText())
	add(s.Store != plain.Store, "scale="+s.storeName())
	add(s.Seed != 0, fmt.Sprintf("seed=%d", s.Seed))
	return strings.Join(part, ":")
}

func (s Scheme) roundingName() string {
	if s.Rounding == nil {
		return ""
	}
	return s.Rounding.Name
}

func (s Scheme) storeName() string {
	if s.Store == nil {
		return ""
	}
	return s.Store.Name
}

// rangeText returns the part of a scheme's text that chooses its range.
func (s Scheme) rangeText() string {
	switch s.Range {
	case nil:
		return ""
	case kernels.OptimalScale:
		return "search=" + s.Range.Name
	case kernels.Percentile:
		return "range=p" + strconv.FormatFloat(float64(s.Percentile)/100, 'f', -1, 64)
	}
	return "range=" + s.Range.Name
}

// defaults returns the scheme of a format at a granularity with every other
// dial at its default.
func defaults(f *kernels.Format, g Granularity) Scheme {
	s := Scheme{Format: f, Granularity: g, Asymmetric: f.Integer() && f.Bits == 1}
	if f.Has(kernels.Rounds) {
		s.Rounding = kernels.Roundings[0]
	}
	if g == Unscaled {
		return s
	}
	if f.Has(kernels.Ranged) {
		s.Range = kernels.Ranges[0]
	}
	if f.Has(kernels.Stored) {
		s.Store = kernels.Stores[0] // few scales
		if g > 0 {
			s.Store = kernels.Stores[1] // many: int4:g32 weighs 4.5 bits
		}
	}
	return s
}

// As returns s in another format: dials that both have stay as they are.
func (s Scheme) As(f *kernels.Format) Scheme {
	if s.Keep() {
		return defaults(f, PerTensor)
	}
	g := s.Granularity
	if !f.Has(kernels.Granular) || g == Unscaled && !f.Has(kernels.Unscaled) {
		g = PerTensor
	}
	t := defaults(f, g)
	if f.Has(kernels.ZeroPoint) && f.Bits > 1 {
		t.Asymmetric = s.Asymmetric && s.Format.Bits > 1
	}
	if t.Rounding != nil && s.Rounding != nil {
		t.Rounding, t.Seed = s.Rounding, s.Seed
	}
	if s.Range != nil && s.Range.Of(f) && t.rangeFits(s.Range) {
		t.Range, t.Percentile = s.Range, s.Percentile
	}
	if t.Store != nil && s.Store != nil && s.Granularity == g && t.whyNotStore(s.Store) == "" {
		t.Store = s.Store
	}
	return t
}

// rangeFits reports whether the other dials allow range r.
func (s Scheme) rangeFits(r *kernels.Range) bool { return s.whyNotRange(r) == "" }

// maxOptimal is the largest group whose optimal scale is looked for: the
// search sorts every code of every weight.
const maxOptimal = 1024

// whyNotRange returns why r does not go with the other dials, or "".
func (s Scheme) whyNotRange(r *kernels.Range) string {
	switch {
	case r == nil || s.Format.Packing != nil:
		return ""
	case s.Granularity == Unscaled:
		return "an unscaled format has no range"
	case r.SymmetricOnly && s.Asymmetric:
		return "it needs sym: asymmetric codes are always used in full"
	case r == kernels.OptimalScale && (s.Granularity <= 0 || s.Granularity > maxOptimal):
		return fmt.Sprintf("it needs groups of at most %d: it tries every code of every weight", maxOptimal)
	}
	return ""
}

// maxDoubled is the largest group whose scales are quantized themselves:
// bitsandbytes has none larger.
const maxDoubled = 4096

// whyNotStore returns why scales cannot be stored as store, or "".
func (s Scheme) whyNotStore(store *kernels.Store) string {
	switch {
	case store != kernels.DoubleQuantized:
		return ""
	case !s.Has(kernels.Doubled):
		return "only nf4 and fp4_bnb quantize their scales, as bitsandbytes does"
	case s.Granularity <= 0 || s.Granularity > maxDoubled:
		return fmt.Sprintf("it needs groups of at most %d: few scales are not worth it", maxDoubled)
	}
	return ""
}

func (s Scheme) fit() kernels.Fit {
	return kernels.Fit{Bits: s.Format.Bits, Asymmetric: s.Asymmetric, Full: s.Range == kernels.Full, Store: s.Store}
}
