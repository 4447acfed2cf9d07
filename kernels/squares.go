package kernels

// MaxOfSquares sets every dst[i] to the greatest number of square i of two rows,
// a[2i], a[2i+1], b[2i] and b[2i+1]: NaN if one is, whatever its bits, and +0
// rather than −0, as Go's max has it.
func MaxOfSquares(dst, a, b []float32) {
	maxOfSquares(dst, a[:2*len(dst)], b[:2*len(dst)])
}

func maxOfSquaresGo(dst, a, b []float32) {
	for i := range dst {
		a, b := a[2*i:][:2], b[2*i:][:2]
		dst[i] = max(a[0], a[1], b[0], b[1])
	}
}

// AddToSquares adds every src[i] to one number of square i of rows da and db:
// to the first whose fellow in the rows a and b equals m[i], or to the first
// of all if none does.
func AddToSquares(da, db, src, a, b, m []float32) {
	n := len(src)
	addToSquares(da[:2*n], db[:2*n], src, a[:2*n], b[:2*n], m[:n])
}

func addToSquaresGo(da, db, src, a, b, m []float32) {
	for i, v := range src {
		switch m[i] {
		case a[2*i]:
			da[2*i] += v
		case a[2*i+1]:
			da[2*i+1] += v
		case b[2*i]:
			db[2*i] += v
		case b[2*i+1]:
			db[2*i+1] += v
		default:
			da[2*i] += v
		}
	}
}
