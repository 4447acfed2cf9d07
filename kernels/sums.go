package kernels

import "math"

// Sums are the error sums of a round trip: of weights x, what came back y and
// the error e = x − y. Only finite weights enter; the others are counted.
type Sums struct {
	N          int     // finite weights
	NonFinite  int     // NaN and ±Inf, left as they were
	E, E2      float64 // Σe, Σe²
	X2, Y2, XY float64 // Σx², Σy², Σx·y
	MaxAbs     float64 // max |e|
	MaxAt      int     // index of the first weight with that error
	Clipped    int     // weights whose code lay outside the format's codes
	Zeros      int     // weights that were not zero and became zero
}

// Add adds o, the sums of weights that follow those of s. Sums added in one
// order are equal to the bit, whoever computed the parts.
func (s *Sums) Add(o Sums) {
	s.N += o.N
	s.NonFinite += o.NonFinite
	s.E += o.E
	s.E2 += o.E2
	s.X2 += o.X2
	s.Y2 += o.Y2
	s.XY += o.XY
	if o.MaxAbs > s.MaxAbs {
		s.MaxAbs, s.MaxAt = o.MaxAbs, o.MaxAt
	}
	s.Clipped += o.Clipped
	s.Zeros += o.Zeros
}

// Compare returns the sums of the weights x and their quantized values y, of
// the same length; at is the index of x[0] in its tensor. Clipped is left 0:
// only the format knows it.
func Compare(x, y []float32, at int) Sums {
	var s Sums
	y = y[:len(x)]
	maxAt := -1
	for i, v := range x {
		if math.Float32bits(v)&expMask == expMask {
			s.NonFinite++
			continue
		}
		a, b := float64(v), float64(y[i])
		e := a - b
		s.E += e
		s.E2 += float64(e * e) // the conversions forbid fused multiply-add: the same sums on every machine
		s.X2 += float64(a * a)
		s.Y2 += float64(b * b)
		s.XY += float64(a * b)
		if e = math.Abs(e); e > s.MaxAbs {
			s.MaxAbs, maxAt = e, i
		}
		if b == 0 && a != 0 {
			s.Zeros++
		}
	}
	s.N = len(x) - s.NonFinite
	if maxAt >= 0 {
		s.MaxAt = at + maxAt
	}
	return s
}

const expMask = 0x7f800000

// Finite reports whether x is neither NaN nor ±Inf.
func Finite(x float32) bool { return math.Float32bits(x)&expMask != expMask }
