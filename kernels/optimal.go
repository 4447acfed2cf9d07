package kernels

import (
	"math"
	"math/bits"
	"slices"
)

// Optimal searches the scale of least squared error. It keeps its memory from
// unit to unit; the zero value is ready, for one goroutine at a time.
type Optimal struct {
	breaks      []uint64
	points      []mass // of a search with a minimum
	sumW, sumX2 float64
}

// Scale returns the s > 0 that minimises Σ w·(x − s·q)² over all scales and
// all integers q of −m..m, for the finite weights of x and their importance w,
// ≥ 0, or 1 if that is nil; 0 if every weight is 0 or unimportant.
//
// For a given s the best q is x/s rounded to nearest; for a given q the best s
// is Σwqx/Σwq², and the error Σwx² − (Σwqx)²/Σwq². As s falls from infinity,
// each |q| rises by one at s = |x|/(|q|+½): all codes that are best for some s
// are met by walking these breakpoints downwards, and both sums follow by one
// addition each. It stops where the weights beyond ±m·s alone cost more than
// a scale already known. At most m·len(x) breakpoints are sorted: it is meant
// for blocks and short channels. Up to the rounding of float64 sums no other
// scale is better; rounding the result to a small float costs a little again.
func (o *Optimal) Scale(x, importance []float32, m int) float32 {
	s, _ := o.scale(x, importance, m, m)
	return float32(s)
}

// ScaleOf is [Optimal.Scale] for the integers q of lo..hi, lo < 0 < hi, and for
// scales of either sign: which one is better depends on the end that reaches
// further.
func (o *Optimal) ScaleOf(x, importance []float32, lo, hi int) float32 {
	s, gain := o.scale(x, importance, hi, -lo)
	if t, more := o.scale(x, importance, -lo, hi); more > gain {
		return float32(-t)
	}
	return float32(s)
}

// scale returns the best s > 0 and how much of Σwx² it explains; the largest
// code is above for weights above 0, below for others.
func (o *Optimal) scale(x, importance []float32, above, below int) (scale, gain float64) {
	const half = 0.5
	limits := [2]float64{float64(above), float64(below)}
	var top [2]float64
	var topAt [2]int
	for i, v := range x {
		a, side := magnitude(v), sideOf(v)
		if a > top[side] && weightOf(importance, i) > 0 {
			top[side], topAt[side] = a, i
		}
	}
	widest := max(top[0]/limits[0], top[1]/limits[1])
	if widest == 0 {
		return 0, 0
	}
	// Below floor the clipping of the largest weight alone costs more than
	// clipping none.
	known := math.Sqrt(nearestError(x, importance, widest, limits))
	floor := 0.
	for side, a := range top {
		if a > 0 {
			floor = max(floor, (a-known/math.Sqrt(weightOf(importance, topAt[side])))/limits[side])
		}
	}
	floor *= 1 - 1e-9

	// A breakpoint is a positive float64, whose bits order like it, with the
	// weight's index in the last ones.
	index := uint64(1)<<bits.Len(uint(len(x)-1)) - 1
	o.breaks = o.breaks[:0]
	for i, v := range x {
		a := magnitude(v)
		if a == 0 || weightOf(importance, i) == 0 {
			continue
		}
		for q := 0.; q < limits[sideOf(v)]; q++ {
			s := a / (q + half)
			if s < floor {
				break
			}
			o.breaks = append(o.breaks, math.Float64bits(s)&^index|uint64(i))
		}
	}
	slices.Sort(o.breaks)

	var sumQX, sumQ2 float64 // of the codes passed
	for _, b := range slices.Backward(o.breaks) {
		i := int(b & index)
		a, w := magnitude(x[i]), weightOf(importance, i)
		s := math.Float64frombits(b &^ index)
		q := math.Round(a/s - half) // the code before
		sumQX += float64(w * a)
		sumQ2 += float64(w * (2*q + 1))
		if g := sumQX * sumQX / sumQ2; g > gain {
			gain, scale = g, sumQX/sumQ2
		}
	}
	return scale, gain
}

// sideOf returns 0 for weights above 0, 1 for others.
func sideOf(v float32) int {
	if v > 0 {
		return 0
	}
	return 1
}

// nearestError returns Σ w·(x − s·q)² for the integers nearest to x/s, as large
// as the limits of their sides.
func nearestError(x, importance []float32, s float64, limits [2]float64) float64 {
	sum := 0.
	for i, v := range x {
		a := magnitude(v)
		e := a - float64(s*min(math.RoundToEven(a/s), limits[sideOf(v)]))
		sum += float64(weightOf(importance, i) * float64(e*e))
	}
	return sum
}

// magnitude returns |v|, or 0 if v is not finite.
func magnitude(v float32) float64 {
	if !Finite(v) {
		return 0
	}
	return math.Abs(float64(v))
}

// weightOf returns the importance of weight i: 1 if there is none, 0 if it is
// no finite positive number.
func weightOf(importance []float32, i int) float64 {
	if importance == nil {
		return 1
	}
	if w := importance[i]; w > 0 && Finite(w) {
		return float64(w)
	}
	return 0
}
