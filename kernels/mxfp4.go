package kernels

import "math"

// mxfp4, 4.25 bits per weight: a power of two and 32 floats of four bits, E2M1
// of the OCP Microscaling Formats (MX) specification, version 1.0.
//
//	1 byte    e, the exponent (E8M0)
//	16 bytes  codes c, weight i in the low nibble of byte i, weight 16+i in the high one
//
//	x = 2^(e−127)·E2M1(c), e = 127 + ⌊log₂ max|x|⌋ − 2
//
// The two is the exponent of E2M1's largest value, 6.

func quantizeMXFP4(dst []byte, x, _ []float32) {
	var codes [32]uint8
	for i := range len(x) / 32 {
		b, v := dst[17*i:][:17], x[32*i:][:32]
		var e uint8
		if m := abs(loudestOf(v)); m > 0 {
			e = uint8(floorLog2(m) - 2 + 127)
		}
		b[0] = e
		values := magnitudesE2M1(halfPowers[e])
		codeE2M1(codes[:], v, &values)
		packNibbles(b[1:], codes[:])
	}
}

func dequantizeMXFP4(dst []float32, src []byte) {
	for i := range len(src) / 17 {
		b := src[17*i:][:17]
		unpackE2M1(dst[32*i:][:32], b[1:], halfPowers[b[0]])
	}
}

// halfPowers are half of what exponents stand for, 2^(e−128): the values of
// codes are kept doubled, as integers.
var halfPowers = func() (p [256]float32) {
	for e := range p {
		p[e] = float32(math.Ldexp(1, e-128))
	}
	return p
}()

// floorLog2 returns ⌊log₂ x⌋ for x > 0, where the logarithm is first rounded to
// float32: the few floats just below a power of two count as that power, as
// they do in the reference.
func floorLog2(x float32) int32 {
	return truncate(math.Floor(float64(float32(math.Log2(float64(x))))))
}

// doubledE2M1 are the magnitudes of E2M1 times two; code 8 + c is −c.
var doubledE2M1 = [8]float32{0, 1, 2, 3, 4, 6, 8, 12}

// signedE2M1 are the values of all codes, doubled.
var signedE2M1 = [16]int8{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}

// magnitudesE2M1 returns the magnitudes of E2M1 times 2·d.
func magnitudesE2M1(d float32) (values [8]float32) {
	for c, v := range doubledE2M1 {
		values[c] = v * d
	}
	return values
}

// codeE2M1Go sets codes to those of the magnitudes that are nearest to x, of
// equals the one nearer to 0. Zero always gets code 0.
func codeE2M1Go(codes []uint8, x []float32, values *[8]float32) {
	for i, v := range x {
		a := abs(v)
		// Errors are not negative, so their bits are in their order; with the
		// code below them, the least is found without a branch.
		best := uint64(math.Float32bits(a)) << 3
		for c := 1; c < len(values); c++ {
			best = min(best, uint64(math.Float32bits(abs(values[c]-a)))<<3|uint64(c))
		}
		code := uint8(best & 7)
		if code != 0 && v < 0 {
			code += 8
		}
		codes[i] = code
	}
}

// unpackE2M1 sets y to the values of its codes, two in a byte, half of y apart.
func unpackE2M1(y []float32, codes []byte, d float32) {
	unpackNibbles(y, codes, &signedE2M1, d, negativeZero, d, negativeZero)
}
