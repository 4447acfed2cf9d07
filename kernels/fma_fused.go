//go:build arm64 || ppc64 || ppc64le || riscv64 || s390x

package kernels

// fma returns x·y+z, rounded once: here the compiler makes one instruction of
// it, which a test holds it to.
func fma(x, y, z float32) float32 { return x*y + z }
