//go:build !(arm64 || ppc64 || ppc64le || riscv64 || s390x)

package kernels

import "math"

// fma returns x·y+z, rounded once.
func fma(x, y, z float32) float32 {
	sum := float64(float64(x)*float64(y)) + float64(z)
	if math.Float64bits(sum)<<36 != 0 {
		return float32(sum)
	}
	return roundOnce(x, y, z, sum)
}
