package kernels

import "slices"

// Map turns the weights of one unit, those that share a scale or a codebook,
// into values of a format and back.
type Map interface {
	// RoundTrip sets every dst[i] to what comes back of src[i]; the slices have
	// the same length and do not overlap. NaN and ±Inf stay as they are. at is
	// the index of src[0] in its tensor. It returns how many were clipped.
	RoundTrip(dst, src []float32, r *Rounding, seed, at uint64) (clipped int)
	// Trace takes the finite weight x, at index at of its tensor, through.
	Trace(x float32, r *Rounding, seed, at uint64) Step
	// Range returns the least and the greatest value that can come back.
	Range() (lo, hi float32)
	// Values returns the values that can come back, ascending.
	Values() []float32
	// Around returns the representable values next to x, ascending: up to two
	// on each side.
	Around(x float32) []float32
}

// Values returns the values that a can give back, ascending.
func (a Affine) Values() []float32 {
	values := make([]float32, 0, a.Max-a.Min+1)
	for q := a.Min; q <= a.Max; q++ {
		values = append(values, a.Value(q))
	}
	return values
}

// Around returns the values of a next to x, ascending: up to two on each side.
func (a Affine) Around(x float32) []float32 {
	if a.Scale == 0 {
		return []float32{0}
	}
	scaled := x * a.inverse()
	below := roundDown(max(float32(a.Min-a.Zero), min(float32(a.Max-a.Zero), scaled)))
	var values []float32
	for q := below - 1; q <= below+2; q++ {
		if code := q + a.Zero; code >= a.Min && code <= a.Max {
			values = append(values, a.Value(code))
		}
	}
	return values
}

// around returns up to two of the ascending values on each side of x.
func around(values []float32, x float32) []float32 {
	above, _ := slices.BinarySearchFunc(values, x, func(v, x float32) int {
		if v <= x {
			return -1
		}
		return 1
	})
	first := max(0, min(above-2, len(values)-2))
	return values[first:min(len(values), max(above+2, 2))]
}

// Range returns the least and the greatest value that m can give back.
func (m GridMap) Range() (lo, hi float32) {
	values := m.Values()
	return values[0], values[len(values)-1]
}

// Values returns the values that m can give back, ascending.
func (m GridMap) Values() []float32 {
	if m.Inverse == 0 {
		return []float32{0}
	}
	values := m.Grid.Values()
	for i := range values {
		values[i] *= m.Scale
	}
	return values
}

// Around returns the values of m next to x, ascending: up to two on each side.
func (m GridMap) Around(x float32) []float32 { return around(m.Values(), x) }

// Range returns the least and the greatest value of c.
func (c Codebook) Range() (lo, hi float32) {
	return c.book.values[0], c.book.values[len(c.book.values)-1]
}

// Around returns the values of c next to x, ascending: up to two on each side.
func (c Codebook) Around(x float32) []float32 { return around(slices.Compact(c.Values()), x) }

// Trace takes the finite weight x through c: Code is the index of its value.
func (c Codebook) Trace(x float32, r *Rounding, seed, at uint64) Step {
	var y [1]float32
	c.RoundTrip(y[:], []float32{x}, r, seed, at)
	return Step{Scaled: x, Rounded: y[0], Value: y[0], Code: int32(slices.Index(c.book.values, y[0]))}
}
