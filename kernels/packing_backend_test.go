package kernels

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestEveryBackendPacksTheSameBytes packs rows of every kind and length on every
// backend, and unpacks them.
func TestEveryBackendPacksTheSameBytes(t *testing.T) {
	defer Use(Use(Portable))
	for _, b := range Backends()[1:] {
		for _, p := range Packings {
			t.Run(fmt.Sprintf("%v/%s", b, p.Name), func(t *testing.T) {
				draw := rand.New(rand.NewPCG(7, 8))
				for blocks := 1; blocks <= 40; blocks++ {
					if p.NeedsImportance && blocks > 6 { // these have no code of their own yet
						break
					}
					kind := kinds[blocks%len(kinds)]
					n := blocks * p.Block
					x := weights(kind, n, blocks%16, draw)
					scale := float32(math.Exp2(float64(draw.IntN(40) - 30)))
					importance := make([]float32, n)
					for i := range x {
						if x[i] *= scale; !Finite(x[i]) { // of these the bytes are unspecified
							x[i] = 0
						}
						importance[i] = draw.Float32()
					}
					for _, w := range [][]float32{nil, importance} {
						if w == nil && p.NeedsImportance {
							continue
						}
						packed := func(b Backend) []byte {
							Use(b)
							dst := make([]byte, blocks*p.Bytes)
							p.Quantize(dst, x, w)
							return dst
						}
						want, got := packed(Portable), packed(b)
						if !bytes.Equal(want, got) {
							t.Fatalf("%d blocks of %s weights, with importance %v: other bytes than in plain Go", blocks, kind, w != nil)
						}
						unpacked := func(b Backend) []byte {
							Use(b)
							y := make([]float32, n)
							p.Dequantize(y, got)
							return float32Bytes(y)
						}
						if !bytes.Equal(unpacked(Portable), unpacked(b)) {
							t.Fatalf("%d blocks of %s weights unpack to others than in plain Go", blocks, kind)
						}
					}
				}
			})
		}
	}
}
