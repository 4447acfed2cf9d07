package kernels

import "math"

// SearchMSE returns the map of least squared error under nearest rounding
// among those of ±bound shrunk about 0, as [Fit.SearchMSE] does for integers:
// loss(m, limit) is the squared error under m, or anything above limit if it
// exceeds limit.
func (g *Grid) SearchMSE(bound float32, store *Store, loss func(m GridMap, limit float64) float64) GridMap {
	best := g.scaled(bound/g.Max, store)
	if best.Inverse == 0 {
		return best
	}
	least, at := loss(best, math.Inf(1)), 1.0
	try := func(fraction float64) bool {
		m := g.scaled(float32(float64(bound)*fraction)/g.Max, store)
		if m.Inverse == 0 {
			return false
		}
		if l := loss(m, least); l < least {
			best, least, at = m, l, fraction
		}
		return true
	}
	for fraction := 0.9; fraction > 0.01 && try(fraction); fraction *= 0.9 {
	}
	for centre, k := at, -4; k <= 4; k++ {
		if fraction := centre * (1 + 0.024*float64(k)); k != 0 && fraction <= 1 {
			try(fraction)
		}
	}
	return best
}

// Loss returns the squared error of the finite weights of x under m with
// nearest rounding, or a partial sum once that exceeds limit.
func (m GridMap) Loss(x []float32, limit float64) float64 {
	var y [64]float32
	var sum float64
	for len(x) > 0 && sum <= limit {
		n := min(len(x), len(y))
		m.nearest(y[:n], x[:n])
		for i, v := range x[:n] {
			if Finite(v) {
				e := float64(v) - float64(y[i])
				sum += float64(e * e)
			}
		}
		x = x[n:]
	}
	return sum
}

// GridLoss is [GridMap.Loss] for the counted values, each taken to be in the
// middle of its bucket.
func (d Distribution) GridLoss(m GridMap, limit float64) float64 {
	var x, y [64]float32
	var sum float64
	for len(d) > 0 && sum <= limit {
		n := min(len(d), len(x))
		for i, b := range d[:n] {
			x[i] = float32((b.Lo + b.Hi) / 2)
		}
		m.nearest(y[:n], x[:n])
		for i, b := range d[:n] {
			e := float64(x[i]) - float64(y[i])
			sum += float64(float64(e*e) * float64(b.N))
		}
		d = d[n:]
	}
	return sum
}
