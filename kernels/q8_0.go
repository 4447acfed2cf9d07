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
		codeAway(b[2:], v, invert(d))
	}
}

func dequantizeQ8_0(dst []float32, src []byte) {
	for i := range len(src) / 34 {
		b := src[34*i:][:34]
		unpackBytes(dst[32*i:][:32], b[2:], []float32{half(b)}, noOffsets[:1])
	}
}
