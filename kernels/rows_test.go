package kernels

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// blockKinds are what blocks are made of, any mix of them in a row.
var blockKinds = []struct {
	name string
	fill func(x []float32, r *rand.Rand)
}{
	{"gaussian", func(x []float32, r *rand.Rand) { each(x, func() float64 { return r.NormFloat64() }) }},
	{"small", func(x []float32, r *rand.Rand) {
		s := math.Exp2(-float64(r.IntN(150)))
		each(x, func() float64 { return s * r.NormFloat64() })
	}},
	{"huge", func(x []float32, r *rand.Rand) {
		each(x, func() float64 { return math.MaxFloat32 * (2*r.Float64() - 1) })
	}},
	{"denormal", func(x []float32, r *rand.Rand) {
		bits := 1 << r.IntN(24)
		each(x, func() float64 { return float64(r.IntN(2*bits)-bits) * 0x1p-149 })
	}},
	{"ties", func(x []float32, r *rand.Rand) { each(x, func() float64 { return float64(r.IntN(33)-16) / 2 }) }},
	{"signs of one magnitude", func(x []float32, r *rand.Rand) {
		s := math.Exp2(float64(r.IntN(40) - 20))
		each(x, func() float64 { return s * float64(2*r.IntN(2)-1) })
	}},
	{"zeros of both signs", func(x []float32, r *rand.Rand) {
		each(x, func() float64 { return math.Copysign(0, float64(r.IntN(2))-0.5) })
	}},
	{"zeros and a few above", func(x []float32, r *rand.Rand) {
		each(x, func() float64 { return math.Copysign(max(0, r.NormFloat64()-1), float64(r.IntN(2))-0.5) })
		for i, v := range x {
			if v < 0 {
				x[i] = -v
			}
		}
	}},
	{"equal", func(x []float32, r *rand.Rand) {
		v := r.NormFloat64()
		each(x, func() float64 { return v })
	}},
	{"outliers", func(x []float32, r *rand.Rand) {
		each(x, func() float64 { return 0.01 * r.NormFloat64() })
		x[r.IntN(len(x))] = float32(math.Exp2(float64(r.IntN(60)))) * float32(2*r.IntN(2)-1)
	}},
	{"just below powers of two", func(x []float32, r *rand.Rand) {
		s := math.Exp2(float64(r.IntN(250) - 125))
		each(x, func() float64 { return s * (1 - float64(r.IntN(60))*0x1p-24) })
	}},
	{"any finite bits", func(x []float32, r *rand.Rand) {
		for i := range x {
			for x[i] = math.Float32frombits(r.Uint32()); !Finite(x[i]); {
				x[i] = math.Float32frombits(r.Uint32())
			}
		}
	}},
}

func each(x []float32, draw func() float64) {
	for i := range x {
		x[i] = float32(draw())
	}
}

// TestRowsOfBlocksPackToTheSameBytes packs rows of each kind of block and of
// mixtures, at any address, with importance and without, on every backend.
func TestRowsOfBlocksPackToTheSameBytes(t *testing.T) {
	defer Use(Use(Portable))
	for _, p := range scalarPackings {
		for _, b := range Backends()[1:] {
			t.Run(fmt.Sprintf("%s/%v", p.Name, b), func(t *testing.T) {
				r := rand.New(rand.NewPCG(13, 14))
				part := min(p.Block, 32)
				for round := range 40 * len(blockKinds) {
					blocks := 1 + round%40
					if p.Block == 256 && blocks > 5 {
						blocks = blocks%5 + 1
					}
					at := r.IntN(16)
					x := make([]float32, at+blocks*p.Block)[at:]
					kind := blockKinds[round%len(blockKinds)]
					for i := 0; i < len(x); i += part {
						if round%3 == 0 { // of every kind
							kind = blockKinds[r.IntN(len(blockKinds))]
						}
						kind.fill(x[i:][:part], r)
					}
					var importance []float32
					if p.UsesImportance && round%2 == 1 {
						importance = make([]float32, len(x))
						each(importance, func() float64 { return max(0, r.ExpFloat64()-0.1) })
					}
					packed := func(b Backend) []byte {
						Use(b)
						dst := make([]byte, at+blocks*p.Bytes+5)
						p.Quantize(dst[at:], x, importance)
						return dst
					}
					want, got := packed(Portable), packed(b)
					for i := range blocks {
						from := at + i*p.Bytes
						if w, g := want[from:][:p.Bytes], got[from:][:p.Bytes]; !bytes.Equal(w, g) {
							t.Fatalf("block %d of %d, %s:\n%v\nbecomes %x, want %x", i, blocks, kind.name, x[i*p.Block:][:p.Block], g, w)
						}
					}
					if !bytes.Equal(want, got) {
						t.Fatal("bytes beyond the blocks were written")
					}
				}
			})
		}
	}
}

