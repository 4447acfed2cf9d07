package kernels

// q5_K, 5.5 bits per weight, is q4_K with five-bit codes:
//
//	16 bytes   d, m, s and o, as in q4_K
//	32 bytes   the fifth bits: bit k of byte i is that of weight 32·k + i
//	128 bytes  the low four bits, as in q4_K

var q5KFit = newAffineFit(31, -0.5, 0.1, 15, false)

func quantizeQ5K(dst []byte, x, importance []float32) {
	var f fits
	var codes [256]uint8
	for i := range len(x) / 256 {
		v := x[256*i:]
		if i%2 == 0 {
			f.run(&q5KFit, &weightedFit5, x, importance, i)
		}
		b := dst[176*i:][:176]
		f.putScaleOffsets(b[:16], i%2, importance != nil, 63)
		for k := range 8 {
			d, m := scaleOffset(b, k)
			f.recode(codes[32*k:][:32], v[32*k:][:32], 8*(i%2)+k, d, m, 0, 31)
		}
		fifth := b[16:48]
		clear(fifth)
		for k := range 8 {
			for j, c := range codes[32*k:][:32] {
				fifth[j] |= c >> 4 & 1 << k
			}
		}
		for k := range 4 {
			packNibbles(b[48+32*k:][:32], codes[64*k:])
		}
	}
}

func dequantizeQ5K(dst []float32, src []byte) {
	for i := range len(src) / 176 {
		b, y := src[176*i:][:176], dst[256*i:][:256]
		fifth := b[16:48]
		for k := range 4 {
			low, high := y[64*k:][:32], y[64*k+32:][:32]
			d1, m1 := scaleOffset(b, 2*k)
			d2, m2 := scaleOffset(b, 2*k+1)
			for j, c := range b[48+32*k:][:32] {
				bits := fifth[j] >> (2 * k)
				low[j] = float32(d1*float32(c&15|bits&1<<4)) - m1
				high[j] = float32(d2*float32(c>>4|bits>>1&1<<4)) - m2
			}
		}
	}
}
