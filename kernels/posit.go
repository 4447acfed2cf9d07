package kernels

import (
	"math"
	"math/bits"
)

// posit8 are the 8-bit posits of the "Standard for Posit Arithmetic (2022)":
// sign, a run of equal bits of length m (the regime r = m−1 of ones, −m of
// zeros), its end, two bits of exponent e and the rest a fraction f, the value
// 2^(4r+e)·(1+f); bits past the end are 0, negative values are the two's
// complement. A number between two posits goes by the 9-bit posit between
// them, in the middle to the even code; no number but 0 becomes 0, and what is
// too large becomes the largest, 2^24.
func posit8() *codebook {
	var values, bounds []float32
	for code := uint64(0); code < 127; code++ {
		values = append(values, float32(positValue(code+1, 8)))
		middle := 0.
		if code > 0 {
			middle = positValue(2*code+1, 9)
		}
		bounds = append(bounds, below(middle, code%2 == 1))
	}
	return mirrored(values, bounds)
}

// positValue returns the value of a positive code of n bits, exponent size 2.
func positValue(code uint64, n int) float64 {
	b := code << (64 - n) << 1
	run := bits.LeadingZeros64(b)
	regime := -run
	if run == 0 {
		run = bits.LeadingZeros64(^b)
		regime = run - 1
	}
	b <<= run + 1
	return math.Ldexp(1+math.Ldexp(float64(b<<2), -64), 4*regime+int(b>>62))
}
