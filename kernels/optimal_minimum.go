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
// code 0, and what lies beyond both ends costs less than a known solution: a
// convex part of the plane, so that the best cell, which reaches into it, has a
// border there.
// Still each of the m·n lines crosses about n others there, so that the cost
// grows as m·n²: for blocks of few codes.
func (o *Optimal) ScaleMinimum(x, importance []float32, m int) (scale, minimum float32) {
	mean := o.gather(x, importance)
	n := len(o.points)
	switch n {
	case 0:
		return 0, 0
	case 1:
		return 0, float32(mean)
	}
	best := o.start(m)
	width := o.points[n-1].lo - o.points[0].lo
	const margin = 1e-9
	for i, p := range o.points {
		d := p.lo - o.points[0].lo
		for k := range m {
			// The error of the known solution, with a margin for its rounding.
			known := max(o.sumX2-best.gain, 0) + 1e-12*o.sumX2
			to := width // between two means at most
			if k > 0 {
				to = min(to, d/float64(k))
			}
			to += margin * width
			if from := o.leastScale(i, k, m, known, to) * (1 - margin); from <= to {
				o.walk(i, k, m, from, to, &best)
			}
		}
	}
	return float32(best.s), float32(mean + best.b)
}

// leastScale returns a scale below which on the line where point i is between
// the codes k and k+1 the points beyond both ends cost more than known, or one
// above to.
//
// The cost is convex in s and falls: Newton's steps stay below the s where it
// is known.
func (o *Optimal) leastScale(i, k, m int, known, to float64) (s float64) {
	x, below, above := o.points[i].lo, float64(k)+0.5, float64(m-k)-0.5
	// The ends alone tell most.
	first, last := o.points[0], o.points[len(o.points)-1]
	s = max((x-first.lo-math.Sqrt(known/first.w))/below, (last.lo-x-math.Sqrt(known/last.w))/above, 0)
	for range 4 {
		if s > to {
			break
		}
		cost, slope := -known, 0.
		low, high := x-float64(s*below), x+float64(s*above)
		for _, p := range o.points {
			e := low - p.lo
			if e <= 0 {
				break
			}
			cost += float64(p.w * float64(e*e))
			slope += 2 * float64(float64(p.w*e)*below)
		}
		for _, p := range slices.Backward(o.points) {
			e := p.lo - high
			if e <= 0 {
				break
			}
			cost += float64(p.w * float64(e*e))
			slope += 2 * float64(float64(p.w*e)*above)
		}
		if cost <= 0.01*known {
			break
		}
		s += cost / slope
	}
	return s
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
// weights have the sum 0 and the inverse of their importance's sum is inv, if
// it is better.
func (c codeSums) improve(best *line, inv float64) {
	spread := c.q2 - float64(float64(c.q*c.q)*inv)
	if c.qx <= 0 || spread <= 1e-12*c.q2 || c.qx*c.qx <= best.gain*spread {
		return
	}
	s := c.qx / spread
	*best = line{s: s, b: -s * c.q * inv, gain: s * c.qx}
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

// start returns the best of the fits that rounding and least squares settle
// on, taking turns, from lines through the ends and a little inside.
func (o *Optimal) start(m int) (best line) {
	n := len(o.points)
	least, width := o.points[0].lo, o.points[n-1].lo-o.points[0].lo
	for low := range 2 {
		for high := range 2 {
			step := width / float64(4*m)
			b := least + float64(low)*step
			o.settle((least+width-float64(high)*step-b)/float64(m), b, m, &best)
		}
	}
	return best
}

// settle sets best to the fit that rounding and least squares settle on from
// the scale s and the minimum b, if it is better.
func (o *Optimal) settle(s, b float64, m int, best *line) {
	here := line{s: s, b: b}
	for here.s > 0 {
		var sums codeSums
		inv := 1 / here.s
		for _, p := range o.points {
			sums = sums.move(p, 0, int(min(max(float64((p.lo-here.b)*inv)+0.5, 0), float64(m))))
		}
		before := here.gain
		if sums.improve(&here, 1/o.sumW); here.gain <= before*(1+1e-9) {
			break
		}
	}
	if here.gain > best.gain {
		*best = here
	}
}

// walk follows the line on which point i is between the codes k and k+1, from
// the scale to down to the scale from. A point j above i has the code
// k+1+floor((x_j−x_i)/s), one below the code k−floor((x_i−x_j)/s), within
// 0..m: it changes at |x_j−x_i|/l, l = 1, 2, ….
func (o *Optimal) walk(i, k, m int, from, to float64, best *line) {
	index := uint64(1)<<bits.Len(uint(len(o.points)-1)) - 1
	o.breaks, o.codes = o.breaks[:0], o.codes[:0]
	var sums codeSums
	x, inv := o.points[i].lo, 1/to
	for j, p := range o.points {
		gap, steps, code, by := p.lo-x, m-1-k, k+1, 1
		if j <= i {
			gap, steps, code, by = -gap, k, k, -1
		}
		passed := int(min(float64(gap*inv), float64(steps))) // changes before to
		code += by * passed
		o.codes = append(o.codes, code)
		q := float64(code)
		pq := float64(p.w * q)
		sums.q += pq
		sums.q2 += float64(pq * q)
		sums.qx += float64(pq * p.lo)
		for l := passed + 1; l <= steps; l++ {
			s := gap / float64(l)
			if s < from || s <= 0 {
				break
			}
			o.breaks = append(o.breaks, math.Float64bits(s)&^index|uint64(j))
		}
	}

	slices.Sort(o.breaks)
	p, invW := o.points[i], 1/o.sumW
	sums.improve(best, invW)
	sums.move(p, k, 1).improve(best, invW)
	for _, at := range slices.Backward(o.breaks) {
		j := int(at & index)
		by := 1
		if j <= i {
			by = -1
		}
		sums = sums.move(o.points[j], o.codes[j], by)
		o.codes[j] += by
		sums.improve(best, invW)
		sums.move(p, k, 1).improve(best, invW)
	}
}
