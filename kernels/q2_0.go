package kernels

// q2_0, 2.25 bits per weight: a scale and 64 two-bit codes.
//
//	2 bytes   d, binary16
//	16 bytes  codes c, weight i in bits 2·(i%4) and above of byte i/4
//
//	x = d·(c − 1), d = max |x|
//
// So weights become −d, 0 or d; the fourth code, 2·d, is never needed.

func quantizeQ2_0(dst []byte, x, _ []float32) {
	for i := range len(x) / 64 {
		b, v := dst[18*i:][:18], x[64*i:][:64]
		d := abs(loudest(v))
		putHalf(b, d)
		inverse := invert(d)
		codes := b[2:]
		clear(codes)
		for j, v := range v {
			c := max(0, min(3, nearestAway(v*inverse)+1))
			codes[j/4] |= uint8(c) << (j % 4 * 2)
		}
	}
}

func dequantizeQ2_0(dst []float32, src []byte) {
	for i := range len(src) / 18 {
		b, y := src[18*i:][:18], dst[64*i:][:64]
		d := half(b)
		for j := range y {
			c := b[2+j/4] >> (j % 4 * 2) & 3
			y[j] = float32(int32(c)-1) * d
		}
	}
}
