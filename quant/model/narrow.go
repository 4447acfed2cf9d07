package model

import (
	"encoding/binary"
	"math"

	"github.com/bitdial/bitdial/kernels"
)

// The types of floats that are narrower than a byte. Weights follow each other
// without a gap, from the lowest bits of a byte up, whatever the rows: only all of
// them together are whole bytes.
var (
	F4     = &DType{Name: "F4", Block: 2, Bytes: 1, float: true, decode: decodeNarrow(kernels.E2M1)}
	F6E2M3 = &DType{Name: "F6_E2M3", Block: 4, Bytes: 3, float: true, decode: decodeNarrow(kernels.E2M3)}
	F6E3M2 = &DType{Name: "F6_E3M2", Block: 4, Bytes: 3, float: true, decode: decodeNarrow(kernels.E3M2)}

	// Narrow lists them.
	Narrow = []*DType{F4, F6E2M3, F6E3M2}
)

// decodeNarrow returns the decoder of codes that are not whole bytes.
func decodeNarrow(f *kernels.Minifloat) func(dst []float32, src []byte) {
	width := f.Bits()
	return func(dst []float32, src []byte) {
		var codes [256]byte
		for len(dst) > 0 {
			n := min(len(dst), len(codes))
			held, bits := uint(0), 0
			for i := range codes[:n] {
				if bits < width {
					held |= uint(src[0]) << bits
					src, bits = src[1:], bits+8
				}
				codes[i] = byte(held)
				held, bits = held>>width, bits-width
			}
			f.Decode(dst[:n], codes[:n])
			dst = dst[n:]
		}
	}
}

// PowerOfTwo returns the value of a code of F8_E8M0, the scale of OCP's
// microscaling formats: 2^(code−127), of the last code NaN.
func PowerOfTwo(code byte) float32 {
	if code == 0xff {
		return float32(math.NaN())
	}
	return float32(math.Ldexp(1, int(code)-127))
}

func decodeE8M0(dst []float32, src []byte) {
	for i, code := range src {
		dst[i] = PowerOfTwo(code)
	}
}

// encodeE8M0 stores the power of two nearest to each weight, the larger one of
// two; what has none, as zero, becomes the smallest.
func encodeE8M0(dst []byte, src []float32) {
	for i, x := range src {
		switch exponent := math.Round(math.Log2(float64(x))); {
		case x != x:
			dst[i] = 0xff
		case x <= 0 || exponent < -127:
			dst[i] = 0
		default:
			dst[i] = byte(min(exponent, 127) + 127)
		}
	}
}

func decodeC64(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[8*i:]))
	}
}

func encodeC64(dst []byte, src []float32) {
	for i, x := range src {
		binary.LittleEndian.PutUint64(dst[8*i:], uint64(math.Float32bits(x)))
	}
}
