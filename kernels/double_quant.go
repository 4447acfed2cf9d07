package kernels

import "math"

// DoubleQuantize sets dst to what comes back of the scales of a tensor's
// blocks when they are quantized themselves, as bitsandbytes does it ("QLoRA",
// Dettmers et al. 2023): less their mean, in blocks of 256 of which each has
// its largest magnitude in float32, to 8-bit codes of the dynamic map ("8-Bit
// Approximations for Parallelism in Deep Learning", Dettmers 2016). mean is
// the mean of all scales of the tensor; blocks start at scales[0]. The slices
// have the same length. The weights are encoded by the scales and decoded by
// dst, which may be slightly negative for the smallest.
func DoubleQuantize(dst, scales []float32, mean float32) {
	dst = dst[:len(scales)]
	for len(scales) > 0 {
		n := min(doubleQuantBlock, len(scales))
		var top float32
		for _, s := range scales[:n] {
			top = max(top, float32(math.Abs(float64(s-mean))))
		}
		inv := 1 / top
		if top < 0x1p-126 {
			inv = 0 // every scale is the mean
		}
		for i, s := range scales[:n] {
			y := dynamicMap.values[exceeded(dynamicMap.bounds, (s-mean)*inv)]
			dst[i] = float32(y*top) + mean
		}
		dst, scales = dst[n:], scales[n:]
	}
}

const doubleQuantBlock = 256

// DoubleQuantBits returns the exact cost of n scales after [DoubleQuantize]: a
// byte each, a float32 per 256 of them, and one for their mean.
func DoubleQuantBits(n int) int {
	return 8*n + 32*((n+doubleQuantBlock-1)/doubleQuantBlock) + 32
}

// dynamicMap are the 256 values of the signed dynamic 8-bit data type: for
// each of seven decades down from 1, half as many values as in the decade
// above, from 64 on; they are the middles of equal parts of 0.1 to 1 of the
// decade, and their negatives. 0 and 1 complete them. A number in the middle
// between two values becomes the one of even index.
var dynamicMap = func() *codebook {
	var values []float32
	for decade := range 7 {
		scale := float32(math.Pow10(decade - 6))
		parts := 1 << decade
		// As torch's linspace has it: from both ends, in float32 steps, fused.
		const start = float32(0.1)
		step := float64((1 - start) / float32(parts))
		edge := func(i int) float32 {
			if i < (parts+1)/2 {
				return float32(float64(start) + float64(step*float64(i)))
			}
			return float32(1 - float64(step*float64(parts-i)))
		}
		for i := range parts {
			values = append(values, scale*((edge(i)+edge(i+1))/2))
		}
	}
	all := make([]float32, 0, 256)
	for i := range values {
		all = append(all, -values[len(values)-1-i])
	}
	all = append(append(append(all, 0), values...), 1)
	var bounds []float32
	for k, v := range all[1:] {
		bounds = append(bounds, below(float64((all[k]+v)*0.5), k%2 == 1))
	}
	return newCodebook(all, bounds)
}()
