package kernels

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// leastLineError tries every assignment of codes 0..m: with the line of least
// squares for each, the least error of all.
func leastLineError(x, w []float64, m int) float64 {
	var sw, mean, x2 float64
	for i := range x {
		sw += w[i]
		mean += w[i] * x[i]
	}
	if sw == 0 {
		return 0
	}
	mean /= sw
	for i := range x {
		x2 += w[i] * (x[i] - mean) * (x[i] - mean)
	}
	least := x2
	q := make([]int, len(x))
	for {
		var sq, q2, qx float64
		for i := range x {
			sq += w[i] * float64(q[i])
			q2 += w[i] * float64(q[i]*q[i])
			qx += w[i] * float64(q[i]) * (x[i] - mean)
		}
		if spread := q2 - sq*sq/sw; spread > 1e-9 {
			least = math.Min(least, x2-qx*qx/spread)
		}
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

// lineError is the error of scale s and minimum b with the nearest codes.
func lineError(x, importance []float32, s, b float64, m int) float64 {
	sum := 0.
	for i, v := range x {
		q := 0.
		if s > 0 {
			q = min(max(math.RoundToEven((float64(v)-b)/s), 0), float64(m))
		}
		e := float64(v) - b - s*q
		sum += weightOf(importance, i) * e * e
	}
	return sum
}

func TestNoScaleAndMinimumAreBetterThanTheOptimal(t *testing.T) {
	var o Optimal
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 4).Draw(t, "m")
		most := map[int]int{1: 9, 2: 7, 3: 6, 4: 5}[m]
		value := rapid.OneOf(
			rapid.Float32Range(-10, 10),
			rapid.Custom(func(t *rapid.T) float32 { return float32(rapid.IntRange(-9, 9).Draw(t, "integer")) }),
		)
		x := rapid.SliceOfN(value, 1, most).Draw(t, "x")
		var importance []float32
		if rapid.Bool().Draw(t, "weighted") {
			importance = rapid.SliceOfN(rapid.Float32Range(0.01, 5), len(x), len(x)).Draw(t, "importance")
		}
		a, w := make([]float64, len(x)), make([]float64, len(x))
		x2 := 0.
		for i, v := range x {
			a[i], w[i] = float64(v), weightOf(importance, i)
			x2 += w[i] * a[i] * a[i]
		}
		s, b := o.ScaleMinimum(x, importance, m)
		got := lineError(x, importance, float64(s), float64(b), m)
		if least := leastLineError(a, w, m); got > least+1e-9*x2+1e-300 {
			t.Fatalf("scale %v and minimum %v have squared error %v, the least is %v", s, b, got, least)
		}
	})
}

// TestTheOptimalLineBeatsManyOthers is for blocks too long to try every
// assignment: a fine grid of ends, each settled by least squares.
func TestTheOptimalLineBeatsManyOthers(t *testing.T) {
	var o Optimal
	for k := range 6 {
		x := gauss(32 * 6)[32*k : 32*k+32]
		lo, hi := Extremes(x)
		for _, m := range []int{3, 7, 15} {
			s, b := o.ScaleMinimum(x, nil, m)
			got := lineError(x, nil, float64(s), float64(b), m)
			width := float64(hi - lo)
			for i := range 150 {
				for j := range 150 {
					from := float64(lo) + width*(float64(i)-50)/300
					to := float64(hi) - width*(float64(j)-50)/300
					if other := lineError(x, nil, (to-from)/float64(m), from, m); other < got*(1-1e-6) {
						t.Fatalf("0..%d: %v, %v has squared error %v; from %v to %v it is %v", m, s, b, got, from, to, other)
					}
				}
			}
		}
	}
}

func TestTheOptimalLineOfAnyFloats(t *testing.T) {
	var o Optimal
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Uint32(), 0, 16).Draw(t, "x")
		x, w := make([]float32, len(raw)), make([]float32, len(raw))
		for i, b := range raw {
			x[i], w[i] = math.Float32frombits(b), math.Float32frombits(b*2654435761)
		}
		for _, importance := range [][]float32{nil, w} {
			s, b := o.ScaleMinimum(x, importance, rapid.IntRange(1, 15).Draw(t, "m"))
			if !(s >= 0) || b != b {
				t.Fatalf("scale %v, minimum %v", s, b)
			}
		}
	})
	if s, b := o.ScaleMinimum([]float32{3, 3}, nil, 7); s != 0 || b != 3 {
		t.Errorf("equal weights have scale %v and minimum %v", s, b)
	}
}

func BenchmarkOptimalMinimum(b *testing.B) {
	x := gauss(1 << 10)
	var o Optimal
	for _, c := range []struct {
		name    string
		unit, m int
	}{{"2 bits, 16", 16, 3}, {"3 bits, 32", 32, 7}, {"4 bits, 32", 32, 15}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				for i := 0; i < len(x); i += c.unit {
					o.ScaleMinimum(x[i:i+c.unit], nil, c.m)
				}
			}
		})
	}
}
