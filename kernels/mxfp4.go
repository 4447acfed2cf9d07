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
		if m := abs(loudest(v)); m > 0 {
			e = uint8(floorLog2(m) - 2 + 127)
		}
		b[0] = e
		bounds := boundsE2M1(halfPowers[e])
		codeE2M1(codes[:], v, &bounds)
		packNibbles(b[1:], codes[:])
	}
}

func dequantizeMXFP4(dst []float32, src []byte) {
	for i := range len(src) / 17 {
		b := src[17*i:][:17]
		d := halfPowers[b[0]]
		unpackNibbles(dst[32*i:][:32], b[1:], &signedE2M1, d, negativeZero, d, negativeZero)
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
	// Only close below a power of two is the logarithm rounded up to its.
	if bits := math.Float32bits(x); bits>>23 != 0 && bits>>11&0xfff != 0xfff {
		return int32(bits>>23) - 127
	}
	return truncate(math.Floor(float64(float32(math.Log2(float64(x))))))
}

// doubledE2M1 are the magnitudes of E2M1 times two; code 8 + c is −c.
var doubledE2M1 = [8]float32{0, 1, 2, 3, 4, 6, 8, 12}

// signedE2M1 are the values of all codes, doubled.
var signedE2M1 = [16]int8{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}

// boundsE2M1 returns the middles between the magnitudes of E2M1 times 2·d. They
// are exact. Nothing is beyond them if d is 0.
func boundsE2M1(d float32) (bounds [7]float32) {
	for c := range bounds {
		low, high := doubledE2M1[c], doubledE2M1[c+1]
		bounds[c] = d * (low + (high-low)/2)
		if d == 0 {
			bounds[c] = float32(math.Inf(1))
		}
	}
	return bounds
}

// codeE2M1 sets codes to those of the magnitudes that are nearest to x, of
// equals the one nearer to 0: how many of the bounds are less. Zero always gets
// code 0.
func codeE2M1(codes []uint8, x []float32, bounds *[7]float32) {
	var bits [7]uint32
	for c, b := range bounds {
		bits[c] = math.Float32bits(b)
	}
	for i, v := range x {
		a := math.Float32bits(abs(v))
		var code uint32
		for _, b := range bits {
			code += (b - a) >> 31 // without a branch: magnitudes are in the order of their bits
		}
		if code != 0 && v < 0 {
			code += 8
		}
		codes[i] = uint8(code)
	}
}

// codeE2M1ByDistance is codeE2M1 as the reference does it, by differences: of
// weights far beyond the largest value these round to equals, and the code is
// the least.
func codeE2M1ByDistance(codes []uint8, x []float32, d float32) {
	for i, v := range x {
		a := abs(v)
		var code uint8
		least := a
		for c, m := range doubledE2M1 {
			if e := abs(m*d - a); e < least {
				least, code = e, uint8(c)
			}
		}
		if code != 0 && v < 0 {
			code += 8
		}
		codes[i] = code
	}
}
