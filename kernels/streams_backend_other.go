//go:build !amd64

package kernels

func (a Affine) bytes(dst []uint8, src []float32) { a.bytesGo(dst, src) }

func clamp(dst, src []float32, lo, hi float32) { clampGo(dst, src, lo, hi) }

func add(dst, src []float32) { addGo(dst, src) }

func shift(x []float32, v float32) { shiftGo(x, v) }

func addWherePositive(dst, src, x []float32) { addWherePositiveGo(dst, src, x) }

func maxOfSquares(dst, a, b []float32) { maxOfSquaresGo(dst, a, b) }

func addToSquares(da, db, src, a, b, m []float32) { addToSquaresGo(da, db, src, a, b, m) }

func rescale(y Matrix, sums View[int32], scale, bias []float32) { rescaleGo(y, sums, scale, bias) }

func copyRuns(dst, src []uint8, n, runs, runStep, count, step int) {
	copyRunsGo(dst, src, n, runs, runStep, count, step)
}
