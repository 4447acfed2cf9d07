package kernels

import "math"

// The ways between weights and the codes of a block, which formats share.

// negativeZero added to a float leaves it as it is.
var negativeZero = float32(math.Copysign(0, -1))

// codeAwayGo sets codes to the low bytes of x·inverse, halves away from zero.
func codeAwayGo(codes []uint8, x []float32, inverse float32) {
	codes = codes[:len(x)]
	for i, v := range x {
		codes[i] = uint8(nearestAway(v * inverse))
	}
}

// codeDownGo sets codes to (x − low)·inverse + half, the fraction dropped, at
// most most.
func codeDownGo(codes []uint8, x []float32, low, inverse, half float32, most uint8) {
	codes = codes[:len(x)]
	for i, v := range x {
		codes[i] = min(most, uint8(truncate(float32((v-low)*inverse)+half)))
	}
}

// codeDownSignedGo is codeDownGo for codes that are compared as signed bytes.
func codeDownSignedGo(codes []uint8, x []float32, low, inverse, half float32, most uint8) {
	codes = codes[:len(x)]
	for i, v := range x {
		codes[i] = uint8(min(int8(most), int8(truncate(float32((v-low)*inverse)+half))))
	}
}

// unpackNibblesGo sets y to the values of its codes, two in a byte, half of y
// apart: table[c] times low plus lowAdd in the first half, times high plus
// highAdd in the second.
func unpackNibblesGo(y []float32, codes []byte, table *[16]int8, low, lowAdd, high, highAdd float32) {
	first, second := y[:len(codes)], y[len(codes):][:len(codes)]
	for j, c := range codes {
		first[j] = float32(float32(table[c&15])*low) + lowAdd
		second[j] = float32(float32(table[c>>4])*high) + highAdd
	}
}

// unpackBytesGo sets y to signed bytes times a scale.
func unpackBytesGo(y []float32, codes []byte, scale float32) {
	y = y[:len(codes)]
	for i, c := range codes {
		y[i] = float32(int8(c)) * scale
	}
}

// Values of four-bit codes.
var (
	aboveZero = [16]int8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	around8   = [16]int8{-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7}
)

// loudestOf is loudest, quicker for the weights of a block.
func loudestOf(x []float32) float32 {
	if backend == Portable {
		return loudest(x)
	}
	switch lo, hi := Extremes(x); {
	case -lo > hi:
		return lo
	case hi > -lo:
		return hi
	}
	return loudest(x) // the first of equals
}
