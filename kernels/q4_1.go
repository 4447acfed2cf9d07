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
	var codes [32]uint8
	row := meanSquare(x, importance)
	for i := range len(x) / 32 {
		b := dst[20*i:][:20]
		d, m := spanAndCode(codes[:], x[32*i:][:32], part(importance, i, 32), row, &weightedFit4)
		putHalf(b, d)
		putHalf(b[2:], m)
		packNibbles(b[4:], codes[:])
	}
}

func dequantizeQ4_1(dst []float32, src []byte) {
	for i := range len(src) / 20 {
		b := src[20*i:][:20]
		d, m := half(b), half(b[2:])
		unpackNibbles(dst[32*i:][:32], b[4:], &aboveZero, d, m, d, m)
	}
}

// spanAndCode chooses the scale d and the offset m of a block with x ≈ d·c + m
// and sets its codes. With importance it is the search f, which never puts m
// above 0, a weight counting by importance·√(row + x²), row being the mean
// square of its row. Without, the codes of f's levels span the weights exactly.
func spanAndCode(codes []uint8, x, importance []float32, row float32, f *affineFit) (d, m float32) {
	if importance != nil {
		var w [32]float32
		weigh(w[:], x, importance, row)
		d, m = f.fit(codes, x, w[:])
		return d, -m
	}
	low, high := span(x)
	d = (high - low) / float32(f.levels)
	codeDown(codes, x, low, invert(d), 0.5, uint8(f.levels))
	return d, low
}

// span returns the least and the greatest of x, the first of equal zeros.
func span(x []float32) (low, high float32) {
	if backend != Portable {
		if low, high = Extremes(x); low != 0 { // of the end stored, the sign of a zero counts
			return low, high
		}
	}
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
