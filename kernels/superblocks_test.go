package kernels

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestEveryBackendUnpacksAnyBytesToTheSameWeights unpacks rows of any length
// that begin anywhere, scales that are no numbers among them, and looks for
// weights beyond their end.
func TestEveryBackendUnpacksAnyBytesToTheSameWeights(t *testing.T) {
	defer Use(Use(Portable))
	for _, b := range Backends()[1:] {
		for _, p := range scalarPackings {
			t.Run(fmt.Sprintf("%v/%s", b, p.Name), func(t *testing.T) {
				draw := rand.New(rand.NewPCG(15, 16))
				for blocks := range 41 {
					for range 8 {
						at := draw.IntN(16)
						src := make([]byte, at+blocks*p.Bytes)[at:]
						for i := range src {
							src[i] = uint8(draw.Uint32())
							if draw.IntN(4) == 0 { // exponents of binary16 that have no number
								src[i] |= 0x7c
							}
						}
						n := blocks * p.Block
						unpack := func(b Backend) []byte {
							Use(b)
							y := make([]float32, at+n+32)[at:]
							p.Dequantize(y, src)
							for i, v := range y[n:] {
								if v != 0 {
									t.Fatalf("%d blocks: on %v the weight %d beyond the end is %g", blocks, b, i, v)
								}
							}
							return float32Bytes(y)
						}
						if !bytes.Equal(unpack(Portable), unpack(b)) {
							t.Fatalf("%d blocks unpack to other weights than in plain Go", blocks)
						}
					}
				}
			})
		}
	}
}