// TestRowsOfAnyBitsUnpackToTheSameWeights unpacks rows of any length that begin
// anywhere, of any bits, many scales that are no numbers among them.
func TestRowsOfAnyBitsUnpackToTheSameWeights(t *testing.T) {
	defer Use(Use(Portable))
	for _, p := range scalarPackings {
		for _, b := range Backends()[1:] {
			t.Run(fmt.Sprintf("%s/%v", p.Name, b), func(t *testing.T) {
				r := rand.New(rand.NewPCG(15, 16))
				for round := range 200 {
					blocks, at := round%41, r.IntN(16)
					src := make([]byte, at+blocks*p.Bytes)[at:]
					for i := range src {
						src[i] = byte(r.Uint32())
						if r.IntN(4) == 0 { // exponents of binary16 that have no number
							src[i] |= 0x7c
						}
					}
					unpacked := func(b Backend) []float32 {
						Use(b)
						y := make([]float32, at+blocks*p.Block+5)
						p.Dequantize(y[at:], src)
						return y
					}
					want, got := unpacked(Portable), unpacked(b)
					for i := range want {
						if math.Float32bits(want[i]) != math.Float32bits(got[i]) {
							t.Fatalf("weight %d of %d blocks %x:\n%g %08x, want %g %08x", i-at, blocks, src,
								got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
						}
					}
				}
			})
		}
	}
}

// TestRowsOfAnyBitsKeepToTheirBytes packs weights that are no numbers, and those
// among numbers: the bytes are unspecified but the same every time, and no more.
func TestRowsOfAnyBitsKeepToTheirBytes(t *testing.T) {
	defer Use(Use(Portable))
	for _, p := range scalarPackings {
		for _, b := range Backends() {
			t.Run(fmt.Sprintf("%s/%v", p.Name, b), func(t *testing.T) {
				Use(b)
				r := rand.New(rand.NewPCG(17, 18))
				for blocks := 1; blocks <= 40; blocks++ {
					x := make([]float32, blocks*p.Block)
					for i := range x {
						switch x[i] = float32(r.NormFloat64()); {
						case blocks%4 == 0:
							x[i] = float32(math.NaN())
						case blocks%4 == 1:
							x[i] = math.Float32frombits(r.Uint32())
						case r.IntN(50) == 0:
							x[i] = float32(math.Inf(2*r.IntN(2) - 1))
						}
					}
					packed := make([]byte, blocks*p.Bytes+8)
					again := bytes.Repeat([]byte{0xff}, len(packed))
					p.Quantize(packed, x, nil)
					p.Quantize(again, x, nil)
					n := blocks * p.Bytes
					if !bytes.Equal(packed[:n], again[:n]) {
						t.Fatalf("%d blocks: the bytes depend on what was there before", blocks)
					}
					if !bytes.Equal(packed[n:], make([]byte, 8)) || !bytes.Equal(again[n:], bytes.Repeat([]byte{0xff}, 8)) {
						t.Fatalf("%d blocks: bytes beyond them were written", blocks)
					}
				}
			})
		}
	}
}
