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
	const half = 0.5
	sumX2 := 0.
	top, topAt := float32(0), 0
	for i, v := range x {
		w := weightOf(importance, i)
		a := magnitude(v)
		if w == 0 || a == 0 {
			continue
		}
		sumX2 += float64(w * float64(a*a))
		if float32(a) > top {
			top, topAt = float32(a), i
		}
	}
	if sumX2 == 0 {
		return 0
	}
	// Below floor the largest weight's clipping alone costs more than min–max.
	known := nearestError(x, importance, float64(top)/float64(m), m)
	floor := (float64(top) - math.Sqrt(known/weightOf(importance, topAt))) / float64(m) * (1 - 1e-9)

	// A breakpoint is a positive float64, whose bits order like it, with the
	// weight's index in the last ones.
	index := uint64(1)<<bits.Len(uint(len(x)-1)) - 1
	o.breaks = o.breaks[:0]
	for i, v := range x {
		a := magnitude(v)
		if a == 0 || weightOf(importance, i) == 0 {
			continue
		}
		for q := range m {
			s := a / (float64(q) + half)
			if s < floor {
				break
			}
			o.breaks = append(o.breaks, math.Float64bits(s)&^index|uint64(i))
		}
	}
	slices.Sort(o.breaks)

	var sumQX, sumQ2, best float64 // of the codes passed; the greatest gain
	scale := 0.
	for _, b := range slices.Backward(o.breaks) {
		i := int(b & index)
		a, w := magnitude(x[i]), weightOf(importance, i)
		s := math.Float64frombits(b &^ index)
		q := math.Round(a/s - half) // the code before
		sumQX += float64(w * a)
		sumQ2 += float64(w * (2*q + 1))
		if gain := sumQX * sumQX / sumQ2; gain > best {
			best, scale = gain, sumQX/sumQ2
		}
	}
	return float32(scale)
}

// nearestError returns Σ w·(x − s·q)² for the integers of −m..m nearest to x/s.
func nearestError(x, importance []float32, s float64, m int) float64 {
	sum := 0.
	for i, v := range x {
		a := magnitude(v)
		e := a - float64(s*min(math.RoundToEven(a/s), float64(m)))
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
