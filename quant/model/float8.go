package model

import "math"

// float8 is an eight-bit float as in OCP's "8-bit Floating Point
// Specification", revision 1.0: S.E.M, the value
//
//	(-1)^S · 2^(E-bias) · (1 + M/2^mantissa)   for E > 0
//	(-1)^S · 2^(1-bias) · (M/2^mantissa)       for E = 0
//
// less the codes that stand for infinities and NaN.
type float8 struct {
	mantissa uint   // bits of M
	bias     uint32 // of E
	largest  uint32 // code of the largest finite magnitude
	inf      uint32 // code of infinity; of the largest magnitude if there is none
	values   [256]float32
}

const nan8 = 0x7f // a NaN in both formats

var (
	e4m3 = newFloat8(3, 7, 0x7e, 0x7e) // "fn": no infinity, 0x7f and 0xff are the only NaN
	e5m2 = newFloat8(2, 15, 0x7b, 0x7c)
)

func newFloat8(mantissa uint, bias, largest, inf uint32) *float8 {
	f := &float8{mantissa: mantissa, bias: bias, largest: largest, inf: inf}
	for code := range uint32(128) {
		e, m := int(code>>mantissa), float64(code&(1<<mantissa-1))
		if e == 0 {
			e = 1
		} else {
			m += float64(int(1) << mantissa)
		}
		v := math.Ldexp(m, e-int(bias)-int(mantissa))
		switch {
		case code > largest && code == inf:
			v = math.Inf(1)
		case code > largest:
			v = math.NaN()
		}
		f.values[code] = float32(v)
		f.values[code|0x80] = float32(math.Copysign(v, -1))
	}
	return f
}

func (f *float8) decode(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = f.values[src[i]]
	}
}

func (f *float8) encode(dst []byte, src []float32) {
	for i, x := range src {
		dst[i] = f.code(x)
	}
}

// code returns the code of the value nearest to x, ties to even, saturating.
func (f *float8) code(x float32) byte {
	b := math.Float32bits(x)
	sign, b := byte(b>>24)&0x80, b&0x7fffffff
	const inf32, bias32, mantissa32 = 0x7f800000, 127, 23
	switch {
	case b > inf32:
		return sign | nan8
	case b == inf32:
		return sign | byte(f.inf)
	}
	drop := mantissa32 - f.mantissa // bits of the float32 mantissa that go
	var c uint32
	if tiny := (bias32 - f.bias + 1) << mantissa32; b < tiny {
		// Below the least normal value the grid is even: adding the number
		// whose last bit is the grid's step lets the addition round.
		step := math.Float32frombits((bias32 - f.bias + 1 + uint32(drop)) << mantissa32)
		c = math.Float32bits(math.Float32frombits(b)+step) - math.Float32bits(step)
	} else {
		b += 1<<(drop-1) - 1 + b>>drop&1 // carries into the exponent where it should
		c = b>>drop - (bias32-f.bias)<<f.mantissa
	}
	return sign | byte(min(c, f.largest))
}
