package kernels

import "math"

// Affine is the map of one unit — the weights that share a scale — to integer
// codes and back: q = clamp(round(x/Scale) + Zero, Min, Max) and
// y = (q − Zero)·Scale, Min ≤ Zero ≤ Max. A Scale of 0 sends every weight to 0.
// The assembly knows the order of the fields.
type Affine struct {
	Scale          float32
	Zero, Min, Max int32
}

// Symmetric returns the map of ±bound to codes of the given width without a
// zero point. Codes are ±(2^(bits-1)−1) and Scale = bound/(2^(bits-1)−1), as
// in ONNX Runtime; if full, all 2^bits codes and Scale = 2·bound/(2^bits−1),
// as torch's observers have it. The scale is then stored as store.
func Symmetric(bound float32, bits int, full bool, store *Store) Affine {
	m := int32(1)<<(bits-1) - 1
	a := Affine{Min: -m, Max: m}
	if full {
		a.Min--
		a.Scale = store.cast(bound / (float32(a.Max-a.Min) / 2))
	} else {
		a.Scale = store.cast(bound / float32(m))
	}
	return a
}

// Asymmetric returns the map of [lo, hi], widened to contain 0, to all
// 2^bits signed codes with an integer zero point:
// Scale = (hi−lo)/(2^bits−1), Zero = Min − round(lo/Scale), as in torch and
// ONNX Runtime. The scale is stored as store before the zero point is found.
func Asymmetric(lo, hi float32, bits int, store *Store) Affine {
	lo, hi = min(lo, 0), max(hi, 0)
	a := Affine{Min: -1 << (bits - 1), Max: 1<<(bits-1) - 1}
	steps := float32(a.Max - a.Min)
	width := hi - lo
	if math.IsInf(float64(width), 0) { // the range alone overflows float32
		a.Scale = store.cast(hi/steps - lo/steps)
	} else {
		a.Scale = store.cast(width / steps)
	}
	if a.Scale == 0 {
		return a
	}
	z := float64(a.Min) - math.RoundToEven(float64(lo/a.Scale))
	a.Zero = int32(max(float64(a.Min), min(float64(a.Max), z)))
	return a
}

// Range returns the least and the greatest value that a can give back.
func (a Affine) Range() (lo, hi float32) { return a.Value(a.Min), a.Value(a.Max) }

// Value returns what the code q stands for.
func (a Affine) Value(q int32) float32 { return float32(q-a.Zero) * a.Scale }

// Step is how a weight becomes a code, in the order in which it happens.
type Step struct {
	Scaled  float32 // x/Scale, computed as x·(1/Scale) like torch
	Rounded float32 // Scaled rounded by the mode
	Code    int32   // Rounded + Zero, clamped
	Clipped bool    // whether clamping changed it
	Value   float32 // what comes back
}

// Trace takes the finite weight x, at index at of its tensor, through a.
func (a Affine) Trace(x float32, r *Rounding, seed, at uint64) Step {
	var s Step
	if a.Scale == 0 {
		s.Code = a.Zero
		return s
	}
	s.Scaled = x * (1 / a.Scale)
	s.Rounded = r.Round(s.Scaled, seed, at)
	q := int32(s.Rounded) + a.Zero
	s.Code = max(a.Min, min(a.Max, q))
	s.Clipped = s.Code != q
	s.Value = a.Value(s.Code)
	return s
}

// RoundTrip sets every dst[i] to what comes back of src[i], of the same
// length; NaN and ±Inf stay as they are. at is the index of src[0] in its
// tensor. It returns how many weights were clipped.
func (a Affine) RoundTrip(dst, src []float32, r *Rounding, seed, at uint64) (clipped int) {
	return RoundTripUnits(dst, src, max(1, len(src)), []Affine{a}, r, seed, at)
}

// RoundTripUnits is [Affine.RoundTrip] of many units in a row: each run of unit
// weights, the last one maybe shorter, goes through the next of maps.
func RoundTripUnits(dst, src []float32, unit int, maps []Affine, r *Rounding, seed, at uint64) (clipped int) {
	maps = maps[:units(len(src), unit)]
	return roundTrip(dst[:len(src)], src, unit, maps, r, seed, at)
}

// units returns how many units of unit weights n weights make.
func units(n, unit int) int { return (n + unit - 1) / unit }

func roundTripGo(dst, src []float32, unit int, maps []Affine, r *Rounding, seed, at uint64) (clipped int) {
	for _, a := range maps {
		n := min(unit, len(src))
		clipped += a.roundTripGo(dst[:n], src[:n], r, seed, at)
		dst, src, at = dst[n:], src[n:], at+uint64(n)
	}
	return clipped
}

func (a Affine) roundTripGo(dst, src []float32, r *Rounding, seed, at uint64) (clipped int) {
	inv := a.inverse()
	for i, x := range src {
		dst[i] = max(-roundLimit, min(roundLimit, x*inv))
	}
	r.round(dst, seed, at)
	lo, hi := float32(a.Min-a.Zero), float32(a.Max-a.Zero)
	for i, x := range src {
		q := dst[i]
		c := max(lo, min(hi, q))
		if math.Float32bits(x)&expMask == expMask {
			dst[i] = x
			continue
		}
		if c != q {
			clipped++
		}
		dst[i] = float32(c*a.Scale) + 0 // −0 becomes 0
	}
	return clipped
}

// inverse returns 1/Scale, or 0 where Scale is 0.
func (a Affine) inverse() float32 {
	if a.Scale == 0 {
		return 0
	}
	return 1 / a.Scale
}
