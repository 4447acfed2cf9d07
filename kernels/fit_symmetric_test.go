package kernels

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestEveryBackendFitsTheSymmetricAlike runs the search without an offset for one
// sub-block, as scales are fitted, over weights of every kind.
func TestEveryBackendFitsTheSymmetricAlike(t *testing.T) {
	defer Use(Use(Portable))
	for _, b := range Backends()[1:] {
		for _, levels := range []int32{4, 8, 16, 32} {
			t.Run(fmt.Sprintf("%v/%d", b, levels), func(t *testing.T) {
				draw := rand.New(rand.NewPCG(23, 24))
				for range 4000 {
					n := 1 + draw.IntN(32)
					x, w := make([]float32, n), make([]float32, n)
					drawSubBlock(x, draw)
					drawSubBlock(w, draw)
					for i := range w {
						w[i] = abs(w[i])
					}
					fit := func(b Backend) (codes []uint8, scale float32) {
						Use(b)
						codes = make([]uint8, n)
						return codes, fitSymmetric(codes, x, w, levels)
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
