package kernels

// tq2_0, 2.0625 bits per weight, holds the ternary weights of tq1_0 in two bits
// each: larger, and quicker to read.
//
//	64 bytes  codes c, as in packPairs
//	2 bytes   d, binary16
//
//	x = d·(c − 1), d = max |x|

func quantizeTQ2_0(dst []byte, x, _ []float32) {
	var codes [256]uint8
	for i := range len(x) / 256 {
		b := dst[66*i:][:66]
		putHalf(b[64:], ternary(&codes, x[256*i:][:256]))
		packPairs(b[:64], &codes, 0)
	}
}

func dequantizeTQ2_0(dst []float32, src []byte) {
	var codes [256]uint8
	for i := range len(src) / 66 {
		b := src[66*i:][:66]
		unpackPairs(&codes, b[:64])
		for j := 0; j < 256; j += 8 {
			putWord(codes[j:], minus(word(codes[j:]), bytewise))
		}
		unpackBytes(dst[256*i:][:256], codes[:], []float32{half(b[64:])}, noOffsets[:1])
	}
}
