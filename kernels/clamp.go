package kernels

// Clamp sets every dst[i] to max(lo, min(hi, src[i])), of the same length, as
// Go's functions have it: NaN stays NaN, whatever its bits, and −0 is less than
// +0, so that between 0 and more no −0 is left.
func Clamp(dst, src []float32, lo, hi float32) { clamp(dst[:len(src)], src, lo, hi) }

func clampGo(dst, src []float32, lo, hi float32) {
	for i, v := range src {
		dst[i] = max(lo, min(hi, v))
	}
}
