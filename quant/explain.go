package quant

import (
	"context"
	"fmt"
	"math"

	"github.com/x448/float16"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// Trace is one weight on its way through a scheme.
type Trace struct {
	X      float32
	Index  int // in its tensor
	Scheme Scheme

	Map   kernels.Map  // of the weight's unit; nil where the format has none
	Step  kernels.Step // by the scheme's rounding; Value alone where there is no map
	Modes []ModeTrace  // what every rounding would have given, where there is a choice
	Grid  []float32    // representable values around X, ascending: two on each side where they exist
}

// ModeTrace is the step of one rounding.
type ModeTrace struct {
	Rounding *kernels.Rounding
	kernels.Step
}

// Scale returns what the weight is divided by, 0 where there is no map with a
// scale.
func (t *Trace) Scale() float32 {
	switch m := t.Map.(type) {
	case kernels.Affine:
		return m.Scale
	case *kernels.GridMap:
		return m.Scale
	}
	return 0
}

// Affine returns the map to integers, if the format is one.
func (t *Trace) Affine() (kernels.Affine, bool) {
	a, ok := t.Map.(kernels.Affine)
	return a, ok
}

// Err returns the error x − y.
func (t *Trace) Err() float64 { return float64(t.X) - float64(t.Step.Value) }

// Bits returns the sign, exponent and mantissa bits of x as an IEEE binary32.
func Bits(x float32) (sign, exponent, mantissa string) {
	b := fmt.Sprintf("%032b", math.Float32bits(x))
	return b[:1], b[1:9], b[9:]
}

// CodeBits returns the bits that store what x became: the integer's in two's
// complement, a float's sign, exponent and mantissa, the index of a codebook's
// value. It is "" where a weight has no code of its own.
func (t *Trace) CodeBits() string {
	f := t.Scheme.Format
	switch {
	case t.Scheme.Keep():
		return ""
	case f.Cast != nil:
		return t.castBits()
	case t.Map == nil:
		return ""
	}
	bits := fmt.Sprintf("%0*b", f.Bits, uint32(t.Step.Code)&(1<<f.Bits-1))
	if f.Grid != nil {
		if exponent := f.Grid.Exponent(); exponent > 0 {
			return bits[:1] + " " + bits[1:1+exponent] + " " + bits[1+exponent:]
		}
	}
	return bits
}

func (t *Trace) castBits() string {
	b := fmt.Sprintf("%032b", math.Float32bits(t.Step.Value))
	switch t.Scheme.Format.Name {
	case "f16":
		b = fmt.Sprintf("%016b", float16.Fromfloat32(t.Step.Value).Bits())
		return b[:1] + " " + b[1:6] + " " + b[6:]
	case "bf16":
		return b[:1] + " " + b[1:9] + " " + b[9:16]
	}
	return b[:1] + " " + b[1:9] + " " + b[9:]
}

// Explain takes the finite number x through s with the clipping range
// [lo, hi], as the weight at index at. A format whose scale or values follow
// from many weights sees x and the range's two ends.
func Explain(x float32, s Scheme, lo, hi float32, at int) Trace {
	t := Trace{X: x, Index: at, Scheme: s}
	switch {
	case s.Keep() || s.Format.Cast != nil:
	case s.Format.Integer():
		t.Map = s.fit().Affine(lo, hi)
	case s.Granularity == Unscaled:
		m := s.Format.Grid.Unit()
		t.Map = &m
	case s.Format.Block() == 0:
		t.Map = new(fitter).unit(s, []float32{lo, hi, x})
	default:
		block := make([]float32, s.Format.Block())
		block[0], block[1], block[2] = x, lo, hi
		t.throughBlock(block, 0, at, max(-lo, hi))
		return t
	}
	t.through()
	return t
}

// With returns the trace of another number through the same map; where there
// is none, the number as it is.
func (t *Trace) With(x float32) Trace {
	o := Trace{X: x, Index: t.Index, Scheme: t.Scheme, Map: t.Map}
	o.through()
	return o
}

// ExplainWeights takes the n weights of t from index first on through s, each
// with the map of its unit. It reads no more than their units.
func ExplainWeights(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme, first, n int) ([]Trace, error) {
	x := make([]float32, n)
	if err := t.Read(x, first); err != nil {
		return nil, err
	}
	traces := make([]Trace, n)
	l := s.layout(t.Shape)
	var m kernels.Map
	var block []float32
	for i := range traces {
		at := first + i
		traces[i] = Trace{X: x[i], Index: at, Scheme: s}
		u := l.unitOf(at)
		unit := span{l.start(u), l.start(u + 1)}
		entering := i == 0 || at == unit.first
		var err error
		switch {
		case s.Keep() || s.Format.Cast != nil:
		case s.Format.Block() > 0:
			if entering {
				block = make([]float32, unit.end-unit.first)
				err = t.Read(block, unit.first)
			}
			if err == nil {
				traces[i].throughBlock(block, at-unit.first, at, max(-sum.Lo, sum.Hi))
				continue
			}
		case s.Granularity == Unscaled:
			whole := s.Format.Grid.Unit()
			m = &whole
		case entering:
			if m, err = chooseMap(ctx, t, sum, s, unit); err == nil && s.Store == kernels.DoubleQuantized {
				var scales []float32
				if scales, err = sum.doubledScales(ctx, t, s); err == nil {
					m.(*kernels.GridMap).Scale = scales[u]
				}
			}
		}
		if err != nil {
			return nil, err
		}
		traces[i].Map = m
		traces[i].through()
	}
	return traces, nil
}

// through takes the weight through its map, or the cast.
func (t *Trace) through() {
	t.Step.Value = t.X
	s := t.Scheme
	switch {
	case s.Keep() || !kernels.Finite(t.X): // stays as it is
		return
	case s.Format.Cast != nil:
		t.cast()
		return
	case t.Map == nil:
		return
	}
	seed, at := uint64(s.Seed), uint64(t.Index)
	t.Step = t.Map.Trace(t.X, s.Rounding, seed, at)
	if s.Rounding != nil {
		for _, r := range kernels.Roundings {
			t.Modes = append(t.Modes, ModeTrace{r, t.Map.Trace(t.X, r, seed, at)})
		}
	}
	t.Grid = t.Map.Around(t.X)
}

func (t *Trace) cast() {
	c := t.Scheme.Format.Cast
	t.Step.Value, t.Step.Clipped = c.Value(t.X)
	y := t.Step.Value
	below, above := c.Next(y, -1), c.Next(y, 1)
	t.Grid = []float32{c.Next(below, -1), below, y, above, c.Next(above, 1)}
	if t.X >= y {
		t.Grid = t.Grid[1:]
	} else {
		t.Grid = t.Grid[:4]
	}
}

// throughBlock takes the weight through a format that has blocks of its own,
// as number i of its block; top is the largest magnitude of the tensor.
func (t *Trace) throughBlock(block []float32, i, at int, top float32) {
	s := t.Scheme
	q := quantizer{scheme: s, top: top}
	value := func(r *kernels.Rounding) float32 {
		q.scheme.Rounding = r
		y := make([]float32, len(block))
		// Stochastic rounding draws by the index in the tensor.
		q.block(y, block, uint64(at-i), new(fitter))
		return y[i]
	}
	t.Step.Value = value(s.Rounding)
	if s.Rounding != nil && kernels.Finite(t.X) {
		for _, r := range kernels.Roundings {
			t.Modes = append(t.Modes, ModeTrace{r, kernels.Step{Value: value(r)}})
		}
	}
}
