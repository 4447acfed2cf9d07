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
		packPairs(b[:64], &codes)
	}
}

func dequantizeTQ2_0(dst []float32, src []byte) {
	for i := range len(src) / 66 {
		b := src[66*i:][:66]
		d := half(b[64:])
		var values [4]float32
		for c := range values {
			values[c] = float32(c-1) * d
		}
		for k := range 8 {
			c, y := b[32*(k/4):][:32], dst[256*i+32*k:][:32]
			for j, c := range c {
				y[j] = values[c>>(k%4*2)&3]
			}
		}
	}
}
