package kernels

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// leastError tries every assignment of codes lo..hi: with the best scale for
// each, the least error of all.
func leastError(x, w []float64, lo, hi int) float64 {
	least := math.Inf(1)
	q := make([]int, len(x))
	for i := range q {
		q[i] = lo
	}
	for {
		var x2, qx, q2 float64
		for i := range x {
			x2 += w[i] * x[i] * x[i]
			qx += w[i] * float64(q[i]) * x[i]
			q2 += w[i] * float64(q[i]*q[i])
		}
		e := x2
		if q2 > 0 {
			e -= qx * qx / q2
		}
		least = math.Min(least, e)
		i := 0
		for ; i < len(q) && q[i] == hi; i++ {
			q[i] = lo
		}
		if i == len(q) {
			return least
		}
		q[i]++
	}
}

// scaleError is the error of scale s with the nearest codes of lo..hi.
func scaleError(x, importance []float32, s float64, lo, hi int) (sum float64) {
	for i, v := range x {
		q := 0.
		if s != 0 {
			q = min(max(math.RoundToEven(float64(v)/s), float64(lo)), float64(hi))
		}
		e := float64(v) - s*q
		sum += weightOf(importance, i) * e * e
	}
	return sum
}

// mostWeights is how many weights of so many codes can be tried in full.
func mostWeights(codes int) int { return int(math.Log(2e4) / math.Log(float64(codes))) }

func TestNoScaleIsBetterThanTheOptimal(t *testing.T) {
	var o Optimal
	value := rapid.OneOf(
		rapid.Float32Range(-10, 10),
		rapid.Custom(func(t *rapid.T) float32 { return float32(rapid.IntRange(-9, 9).Draw(t, "integer")) }),
	)
	rapid.Check(t, func(t *rapid.T) {
		lo, hi := -rapid.IntRange(1, 8).Draw(t, "below"), rapid.IntRange(1, 8).Draw(t, "above")
		symmetric := rapid.Bool().Draw(t, "symmetric")
		if symmetric {
			lo = -hi
		}
		x := rapid.SliceOfN(value, 1, mostWeights(hi-lo+1)).Draw(t, "x")
		var importance []float32
		if rapid.Bool().Draw(t, "weighted") {
			importance = rapid.SliceOfN(rapid.Float32Range(0, 5), len(x), len(x)).Draw(t, "importance")
		}
		a, w := make([]float64, len(x)), make([]float64, len(x))
		x2 := 0.
		for i, v := range x {
			a[i], w[i] = float64(v), weightOf(importance, i)
			x2 += w[i] * a[i] * a[i]
		}
		scales := []float32{o.ScaleOf(x, importance, lo, hi)}
		if symmetric {
			scales = append(scales, o.Scale(x, importance, hi))
		}
		least := leastError(a, w, lo, hi)
		for _, s := range scales {
			if got := scaleError(x, importance, float64(s), lo, hi); got > least+1e-9*x2+1e-300 {
				t.Fatalf("scale %v has squared error %v, the least is %v", s, got, least)
			}
		}
	})
}

// TestTheOptimalScaleBeatsEveryScaleOfAFineGrid is for blocks too long to try
// every assignment.
func TestTheOptimalScaleBeatsEveryScaleOfAFineGrid(t *testing.T) {
	var o Optimal
	for k := range 20 {
		x := gauss(64 * 20)[64*k : 64*k+64]
		for i := range x {
			if k%2 == 1 {
				x[i] *= x[i] * x[i]
			}
		}
		for _, m := range []int{1, 3, 7, 31, 127} {
			s := o.Scale(x, nil, m)
			got := scaleError(x, nil, float64(s), -m, m)
			top := float64(maxMagnitude(x))
			for j := 1; j <= 20000; j++ {
				if other := scaleError(x, nil, top/float64(m)*float64(j)/10000, -m, m); other < got*(1-1e-6) {
					t.Fatalf("±%d: scale %v has squared error %v, %v has %v", m, s, got, top/float64(m)*float64(j)/10000, other)
				}
			}
			y := make([]float32, len(x))
			Affine{Scale: s, Min: int32(-m), Max: int32(m)}.RoundTrip(y, x, Roundings[0], 0, 0)
			if e := squaredError(x, y); math.Abs(e/got-1) > 1e-4 {
				t.Errorf("±%d: the round trip has squared error %v, the search %v", m, e, got)
			}
		}
	}
}

func TestTheOptimalScaleOfAnyFloats(t *testing.T) {
	var o Optimal
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Uint32(), 0, 40).Draw(t, "x")
		x, w := make([]float32, len(raw)), make([]float32, len(raw))
		for i, b := range raw {
			x[i], w[i] = math.Float32frombits(b), math.Float32frombits(b*2654435761)
		}
		for _, importance := range [][]float32{nil, w} {
			if s := o.Scale(x, importance, rapid.IntRange(1, 127).Draw(t, "m")); !(s >= 0) || !Finite(s) {
				t.Fatalf("scale %v", s)
			}
		}
	})
	if s := o.Scale([]float32{0, 0}, nil, 7); s != 0 {
		t.Errorf("the scale of zeros is %v", s)
	}
	// One weight is met exactly by every scale that goes into it.
	if q := 14 / o.Scale([]float32{-14}, nil, 7); q != float32(math.Round(float64(q))) || q < 1 || q > 7 {
		t.Errorf("the code of a single weight is %v", q)
	}
}

func BenchmarkOptimal(b *testing.B) {
	x := gauss(1 << 12)
	var o Optimal
	for _, c := range []struct {
		name    string
		unit, m int
	}{{"int4 of 32", 32, 7}, {"int3 of 32", 32, 3}, {"int8 of 32", 32, 127}, {"int4 of 4096", 4096, 7}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				for i := 0; i < len(x); i += c.unit {
					o.Scale(x[i:i+c.unit], nil, c.m)
				}
			}
		})
	}
}
