package net

import (
	"math"
	"testing"
)

func TestExpIsTheExponential(t *testing.T) {
	for x := float32(-87); x <= 88; x += 0.0137 {
		want := float32(math.Exp(float64(x)))
		if d := int32(math.Float32bits(exp(x))) - int32(math.Float32bits(want)); d < -2 || d > 2 {
			t.Fatalf("exp(%v) is %v, not %v", x, exp(x), want)
		}
	}
	inf := float32(math.Inf(1))
	if exp(-inf) != 0 || exp(inf) != inf || exp(float32(math.NaN())) == exp(float32(math.NaN())) || exp(0) != 1 {
		t.Error("it is wrong where there is no number")
	}
}
