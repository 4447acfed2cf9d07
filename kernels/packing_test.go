package kernels

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// packingHashes has a line per format: its name and the first eight bytes of
// three SHA-256 over the rows of packingRows: packed, packed with importance,
// and what comes back of the first. A format that needs importance has a dash
// for the first, and what comes back is that of the second. ggml d99724f2
// computed them.
//
//go:embed testdata/packings.sha256
var packingHashes string

// packingRows returns rows of several kinds and an importance for each column,
// with arithmetic that is exact or correctly rounded everywhere.
func packingRows() (rows [][]float32, importance []float32) {
	r := rand.New(rand.NewPCG(1, 2))
	draw := func() float32 { return float32(int32(r.Uint32())) * 0x1p-31 }
	const n = 512
	for row := range 12 {
		x := make([]float32, n)
		for i := range x {
			v := draw() + draw() + draw()
			switch row {
			case 1:
				v *= 0x1p-9
			case 2:
				v = v * v * v
			case 3: // ties
				v = float32(math.Trunc(float64(4*v))) / 4
			case 4:
				v = 0
			case 5: // denormals
				v *= 0x1p-130
			case 6:
				v -= 8
			case 7:
				v = -0.75
			case 8: // outliers
				if i%100 == 17 {
					v *= 300
				}
			case 9: // a scale of its own for every 16
				v *= float32(int(1) << (i / 16 % 12))
			case 10:
				if i%9 > 0 {
					v = 0
				}
			case 11: // scales at the end of binary16
				v *= 0x1p-24
			}
			x[i] = v
		}
		rows = append(rows, x)
	}
	return rows, importances(n, draw)
}

// importances draws n importance weights.
func importances(n int, draw func() float32) []float32 {
	importance := make([]float32, n)
	for i := range importance {
		u := draw()
		importance[i] = float32(u*u*4) + 0x1p-10
	}
	return importance
}

func pack(p *Packing, rows [][]float32, importance []float32) []byte {
	var all []byte
	for _, x := range rows {
		b := make([]byte, len(x)/p.Block*p.Bytes)
		p.Quantize(b, x, importance)
		all = append(all, b...)
	}
	return all
}

func unpack(p *Packing, b []byte) []float32 {
	y := make([]float32, len(b)/p.Bytes*p.Block)
	p.Dequantize(y, b)
	return y
}

