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
	Granularity Granularity
	Asymmetric  bool
	Rounding    *kernels.Rounding // nil where the format has no scale, as the next two
	Range       *kernels.Range
	Store       *kernels.Store // how scales are stored
	Percentile  uint16         // of range=pNN.N, in hundredths
	Seed        uint16         // of round=stochastic
}

// Granularity says which weights share a scale: [PerTensor], [PerChannel], or
// any other value g for groups of g.
type Granularity int32

const (
	// PerTensor is one scale for the whole tensor.
	PerTensor Granularity = 0
	// PerChannel is one scale per index of the first axis.
	PerChannel Granularity = -1

	// MinGroup is the smallest group.
	MinGroup = 8
	maxGroup = 1 << 30
)

// String returns "tensor", "channel" or "gN".
func (g Granularity) String() string {
	switch g {
	case PerTensor:
		return "tensor"
	case PerChannel:
		return "channel"
	}
	return "g" + strconv.Itoa(int(g))
}

// Keep reports whether s leaves a tensor as it is.
func (s Scheme) Keep() bool { return s.Format == nil }

// Scaled reports whether s stores scales.
func (s Scheme) Scaled() bool { return s.Format != nil && s.Format.Scaled }

// String returns s in the grammar of [Parse], without what is default.
func (s Scheme) String() string {
	if s.Keep() {
		return "keep"
	}
	if !s.Scaled() {
		return s.Format.Name
	}
	part := []string{s.Format.Name}
	if s.Granularity != PerTensor {
		part = append(part, s.Granularity.String())
	}
	if s.Asymmetric {
		part = append(part, "asym")
	}
	if s.Rounding != kernels.Roundings[0] {
		part = append(part, "round="+s.Rounding.Name)
	}
	if s.Range != kernels.Ranges[0] {
		part = append(part, "range="+s.rangeName())
	}
	if s.Store != defaultStore(s.Granularity) {
		part = append(part, "scale="+s.Store.Name)
	}
	if s.Seed != 0 {
		part = append(part, fmt.Sprintf("seed=%d", s.Seed))
	}
	return strings.Join(part, ":")
}

func (s Scheme) rangeName() string {
	if s.Range == kernels.Percentile {
		return "p" + strconv.FormatFloat(float64(s.Percentile)/100, 'f', -1, 64)
	}
	return s.Range.Name
}

// defaultStore is f32 for few scales and f16 for many: int4:g32 weighs 4.5 bits.
func defaultStore(g Granularity) *kernels.Store {
	if g > 0 {
		return kernels.Stores[1]
	}
	return kernels.Stores[0]
}

// integers returns the scheme of an integer format with every other dial at
// its default.
func integers(f *kernels.Format) Scheme {
	return Scheme{Format: f, Rounding: kernels.Roundings[0], Range: kernels.Ranges[0], Store: defaultStore(PerTensor)}
}

func (s Scheme) fit() kernels.Fit {
	return kernels.Fit{Bits: s.Format.Bits, Asymmetric: s.Asymmetric, Full: s.Range == kernels.Full, Store: s.Store}
}
