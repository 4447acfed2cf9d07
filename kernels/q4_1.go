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
		b, y := src[20*i:][:20], dst[32*i:][:32]
		d, m := half(b), half(b[2:])
		for j, c := range b[4:] {
			y[j] = float32(float32(c&15)*d) + m
			y[16+j] = float32(float32(c>>4)*d) + m
		}
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
	low, high := float32(math.MaxFloat32), float32(-math.MaxFloat32)
	for _, v := range x {
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	d = (high - low) / float32(f.levels)
	inverse := invert(d)
	for i, v := range x {
		codes[i] = min(uint8(f.levels), uint8(truncate(float32((v-low)*inverse)+0.5)))
	}
	return d, low
}
