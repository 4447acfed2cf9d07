package kernels

import "math"

// roundOnce returns sum, the float64 next to x·y+z, rounded to float32 as if
// x·y+z were rounded only once.
//
// A second rounding goes wrong only where the first one has landed in the
// middle between two float32, which has at least 28 zeros at its end; so a
// caller may convert all other sums by itself. In the middle, what the first
// rounding has lost decides. Rounding to odd keeps it (S. Boldo and
// G. Melquiond, Emulation of FMA and correctly rounded sums: proved algorithms
// using rounding to odd, 2008).
func roundOnce(x, y, z float32, sum float64) float32 {
	product, addend := float64(x)*float64(y), float64(z) // exact
	t := sum - product
	lost := (product - (sum - t)) + (addend - t) // exact too, or NaN next to ±Inf
	bits := math.Float64bits(sum)
	switch {
	case bits&1 == 1:
	case lost > 0 && sum > 0, lost < 0 && sum < 0:
		bits++
	case lost > 0, lost < 0:
		bits--
	}
	return float32(math.Float64frombits(bits))
}
