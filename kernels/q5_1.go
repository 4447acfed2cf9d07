package kernels

// q5_1, 6 bits per weight, is q4_1 with five-bit codes:
//
//	2 bytes   d, binary16
//	2 bytes   m, binary16
//	4 bytes   the fifth bits of the codes, weight i in bit i
//	16 bytes  their low four bits, as in q4_1
//
//	x = d·c + m

func quantizeQ5_1(dst []byte, x, importance []float32) {
	quantizeSpan(dst, 24, x, importance, &weightedFit5)
}

func dequantizeQ5_1(dst []float32, src []byte) {
	var codes [32]uint8
	for i := range len(src) / 24 {
		b := src[24*i:][:24]
		unpackFives(&codes, b[4:])
		unpackBytes(dst[32*i:][:32], codes[:], []float32{half(b)}, []float32{half(b[2:])})
	}
}