func float32Bytes(x []float32) []byte {
	var b []byte
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func TestPackedBytesAreTheReferences(t *testing.T) {
	rows, importance := packingRows()
	want := map[string][]string{}
	for line := range strings.Lines(packingHashes) {
		f := strings.Fields(line)
		want[f[0]] = f[1:]
	}
	hash := func(b []byte) string {
		sum := sha256.Sum256(b)
		return hex.EncodeToString(sum[:8])
	}
	for _, p := range Packings {
		t.Run(p.Name, func(t *testing.T) {
			hashes := want[p.Name]
			if len(hashes) != 3 {
				t.Fatal("the reference's hashes are missing")
			}
			weighted := pack(p, rows, importance)
			if hash(weighted) != hashes[1] {
				t.Error("packed with importance: other bytes than the reference's")
			}
			plain := weighted
			if !p.NeedsImportance {
				plain = pack(p, rows, nil)
				if hash(plain) != hashes[0] {
					t.Error("packed: other bytes than the reference's")
				}
				if bytes.Equal(plain, weighted) == p.UsesImportance {
					t.Errorf("UsesImportance is %v", p.UsesImportance)
				}
			}
			if hash(float32Bytes(unpack(p, plain))) != hashes[2] {
				t.Error("unpacked: other weights than the reference's")
			}
		})
	}
}

func TestPackedBytesAreTheGoldenOnes(t *testing.T) {
	root := os.Getenv("BITDIAL_SHARED")
	if root == "" {
		t.Skip("BITDIAL_SHARED is not set")
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(root, "golden", "ggml", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	decode := func(b []byte) []float32 {
		x := make([]float32, len(b)/4)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		return x
	}
	importance := decode(read("imatrix.f32"))
	var rows [][]float32
	for input := decode(read("input.f32")); len(input) > 0; input = input[len(importance):] {
		rows = append(rows, input[:len(importance)])
	}
	compare := func(t *testing.T, what string, got, want []byte, block int) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: %d bytes, want %d", what, len(got), len(want))
		}
		differ := 0
		for i := 0; i < len(got); i += block {
			if !bytes.Equal(got[i:i+block], want[i:i+block]) {
				if differ == 0 {
					t.Errorf("%s: block %d is\n%x, want\n%x", what, i/block, got[i:i+block], want[i:i+block])
				}
				differ++
			}
		}
		if differ > 0 {
			t.Errorf("%s: %d of %d blocks differ", what, differ, len(got)/block)
		}
	}
	for _, p := range Packings {
		t.Run(p.Name, func(t *testing.T) {
			var packed []byte
			if p.UsesImportance {
				packed = read(p.Name + ".imatrix.bin")
				compare(t, "packed with importance", pack(p, rows, importance), packed, p.Bytes)
			}
			if !p.NeedsImportance {
				packed = read(p.Name + ".bin")
				compare(t, "packed", pack(p, rows, nil), packed, p.Bytes)
			}
			compare(t, "unpacked", float32Bytes(unpack(p, packed)), read(p.Name+".dequant.f32"), 4*p.Block)
		})
	}
}

func TestPackingTakesAnyBitsAndKeepsToItsBytes(t *testing.T) {
	for _, p := range Packings {
		t.Run(p.Name, rapid.MakeCheck(func(t *rapid.T) {
			blocks := rapid.IntRange(0, 2).Draw(t, "blocks")
			// Neighbours in size: a row of wholly random bits is all outliers.
			exponents := rapid.SampledFrom([]uint32{0, 0x3f800000, 0x7f000000, 0x7f800000}).Draw(t, "exponents")
			mask := rapid.SampledFrom([]uint32{0x80ffffff, 0x81ffffff, 0xffffffff}).Draw(t, "mask")
			seed := rapid.Uint64().Draw(t, "seed")
			r := rand.New(rand.NewPCG(seed, 0))
			floats := func() []float32 {
				x := make([]float32, blocks*p.Block)
				for i := range x {
					x[i] = math.Float32frombits(exponents ^ r.Uint32()&mask)
				}
				return x
			}
			x := floats()
			var importance []float32
			if p.NeedsImportance || rapid.Bool().Draw(t, "weighted") {
				importance = floats()
			}
			guard := []byte("guard")
			b := append(make([]byte, blocks*p.Bytes), guard...)
			p.Quantize(b, x, importance)
			again := make([]byte, blocks*p.Bytes)
			for i := range again {
				again[i] = 0xff
			}
			p.Quantize(again, x, importance)
			if !bytes.Equal(again, b[:len(again)]) {
				t.Fatal("the bytes depend on what was there before")
			}
			if !bytes.Equal(b[len(again):], guard) {
				t.Fatal("bytes beyond the blocks were written")
			}
			for i := range again {
				again[i] = byte(r.Uint32())
			}
			y := make([]float32, blocks*p.Block+1)
			y[len(y)-1] = 3
			p.Dequantize(y, again)
			if y[len(y)-1] != 3 {
				t.Fatal("weights beyond the blocks were written")
			}
		}))
	}
}

// TestWhatCameBackPacksToTheSameBytes holds where the scale comes from the
// loudest weight, which comes back as that scale's outermost code.
func TestWhatCameBackPacksToTheSameBytes(t *testing.T) {
	fixed := map[string]bool{
		"q1_0": true, "q2_0": true, "q4_0": true, "q5_0": true, "q8_0": true,
		"tq1_0": true, "tq2_0": true, "mxfp4": true, "nvfp4": true,
	}
	for _, p := range Packings {
		if !fixed[p.Name] {
			continue
		}
		t.Run(p.Name, rapid.MakeCheck(func(t *rapid.T) {
			x := rapid.SliceOfN(rapid.Float32Range(-4, 4), p.Block, p.Block).Draw(t, "x")
			x[rapid.IntRange(0, p.Block-1).Draw(t, "loudest")] = 4
			rows := [][]float32{x}
			first := pack(p, rows, nil)
			second := pack(p, [][]float32{unpack(p, first)}, nil)
			if !bytes.Equal(first, second) {
				t.Fatalf("%x, then %x", first, second)
			}
		}))
	}
}

// TestImportanceLowersTheErrorItWeighs packs rows in which a few weights
// matter: with importance their error must fall.
func TestImportanceLowersTheErrorItWeighs(t *testing.T) {
	x := gauss(1 << 14)
	importance := make([]float32, len(x))
	for i := range importance {
		importance[i] = 1
		if i%5 == 0 {
			importance[i] = 100
		}
	}
	loss := func(y []float32) (sum float64) {
		for i, v := range x {
			e := float64(v - y[i])
			sum += float64(importance[i]) * e * e
		}
		return sum
	}
	for _, p := range Packings {
		if !p.UsesImportance || p.NeedsImportance {
			continue
		}
		plain := loss(unpack(p, pack(p, [][]float32{x}, nil)))
		weighted := loss(unpack(p, pack(p, [][]float32{x}, importance)))
		if weighted > 0.95*plain {
			t.Errorf("%s: weighted error %v with importance, %v without", p.Name, weighted, plain)
		}
	}
}

func TestWrongLengthsAreProgrammerErrors(t *testing.T) {
	q := Packings[0]
	for what, call := range map[string]func(){
		"half a block":       func() { q.Quantize(make([]byte, q.Bytes), make([]float32, q.Block/2), nil) },
		"a short importance": func() { q.Quantize(make([]byte, q.Bytes), make([]float32, q.Block), make([]float32, 1)) },
		"a short dst":        func() { q.Quantize(make([]byte, q.Bytes-1), make([]float32, q.Block), nil) },
		"half a packed":      func() { q.Dequantize(make([]float32, q.Block), make([]byte, q.Bytes-1)) },
		"few weights":        func() { q.Dequantize(make([]float32, q.Block-1), make([]byte, q.Bytes)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic", what)
				}
			}()
			call()
		}()
	}
}

