package kernels

import "math"

// Add adds every src[i] to dst[i], of the same length.
func Add(dst, src []float32) { add(dst[:len(src)], src) }

func addGo(dst, src []float32) {
	for i, v := range src {
		dst[i] += v
	}
}

// Shift adds v to every x[i].
func Shift(x []float32, v float32) { shift(x, v) }

func shiftGo(x []float32, v float32) {
	for i := range x {
		x[i] += v
	}
}

// AddWherePositive adds every src[i] to dst[i], of the same length, where x[i]
// is positive, and 0 elsewhere. What counts are the bits of x[i]: −0 and a NaN
// without a sign are positive too.
func AddWherePositive(dst, src, x []float32) {
	addWherePositive(dst[:len(src)], src, x[:len(src)])
}

func addWherePositiveGo(dst, src, x []float32) {
	for i, v := range src { // without a branch that nobody could predict
		positive := -int32(math.Float32bits(x[i])) >> 31 // all bits, or none
		dst[i] += math.Float32frombits(math.Float32bits(v) & uint32(positive))
	}
}
