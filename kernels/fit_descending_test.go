package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestDescentsOfManyBlocksFindTheSameScales fits blocks of one kind of weights and
// of mixtures, more than go through vectors at a time, on every backend.
func TestDescentsOfManyBlocksFindTheSameScales(t *testing.T) {
	defer Use(Use(Portable))
	r := rand.New(rand.NewPCG(21, 22))
	for round := range 2 * len(blockKinds) {
		blocks := 1 + round*(descentBlocks-1)/(2*len(blockKinds)-1)
		x := make([]float32, 256*blocks)
		kind := blockKinds[round%len(blockKinds)]
		for i := 0; i < len(x); i += 16 {
			if round >= len(blockKinds) {
				kind = blockKinds[r.IntN(len(blockKinds))]
			}
			kind.fill(x[i:][:16], r)
			if r.IntN(4) == 0 { // two loudest of both signs
				x[i+r.IntN(16)] = -loudest(x[i:][:16])
			}
		}
		want := make([]float32, len(x)/16)
		fitDescendingAllGo(want, x)
		for _, b := range Backends()[1:] {
			Use(b)
			got := make([]float32, len(want))
			fitDescendingAll(got, x)
			for k := range want {
				if math.Float32bits(got[k]) != math.Float32bits(want[k]) && want[k] == want[k] {
					t.Fatalf("%v, %s: %v gets %g, want %g", b, kind.name, x[16*k:][:16], got[k], want[k])
				}
			}
		}
	}
}

// TestLongRowsOfQ3KPackToTheSameBytes packs more blocks than go through vectors at a
// time, of which some have sub-blocks too quiet for a scale.
func TestLongRowsOfQ3KPackToTheSameBytes(t *testing.T) {
	defer Use(Use(Portable))
	r := rand.New(rand.NewPCG(23, 24))
	x := make([]float32, 256*(2*descentBlocks+3))
	each(x, r.NormFloat64)
	for i := 0; i < len(x); i += 16 {
		if scale := math.Exp2(-float64(r.IntN(10))); r.IntN(20) == 0 {
			each(x[i:][:16], func() float64 { return scale * r.NormFloat64() })
		}
	}
	want := make([]byte, len(x)/256*110)
	quantizeQ3K(want, x, nil)
	for _, b := range Backends()[1:] {
		Use(b)
		got := make([]byte, len(want))
		quantizeQ3K(got, x, nil)
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%v: byte %d of block %d is %x, want %x", b, i%110, i/110, got[i], want[i])
			}
		}
	}
}