func BenchmarkPacking(b *testing.B) {
	defer Use(Use(Portable))
	x := gauss(1 << 13)
	importance := gauss(len(x))
	for i, v := range importance {
		importance[i] = v * v
	}
	for _, p := range Packings {
		packed := make([]byte, len(x)/p.Block*p.Bytes)
		y := make([]float32, len(x))
		run := func(name string, f func()) {
			for _, impl := range Backends() {
				b.Run(fmt.Sprintf("%s/%s/%v", p.Name, name, impl), func(b *testing.B) {
					Use(impl)
					b.SetBytes(int64(4 * len(x)))
					b.ReportAllocs()
					for b.Loop() {
						f()
					}
				})
			}
		}
		if !p.NeedsImportance {
			run("quantize", func() { p.Quantize(packed, x, nil) })
		}
		if p.UsesImportance {
			run("quantize with importance", func() { p.Quantize(packed, x, importance) })
		}
		run("dequantize", func() { p.Dequantize(y, packed) })
	}
}

func TestTameWeightsComeBackFinite(t *testing.T) {
	draw := rand.New(rand.NewPCG(3, 4))
	for _, p := range Packings {
		x, y := make([]float32, 4*p.Block), make([]float32, 4*p.Block)
		alike := make([]float32, len(x))
		dst := make([]byte, 4*p.Bytes)
		for round := range 200 {
			low := -149 + draw.IntN(159)
			for i := range x {
				alike[i] = 1
				x[i] = float32(math.Ldexp(draw.Float64()*2-1, low+draw.IntN(11-low)))
				if round%3 == 0 { // blocks of one magnitude
					x[i] = float32(math.Ldexp(draw.Float64()*2-1, low+1))
				}
			}
			if !AllBelow(x, 10) {
				t.Fatal("the weights are not tame")
			}
			var importance []float32
			if p.NeedsImportance || round%2 == 0 {
				importance = alike
			}
			p.Quantize(dst, x, importance)
			if p.Dequantize(y, dst); !AllBelow(y, 128) {
				t.Fatalf("%s: %v come back as %v", p.Name, x, y)
			}
		}
	}
}

func TestAllBelowLooksAtEveryWeight(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for n := range 20 {
		x := make([]float32, n+1)[1:] // no word's alignment
		for i := range x {
			x[i] = -1023.5
		}
		if !AllBelow(x, 10) || !AllBelow(x, 128) {
			t.Fatalf("%d weights are not below", n)
		}
		for i := range x {
			for _, v := range []float32{1024, -1024, inf, -inf, nan, math.MaxFloat32, math.Float32frombits(0xff800001)} {
				was := x[i]
				x[i] = v
				if AllBelow(x, 10) || AllBelow(x, 128) != Finite(v) {
					t.Errorf("%g at %d of %d", v, i, n)
				}
				x[i] = was
			}
		}
	}
}
