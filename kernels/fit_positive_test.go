package kernels

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestEveryBackendFitsThePositiveAlike runs the search for a scale alone over
// weights of every kind, negative ones and those that are no numbers among them.
func TestEveryBackendFitsThePositiveAlike(t *testing.T) {
	defer Use(Use(Portable))
	for _, b := range Backends()[1:] {
		for _, levels := range []int32{4, 15, 63} {
			t.Run(fmt.Sprintf("%v/%d", b, levels), func(t *testing.T) {
				draw := rand.New(rand.NewPCG(19, 20))
				for range 4000 {
					n := 1 + draw.IntN(32)
					x, w := make([]float32, n), make([]float32, n)
					drawSubBlock(x, draw)
					drawSubBlock(w, draw)
					for i := range x {
						if w[i] = abs(w[i]); draw.IntN(10) > 0 {
							x[i] = abs(x[i])
						}
					}
					trials := func(b Backend) (trials, losses [8]float32) {
						Use(b)
						stretch(&trials, &losses, x, w, 1+abs(x[0]), levels)
						return trials, losses
					}
					wantTrials, wantLosses := trials(Portable)
					gotTrials, gotLosses := trials(b)
					for k := range wantTrials {
						if !sameBits(wantTrials[k], gotTrials[k]) || !sameBits(wantLosses[k], gotLosses[k]) {
							t.Fatalf("trial %d of %v by %v: %x and %x, want %x and %x", k, x, w, gotTrials[k], gotLosses[k], wantTrials[k], wantLosses[k])
						}
					}
					fit := func(b Backend) (codes []uint8, scale float32) {
						Use(b)
						codes = make([]uint8, n)
						return codes, fitPositive(codes, x, w, levels)
					}
					wantCodes, want := fit(Portable)
					gotCodes, got := fit(b)
					if !sameBits(want, got) || !bytes.Equal(wantCodes, gotCodes) {
						t.Fatalf("%v by %v: %x and codes %v, want %x and %v", x, w, got, gotCodes, want, wantCodes)
					}
				}
			})
		}
	}
}

// BenchmarkFitPositive fits the eight scales of a block of q4_K.
func BenchmarkFitPositive(b *testing.B) {
	defer Use(Use(Portable))
	draw := rand.New(rand.NewPCG(21, 22))
	var x, w [8]float32
	for i := range x {
		x[i], w[i] = 1+draw.Float32(), 1+draw.Float32()
	}
	for _, impl := range Backends() {
		b.Run(impl.String(), func(b *testing.B) {
			Use(impl)
			var codes [8]uint8
			b.SetBytes(4 * int64(len(x)))
			for b.Loop() {
				fitPositive(codes[:], x[:], w[:], 63)
			}
		})
	}
}
