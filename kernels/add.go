package kernels

// Add adds every src[i] to dst[i], of the same length.
func Add(dst, src []float32) { add(dst[:len(src)], src) }

func addGo(dst, src []float32) {
	for i, v := range src {
		dst[i] += v
	}
}
