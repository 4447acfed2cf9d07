package kernels

import "fmt"

// Rescale sets y[i][j] to sums[i][j]·scale[j] + bias[j], rounded after each
// step: what a product of integers stands for. Matrices are of one shape, which
// it checks.
func Rescale(y Matrix, sums View[int32], scale, bias []float32) {
	if y.Rows != sums.Rows || y.Cols != sums.Cols {
		panic(fmt.Sprintf("kernels: sums of %v into %v", sums, y))
	}
	y.check()
	sums.check()
	rescale(y, sums, scale[:y.Cols], bias[:y.Cols])
}

func rescaleGo(y Matrix, sums View[int32], scale, bias []float32) {
	for j := range y.Cols {
		s, b := scale[j], bias[j]
		for i := range y.Rows {
			y.Data[i*y.RowStride+j*y.ColStride] = float32(float32(sums.Data[i*sums.RowStride+j*sums.ColStride])*s) + b
		}
	}
}
