package kernels

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/x448/float16"
)

// Packing is a block format of ggml and GGUF: a run of Block weights becomes
// Bytes bytes, with scales of its own, chosen by a search of its own. Its
// bytes are the reference implementation's (ggml at d99724f2) in every bit.
type Packing struct {
	Name  string // as schemes write it, and ggml
	About string // what it is, in a sentence
	Bits  int    // of a weight's code, or of its share of a code
	Block int    // weights in a block
	Bytes int    // that they become
	codes codes  // what codes stand for; none for points of a grid

	// UsesImportance says that importance weights change the bytes,
	// NeedsImportance that quantizing without them is not defined.
	UsesImportance, NeedsImportance bool

	// quantize packs one row: some searches weigh a weight against its whole
	// row. importance is nil or as long as x.
	quantize func(dst []byte, x, importance []float32)

	dequantize func(dst []float32, src []byte)

	optimum *optimum // nil where there is no search for the best scale
	vector  bool     // packing has vector code; unpacking always has

	rows [AVX512 + 1]rowCode // by backend; where there is none, the two functions run
}

// Slow reports whether packing takes a large part of a microsecond per weight:
// points of a grid are looked for among many.
func (p *Packing) Slow() bool { return p.codes == nil }

// Packings is the table of block formats.
var Packings = slices.Concat(scalarPackings, latticePackings)

// scalarPackings is the table of the formats that have a code for each weight.
var scalarPackings = withRowCode([]*Packing{
	{
		Name: "q4_0", Bits: 4, codes: run(-8, 7), Block: 32, Bytes: 18, UsesImportance: true,
		About:    "4-bit integers times a scale per 32 weights",
		quantize: quantizeQ4_0, dequantize: dequantizeQ4_0, optimum: optimumQ4_0, vector: true,
	},
	{
		Name: "q4_1", Bits: 4, codes: run(0, 15), Block: 32, Bytes: 20, UsesImportance: true,
		About:    "4-bit integers times a scale, plus an offset, per 32 weights",
		quantize: quantizeQ4_1, dequantize: dequantizeQ4_1, optimum: optimumQ4_1, vector: true,
	},
	{
		Name: "q5_0", Bits: 5, codes: run(-16, 15), Block: 32, Bytes: 22, UsesImportance: true,
		About:    "5-bit integers times a scale per 32 weights",
		quantize: quantizeQ5_0, dequantize: dequantizeQ5_0, optimum: optimumQ5_0, vector: true,
	},
	{
		Name: "q5_1", Bits: 5, codes: run(0, 31), Block: 32, Bytes: 24, UsesImportance: true,
		About:    "5-bit integers times a scale, plus an offset, per 32 weights",
		quantize: quantizeQ5_1, dequantize: dequantizeQ5_1, optimum: optimumQ5_1, vector: true,
	},
	{
		Name: "q8_0", Bits: 8, codes: run(-127, 127), Block: 32, Bytes: 34,
		About:    "8-bit integers times a scale per 32 weights",
		quantize: quantizeQ8_0, dequantize: dequantizeQ8_0, optimum: optimumQ8_0, vector: true,
	},
	{
		Name: "q1_0", Bits: 1, codes: codes{-1, 1}, Block: 128, Bytes: 18,
		About:    "signs times a scale per 128 weights",
		quantize: quantizeQ1_0, dequantize: dequantizeQ1_0, vector: true,
	},
	{
		Name: "q2_0", Bits: 2, codes: run(-1, 1), Block: 64, Bytes: 18,
		About:    "−1, 0 or 1 times a scale per 64 weights",
		quantize: quantizeQ2_0, dequantize: dequantizeQ2_0, vector: true,
	},
	{
		Name: "q2_K", Bits: 2, codes: run(0, 3), Block: 256, Bytes: 84, UsesImportance: true,
		About:    "2-bit integers times a scale, minus an offset, per 16 weights; 4-bit scales and offsets",
		quantize: quantizeQ2K, dequantize: dequantizeQ2K, vector: true,
	},
	{
		Name: "q3_K", Bits: 3, codes: run(-4, 3), Block: 256, Bytes: 110, UsesImportance: true,
		About:    "3-bit integers times a scale per 16 weights; 6-bit scales",
		quantize: quantizeQ3K, dequantize: dequantizeQ3K, vector: true,
	},
	{
		Name: "q4_K", Bits: 4, codes: run(0, 15), Block: 256, Bytes: 144, UsesImportance: true,
		About:    "4-bit integers times a scale, minus an offset, per 32 weights; 6-bit scales and offsets",
		quantize: quantizeQ4K, dequantize: dequantizeQ4K, vector: true,
	},
	{
		Name: "q5_K", Bits: 5, codes: run(0, 31), Block: 256, Bytes: 176, UsesImportance: true,
		About:    "5-bit integers times a scale, minus an offset, per 32 weights; 6-bit scales and offsets",
		quantize: quantizeQ5K, dequantize: dequantizeQ5K, vector: true,
	},
	{
		Name: "q6_K", Bits: 6, codes: run(-32, 31), Block: 256, Bytes: 210, UsesImportance: true,
		About:    "6-bit integers times a scale per 16 weights; 8-bit scales",
		quantize: quantizeQ6K, dequantize: dequantizeQ6K, vector: true,
	},
	{
		Name: "tq1_0", Bits: 1, codes: run(-1, 1), Block: 256, Bytes: 54,
		About:    "−1, 0 or 1 times a scale per 256 weights, five in a byte",
		quantize: quantizeTQ1_0, dequantize: dequantizeTQ1_0, vector: true,
	},
	{
		Name: "tq2_0", Bits: 2, codes: run(-1, 1), Block: 256, Bytes: 66,
		About:    "−1, 0 or 1 times a scale per 256 weights, four in a byte",
		quantize: quantizeTQ2_0, dequantize: dequantizeTQ2_0, vector: true,
	},
	{
		Name: "iq4_nl", Bits: 4, codes: nonlinear[:], Block: 32, Bytes: 18, UsesImportance: true,
		About:    "sixteen values, denser around 0, times a scale per 32 weights",
		quantize: quantizeIQ4NL, dequantize: dequantizeIQ4NL, vector: true,
	},
	{
		Name: "iq4_xs", Bits: 4, codes: nonlinear[:], Block: 256, Bytes: 136, UsesImportance: true,
		About:    "iq4_nl's values times a 6-bit scale per 32 weights",
		quantize: quantizeIQ4XS, dequantize: dequantizeIQ4XS, vector: true,
	},
	{
		Name: "mxfp4", Bits: 4, codes: E2M1.Values(), Block: 32, Bytes: 17,
		About:    "4-bit floats (E2M1) times a power of two per 32 weights (OCP MX)",
		quantize: quantizeMXFP4, dequantize: dequantizeMXFP4, vector: true,
	},
	{
		Name: "nvfp4", Bits: 4, codes: E2M1.Values(), Block: 64, Bytes: 36,
		About:    "4-bit floats (E2M1) times an 8-bit float per 16 weights",
		quantize: quantizeNVFP4, dequantize: dequantizeNVFP4, vector: true,
	},
})

