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

// TestBoundsOfE2M1AreThoseOfDistances holds the bounds against the distances of
// the reference, for every scale and around every value and bound.
func TestBoundsOfE2M1AreThoseOfDistances(t *testing.T) {
	draw := rand.New(rand.NewPCG(9, 10))
	check := func(d, most float32) {
		bounds := boundsE2M1(d)
		x := []float32{0, most}
		for range 30 {
			x = append(x, most*(2*draw.Float32()-1))
		}
		for c, v := range doubledE2M1 {
			around := []float32{v * d}
			if c < len(bounds) && d != 0 {
				around = append(around, bounds[c])
			}
			for _, v := range around {
				up, down := math.Nextafter32(v, 1e38), math.Nextafter32(v, 0)
				x = append(x, v, -v, up, -up, down, -down, math.Nextafter32(up, 1e38), math.Nextafter32(down, 0))
			}
		}
		got, want := make([]uint8, len(x)), make([]uint8, len(x))
		codeE2M1(got, x, &bounds)
		codeE2M1ByDistance(want, x, d)
		for i := range x {
			if got[i] != want[i] {
				t.Fatalf("scale 2·%g: %g becomes %d, want %d", d, x[i], got[i], want[i])
			}
		}
	}
	for e, d := range halfPowers[:253] { // more takes a weight that is not finite
		check(d, float32(math.Ldexp(1, min(e-127+3, 127))))
	}
	for s, d := range halfUE4M3 {
		check(d, max(1e-5, 16*d))
		if s == 0x7e {
			check(d, 1<<30)
		}
	}
}

func TestFloorLog2IsThatOfARoundedLogarithm(t *testing.T) {
	draw := rand.New(rand.NewPCG(11, 12))
	for i := range 1 << 20 {
		bits := uint32(1 + draw.IntN(0x7f7fffff))
		if i%2 == 0 { // below a power of two, by less and less
			bits = bits&^0x7fffff | (0x7fffff - draw.Uint32N(1<<draw.IntN(23)))
		}
		x := math.Float32frombits(bits)
		if got, want := floorLog2(x), int32(math.Floor(float64(float32(math.Log2(float64(x)))))); got != want {
			t.Fatalf("%x: %d, want %d", bits, got, want)
		}
	}
}
