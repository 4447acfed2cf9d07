package kernels

import (
	"encoding/binary"
	"fmt"

	"github.com/x448/float16"
)

// Packing is a block format of ggml and GGUF: a run of Block weights becomes
// Bytes bytes, with scales of its own, chosen by a search of its own. Its
// bytes are the reference implementation's (ggml at d99724f2) in every bit.
type Packing struct {
	Name  string // as schemes write it, and ggml
	About string // what it is, in a sentence
	Block int    // weights in a block
	Bytes int    // that they become

	// UsesImportance says that importance weights change the bytes,
	// NeedsImportance that quantizing without them is not defined.
	UsesImportance, NeedsImportance bool

	// quantize packs one row: some searches weigh a weight against its whole
	// row. importance is nil or as long as x.
	quantize func(dst []byte, x, importance []float32)

	dequantize func(dst []float32, src []byte)
}

// Packings is the table of block formats.
var Packings = []*Packing{
	{
		Name: "q4_0", Block: 32, Bytes: 18, UsesImportance: true,
		About:    "4-bit integers times a scale per 32 weights",
		quantize: quantizeQ4_0, dequantize: dequantizeQ4_0,
	},
	{
		Name: "q5_0", Block: 32, Bytes: 22, UsesImportance: true,
		About:    "5-bit integers times a scale per 32 weights",
		quantize: quantizeQ5_0, dequantize: dequantizeQ5_0,
	},
	{
		Name: "q8_0", Block: 32, Bytes: 34,
		About:    "8-bit integers times a scale per 32 weights",
		quantize: quantizeQ8_0, dequantize: dequantizeQ8_0,
	},
	{
		Name: "q2_K", Block: 256, Bytes: 84, UsesImportance: true,
		About:    "2-bit integers times a scale, minus an offset, per 16 weights; 4-bit scales and offsets",
		quantize: quantizeQ2K, dequantize: dequantizeQ2K,
	},
	{
		Name: "q3_K", Block: 256, Bytes: 110, UsesImportance: true,
		About:    "3-bit integers times a scale per 16 weights; 6-bit scales",
		quantize: quantizeQ3K, dequantize: dequantizeQ3K,
	},
	{
		Name: "q4_K", Block: 256, Bytes: 144, UsesImportance: true,
		About:    "4-bit integers times a scale, minus an offset, per 32 weights; 6-bit scales and offsets",
		quantize: quantizeQ4K, dequantize: dequantizeQ4K,
	},
	{
		Name: "q5_K", Block: 256, Bytes: 176, UsesImportance: true,
		About:    "5-bit integers times a scale, minus an offset, per 32 weights; 6-bit scales and offsets",
		quantize: quantizeQ5K, dequantize: dequantizeQ5K,
	},
	{
		Name: "q6_K", Block: 256, Bytes: 210, UsesImportance: true,
		About:    "6-bit integers times a scale per 16 weights; 8-bit scales",
		quantize: quantizeQ6K, dequantize: dequantizeQ6K,
	},
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
	p.quantize(dst[:len(x)/p.Block*p.Bytes], x, importance)
}

// Dequantize sets the first len(src)/p.Bytes·p.Block elements of dst to the
// weights packed in src, whose length is a multiple of p.Bytes. Any bytes are
// valid; a scale that is not finite gives weights that are not.
func (p *Packing) Dequantize(dst []float32, src []byte) {
	if len(src)%p.Bytes != 0 {
		panic(fmt.Sprintf("kernels: %d bytes are not whole blocks of %s", len(src), p.Name))
	}
	p.dequantize(dst[:len(src)/p.Bytes*p.Block], src)
}

// putHalf stores x in b as IEEE binary16 and returns what was stored.
func putHalf(b []byte, x float32) float32 {
	h := float16.Fromfloat32(x).Bits()
	binary.LittleEndian.PutUint16(b, h)
	return f16Values[h]
}

// half returns the IEEE binary16 value that begins b.
func half(b []byte) float32 { return f16Values[binary.LittleEndian.Uint16(b)] }

// packNibbles packs the low four bits of 2·len(dst) codes: the first half of
// the codes becomes the low nibbles, the second the high ones.
func packNibbles(dst, codes []byte) {
	low, high := codes[:len(dst)], codes[len(dst):2*len(dst)]
	for i := range dst {
		dst[i] = low[i]&15 | high[i]<<4
	}
}
