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
			f.recode(codes[16*k:][:16], v[16*k:][:16], k, d*float32(s), 0, -32, 31)
		}
		for h := range 2 {
			c := codes[128*h:][:128]
			packNibbles(b[64*h:][:64], c)
			for j := range 32 {
				b[128+32*h+j] = c[j]>>4 | c[32+j]>>4<<2 | c[64+j]>>4<<4 | c[96+j]>>4<<6
			}
		}
	}
}

func dequantizeQ6K(dst []float32, src []byte) {
	for i := range len(src) / 210 {
		b := src[210*i:][:210]
		d := half(b[208:])
		for k := range 4 { // the sub-blocks 8·h + p and every second one after
			h, p := k/2, k%2
			var s [4]float32
			for q := range s {
				s[q] = d * float32(int8(b[192+8*h+p+2*q]))
			}
			y := dst[256*i+128*h+16*p:][:112]
			low0, low1, high := b[64*h+16*p:][:16], b[64*h+32+16*p:][:16], b[128+32*h+16*p:][:16]
			for j := range 16 {
				l0, l1, t := int32(low0[j]), int32(low1[j]), int32(high[j])
				y[j] = s[0] * float32(l0&15|t<<4&48-32)
				y[32+j] = s[1] * float32(l1&15|t<<2&48-32)
				y[64+j] = s[2] * float32(l0>>4|t&48-32)
				y[96+j] = s[3] * float32(l1>>4|t>>2&48-32)
			}
		}
	}
}
