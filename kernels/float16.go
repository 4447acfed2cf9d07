package kernels

import (
	"encoding/binary"
	"math"
	"sync"

	"github.com/x448/float16"
)

// f16Value returns the IEEE binary16 value whose bits are h. The conversion is
// exact; products make NaN quiet.
func f16Value(h uint16) float32 {
	const exponent = 0x1f << 23                   // of h, where it comes to lie
	b := uint32(int32(int16(h))<<13) & 0x8fffe000 // the sign goes to the top
	if b&exponent == exponent {
		return math.Float32frombits(b|expMask) * 2 // ±Inf or NaN all the same
	}
	return math.Float32frombits(b) * 0x1p112 // the difference of the biases
}

// f16Values returns the binary16 values by their bits: loading one is quicker
// where there are many.
var f16Values = sync.OnceValue(func() *[1 << 16]float32 {
	t := new([1 << 16]float32)
	for h := range t {
		t[h] = f16Value(uint16(h))
	}
	return t
})

// F16 returns x rounded to the nearest IEEE binary16 value, ties to even.
// Magnitudes of 65520 and more become ±Inf; NaN stays NaN.
func F16(x float32) float32 {
	b := math.Float32bits(x)
	switch e := b & expMask; {
	case e < 113<<23: // below 2^-14 values are 2^-24 apart, as float32 is at 3/4
		t := x + 0.75
		return math.Float32frombits(math.Float32bits(t-0.75) | b&(1<<31))
	case e < expMask:
		b = (b + 0xfff + b>>13&1) &^ 0x1fff
		if b&^(1<<31) >= 0x47800000 {
			b = b&(1<<31) | expMask
		}
	case b&^(1<<31) > expMask:
		b = b&^0x1fff | 1<<22 // quiet
	}
	return math.Float32frombits(b)
}

// BF16 returns x rounded to the nearest bfloat16 value (the upper 16 bits of
// a float32), ties to even; NaN stays NaN.
func BF16(x float32) float32 { return math.Float32frombits(uint32(bf16Bits(x)) << 16) }

func bf16Bits(x float32) uint16 {
	b := math.Float32bits(x)
	if b&0x7fffffff > 0x7f800000 {
		return uint16(b>>16) | 0x40 // quiet, so that dropping bits cannot make an Inf
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// DecodeF16 converts the little-endian binary16 values in src, 2·len(dst)
// bytes, to float32. The conversion is exact.
func DecodeF16(dst []float32, src []byte) { decodeF16(dst, src[:2*len(dst)]) }

func decodeF16Go(dst []float32, src []byte) {
	if len(dst) < 64 { // what vectors leave is not worth a table
		for i := range dst {
			dst[i] = f16Value(binary.LittleEndian.Uint16(src[2*i:]))
		}
		return
	}
	values := f16Values()
	for i := range dst {
		dst[i] = values[binary.LittleEndian.Uint16(src[2*i:])]
	}
}

// EncodeF16 stores src in dst, 2·len(src) bytes, as little-endian binary16,
// rounded like [F16].
func EncodeF16(dst []byte, src []float32) { encodeF16(dst[:2*len(src)], src) }

func encodeF16Go(dst []byte, src []float32) {
	for i, x := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], float16.Fromfloat32(x).Bits())
	}
}

// DecodeBF16 converts the little-endian bfloat16 values in src, 2·len(dst)
// bytes, to float32. The conversion is exact.
func DecodeBF16(dst []float32, src []byte) { decodeBF16(dst, src[:2*len(dst)]) }

func decodeBF16Go(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
	}
}

// EncodeBF16 stores src in dst, 2·len(src) bytes, as little-endian bfloat16,
// rounded like [BF16].
func EncodeBF16(dst []byte, src []float32) { encodeBF16(dst[:2*len(src)], src) }

func encodeBF16Go(dst []byte, src []float32) {
	for i, x := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], bf16Bits(x))
	}
}

// castF16Go and castBF16Go are [Cast.All] of their formats.
func castF16Go(dst, src []float32) (clipped int) { return castGo(dst, src, F16, maxF16) }

func castBF16Go(dst, src []float32) (clipped int) { return castGo(dst, src, BF16, maxBF16) }

func castGo(dst, src []float32, round func(float32) float32, largest float32) (clipped int) {
	for i, x := range src {
		if !Finite(x) {
			dst[i] = x
			continue
		}
		y := round(x)
		dst[i] = max(-largest, min(largest, y))
		if dst[i] != y {
			clipped++
		}
	}
	return clipped
}
