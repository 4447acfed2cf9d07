package kernels

import (
	"math"
	"slices"
)

// powers returns the codebook of 0 and ±2^-i, i from 0, in codes of the given
// width: multiplying is shifting ("Incremental Network Quantization", Zhou et
// al. 2017). All 2^bits−1 values are those.
func powers(bits int) *codebook {
	terms := []float64{0}
	for i := range 1<<(bits-1) - 1 {
		terms = append(terms, math.Ldexp(1, -i))
	}
	return sums(terms, []float64{0})
}

// The terms of additive powers of two, as "Additive Powers-of-Two
// Quantization" (Li, Dong, Wang 2020) has them at four and five bits: beside
// the sign, each term's code chooses one power of two or 0.
var (
	apot4Terms = [2][]float64{{0, 1. / 2, 1. / 4, 1. / 16}, {0, 1. / 8}}
	apot5Terms = [2][]float64{{0, 1. / 2, 1. / 8, 1. / 32}, {0, 1. / 4, 1. / 16, 1. / 64}}
)

// sums returns the codebook of all ±(a+b), the largest scaled to 1.
func sums(as, bs []float64) *codebook {
	var all []float64
	for _, a := range as {
		for _, b := range bs {
			all = append(all, a+b)
		}
	}
	slices.Sort(all)
	var values []float32
	largest := all[len(all)-1]
	for _, v := range slices.Backward(all) {
		values = append(values, float32(-v/largest))
	}
	values[len(values)-1] = 0 // not -0
	for _, v := range all[1:] {
		values = append(values, float32(v/largest))
	}
	return newCodebook(values, nil)
}
