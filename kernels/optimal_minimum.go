package kernels

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// ScaleMinimum returns the s ≥ 0 and b that minimise Σ w·(x − b − s·q)² over
// all scales, all minima and all integers q of 0..m, for the finite weights of
// x and their importance w, ≥ 0, or 1 if that is nil. Where the weights are
// all equal, s is 0; where there are none, both are.
//
// For given s and b the best q is (x−b)/s rounded to nearest; for given q the
// best s and b are the line of least squares. The lines b = x − s·(k+½), one
// for each weight and each pair of codes k and k+1, cut the plane of s and b
// into cells of equal codes: a walk along every line, past its crossings with
// the others, meets all cells, and the sums of the fit follow by one addition
// at each crossing. Only a strip of the plane matters: the least weight has
// code 0, and neither end is clipped by more than a known solution's whole
// error. Still each of the m·n lines crosses about n others there, so that the
// cost grows as m·n²: for blocks of few codes.
func (o *Optimal) ScaleMinimum(x, importance []float32, m int) (scale, minimum float32) {
	mean := o.gather(x, importance)
	n := len(o.points)
	if n == 0 {
		return 0, 0
	}
	best := o.startLine(m)
	if n == 1 {
		return 0, float32(mean)
	}
	least, most := o.points[0], o.points[n-1]
	width := most.lo - least.lo
	// The error of the known solution, with a margin for its rounding.
	known := math.Sqrt(max(o.sumX2-best.gain, 0) + 1e-12*o.sumX2)
	clipLeast, clipMost := known/math.Sqrt(least.w), known/math.Sqrt(most.w)
	const margin = 1e-9
	for i, p := range o.points {
		d := p.lo - least.lo
		for k := range m {
			from := max((d-clipLeast)/(float64(k)+0.5), (width-d-clipMost)/(float64(m-k)-0.5))
			to := math.Inf(1)
			if k > 0 {
				to = d / float64(k)
			}
			from -= margin * max(from, width/float64(m))
			to += margin * width
			if from <= to {
				o.walk(i, k, m, from, to, &best)
			}
		}
	}
	return float32(best.s), float32(mean + best.b)
}

// line is a fit: its scale and minimum, and how much of Σwx² it explains.
type line struct{ s, b, gain float64 }

// codeSums are Σwq, Σwq² and Σwqx of an assignment of codes.
type codeSums struct{ q, q2, qx float64 }

// move returns the sums after p's code has gone from q to q+by.
func (c codeSums) move(p mass, q, by int) codeSums {
	c.q += float64(p.w * float64(by))
	c.q2 += float64(p.w * float64(by*(2*q+by)))
	c.qx += float64(p.w * p.lo * float64(by))
	return c
}

// improve sets best to the line of least squares of an assignment in which the
// weights have the sum 0 and their importance the sum w, if it is better.
func (c codeSums) improve(best *line, w float64) {
	spread := c.q2 - float64(c.q*c.q)/w
	if c.qx <= 0 || spread <= 1e-12*c.q2 {
		return
	}
	if gain := c.qx * c.qx / spread; gain > best.gain {
		s := c.qx / spread
		*best = line{s, -s * c.q / w, gain}
	}
}

// gather sets o.points to the different finite weights, ascending, less their
// mean, which it returns, and o.sumW and o.sumX2 to their sums.
func (o *Optimal) gather(x, importance []float32) (mean float64) {
	o.points = o.points[:0]
	o.sumW, o.sumX2 = 0, 0
	for i, v := range x {
		if w := weightOf(importance, i); w > 0 && Finite(v) {
			o.points = append(o.points, mass{float64(v), float64(v), w})
			o.sumW += w
			mean += float64(w * float64(v))
		}
	}
	if o.sumW > 0 {
		mean /= o.sumW
	}
	slices.SortFunc(o.points, func(a, b mass) int { return cmp.Compare(a.lo, b.lo) })
	o.points = merged(o.points)
	for i, p := range o.points {
		p.lo -= mean
		o.points[i].lo = p.lo
		o.sumX2 += float64(p.w * float64(p.lo*p.lo))
	}
	return mean
}

// startLine returns the fit that rounding and least squares settle on, taking
// turns, from the line through both ends.
func (o *Optimal) startLine(m int) line {
	n := len(o.points)
	s, b := (o.points[n-1].lo-o.points[0].lo)/float64(m), o.points[0].lo
	var best line
	for s > 0 {
		var sums codeSums
		for _, p := range o.points {
			q := min(max(math.RoundToEven((p.lo-b)/s), 0), float64(m))
			sums = sums.move(p, 0, int(q))
		}
		before := best.gain
		if sums.improve(&best, o.sumW); best.gain <= before*(1+1e-9) {
			break
		}
		s, b = best.s, best.b
	}
	return best
}

// walk follows the line on which point i is between the codes k and k+1, from
// the scale to down to the scale from. A point j above i has the code
// k+1+floor((x_j−x_i)/s), one below the code k−floor((x_i−x_j)/s), within
// 0..m: it changes at |x_j−x_i|/l, l = 1, 2, ….
func (o *Optimal) walk(i, k, m int, from, to float64, best *line) {
	index := uint64(1)<<bits.Len(uint(len(o.points)-1)) - 1
	o.breaks = o.breaks[:0]
	var sums codeSums
	for j, p := range o.points {
		gap, steps, code := p.lo-o.points[i].lo, m-1-k, k+1
		if j <= i {
			gap, steps, code = -gap, k, k
		}
		first := 1 // of the changes below to
		for first <= steps && gap/float64(first) > to {
			first++
		}
		if j > i {
			code += first - 1
		} else {
			code -= first - 1
		}
		sums = sums.move(p, 0, code)
		for l := first; l <= steps; l++ {
			s := gap / float64(l)
			if s < from || s <= 0 {
				break
			}
			o.breaks = append(o.breaks, math.Float64bits(s)&^index|uint64(j))
		}
	}
	slices.Sort(o.breaks)
	p := o.points[i]
	sums.improve(best, o.sumW)
	sums.move(p, k, 1).improve(best, o.sumW)
	for _, at := range slices.Backward(o.breaks) {
		j := int(at & index)
		s := math.Float64frombits(at &^ index)
		if q := o.points[j]; j > i {
			sums = sums.move(q, k+int(math.Round((q.lo-p.lo)/s)), 1)
		} else {
			sums = sums.move(q, k+1-int(math.Round((p.lo-q.lo)/s)), -1)
		}
		sums.improve(best, o.sumW)
		sums.move(p, k, 1).improve(best, o.sumW)
	}
}
