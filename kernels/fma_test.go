package kernels

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// exactFMA returns x·y+z by arithmetic that rounds only at its end.
func exactFMA(x, y, z float32) float32 {
	if p := float64(x) * float64(y); !Finite(x) || !Finite(y) || !Finite(z) || p == 0 && z == 0 {
		return float32(p + float64(z)) // exact
	}
	product := new(big.Float).SetPrec(600).Mul(big.NewFloat(float64(x)), big.NewFloat(float64(y)))
	sum, _ := product.Add(product, big.NewFloat(float64(z))).Float32()
	return sum
}

// sameNumber holds floats against each other; one NaN is like another.
func sameNumber(x, y float32) bool {
	return math.Float32bits(x) == math.Float32bits(y) || x != x && y != y
}

func TestFMARoundsOnce(t *testing.T) {
	check := func(x, y, z float32) {
		t.Helper()
		got, want := fma(x, y, z), exactFMA(x, y, z)
		if !sameNumber(got, want) {
			t.Fatalf("fma(%x, %x, %x) = %x, exactly %x", x, y, z, got, want)
		}
		if sum := float64(x)*float64(y) + float64(z); !sameNumber(roundOnce(x, y, z, sum), want) {
			t.Fatalf("roundOnce(%x, %x, %x, %x) = %x, exactly %x", x, y, z, sum, roundOnce(x, y, z, sum), want)
		}
	}
	for _, x := range awkward {
		for _, y := range awkward {
			for _, z := range awkward {
				check(x, y, z)
			}
		}
	}
	draw := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		check(math.Float32frombits(draw.Uint32()), math.Float32frombits(draw.Uint32()), math.Float32frombits(draw.Uint32()))
		// The product ends a little off the middle between z and its neighbour.
		z := math.Ldexp(1+float64(draw.IntN(1<<23))/(1<<23), draw.IntN(250)-140)
		half := math.Ldexp(1, max(math.Ilogb(z)-24, -150))
		x, y := float32(1+float64(draw.IntN(3)-1)/(1<<23)), float32(half)*float32(1-2*draw.IntN(2))
		check(x, y, float32(z))
		check(-x, y, float32(z))
	}
}
