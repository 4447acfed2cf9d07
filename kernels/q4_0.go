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

func quantizeQ4_0(dst []byte, x, importance []float32) {
	var codes [32]uint8
	row := meanSquare(x, importance)
	for i := range len(x) / 32 {
		b := dst[18*i:][:18]
		putHalf(b, scaleAndCode(codes[:], x[32*i:][:32], part(importance, i, 32), row, 8))
		packNibbles(b[2:], codes[:])
	}
}

func dequantizeQ4_0(dst []float32, src []byte) {
	for i := range len(src) / 18 {
		b := src[18*i:][:18]
		d := half(b)
		unpackNibbles(dst[32*i:][:32], b[2:], &around8, d, negativeZero, d, negativeZero)
	}
}

// scaleAndCode chooses the scale d of a block and sets its codes, whose middle
// is levels. With importance it is the search of [fitSymmetric], a weight
// counting by importance·√(row + x²), row being the mean square of its row.
// Without, the weight of the largest magnitude gets the lowest code, which is
// the furthest from the middle, exactly.
func scaleAndCode(codes []uint8, x, importance []float32, row float32, levels int32) (d float32) {
	if importance != nil {
		var w [32]float32
		weigh(w[:], x, importance, row)
		return fitSymmetric(codes, x, w[:], levels)
	}
	d = loudestOf(x) / -float32(levels)
	codeDownSigned(codes, x, 0, invert(d), float32(levels)+0.5, uint8(2*levels-1))
	return d
}

// invert returns 1/d, or 0 if d is 0.
func invert(d float32) float32 {
	if d == 0 {
		return 0
	}
	return 1 / d
}
