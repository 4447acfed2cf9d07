package kernels

import "math"

// q4_1, 5 bits per weight: a scale, an offset and 32 four-bit codes.
//
//	2 bytes   d, binary16
//	2 bytes   m, binary16
//	16 bytes  codes c, weight i in the low nibble of byte i, weight 16+i in the high one
//
//	x = d·c + m
//
// Codes span the weights exactly: m = min x, d = (max x − min x)/15.

func quantizeQ4_1(dst []byte, x, importance []float32) {
	quantizeSpan(dst, 20, x, importance, &weightedFit4)
}

func dequantizeQ4_1(dst []float32, src []byte) {
	for i := range len(src) / 20 {
		b := src[20*i:][:20]
		d, m := half(b), half(b[2:])
		unpackNibbles(dst[32*i:][:32], b[4:], &aboveZero, d, m, d, m)
	}
}

// quantizeSpan packs blocks of 32 into so many bytes each, with importance by the
// search f. Without, the codes of f's levels span the weights exactly.
func quantizeSpan(dst []byte, bytes int, x, importance []float32, f *affineFit) {
	if importance != nil {
		quantizeWeighted(dst, bytes, x, importance, f.levels, f)
		return
	}
	var codes [32]uint8
	for i := range len(x) / 32 {
		b, v := dst[bytes*i:][:bytes], x[32*i:][:32]
		low, high := span(v)
		d := (high - low) / float32(f.levels)
		putHalf(b, d)
		putHalf(b[2:], low)
		codeDown(codes[:], v, low, invert(d), 0.5, uint8(f.levels))
		putCodes(b[4:], &codes)
	}
}

// span returns the least and the greatest of x, the first of equal zeros.
func span(x []float32) (low, high float32) {
	low, high = math.MaxFloat32, -math.MaxFloat32
	for _, v := range x {
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	return low, high
}
