package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// packedError returns the weighted squared error of a packing of rows.
func packedError(p *Packing, packed []byte, x, importance []float32) (sum float64) {
	y := unpack(p, packed)
	for i, v := range x {
		e := float64(v) - float64(y[i])
		sum += weightOf(importance, i) * e * e
	}
	return sum
}

// searched returns the packings that have a search for the best scale.
func searched() (list []*Packing) {
	for _, p := range Packings {
		if p.optimum != nil {
			list = append(list, p)
		}
	}
	return list
}

func TestTheOptimalScaleIsNeverWorseThanTheReferences(t *testing.T) {
	var o Optimal
	if len(searched()) != 5 {
		t.Fatalf("%d formats have a search", len(searched()))
	}
	for _, p := range searched() {
		t.Run(p.Name, func(t *testing.T) {
			draw := rand.New(rand.NewPCG(3, 4))
			better := 0
			for _, kind := range []string{"gaussian", "awkward", "bits", "halves", "equal"} {
				x := weights(kind, 8*p.Block, 0, draw)
				importance := make([]float32, len(x))
				for i := range x {
					if !Finite(x[i]) || math.Abs(float64(x[i])) > 1e4 { // a scale that float16 can hold
						x[i] = 0
					}
					importance[i] = draw.Float32()
				}
				for _, w := range [][]float32{nil, importance} {
					reference, packed := make([]byte, 8*p.Bytes), make([]byte, 8*p.Bytes)
					p.Quantize(reference, x, w)
					p.QuantizeOptimal(packed, x, w, &o)
					for i := range 8 {
						block := func(b []byte) float64 {
							return packedError(p, b[p.Bytes*i:][:p.Bytes], x[p.Block*i:][:p.Block], part(w, i, p.Block))
						}
						got, limit := block(packed), block(reference)
						if got > limit {
							t.Fatalf("%s: block %d has the error %v, the reference's %v", kind, i, got, limit)
						}
						if got < limit {
							better++
						}
					}
				}
			}
			if better < 20 {
				t.Errorf("only %d of 80 blocks are better than the reference's", better)
			}
		})
	}
}

func TestWeightsTooLargeForAHalfAreClippedByTheOptimalScale(t *testing.T) {
	var o Optimal
	for _, p := range searched() {
		for _, size := range []float32{3e6, 1e8, 1e30, math.MaxFloat32} {
			x := gauss(p.Block)
			for i := range x {
				x[i] *= size / 8
			}
			packed := make([]byte, p.Bytes)
			p.QuantizeOptimal(packed, x, nil, &o)
			for i, y := range unpack(p, packed) {
				if !Finite(y) || y*x[i] < 0 {
					t.Fatalf("%s, up to %v: %v becomes %v", p.Name, size, x[i], y)
				}
			}
		}
	}
}

// BenchmarkOptimalPacking tells what the optimal scale costs in time and saves
// in error, in dB.
func BenchmarkOptimalPacking(b *testing.B) {
	for _, p := range searched() {
		for _, kind := range []string{"gaussian", "heavy"} {
			b.Run(fmt.Sprintf("%s/%s", p.Name, kind), func(b *testing.B) {
				x := gauss(32 * p.Block)
				if kind == "heavy" {
					for i := range x {
						x[i] *= x[i] * x[i]
					}
				}
				var o Optimal
				packed := make([]byte, 32*p.Bytes)
				p.Quantize(packed, x, nil)
				before := packedError(p, packed, x, nil)
				b.SetBytes(int64(4 * len(x)))
				for b.Loop() {
					p.QuantizeOptimal(packed, x, nil, &o)
				}
				b.ReportMetric(10*math.Log10(before/packedError(p, packed, x, nil)), "dB-less")
			})
		}
	}
}
