package kernels

import (
	"math"
	"math/bits"
	"slices"
)

// Optimal searches the scale of least squared error. It keeps its memory from
// unit to unit; the zero value is ready, for one goroutine at a time.
type Optimal struct {
	climbs []climb
	breaks []uint64
	starts []int32 // of buckets of breakpoints

	// Of a search with a minimum:
	points      []mass
	sumW, sumX2 float64
	codes       []int // of the points, where a walk is
}

// Scale returns the s > 0 that minimises Σ w·(x − s·q)² over all scales and
// all integers q of −m..m, for the finite weights of x and their importance w,
// ≥ 0, or 1 if that is nil; 0 if every weight is 0 or unimportant.
//
// For a given s the best q is x/s rounded to nearest; for a given q the best s
// is Σwqx/Σwq², and the error Σwx² − (Σwqx)²/Σwq². As 1/s rises from 0, each
// |q| rises by one at 1/s = (|q|+½)/|x|: all codes that are best for some s
// are met by walking these breakpoints upwards, and both sums follow by one
// addition each. It stops where the weights beyond ±m·s alone cost more than
// a scale already known. At most m·len(x) breakpoints are sorted, in linear
// time since they are spread evenly: it is meant for blocks and short
// channels. Up to the rounding of float64 sums no other scale is better;
// rounding the result to a small float costs a little again.
func (o *Optimal) Scale(x, importance []float32, m int) float32 {
	s, _ := o.scale(x, importance, m, m, 0)
	return float32(s)
}

// ScaleOf is [Optimal.Scale] for the integers q of lo..hi, lo < 0 < hi, and for
// scales of either sign: which one is better depends on the end that reaches
// further.
func (o *Optimal) ScaleOf(x, importance []float32, lo, hi int) float32 {
	s, gain := o.scale(x, importance, hi, -lo, 0)
	if lo == -hi {
		return float32(s) // as good as −s
	}
	if t, more := o.scale(x, importance, -lo, hi, gain); more > gain {
		return float32(-t)
	}
	return float32(s)
}

// climb is a weight whose code rises in magnitude as 1/s does.
type climb struct {
	a, w  float64 // |x| and its importance
	limit float64 // the largest magnitude of its code
	rise  float64 // of Σwq² at its next breakpoint
}

// scale returns the best s > 0 and how much of Σwx² it explains; the largest
// code is above for weights above 0, below for others. What explains less than
// known need not be found.
func (o *Optimal) scale(x, importance []float32, above, below int, known float64) (scale, gain float64) {
	o.climbs = o.climbs[:0]
	limits := [2]float64{float64(above), float64(below)}
	var widest, sumX2 float64
	for i, v := range x {
		a, w := magnitude(v), weightOf(importance, i)
		if a == 0 || w == 0 {
			continue
		}
		limit := limits[sideOf(v)]
		o.climbs = append(o.climbs, climb{a: a, w: w, limit: limit, rise: w})
		widest = max(widest, a/limit)
		sumX2 += float64(w * float64(a*a))
	}
	if widest == 0 {
		return 0, 0
	}
	o.sortBreaks(o.ceiling(min(sumX2-known, nearestError(o.climbs, widest))))
	index := o.indexMask()
	var sumQX, sumQ2, bestQX float64 // of the codes passed
	bestQ2 := 1.
	for _, b := range o.breaks {
		c := &o.climbs[b&index]
		sumQX += float64(c.w * c.a)
		sumQ2 += c.rise
		c.rise += 2 * c.w
		if sumQX*sumQX*bestQ2 > bestQX*bestQX*sumQ2 {
			bestQX, bestQ2 = sumQX, sumQ2
		}
	}
	return bestQX / bestQ2, bestQX * bestQX / bestQ2
}

// ceiling returns 1/s for a scale s at which clipping alone costs at least as
// much as the known error: no smaller scale is of use.
//
// The cost of clipping is convex in s and falls: Newton's steps from 0 on stay
// below the s where it is known.
func (o *Optimal) ceiling(known float64) float64 {
	known *= 1 + 1e-9
	s := 0.
	for range 12 {
		cost, slope := -known, 0.
		for _, c := range o.climbs {
			if over := c.a - float64(c.limit*s); over > 0 {
				cost += float64(c.w * float64(over*over))
				slope += 2 * float64(float64(c.w*c.limit)*over)
			}
		}
		if cost <= 1e-3*known || slope == 0 {
			break
		}
		s += cost / slope
	}
	return 1 / (s * (1 - 1e-9))
}

// sortBreaks sets o.breaks to the breakpoints up to 1/s = most, ascending. A
// breakpoint is a positive float64, whose bits order like it, with the
// weight's index in the last ones.
func (o *Optimal) sortBreaks(most float64) {
	n, all := 0., 0
	for _, c := range o.climbs {
		n += steps(c, most)
	}
	count := int(n)
	o.breaks = slices.Grow(o.breaks[:0], count)[:count]
	o.starts = slices.Grow(o.starts[:0], count+1)[:count+1]
	clear(o.starts)
	perBucket := float64(n) / most * (1 - 1e-9)
	for _, c := range o.climbs {
		inv := 1 / c.a
		for q, end := 0.5, steps(c, most); q < end; q++ {
			o.starts[min(int(q*inv*perBucket), count-1)]++
		}
	}
	for b, n := range o.starts {
		o.starts[b] = int32(all)
		all += int(n)
	}
	index := o.indexMask()
	for i, c := range o.climbs {
		inv := 1 / c.a
		for q, end := 0.5, steps(c, most); q < end; q++ {
			at := q * inv
			b := min(int(at*perBucket), count-1)
			o.breaks[o.starts[b]] = math.Float64bits(at)&^index | uint64(i)
			o.starts[b]++
		}
	}
	first := 0
	for _, end := range o.starts[:count] { // where the next bucket starts
		if int(end)-first > 1 {
			slices.Sort(o.breaks[first:end])
		}
		first = int(end)
	}
}

// steps returns how many breakpoints of c are at most most.
func steps(c climb, most float64) float64 {
	return min(c.limit, math.Floor(float64(c.a*most)+0.5))
}

// indexMask returns the bits of a breakpoint that hold a weight's index.
func (o *Optimal) indexMask() uint64 { return 1<<bits.Len(uint(len(o.climbs)-1)) - 1 }

// sideOf returns 0 for weights above 0, 1 for others.
func sideOf(v float32) int {
	if v > 0 {
		return 0
	}
	return 1
}

// nearestError returns Σ w·(|x| − s·q)² for the integers nearest to |x|/s, up to
// the limit of each.
func nearestError(climbs []climb, s float64) (sum float64) {
	for _, c := range climbs {
		e := c.a - float64(s*min(math.RoundToEven(c.a/s), c.limit))
		sum += float64(c.w * float64(e*e))
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
