package kernels

// q4_0, 4.5 bits per weight: a scale and 32 four-bit codes.
//
//	2 bytes   d, binary16
//	16 bytes  codes c, weight i in the low nibble of byte i, weight 16+i in the high one
//
//	x = d·(c − 8)
//
// The middle of the codes is 8. The weight of the largest magnitude gets the
// lowest code, the one that is furthest from the middle.

func quantizeQ4_0(dst []byte, x, importance []float32) { quantizeSymmetric(dst, 18, x, importance, 8) }

func dequantizeQ4_0(dst []float32, src []byte) {
	for i := range len(src) / 18 {
		b := src[18*i:][:18]
		d := half(b)
		unpackNibbles(dst[32*i:][:32], b[2:], &around8, d, negativeZero, d, negativeZero)
	}
}

// quantizeSymmetric packs blocks of 32 into so many bytes each. The middle of the
// codes is levels. Without importance the weight of the largest magnitude gets
// the lowest code, which is the furthest from the middle, exactly.
func quantizeSymmetric(dst []byte, bytes int, x, importance []float32, levels int32) {
	if importance != nil {
		quantizeWeighted(dst, bytes, x, importance, levels, nil)
		return
	}
	var codes [32]uint8
	for i := range len(x) / 32 {
		b, v := dst[bytes*i:][:bytes], x[32*i:][:32]
		d := loudest(v) / -float32(levels)
		putHalf(b, d)
		codeDownSigned(codes[:], v, 0, invert(d), float32(levels)+0.5, uint8(2*levels-1))
		putCodes(b[2:], &codes)
	}
}

// invert returns 1/d, or 0 if d is 0.
func invert(d float32) float32 {
	if d == 0 {
		return 0
	}
	return 1 / d
}
