package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestWeightedSumsAreTheirDefinition(t *testing.T) {
	draw := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 7, 8, 9, 300} {
		x, y, w := make([]float32, n), make([]float32, n), make([]float32, n)
		var e2, x2 float64
		for i := range x {
			x[i], y[i], w[i] = float32(draw.NormFloat64()), float32(draw.NormFloat64()), float32(draw.ExpFloat64())
			if i%11 == 5 {
				x[i] = []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}[i%3]
				y[i] = x[i]
				continue
			}
			e := float64(x[i]) - float64(y[i])
			e2 += float64(w[i]) * e * e
			x2 += float64(w[i]) * float64(x[i]) * float64(x[i])
		}
		gotE2, gotX2 := WeightedSums(x, y, w)
		near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Abs(b) }
		if !near(gotE2, e2) || !near(gotX2, x2) {
			t.Errorf("%d weights: %g, %g; want %g, %g", n, gotE2, gotX2, e2, x2)
		}
		if got := WeightedEnergy(x, w); got != gotX2 {
			t.Errorf("%d weights: energy %g, %g beside the error", n, got, gotX2)
		}
	}
}

func BenchmarkWeightedSums(b *testing.B) {
	x, y, w := make([]float32, 1<<12), make([]float32, 1<<12), make([]float32, 1<<12)
	for i := range x {
		x[i], y[i], w[i] = float32(i), float32(i)+0.5, 1
	}
	b.SetBytes(12 << 12)
	for b.Loop() {
		WeightedSums(x, y, w)
	}
}
