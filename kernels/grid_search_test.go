package kernels

import (
	"math"
	"testing"
)

func TestGridsFindTheRangeOfLeastError(t *testing.T) {
	x := gauss(1 << 14)
	x[7] = 30 // worth clipping, unless the grid reaches far
	s := new(Spectrum)
	s.Count(x)
	d := s.Distribution()
	y := make([]float32, len(x))
	for _, g := range Grids {
		if g.Measured {
			continue
		}
		m := g.SearchMSE(30, Stores[0], func(m GridMap, limit float64) float64 { return m.Loss(x, limit) })
		m.RoundTrip(y, x, Roundings[0], 0, 0)
		got := m.Loss(x, math.Inf(1))
		if e := squaredError(x, y); math.Abs(e/got-1) > 1e-12 {
			t.Errorf("%s: the loss is %v, the squared error %v", g.Name, got, e)
		}
		best := math.Inf(1)
		for k := 1; k <= 300; k++ {
			best = min(best, g.Fit(x, 30*float32(k)/300, Stores[0]).Loss(x, best))
		}
		if got > best*1.05 {
			t.Errorf("%s: squared error %v, the best range has %v", g.Name, got, best)
		}
		fromCounts := g.SearchMSE(30, Stores[0], d.GridLoss)
		if other := fromCounts.Loss(x, math.Inf(1)); other > got*1.05 {
			t.Errorf("%s: squared error %v with the range from a distribution, %v with that from the weights", g.Name, other, got)
		}
		if counted := d.GridLoss(m, math.Inf(1)); math.Abs(counted/got-1) > 0.03 {
			t.Errorf("%s: the distribution's loss is %v, the weights' %v", g.Name, counted, got)
		}
		if cut := m.Loss(x, got/4); cut > got || cut <= got/4 {
			t.Errorf("%s: the loss past a limit of %v is %v of %v", g.Name, got/4, cut, got)
		}
	}
}

func BenchmarkGridLoss(b *testing.B) {
	x := gauss(1 << 15)
	m := gridNamed(b, "nf4").Fit(x, 4, Stores[0])
	b.SetBytes(int64(4 * len(x)))
	for b.Loop() {
		m.Loss(x, math.Inf(1))
	}
}
