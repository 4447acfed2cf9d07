package kernels

// q5_0, 5.5 bits per weight, is q4_0 with five-bit codes around 16:
//
//	2 bytes   d, binary16
//	4 bytes   the fifth bits of the codes, weight i in bit i
//	16 bytes  their low four bits, as in q4_0
//
//	x = d·(c − 16)

func quantizeQ5_0(dst []byte, x, importance []float32) { quantizeSymmetric(dst, 22, x, importance, 16) }

func dequantizeQ5_0(dst []float32, src []byte) {
	var codes [32]uint8
	for i := range len(src) / 22 {
		b := src[22*i:][:22]
		unpackFives(&codes, b[2:])
		for j := 0; j < 32; j += 8 {
			putWord(codes[j:], minus(word(codes[j:]), 16*bytewise))
		}
		unpackBytes(dst[32*i:][:32], codes[:], []float32{half(b)}, noOffsets[:1])
	}
}

// unpackFives takes 32 codes of five bits out of b: the fifth bits in four bytes,
// then the low four as packNibbles puts them.
func unpackFives(codes *[32]uint8, b []byte) {
	for j := range 2 {
		c := word(b[4+8*j:])
		putWord(codes[8*j:], c&(15*bytewise)|spreadBits(b[j])<<4)
		putWord(codes[16+8*j:], c>>4&(15*bytewise)|spreadBits(b[2+j])<<4)
	}
}
