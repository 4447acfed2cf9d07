package kernels

import "encoding/binary"

// q4_0, 4.5 bits per weight: a scale and 32 four-bit codes.
//
//	2 bytes   d, binary16
//	16 bytes  codes c, weight i in the low nibble of byte i, weight 16+i in the high one
//
//	x = d·(c − 8)
//
// q5_0, 5.5 bits per weight, is its twin with five-bit codes:
//
//	2 bytes   d, binary16
//	4 bytes   the fifth bits of the codes, weight i in bit i
//	16 bytes  their low four bits, as in q4_0
//
//	x = d·(c − 16)

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
		b, y := src[18*i:][:18], dst[32*i:][:32]
		d := half(b)
		for j, c := range b[2:] {
			y[j] = float32(int32(c&15)-8) * d
			y[16+j] = float32(int32(c>>4)-8) * d
		}
	}
}

func quantizeQ5_0(dst []byte, x, importance []float32) {
	var codes [32]uint8
	row := meanSquare(x, importance)
	for i := range len(x) / 32 {
		b := dst[22*i:][:22]
		putHalf(b, scaleAndCode(codes[:], x[32*i:][:32], part(importance, i, 32), row, 16))
		binary.LittleEndian.PutUint32(b[2:], fifthBits(codes[:]))
		packNibbles(b[6:], codes[:])
	}
}

func dequantizeQ5_0(dst []float32, src []byte) {
	for i := range len(src) / 22 {
		b, y := src[22*i:][:22], dst[32*i:][:32]
		d := half(b)
		fifth := binary.LittleEndian.Uint32(b[2:])
		for j, c := range b[6:] {
			y[j] = float32(int32(uint32(c&15)|fifth>>j<<4&16)-16) * d
			y[16+j] = float32(int32(uint32(c>>4)|fifth>>(16+j)<<4&16)-16) * d
		}
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
	d = loudest(x) / -float32(levels)
	inverse := invert(d)
	half := float32(levels) + 0.5
	for i, v := range x {
		codes[i] = uint8(min(2*levels-1, int32(int8(truncate(float64(float32(v*inverse)+half))))))
	}
	return d
}

// invert returns 1/d, or 0 if d is 0.
func invert(d float32) float32 {
	if d == 0 {
		return 0
	}
	return 1 / d
}

// meanSquare returns the mean of x², or 0 if there are no importance weights
// to need it.
func meanSquare(x, importance []float32) float32 {
	if importance == nil {
		return 0
	}
	return sumSquares(x) / float32(len(x))
}

// sumSquares returns Σx², added in order.
func sumSquares(x []float32) (sum float32) {
	for _, v := range x {
		sum += float32(v * v)
	}
	return sum
}

// weigh sets w to importance·√(square + x²): errors count for more in loud
// weights, without those near zero counting for nothing.
func weigh(w, x, importance []float32, square float32) {
	w, importance = w[:len(x)], importance[:len(x)]
	for i, v := range x {
		w[i] = importance[i] * sqrt(square+float32(v*v))
	}
}

// fifthBits returns bit 4 of each of 32 codes.
func fifthBits(codes []uint8) (bits uint32) {
	for i, c := range codes[:32] {
		bits |= uint32(c>>4&1) << i
	}
	return bits
}
