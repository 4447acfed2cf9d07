package model_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// packed returns n weights packed as d, and what the packing makes of them.
func packed(d *model.DType, n int) (b []byte, y []float32) {
	p := d.Packing
	random := rand.New(rand.NewPCG(1, 2))
	x, importance := make([]float32, n), make([]float32, n)
	for i := range x {
		x[i], importance[i] = float32(random.NormFloat64()), 1
	}
	b, y = make([]byte, n/p.Block*p.Bytes), make([]float32, n)
	p.Quantize(b, x, importance)
	p.Dequantize(y, b)
	return b, y
}

func TestThereIsATypeForEveryPacking(t *testing.T) {
	if len(model.Blocks) != len(kernels.Packings) {
		t.Fatalf("%d types for %d packings", len(model.Blocks), len(kernels.Packings))
	}
	for i, d := range model.Blocks {
		p := kernels.Packings[i]
		if d.Packing != p || d.Block != p.Block || d.Bytes != p.Bytes || !d.Float() {
			t.Errorf("%+v for %s", d, p.Name)
		}
		if size, ok := d.Size(3 * d.Block); !ok || size != int64(3*d.Bytes) {
			t.Errorf("three blocks of %s take %d bytes, %t", d, size, ok)
		}
		if _, ok := d.Size(d.Block + 1); ok {
			t.Errorf("a block and a weight of %s have a size", d)
		}
	}
}

// TestAnyStretchOfBlocksIsRead cuts into blocks at both ends, in files of
// either byte order.
func TestAnyStretchOfBlocksIsRead(t *testing.T) {
	const n = 5 * 4096
	for _, d := range model.Blocks {
		b, y := packed(d, n)
		shape := []int{5, 4096}
		little, err := model.NewTensor("w", d, shape, model.NewFile("little", append([]byte{0}, b...)), 1)
		if err != nil {
			t.Fatal(err)
		}
		big, err := model.NewBigEndian("w", d, shape, model.NewFile("big", turned(d, b)), 0)
		if err != nil {
			t.Fatal(err)
		}
		for name, tensor := range map[string]*model.Tensor{"little": little, "big": big} {
			rapid.Check(t, func(rt *rapid.T) {
				from := rapid.IntRange(0, n).Draw(rt, "from")
				dst := make([]float32, rapid.IntRange(0, n-from).Draw(rt, "count"))
				if err := tensor.Read(dst, from); err != nil {
					rt.Fatal(err)
				}
				if !slices.Equal(dst, y[from:from+len(dst)]) {
					rt.Fatalf("%s, %s-endian: %d weights from %d on differ", d, name, len(dst), from)
				}
				at := rapid.IntRange(0, len(b)).Draw(rt, "byte")
				raw := make([]byte, rapid.IntRange(0, len(b)-at).Draw(rt, "bytes"))
				if err := tensor.ReadRaw(raw, int64(at)); err != nil {
					rt.Fatal(err)
				}
				if !slices.Equal(raw, b[at:at+len(raw)]) {
					rt.Fatalf("%s, %s-endian: %d bytes from %d on differ", d, name, len(raw), at)
				}
			})
		}
	}
}

// turned returns blocks as a big-endian machine has them in memory: halves, and
// the words that ggml loads when it decodes. This is the second account of
// them, as ranges that are reversed two or four bytes at a time.
func turned(d *model.DType, b []byte) []byte {
	type span struct{ from, end, width int }
	spans := map[string][]span{
		"Q5_0": {{0, 2, 2}, {2, 6, 4}}, "Q5_1": {{0, 4, 2}, {4, 8, 4}},
		"Q4_1": {{0, 4, 2}}, "Q4_K": {{0, 4, 2}}, "Q5_K": {{0, 4, 2}}, "IQ4_XS": {{0, 4, 2}},
		"Q2_K": {{80, 84, 2}}, "Q3_K": {{108, 110, 2}}, "Q6_K": {{208, 210, 2}},
		"TQ1_0": {{52, 54, 2}}, "TQ2_0": {{64, 66, 2}},
		"IQ2_XS": {{0, 66, 2}}, "IQ3_XXS": {{0, 2, 2}, {66, 98, 4}},
		"IQ1_S": {{0, 2, 2}, {34, 50, 2}}, "IQ1_M": {{48, 56, 2}}, "MXFP4": {}, "NVFP4": {},
		"IQ2_XXS": {{0, 2, 2}, {6, 10, 4}, {14, 18, 4}, {22, 26, 4}, {30, 34, 4}, {38, 42, 4}, {46, 50, 4}, {54, 58, 4}, {62, 66, 4}},
	}[d.Name]
	if spans == nil {
		spans = []span{{0, 2, 2}}
	}
	b = slices.Clone(b)
	for block := range slices.Chunk(b, d.Bytes) {
		for _, s := range spans {
			for part := range slices.Chunk(block[s.from:s.end], s.width) {
				slices.Reverse(part)
			}
		}
	}
	return b
}

func TestBigEndianWeightsAreReadAsLittleEndianOnes(t *testing.T) {
	for _, d := range model.DTypes {
		b := encoded(d, 0, 1, 2, 3, 100, 1.5, 7)
		for i := 0; i < len(b); i += d.Bytes {
			slices.Reverse(b[i : i+d.Bytes])
		}
		tensor, err := model.NewBigEndian("w", d, []int{7}, model.NewFile("big", b), 0)
		if err != nil {
			t.Fatal(err)
		}
		y := make([]float32, 7)
		if err := tensor.Read(y, 0); err != nil || !slices.Equal(y, decoded(d, encoded(d, 0, 1, 2, 3, 100, 1.5, 7))) {
			t.Errorf("%s: %v, %v", d, y, err)
		}
	}
}

func TestRowsOfATensorAreWholeBlocks(t *testing.T) {
	f := model.NewFile("x", make([]byte, 1000))
	for _, shape := range [][]int{{}, {31}, {32, 1}, {2, 16}, {0, 31}} {
		if _, err := model.NewTensor("w", model.Blocks[0], shape, f, 0); err == nil {
			t.Errorf("%s of shape %v was taken", model.Blocks[0], shape)
		}
	}
}

func BenchmarkReadBlocks(b *testing.B) {
	const n = 1 << 20
	for _, d := range model.Blocks {
		b.Run(d.Name, func(b *testing.B) {
			data, y := packed(d, 1<<12)
			data = slices.Repeat(data, n>>12)
			y = slices.Grow(y[:0], n)[:n]
			tensor, err := model.NewTensor("w", d, []int{n}, model.NewFile("x", data), 0)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(4 * n) // of float32, for comparison with other types
			b.ReportAllocs()
			for b.Loop() {
				if err := tensor.Read(y, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReadPartOfABlock is a read of few weights, for which a whole block
// is decoded.
func BenchmarkReadPartOfABlock(b *testing.B) {
	data, _ := packed(model.Blocks[9], 1<<12)
	tensor, err := model.NewTensor("w", model.Blocks[9], []int{1 << 12}, model.NewFile("x", data), 0)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float32, 32)
	b.ReportAllocs()
	for b.Loop() {
		if err := tensor.Read(dst, 77); err != nil {
			b.Fatal(err)
		}
	}
}
