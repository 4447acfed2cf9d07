package kernels

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestLanesFitWhatGoFits runs the searches with an offset over sub-blocks of
// every kind on every backend: scales, offsets, sums and codes have the bits of
// plain Go. Of what is no number only that it is none is held: which NaN it is
// depends on the order of operands.
func TestLanesFitWhatGoFits(t *testing.T) {
	defer Use(Use(Portable))
	searches := []struct {
		name string
		a    *affineFit
		n    int
		by   weighting
	}{
		{"q2_K", &q2KFit, 16, byMagnitude},
		{"q4_K", &q4KFit, 32, byRootMeanSquare},
		{"q5_K", &q5KFit, 32, byRootMeanSquare},
		{"q2_K with importance", &weightedFit2, 16, byGiven},
		{"q4_K with importance", &weightedFit4, 32, byGiven},
		{"q5_K with importance", &weightedFit5, 32, byGiven},
	}
	for _, b := range Backends()[1:] {
		for _, s := range searches {
			t.Run(fmt.Sprintf("%v/%s", b, s.name), func(t *testing.T) {
				draw := rand.New(rand.NewPCG(17, 18))
				for round := range 600 {
					counts := []int{8, 16, 24, 32} // sub-blocks of sixteen weights come by whole blocks
					if s.n == 16 {
						counts = []int{16, 32}
					}
					count := counts[round%len(counts)]
					at := draw.IntN(16)
					x := make([]float32, at+count*s.n)[at:]
					w := make([]float32, at+len(x))[at:]
					for k := range count { // neighbours in vectors of different kinds
						drawSubBlock(x[s.n*k:][:s.n], draw)
						for i := range s.n {
							w[s.n*k+i] = draw.Float32()
						}
						if draw.IntN(8) == 0 {
							clear(w[s.n*k:][:s.n])
						}
					}
					fit := func(b Backend) *[2]fits {
						Use(b)
						var f [2]fits
						fitPair(&f, s.a, x, w, s.n, s.by)
						return &f
					}
					want, got := fit(Portable), fit(b)
					if got[0].lanes == 0 {
						t.Fatalf("%d sub-blocks were not fitted in lanes", count)
					}
					for k := range count {
						want, got, i := &want[k/maxFits], &got[k/maxFits], k%maxFits
						for _, v := range []struct {
							name      string
							want, got float32
						}{
							{"scale", want.scales[i], got.scales[i]},
							{"offset", want.offsets[i], got.offsets[i]},
							{"sum", want.sums[i], got.sums[i]},
						} {
							if !sameBits(v.want, v.got) {
								t.Fatalf("%s of %v: %x, want %x", v.name, x[s.n*k:][:s.n], v.got, v.want)
							}
						}
						codes := func(f *fits) []uint8 {
							c := make([]uint8, s.n)
							f.take(c, i)
							return c
						}
						if want, got := codes(want), codes(got); !bytes.Equal(want, got) {
							t.Fatalf("codes of %v: %d, want %d", x[s.n*k:][:s.n], got, want)
						}
					}
				}
			})
		}
	}
}

// sameBits reports whether two floats have the same bits or are both no number.
func sameBits(x, y float32) bool {
	return math.Float32bits(x) == math.Float32bits(y) || x != x && y != y
}

// drawSubBlock fills x with weights of a kind drawn: any, or those that searches
// have cases for.
func drawSubBlock(x []float32, draw *rand.Rand) {
	kind := draw.IntN(12)
	scale := float32(math.Exp2(float64(draw.IntN(60) - 40)))
	level := float32(draw.NormFloat64())
	for i := range x {
		v := float32(draw.NormFloat64())
		switch kind {
		case 0: // all equal
			v = level
		case 1: // zeros of both signs
			v = float32(math.Copysign(0, float64(v)))
		case 2: // ties
			v = float32(math.Trunc(float64(4*v))) / 4
		case 3: // all above zero
			v = abs(v) + 3
		case 4: // all below zero
			v = -abs(v) - 3
		case 5: // denormals
			v *= 0x1p-130
		case 6: // one outlier
			if i == len(x)/2 {
				v *= 1000
			}
		case 7: // hardly any
			if i%9 > 0 {
				v = 0
			}
		case 8: // squares overflow
			v *= 0x1p100
		case 9: // some are no numbers
			if draw.IntN(6) == 0 {
				v = []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}[draw.IntN(3)]
			}
		case 10: // any bits
			v = math.Float32frombits(draw.Uint32())
		}
		if x[i] = v; kind != 5 && kind != 8 && kind != 10 {
			x[i] *= scale
		}
	}
}
