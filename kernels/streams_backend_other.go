//go:build !amd64

package kernels

func (a Affine) bytes(dst []uint8, src []float32) { a.bytesGo(dst, src) }

func clamp(dst, src []float32, lo, hi float32) { clampGo(dst, src, lo, hi) }

func add(dst, src []float32) { addGo(dst, src) }

func maxOfSquares(dst, a, b []float32) { maxOfSquaresGo(dst, a, b) }

func rescale(y Matrix, sums View[int32], scale, bias []float32) { rescaleGo(y, sums, scale, bias) }
