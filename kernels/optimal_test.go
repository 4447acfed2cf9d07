package kernels

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// leastError tries every assignment of codes 0..m to the magnitudes: with the
// best scale for each, the least error of all.
func leastError(x, w []float64, m int) float64 {
	least := math.Inf(1)
	q := make([]int, len(x))
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
		for ; i < len(q) && q[i] == m; i++ {
			q[i] = 0
		}
		if i == len(q) {
			return least
		}
		q[i]++
	}
}

func TestNoScaleIsBetterThanTheOptimal(t *testing.T) {
	var o Optimal
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 7).Draw(t, "m")
		most := map[int]int{1: 9, 2: 7, 3: 6, 4: 5, 5: 5, 6: 4, 7: 4}[m]
		value := rapid.OneOf(
			rapid.Float32Range(-10, 10),
			rapid.Custom(func(t *rapid.T) float32 { return float32(rapid.IntRange(-9, 9).Draw(t, "integer")) }),
		)
		x := rapid.SliceOfN(value, 1, most).Draw(t, "x")
		var importance []float32
		if rapid.Bool().Draw(t, "weighted") {
			importance = rapid.SliceOfN(rapid.Float32Range(0, 5), len(x), len(x)).Draw(t, "importance")
		}
		a, w := make([]float64, len(x)), make([]float64, len(x))
		x2 := 0.
		for i, v := range x {
			a[i], w[i] = math.Abs(float64(v)), weightOf(importance, i)
			x2 += w[i] * a[i] * a[i]
		}
		s := o.Scale(x, importance, m)
		got := x2
		if s > 0 {
			got = nearestError(x, importance, float64(s), [2]float64{float64(m), float64(m)})
		}
		if least := leastError(a, w, m); got > least+1e-9*x2+1e-300 {
			t.Fatalf("scale %v has squared error %v, the least is %v", s, got, least)
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
			got := nearestError(x, nil, float64(s), [2]float64{float64(m), float64(m)})
			top := float64(maxMagnitude(x))
			for j := 1; j <= 20000; j++ {
				if other := nearestError(x, nil, top/float64(m)*float64(j)/10000, [2]float64{float64(m), float64(m)}); other < got*(1-1e-6) {
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
