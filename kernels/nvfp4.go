package kernels

import "math"

// nvfp4, 4.5 bits per weight: 64 weights as four sub-blocks of 16, each with a
// scale s, a float of eight bits without sign, and E2M1 codes as in mxfp4.
//
//	4 bytes   s of the sub-blocks, UE4M3
//	32 bytes  codes c: byte 8·k + i has weight 16·k + i in its low nibble and
//	          weight 16·k + 8 + i in its high one
//
//	x = UE4M3(s)·E2M1(c), s = max|x| / 6
//
// The scale per tensor that NVIDIA's recipe has on top is not part of the blocks.

func quantizeNVFP4(dst []byte, x, _ []float32) {
	var codes [16]uint8
	for i := range len(x) / 64 {
		b := dst[36*i:][:36]
		for k := range 4 {
			v := x[64*i+16*k:][:16]
			m := abs(loudest(v))
			s := toUE4M3(m / 6)
			b[k] = s
			if d := halfUE4M3[s]; m < 1<<30 {
				bounds := boundsE2M1(d)
				codeE2M1(codes[:], v, &bounds)
			} else {
				codeE2M1ByDistance(codes[:], v, d)
			}
			packNibbles(b[4+8*k:][:8], codes[:])
		}
	}
}

func dequantizeNVFP4(dst []float32, src []byte) {
	var codes [64]uint8
	var scales [4]float32
	for i := range len(src) / 36 {
		b := src[36*i:][:36]
		for k := range scales {
			scales[k] = halfUE4M3[b[k]]
			for j, c := range b[4+8*k:][:8] {
				codes[16*k+j] = uint8(signedE2M1[c&15])
				codes[16*k+8+j] = uint8(signedE2M1[c>>4])
			}
		}
		unpackBytes(dst[64*i:][:64], codes[:], scales[:], noOffsets[:4])
	}
}

// halfUE4M3 are half the values of UE4M3: four exponent bits with a bias of 7,
// three of mantissa, bit 7 ignored. The pattern 0x7f, NaN in E4M3, counts as 0.
var halfUE4M3 = func() (values [256]float32) {
	for s := range values {
		if s == 0x7f {
			continue
		}
		e, m := s>>3&15, float64(s&7)
		if e == 0 {
			values[s] = float32(math.Ldexp(m, -10))
		} else {
			values[s] = float32(math.Ldexp(8+m, e-11))
		}
	}
	return values
}()

// toUE4M3 returns the UE4M3 pattern nearest to x, halves up; 0 for what is not
// above 0. As in the reference, what would be 256 or more becomes the largest
// value, 448: the patterns between are never used.
func toUE4M3(x float32) uint8 {
	if !(x > 0) {
		return 0
	}
	if x < 0x1p-6 { // subnormal: steps of 2^-9, of which the last is never rounded up
		return min(7, uint8(float32(x*512)+0.5))
	}
	if x >= 256 {
		return 0x7e
	}
	// The upper bits of a float32 are an exponent with a bias of 127 and three
	// bits of mantissa; half a step carries into them.
	s := (math.Float32bits(x)+1<<19)>>20 - (127-7)<<3
	if s >= 0x78 {
		return 0x7e
	}
	return uint8(s)
}
