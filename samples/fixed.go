package samples

// one is 1 in the fixed-point numbers of angles and lengths.
const one = 1 << 16

// sincos returns the sine and cosine of an angle between −1 and 1 radians, all
// three times [one]. These are the Taylor series to the seventh power, in
// integers, so that every processor gets the same.
func sincos(angle int64) (sin, cos int64) {
	const bits = 28 // of the fraction while computing
	x := angle << (bits - 16)
	square := x * x >> bits
	power := func(terms ...int64) int64 { // Horner's scheme: 1 − x²/a·(1 − x²/b·(…))
		sum := int64(1 << bits)
		for _, divisor := range terms {
			sum = 1<<bits - (square*sum>>bits)/divisor
		}
		return sum
	}
	const half = 1 << (bits - 17)
	sin = (x*power(7*6, 5*4, 3*2)>>bits + half) >> (bits - 16)
	cos = (power(8*7, 6*5, 4*3, 2*1) + half) >> (bits - 16)
	return sin, cos
}
