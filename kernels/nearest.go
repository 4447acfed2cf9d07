package kernels

import "math"

// Block formats turn floats into integers in three ways, and their bytes
// depend on what each does with a float that no integer is near to. All three
// give the same on every machine.

// nearest returns the integer nearest to x, halves to the even one, for
// |x| < 2^22. For other x it returns some integer of at most 23 bits, for NaN 0.
//
// Adding 1.5·2^23 leaves a float no bits for a fraction: the integer then
// stands in its mantissa.
func nearest(x float32) int32 {
	return int32(math.Float32bits(float32(x)+3<<22)&0x7fffff) - 1<<22 // the conversion keeps a product in x from being fused
}

// nearestAway returns the integer nearest to x, halves away from zero; for NaN
// and what no int32 can hold the least int32.
func nearestAway(x float32) int32 {
	d := float64(x) // exact, and so is the half added to it
	return truncate(d + math.Copysign(0.5, d))
}

// truncate returns x without its fraction; for NaN and what no int32 can hold
// the least int32, whose low byte is 0.
func truncate[F float32 | float64](x F) int32 {
	if -0x1p31 < x && x < 0x1p31 {
		return int32(x)
	}
	return math.MinInt32
}

// roundDown returns the largest integer that is at most x.
func roundDown(x float32) int32 {
	q := int32(x)
	if float32(q) > x {
		q--
	}
	return q
}

// sqrt is the correctly rounded square root.
func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// abs clears the sign of x.
func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// loudest returns the weight of the largest magnitude, the first of equals.
func loudest(x []float32) (v float32) {
	var most float32
	for _, y := range x {
		if a := abs(y); a > most {
			most, v = a, y
		}
	}
	return v
}
