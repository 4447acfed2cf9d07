package model

import (
	"math"
	"math/bits"

	"github.com/bitdial/bitdial/kernels"
)

// DType is how weights are stored: one entry of [DTypes], where each stands
// alone, of [Narrow], [Blocks] or [Scaled]. Two are the same if their pointers
// are equal.
type DType struct {
	Name  string // as in a safetensors header, "F32", or as llama.cpp has it, "Q4_K"
	Block int    // weights that are stored as one: 1 where each stands alone
	Bytes int    // that they take; of [Scaled] the bytes of what is read

	Packing *kernels.Packing // of a type of blocks, else nil

	float  bool
	bits   float64 // of a code, of Scaled
	decode func(dst []float32, src []byte)
	encode func(dst []byte, src []float32) // nil for blocks
	turned []field                         // fields of a block that have a byte order
}

// The element types that can be read, little-endian each.
var (
	F64    = &DType{Name: "F64", Block: 1, Bytes: 8, float: true, decode: decodeF64, encode: encodeF64}
	F32    = &DType{Name: "F32", Block: 1, Bytes: 4, float: true, decode: decodeF32, encode: encodeF32}
	F16    = &DType{Name: "F16", Block: 1, Bytes: 2, float: true, decode: kernels.DecodeF16, encode: kernels.EncodeF16}
	BF16   = &DType{Name: "BF16", Block: 1, Bytes: 2, float: true, decode: kernels.DecodeBF16, encode: kernels.EncodeBF16}
	F8E4M3 = &DType{Name: "F8_E4M3", Block: 1, Bytes: 1, float: true, decode: kernels.E4M3.Decode, encode: encodeSmall(kernels.E4M3)}
	F8E5M2 = &DType{Name: "F8_E5M2", Block: 1, Bytes: 1, float: true, decode: kernels.E5M2.Decode, encode: encodeSmall(kernels.E5M2)}

	F8E4M3FNUZ = &DType{Name: "F8_E4M3FNUZ", Block: 1, Bytes: 1, float: true, decode: kernels.E4M3FNUZ.Decode, encode: encodeSmall(kernels.E4M3FNUZ)}
	F8E5M2FNUZ = &DType{Name: "F8_E5M2FNUZ", Block: 1, Bytes: 1, float: true, decode: kernels.E5M2FNUZ.Decode, encode: encodeSmall(kernels.E5M2FNUZ)}
	F8E8M0     = &DType{Name: "F8_E8M0", Block: 1, Bytes: 1, decode: decodeE8M0, encode: encodeE8M0} // scales: powers of two

	I64  = &DType{Name: "I64", Block: 1, Bytes: 8, decode: decode64[int64], encode: encode64[int64](math.MinInt64, math.MaxInt64)}
	I32  = &DType{Name: "I32", Block: 1, Bytes: 4, decode: decode32[int32], encode: encode32[int32](math.MinInt32, math.MaxInt32)}
	I16  = &DType{Name: "I16", Block: 1, Bytes: 2, decode: decode16[int16], encode: encode16[int16](math.MinInt16, math.MaxInt16)}
	I8   = &DType{Name: "I8", Block: 1, Bytes: 1, decode: decode8[int8], encode: encode8[int8](math.MinInt8, math.MaxInt8)}
	U64  = &DType{Name: "U64", Block: 1, Bytes: 8, decode: decode64[uint64], encode: encode64[uint64](0, math.MaxUint64)}
	U32  = &DType{Name: "U32", Block: 1, Bytes: 4, decode: decode32[uint32], encode: encode32[uint32](0, math.MaxUint32)}
	U16  = &DType{Name: "U16", Block: 1, Bytes: 2, decode: decode16[uint16], encode: encode16[uint16](0, math.MaxUint16)}
	U8   = &DType{Name: "U8", Block: 1, Bytes: 1, decode: decode8[uint8], encode: encode8[uint8](0, math.MaxUint8)}
	Bool = &DType{Name: "BOOL", Block: 1, Bytes: 1, decode: decodeBool, encode: encodeBool}
	C64  = &DType{Name: "C64", Block: 1, Bytes: 8, decode: decodeC64, encode: encodeC64} // complex: its real part is read
)

// encodeSmall returns the encoder of a small float, nearest even.
func encodeSmall(f *kernels.Minifloat) func(dst []byte, src []float32) {
	return func(dst []byte, src []float32) { f.Encode(dst, src, kernels.Roundings[0], 0, 0) }
}

// DTypes lists every type of single weights, floats first, wide before narrow.
var DTypes = []*DType{F64, F32, F16, BF16, F8E4M3, F8E5M2, F8E4M3FNUZ, F8E5M2FNUZ, F8E8M0, C64, I64, I32, I16, I8, U64, U32, U16, U8, Bool}

// String returns the name.
func (d *DType) String() string { return d.Name }

// Float reports whether the type holds real numbers, which quantization is
// for; the others hold indices, counters and masks.
func (d *DType) Float() bool { return d.float }

// Bits returns the bits that a weight takes, its share of a block's scales
// included. Of [Scaled] it is the bits of a code: what a tensor's scales take,
// [Tensor.Bytes] counts.
func (d *DType) Bits() float64 {
	if d.bits > 0 {
		return d.bits
	}
	return 8 * float64(d.Bytes) / float64(d.Block)
}

// Quantized reports whether codes and scales make the weights: a type of
// [Blocks] or of [Scaled].
func (d *DType) Quantized() bool { return d.Packing != nil || d.bits > 0 }

// Size returns the bytes that n weights take, and false if n is negative, if n
// weights are not whole blocks, or if the bytes do not fit an int64.
func (d *DType) Size(n int) (size int64, ok bool) {
	hi, lo := bits.Mul64(uint64(n/d.Block), uint64(d.Bytes))
	return int64(lo), n >= 0 && n%d.Block == 0 && hi == 0 && int64(lo) >= 0
}

// Decode converts the stored weights src to float32. Types that float32 does
// not contain (F64, I64, I32, U64, U32) are rounded to nearest, ties to even; a BOOL
// is 0 or 1. It panics unless src holds exactly len(dst) weights, in whole
// blocks.
func (d *DType) Decode(dst []float32, src []byte) {
	d.match(len(dst), len(src))
	d.decode(dst, src)
}

// Encode stores the weights src in dst, rounded to nearest, ties to even.
// Integers saturate and store NaN as 0. F16 and BF16 overflow to ±Inf, as IEEE
// has it. F8_E4M3 and F8_E5M2 saturate at ±448 and ±57344, as OCP's FP8
// specification has it; F8_E5M2 keeps ±Inf, F8_E4M3 has none and saturates it
// too. The FNUZ types do so at ±240 and ±57344. A BOOL stores whether the weight is other than 0. It panics unless dst
// has room for exactly len(src) weights, and for types of more than one weight:
// what packs [Blocks] is their Packing, which may want importance weights.
func (d *DType) Encode(dst []byte, src []float32) {
	d.match(len(src), len(dst))
	if d.encode == nil {
		panic("model: " + d.Name + ": blocks are not encoded weight by weight")
	}
	d.encode(dst, src)
}

func (d *DType) match(weights, bytes int) {
	if size, ok := d.Size(weights); !ok || size != int64(bytes) {
		panic("model: " + d.Name + ": the lengths of weights and bytes differ")
	}
}
