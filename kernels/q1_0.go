package kernels

// q1_0, 1.125 bits per weight: a scale and 128 signs.
//
//	2 bytes   d, binary16
//	16 bytes  sign bits c, weight i in bit i%8 of byte i/8
//
//	x = d·(2·c − 1), d = mean |x|
//
// c is 1 for weights of at least 0.

func quantizeQ1_0(dst []byte, x, _ []float32) {
	for i := range len(x) / 128 {
		b, v := dst[18*i:][:18], x[128*i:][:128]
		var total float32
		for _, v := range v {
			total += abs(v)
		}
		putHalf(b, total/128)
		codes := b[2:]
		clear(codes)
		for j, v := range v {
			if v >= 0 {
				codes[j/8] |= 1 << (j % 8)
			}
		}
	}
}

func dequantizeQ1_0(dst []float32, src []byte) {
	var codes [128]uint8
	for i := range len(src) / 18 {
		b := src[18*i:][:18]
		for j, bits := range b[2:] {
			putWord(codes[8*j:], signed8(bytewise, ^bits))
		}
		unpackBytes(dst[128*i:][:128], codes[:], []float32{half(b)}, noOffsets[:1])
	}
}
