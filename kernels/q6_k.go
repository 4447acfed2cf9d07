package kernels

// q6_K, 6.5625 bits per weight: 256 weights as sixteen sub-blocks of 16, each
// with a signed eight-bit scale s.
//
//	128 bytes  low four bits of the codes: byte 64·h + i, i < 64, has weight
//	           128·h + i in its low nibble, weight 128·h + 64 + i in its high one
//	64 bytes   high two bits: byte 32·h + i has those of the weights
//	           128·h + 32·k + i, k = 0…3, in bits 2·k and 2·k + 1
//	16 bytes   s of the sub-blocks, two's complement
//	2 bytes    d, binary16
//
//	x = d·s·(c − 32)
//
// Sub-blocks are fitted first, a weight counting by its importance or, without,
// by its square. The scale of the largest magnitude becomes s = −128, and codes
// are rounded anew with what the scales have become.

func quantizeQ6K(dst []byte, x, importance []float32) {
	var f fits
	var codes [256]uint8
	var scales, none [16]float32
	by, w := bySquare, []float32(nil)
	for i := range len(x) / 256 {
		b := dst[210*i:][:210]
		v := x[256*i:][:256]
		if importance != nil {
			by, w = byGiven, importance[256*i:][:256]
		}
		f.fitSymmetric(32, v, w, 16, by)
		m := loudest(f.scales[:])
		if abs(m) < 1e-15 {
			clear(b)
			continue
		}
		inverse := -128 / m
		d := putHalf(b[208:], 1/inverse)
		for k, s := range f.scales {
			s := int8(min(127, nearest(inverse*s)))
			b[192+k] = uint8(s)
			scales[k] = d * float32(s)
		}
		f.recode(codes[:], v, 0, scales[:], none[:], -32, 31)
		for h := range 2 {
			packNibbles(b[64*h:][:64], codes[128*h:])
		}
		packPairs(b[128:192], &codes, 4)
	}
}

func dequantizeQ6K(dst []float32, src []byte) {
	var codes [256]uint8
	var scales [16]float32
	for i := range len(src) / 210 {
		b := src[210*i:][:210]
		d := half(b[208:])
		for k := range scales {
			scales[k] = d * float32(int8(b[192+k]))
		}
		for h := range 2 {
			for j := 0; j < 32; j += 8 {
				low0, low1, high := word(b[64*h+j:]), word(b[64*h+32+j:]), word(b[128+32*h+j:])
				c := codes[128*h+j:][:104]
				putWord(c, minus(low0&(15*bytewise)|high<<4&(48*bytewise), 32*bytewise))
				putWord(c[32:], minus(low1&(15*bytewise)|high<<2&(48*bytewise), 32*bytewise))
				putWord(c[64:], minus(low0>>4&(15*bytewise)|high&(48*bytewise), 32*bytewise))
				putWord(c[96:], minus(low1>>4&(15*bytewise)|high>>2&(48*bytewise), 32*bytewise))
			}
		}
		unpackBytes(dst[256*i:][:256], codes[:], scales[:], noOffsets[:])
	}
}
