package net

import "math"

// exp returns eˣ to within two units of the last place: 2ⁿ·eʳ with n whole and
// |r| ≤ ln 2 / 2, the latter by its series. Below −87 it is 0, above 88 +Inf.
func exp(x float32) float32 {
	switch {
	case x < -87:
		return 0
	case x > 88:
		return float32(math.Inf(1))
	case x != x:
		return x
	}
	const magic = 3 << 22 // adding it rounds to whole numbers
	t := x*(1/math.Ln2) + magic
	n := t - magic
	const hi, lo = 0.693359375, math.Ln2 - 0.693359375 // hi·n is exact
	r := (x - n*hi) - n*float32(lo)
	p := 1 + r*(1+r*(1./2+r*(1./6+r*(1./24+r*(1./120+r*(1./720+r*(1./5040)))))))
	return math.Float32frombits(math.Float32bits(p) + uint32(int32(n))<<23)
}

func logistic(x float32) float32 { return 1 / (1 + exp(-x)) }
