package kernels

// MaxOfSquares sets every dst[i] to the greatest of a[2i], a[2i+1], b[2i] and
// b[2i+1], two rows of numbers: NaN if one is, whatever its bits, and +0 rather
// than −0, as Go's max has it.
func MaxOfSquares(dst, a, b []float32) {
	maxOfSquares(dst, a[:2*len(dst)], b[:2*len(dst)])
}

func maxOfSquaresGo(dst, a, b []float32) {
	for i := range dst {
		a, b := a[2*i:][:2], b[2*i:][:2]
		dst[i] = max(a[0], a[1], b[0], b[1])
	}
}
