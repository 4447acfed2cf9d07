package quant

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

// outliers returns importance of rows columns each, of which few matter much more
// than the others, as activations have it.
func outliers(rows, columns int) []float32 {
	draw := rand.New(rand.NewPCG(5, 6))
	w := make([]float32, rows*columns)
	for i := range w {
		w[i] = float32(math.Exp(2 * draw.NormFloat64()))
	}
	return w
}

func summarizeWith(t testing.TB, tensor *model.Tensor, importance []float32) *Summary {
	t.Helper()
	sum, err := SummarizeWith(t.Context(), tensor, importance, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestImportanceIsMeasuredAsItIsPacked holds the error of packings to the bytes
// that are written, and weighted errors of all schemes to their definition; rows
// may be longer than a chunk, and experts have importance of their own.
func TestImportanceIsMeasuredAsItIsPacked(t *testing.T) {
	for _, c := range []struct {
		shape   []int
		experts int
	}{{[]int{24, 512}, 1}, {[]int{3, 40, 256}, 3}, {[]int{2, 1<<15 + 256}, 1}} {
		tensor := gaussian(t, c.shape...)
		columns := c.shape[len(c.shape)-1]
		importance := outliers(c.experts, columns)
		sum, plain := summarizeWith(t, tensor, importance), summarize(t, tensor)
		x := make([]float32, tensor.Len())
		if err := tensor.Read(x, 0); err != nil {
			t.Fatal(err)
		}
		part := tensor.Len() / c.experts
		for _, text := range append(schemesFor(c.shape...), "iq2_xs", "q3_K", "q5_0") {
			s := mustParse(t, text)
			m, err := Measure(t.Context(), tensor, sum, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			y := make([]float32, 0, len(x))
			guided := s.guides(sum.guide)
			if guided {
				err = Pack(t.Context(), tensor, s, importance, nil, func(b []byte) error {
					back := make([]float32, len(b)/s.Format.Packing.Bytes*s.Format.Packing.Block)
					s.Format.Packing.Dequantize(back, b)
					y = append(y, back...)
					return nil
				})
			} else {
				err = Dequantize(t.Context(), tensor, plain, s, nil, func(part []float32) error {
					y = append(y, part...)
					return nil
				})
			}
			if err != nil {
				t.Fatal(err)
			}
			var e2, weightedE2, weightedX2 float64
			for i := range x {
				e, w := float64(x[i])-float64(y[i]), float64(importance[i/part*columns+i%columns])
				e2 += e * e
				weightedE2 += w * e * e
				weightedX2 += w * float64(x[i]) * float64(x[i])
			}
			near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Abs(b) }
			if !near(m.E2, e2) || !near(m.Weighted.E2, weightedE2) || !near(m.Weighted.X2, weightedX2) {
				t.Errorf("%v as %s: errors %g, weighted %g of %g; want %g, %g of %g", c.shape, text, m.E2, m.Weighted.E2, m.Weighted.X2, e2, weightedE2, weightedX2)
			}
			if guided && m.E2 == measure(t, tensor, text).E2 {
				t.Errorf("%v as %s: importance changes nothing", c.shape, text)
			}
		}
	}
}

// TestWithoutImportanceAllWeightsCountAlike holds weighted figures to the others.
func TestWithoutImportanceAllWeightsCountAlike(t *testing.T) {
	tensor := gaussian(t, 512, 256)
	ones := make([]float32, 256)
	for i := range ones {
		ones[i] = 1
	}
	s := mustParse(t, "int4:g32")
	for _, sum := range []*Summary{summarize(t, tensor), summarizeWith(t, tensor, ones)} {
		for _, size := range []int{sum.N, 1 << 13} {
			f, err := figures(t.Context(), tensor, sum, s, size, 2, nil)
			if err != nil {
				t.Fatal(err)
			}
			if w := f.Weighted; math.Abs(w.E2/f.E2-1) > 1e-12 || math.Abs(w.X2/f.X2-1) > 1e-12 || math.Abs(w.SQNRLo-f.SQNRLo) > 1e-9 || math.Abs(w.SQNRHi-f.SQNRHi) > 1e-9 {
				t.Errorf("weighted %+v, all alike %g %g %g %g", w, f.E2, f.X2, f.SQNRLo, f.SQNRHi)
			}
		}
	}
}

// TestTheIntervalHoldsTheWeightedSQNR estimates under importance that differs
// greatly, from samples much smaller than the tensor.
func TestTheIntervalHoldsTheWeightedSQNR(t *testing.T) {
	pairs, held, width := 0, 0, 0.0
	for _, shape := range [][]int{{512, 768}, {4, 160, 512}} {
		tensor := gaussian(t, shape...)
		experts := 1
		if len(shape) == 3 {
			experts = shape[0]
		}
		sum := summarizeWith(t, tensor, outliers(experts, shape[len(shape)-1]))
		for _, text := range schemesFor(shape...) {
			s := mustParse(t, text)
			exact, err := figures(t.Context(), tensor, sum, s, sum.N, 2, nil)
			if err != nil {
				t.Fatal(err)
			}
			about, err := figures(t.Context(), tensor, sum, s, 1<<13, 2, nil)
			if err != nil {
				t.Fatal(err)
			}
			db := exact.Weighted.SQNR()
			if math.IsInf(db, 1) {
				continue
			}
			pairs++
			w := about.Weighted
			width += w.SQNRHi - w.SQNRLo
			if w.SQNRLo <= db && db <= w.SQNRHi {
				held++
			} else {
				t.Logf("%v as %s: %.2f outside %.2f … %.2f", shape, text, db, w.SQNRLo, w.SQNRHi)
			}
		}
	}
	t.Logf("%d of %d held, %.2f dB wide", held, pairs, width/float64(pairs))
	if held*100 < pairs*95 || width/float64(pairs) > 4 {
		t.Errorf("%d of %d intervals hold the exact weighted SQNR, %.2f dB wide", held, pairs, width/float64(pairs))
	}
}
