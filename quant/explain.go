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

	Map   kernels.Affine // of the weight's unit; zero where the format has no scale
	Step  kernels.Step   // by the scheme's rounding; Value alone where there is no scale
	Modes []ModeTrace    // what every rounding would have given
	Grid  []float32      // representable values around X, ascending: two on each side where they exist
}

// ModeTrace is the step of one rounding.
type ModeTrace struct {
	Rounding *kernels.Rounding
	kernels.Step
}

// Err returns the error x − y.
func (t *Trace) Err() float64 { return float64(t.X) - float64(t.Step.Value) }

// Bits returns the sign, exponent and mantissa bits of x as an IEEE binary32.
func Bits(x float32) (sign, exponent, mantissa string) {
	b := fmt.Sprintf("%032b", math.Float32bits(x))
	return b[:1], b[1:9], b[9:]
}

// CodeBits returns the bits that store what x became: the integer's in two's
// complement, or the cast's sign, exponent and mantissa.
func (t *Trace) CodeBits() string {
	if t.Scheme.Keep() {
		return ""
	}
	bits := t.Scheme.Format.Bits
	if t.Scheme.Scaled() {
		return fmt.Sprintf("%0*b", bits, uint32(t.Step.Code)&(1<<bits-1))
	}
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
// [lo, hi], as the weight at index at.
func Explain(x float32, s Scheme, lo, hi float32, at int) Trace {
	if !s.Scaled() {
		return cast(x, s, at)
	}
	return affine(x, s, s.fit().Affine(lo, hi), at)
}

// With returns the trace of another number through the same map.
func (t *Trace) With(x float32) Trace {
	if !t.Scheme.Scaled() {
		return cast(x, t.Scheme, t.Index)
	}
	return affine(x, t.Scheme, t.Map, t.Index)
}

// ExplainWeight takes weight at of t through s with the map of its unit.
func ExplainWeight(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme, at int) (Trace, error) {
	var x [1]float32
	if err := t.Read(x[:], at); err != nil {
		return Trace{}, err
	}
	if !s.Scaled() {
		return cast(x[0], s, at), nil
	}
	q, err := newQuantizer(ctx, t, sum, s)
	if err != nil {
		return Trace{}, err
	}
	u := q.layout.unitOf(at)
	if q.known != nil {
		return affine(x[0], s, q.known[u], at), nil
	}
	unit := make([]float32, q.layout.start(u+1)-q.layout.start(u))
	if err := t.Read(unit, q.layout.start(u)); err != nil {
		return Trace{}, err
	}
	return affine(x[0], s, new(fitter).fit(s, unit, len(unit))[0], at), nil
}

func affine(x float32, s Scheme, a kernels.Affine, at int) Trace {
	t := Trace{X: x, Index: at, Scheme: s, Map: a}
	if !kernels.Finite(x) { // stays as it is
		t.Step.Value = x
		return t
	}
	for _, r := range kernels.Roundings {
		step := a.Trace(x, r, uint64(s.Seed), uint64(at))
		t.Modes = append(t.Modes, ModeTrace{r, step})
		if r == s.Rounding {
			t.Step = step
		}
	}
	if a.Scale == 0 {
		t.Grid = []float32{0}
		return t
	}
	below := int32(math.Floor(float64(max(float32(a.Min-a.Zero), min(float32(a.Max-a.Zero), t.Step.Scaled)))))
	for q := below - 1; q <= below+2; q++ {
		if code := q + a.Zero; code >= a.Min && code <= a.Max {
			t.Grid = append(t.Grid, a.Value(code))
		}
	}
	return t
}

func cast(x float32, s Scheme, at int) Trace {
	t := Trace{X: x, Index: at, Scheme: s}
	t.Step.Value = x
	if s.Keep() || !kernels.Finite(x) {
		return t
	}
	t.Step.Value, t.Step.Clipped = s.Format.Cast(x)
	y := t.Step.Value
	below, above := s.Format.Next(y, -1), s.Format.Next(y, 1)
	t.Grid = []float32{s.Format.Next(below, -1), below, y, above, s.Format.Next(above, 1)}
	if x >= y {
		t.Grid = t.Grid[1:]
	} else {
		t.Grid = t.Grid[:4]
	}
	return t
}