// codes are the values of a block's codes before scaling, ascending.
type codes []float32

// run returns the codes from lo to hi.
func run(lo, hi int) codes {
	var c codes
	for q := lo; q <= hi; q++ {
		c = append(c, float32(q))
	}
	return c
}

// Quantize packs x, one row of weights, into the first
// len(x)/p.Block·p.Bytes bytes of dst. importance says how much the squared
// error of each weight of the row matters, or is nil; formats that do not use
// it ignore it. len(x) is a multiple of p.Block.
//
// The weights should be finite: of others the bytes are unspecified.
func (p *Packing) Quantize(dst []byte, x, importance []float32) {
	if len(x)%p.Block != 0 {
		panic(fmt.Sprintf("kernels: %d weights are not whole blocks of %s", len(x), p.Name))
	}
	switch {
	case importance != nil && len(importance) != len(x):
		panic(fmt.Sprintf("kernels: %d importance weights for %d weights", len(importance), len(x)))
	case importance == nil && p.NeedsImportance:
		panic(fmt.Sprintf("kernels: %s needs importance weights", p.Name))
	}
	p.quantizeRow(dst[:len(x)/p.Block*p.Bytes], x, importance)
}

// Dequantize sets the first len(src)/p.Bytes·p.Block elements of dst to the
// weights packed in src, whose length is a multiple of p.Bytes. Any bytes are
// valid; a scale that is not finite gives weights that are not.
func (p *Packing) Dequantize(dst []float32, src []byte) {
	if len(src)%p.Bytes != 0 {
		panic(fmt.Sprintf("kernels: %d bytes are not whole blocks of %s", len(src), p.Name))
	}
	p.dequantizeRow(dst[:len(src)/p.Bytes*p.Block], src)
}

// putHalf stores x in b as IEEE binary16 and returns what was stored.
func putHalf(b []byte, x float32) float32 {
	h := float16.Fromfloat32(x).Bits()
	binary.LittleEndian.PutUint16(b, h)
	return f16Value(h)
}

// half returns the IEEE binary16 value that begins b.
func half(b []byte) float32 { return f16Value(binary.LittleEndian.Uint16(b)) }
