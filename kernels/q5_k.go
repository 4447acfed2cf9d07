package kernels

// q5_K, 5.5 bits per weight, is q4_K with five-bit codes:
//
//	16 bytes   d, m, s and o, as in q4_K
//	32 bytes   the fifth bits: bit k of byte i is that of weight 32·k + i
//	128 bytes  the low four bits, as in q4_K

var q5KFit = newAffineFit(31, -0.5, 0.1, 15, false)

func quantizeQ5K(dst []byte, x, importance []float32) {
	var pair [2]fits
	var codes [256]uint8
	for i := range len(x) / 256 {
		if i%4 == 0 {
			fitBlocks(&pair, &q5KFit, &weightedFit5, x, importance, i)
		}
		f := &pair[i/2%2]
		b := dst[176*i:][:176]
		f.putScaleOffsets(b[:16], i%2, importance != nil, 63)
		f.recodeBlock(&codes, x[256*i:][:256], i%2, b, 31)
		packBits(b[16:48], &codes, 4)
		for k := range 4 {
			packNibbles(b[48+32*k:][:32], codes[64*k:])
		}
	}
}

func dequantizeQ5K(dst []float32, src []byte) {
	var codes [256]uint8
	var scales, offsets [8]float32
	for i := range len(src) / 176 {
		b := src[176*i:][:176]
		for k := range scales {
			d, m := scaleOffset(b, k)
			scales[k], offsets[k] = d, -m
		}
		for j := 0; j < 32; j += 8 {
			fifth := word(b[16+j:])
			for k := range 4 {
				c := word(b[48+32*k+j:])
				putWord(codes[64*k+j:], c&(15*bytewise)|fifth>>(2*k)&bytewise<<4)
				putWord(codes[64*k+32+j:], c>>4&(15*bytewise)|fifth>>(2*k+1)&bytewise<<4)
			}
		}
		unpackBytes(dst[256*i:][:256], codes[:], scales[:], offsets[:])
	}
}
