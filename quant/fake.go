package quant

import (
	"context"
	"errors"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// Fake takes values in memory through a scheme and back: fake quantization. It
// is one goroutine's own, for the space that it keeps.
type Fake struct {
	q quantizer
	f fitter
}

// NewFake returns what takes values of the given shape through s, the ranges
// found anew from the values at every call.
func NewFake(s Scheme, shape []int) (*Fake, error) {
	if why := s.WhyNot(shape); why != "" {
		return nil, errors.New(why)
	}
	if s.Store == kernels.DoubleQuantized {
		return nil, errors.New("scale=dq: the scales of values that change cannot be quantized; scale=f16 can")
	}
	f := &Fake{q: quantizer{scheme: s, layout: s.layout(shape)}}
	if s.Granularity == Unscaled && !s.Keep() {
		f.q.maps = []kernels.Map{s.Format.Grid.Unit()}
	}
	return f, nil
}

// RoundTrip sets y to what comes back of x, both of the shape's length, and
// returns how many values were clipped. NaN and ±Inf stay as they are.
func (f *Fake) RoundTrip(y, x []float32) (clipped int) {
	if len(x) == 0 {
		return 0
	}
	if !f.q.scheme.Keep() && f.q.scheme.Format.Micro != nil {
		lo, hi := kernels.Extremes(x)
		f.q.top = max(-lo, hi)
	}
	return f.q.roundTrip(y, x, 0, &f.f)
}

// Affine returns the maps that the scheme, of integers, chooses for x, one for
// each unit.
func (f *Fake) Affine(x []float32) []kernels.Affine {
	var maps []kernels.Affine
	for i := 0; i < len(x); {
		end := f.q.layout.runEnd(i)
		maps = append(maps, f.f.integers(f.q.scheme, x[i:end], f.q.layout.unit)...)
		i = end
	}
	return maps
}

// Unit returns the unit that value i belongs to.
func (f *Fake) Unit(i int) int { return f.q.layout.unitOf(i) }

// Fix makes f use maps, one for each unit, instead of finding them.
func (f *Fake) Fix(maps []kernels.Affine) { f.q.affine = maps }

// AffineMaps returns the maps that s, of integers, chooses for t, one for each
// unit: those of [Measure] and [Dequantize].
func AffineMaps(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme) ([]kernels.Affine, error) {
	q, err := newQuantizer(ctx, t, sum, s)
	if err != nil {
		return nil, err
	}
	if q.affine != nil {
		return q.affine, nil
	}
	x := make([]float32, t.Len())
	if err := t.Read(x, 0); err != nil {
		return nil, err
	}
	f := Fake{q: *q}
	return f.Affine(x), nil
}

// FitRange returns the map that s chooses for a single unit of values that are
// known by their distribution and their extremes.
func FitRange(s Scheme, d kernels.Distribution, lo, hi float32) kernels.Map {
	return chooseByDistribution(s, d, lo, hi)
}
