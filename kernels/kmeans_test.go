package kernels

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func squaredError(x, y []float32) float64 { return Compare(x, y, 0).E2 }

func TestACodebookIsAFixedPointOfLloyd(t *testing.T) {
	x := gauss(5000)
	importance := make([]float32, len(x))
	for i := range importance {
		importance[i] = 0.1 + float32(i%7)
	}
	y := make([]float32, len(x))
	for _, weights := range [][]float32{nil, importance} {
		for bits := 1; bits <= 4; bits++ {
			c := KMeans(x, weights, bits, Stores[0])
			c.RoundTrip(y, x, nil, 0, 0)
			sum, total := map[float32]float64{}, map[float32]float64{}
			for i, v := range y {
				w := 1.
				if weights != nil {
					w = float64(weights[i])
				}
				sum[v] += w * float64(x[i])
				total[v] += w
			}
			for _, v := range c.Values() {
				// The rounds come near the fixed point, not onto it.
				if mean := sum[v] / total[v]; math.Abs(mean-float64(v)) > 0.001 {
					t.Errorf("%d bits: the mean of the weights that become %v is %v", bits, v, mean)
				}
			}
		}
	}
	// One bit on a normal distribution: ±√(2/π).
	for _, v := range KMeans(gauss(1<<16), nil, 1, Stores[0]).Values() {
		if math.Abs(math.Abs(float64(v))-math.Sqrt(2/math.Pi)) > 0.01 {
			t.Errorf("one bit: %v", v)
		}
	}
}

func TestACodebookBeatsIntegers(t *testing.T) {
	x := gauss(4096)
	y := make([]float32, len(x))
	for _, bits := range []int{2, 3, 4, 6} {
		KMeans(x, nil, bits, Stores[0]).RoundTrip(y, x, nil, 0, 0)
		got := squaredError(x, y)
		lo, hi := Extremes(x)
		fit := Fit{Bits: bits, Asymmetric: true, Store: Stores[0]}
		a := fit.SearchMSE(lo, hi, new(Search), func(out []float64, maps []Affine, limit float64) { Losses(out, x, maps, limit) })
		if other := a.Loss(x, math.Inf(1)); got >= other {
			t.Errorf("%d bits: squared error %v, integers have %v", bits, got, other)
		}
	}
}

func TestACodebookOfEnoughValuesIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.IntRange(1, 5).Draw(t, "bits")
		x := rapid.SliceOfN(rapid.Float32(), 0, 1<<bits).Draw(t, "x")
		x = append(x, x...)
		y := make([]float32, len(x))
		KMeans(x, nil, bits, Stores[0]).RoundTrip(y, x, nil, 0, 0)
		for i := range x {
			if x[i] != y[i] && Finite(x[i]) {
				t.Fatalf("%v becomes %v", x[i], y[i])
			}
		}
	})
}

func TestACodebookTakesAnyWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.SliceOfN(rapid.Uint32(), 0, 100).Draw(t, "x")
		raw := rapid.SliceOfN(rapid.Uint32(), len(bits), len(bits)).Draw(t, "importance")
		x, importance, y := make([]float32, len(bits)), make([]float32, len(bits)), make([]float32, len(bits))
		for i, b := range bits {
			x[i], importance[i] = math.Float32frombits(b), math.Float32frombits(raw[i])
		}
		c := KMeans(x, importance, 3, rapid.SampledFrom(Stores).Draw(t, "store"))
		c.RoundTrip(y, x, nil, 0, 0)
		for i := range x {
			switch {
			case !Finite(x[i]):
				if math.Float32bits(x[i]) != math.Float32bits(y[i]) {
					t.Fatalf("%v becomes %v", x[i], y[i])
				}
			case !slices.Contains(c.Values(), y[i]):
				t.Fatalf("%v becomes %v, which is none of %v", x[i], y[i], c.Values())
			}
		}
	})
}

func TestADistributionGivesTheSameCodebook(t *testing.T) {
	x := gauss(1 << 16)
	s := new(Spectrum)
	s.Count(x)
	y := make([]float32, len(x))
	for _, bits := range []int{2, 4} {
		KMeans(x, nil, bits, Stores[0]).RoundTrip(y, x, nil, 0, 0)
		want := squaredError(x, y)
		s.Distribution().KMeans(bits, Stores[0]).RoundTrip(y, x, nil, 0, 0)
		if got := squaredError(x, y); got > 1.01*want {
			t.Errorf("%d bits: squared error %v, fitted to the weights %v", bits, got, want)
		}
	}
}

func BenchmarkKMeans(b *testing.B) {
	x := gauss(1 << 15)
	s := new(Spectrum)
	s.Count(x)
	d := s.Distribution()
	y := make([]float32, len(x))
	for name, fit := range map[string]func() Codebook{
		"slice":        func() Codebook { return KMeans(x, nil, 4, Stores[0]) },
		"distribution": func() Codebook { return d.KMeans(4, Stores[0]) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				fit()
			}
		})
	}
	b.Run("RoundTrip", func(b *testing.B) {
		c := KMeans(x, nil, 4, Stores[0])
		b.SetBytes(int64(4 * len(x)))
		for b.Loop() {
			c.RoundTrip(y, x, nil, 0, 0)
		}
	})
}
