package kernels

// q8_0, 8.5 bits per weight: a scale and 32 signed bytes.
//
//	2 bytes   d, binary16
//	32 bytes  codes c, two's complement
//
//	x = d·c, d = max|x| / 127

func quantizeQ8_0(dst []byte, x, _ []float32) {
	for i := range len(x) / 32 {
		b, v := dst[34*i:][:34], x[32*i:][:32]
		d := abs(loudest(v)) / 127
		putHalf(b, d)
		inverse := invert(d)
		codes := b[2:]
		for j, v := range v {
			codes[j] = uint8(nearestAway(v * inverse))
		}
	}
}

func dequantizeQ8_0(dst []float32, src []byte) {
	for i := range len(src) / 34 {
		b, y := src[34*i:][:34], dst[32*i:][:32]
		d := half(b)
		for j, c := range b[2:] {
			y[j] = float32(int8(c)) * d
		}
	}
}
