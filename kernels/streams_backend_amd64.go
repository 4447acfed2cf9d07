package kernels

//go:generate go -C _gen run . -what streams -out ../streams_amd64.s -stubs ../streams_amd64.go -pkg kernels

// Each function below runs one kernel on the backend in use: whole vectors, and
// Go does the rest.

func (a Affine) bytes(dst []uint8, src []float32) {
	n := vectors(len(src))
	if n == 0 || backend == Portable {
		n = 0
	} else {
		bytesAVX2(&dst[0], &src[0], n, &a.Scale)
	}
	a.bytesGo(dst[n:], src[n:])
}

func clamp(dst, src []float32, lo, hi float32) {
	n := vectors(len(src))
	zero := negativeZero
	if lo == 0 {
		zero = lo
	}
	if usual := lo <= hi && hi != 0; n == 0 || backend == Portable || !usual { // neither is NaN
		n = 0
	} else {
		clampAVX2(&dst[0], &src[0], n, lo, hi, zero)
	}
	clampGo(dst[n:], src[n:], lo, hi)
}

func add(dst, src []float32) {
	n := vectors(len(src))
	if n == 0 || backend == Portable {
		n = 0
	} else {
		addAVX2(&dst[0], &src[0], n)
	}
	addGo(dst[n:], src[n:])
}

func shift(x []float32, v float32) {
	n := vectors(len(x))
	if n == 0 || backend == Portable {
		n = 0
	} else {
		shiftAVX2(&x[0], n, v)
	}
	shiftGo(x[n:], v)
}

func addWherePositive(dst, src, x []float32) {
	n := vectors(len(src))
	if n == 0 || backend == Portable {
		n = 0
	} else {
		addWherePositiveAVX2(&dst[0], &src[0], &x[0], n)
	}
	addWherePositiveGo(dst[n:], src[n:], x[n:])
}

func maxOfSquares(dst, a, b []float32) {
	n := len(dst) &^ 3
	if n == 0 || backend == Portable {
		n = 0
	} else {
		maxOfSquaresAVX2(&dst[0], &a[0], &b[0], n)
	}
	maxOfSquaresGo(dst[n:], a[2*n:], b[2*n:])
}

func addToSquares(da, db, src, a, b, m []float32) {
	n := len(src) &^ 3
	if n == 0 || backend == Portable {
		n = 0
	} else {
		addToSquaresAVX2(&da[0], &db[0], &src[0], &a[0], &b[0], &m[0], n)
	}
	addToSquaresGo(da[2*n:], db[2*n:], src[n:], a[2*n:], b[2*n:], m[n:])
}

func rescale(y Matrix, sums View[int32], scale, bias []float32) {
	rows, cols := y.Rows&^7, y.Cols&^3
	if backend == Portable || rows == 0 || cols == 0 || y.RowStride != 1 || sums.ColStride != 1 {
		rescaleGo(y, sums, scale, bias)
		return
	}
	rescaleAVX2(&y.Data[0], 4*y.ColStride, &sums.Data[0], 4*sums.RowStride, rows, cols, &scale[0], &bias[0])
	rescaleGo(y.Slice(rows, y.Rows, 0, cols), sums.Slice(rows, y.Rows, 0, cols), scale, bias)
	rescaleGo(y.Slice(0, y.Rows, cols, y.Cols), sums.Slice(0, y.Rows, cols, y.Cols), scale[cols:], bias[cols:])
}

func copyRuns(dst, src []uint8, n, runs, runStep, count, step int) {
	if backend == Portable {
		copyRunsGo(dst, src, n, runs, runStep, count, step)
	} else {
		copyRunsAVX2(&dst[0], &src[0], n, runs, runStep, count, step)
	}
}
