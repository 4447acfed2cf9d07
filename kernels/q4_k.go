package kernels

// q4_K, 4.5 bits per weight: 256 weights as eight sub-blocks of 32, each with a
// six-bit scale s and a six-bit offset o.
//
//	2 bytes    d, binary16
//	2 bytes    m, binary16
//	12 bytes   s and o of the sub-blocks, as in putScaleOffset
//	128 bytes  codes c: byte 32·k + i has weight 64·k + i in its low nibble
//	           and weight 64·k + 32 + i in its high one
//
//	x = d·s·c − m·o
//
// With importance each weight counts by importance·√(2·mean x² + x²), the mean
// being the block's; without, by its magnitude plus the root mean square of its
// sub-block. Sub-blocks are fitted first, then their scales and offsets are
// quantized, and codes are rounded anew with what the scales have become.

var q4KFit = newAffineFit(15, -1, 0.1, 20, false)

func quantizeQ4K(dst []byte, x, importance []float32) {
	var pair [2]fits
	var codes [256]uint8
	for i := range len(x) / 256 {
		if i%4 == 0 {
			fitBlocks(&pair, &q4KFit, &weightedFit4, x, importance, i)
		}
		f := &pair[i/2%2]
		b := dst[144*i:][:144]
		f.putScaleOffsets(b[:16], i%2, importance != nil, 255)
		f.recodeBlock(&codes, x[256*i:][:256], i%2, b, 15)
		for k := range 4 {
			packNibbles(b[16+32*k:][:32], codes[64*k:])
		}
	}
}

func dequantizeQ4K(dst []float32, src []byte) {
	for i := range len(src) / 144 {
		b, y := src[144*i:][:144], dst[256*i:][:256]
		for k := range 4 {
			d1, m1 := scaleOffset(b, 2*k)
			d2, m2 := scaleOffset(b, 2*k+1)
			unpackNibbles(y[64*k:][:64], b[16+32*k:][:32], &aboveZero, d1, -m1, d2, -m2)
		}
	}
}

// fitBlocks fits the sub-blocks of 32 of up to four blocks from block i on: two
// blocks for each of f.
func fitBlocks(f *[2]fits, plain, weighted *affineFit, x, importance []float32, i int) {
	x = x[256*i:]
	x = x[:min(len(x), 4*256)]
	if importance == nil {
		fitPair(f, plain, x, nil, 32, byRootMeanSquare)
		return
	}
	importance = importance[256*i:][:len(x)]
	var w [4 * 256]float32
	sums := sumSquaresOfBlocks(x)
	for k := range len(x) / 256 {
		weigh(w[256*k:][:256], x[256*k:][:256], importance[256*k:][:256], 2*sums[k]/256)
	}
	fitPair(f, weighted, x, w[:len(x)], 32, byGiven)
}

// putScaleOffsets stores the scales and offsets of the eight sub-blocks of block
// k in head: each rounded to the nearest of 64 steps up to the largest; if
// weighted, they are themselves fitted, each counting as much as the weights of
// its sub-block. limit bounds what [fitPositive] makes of a negative scale: the
// reference does so for q5_K alone.
func (f *fits) putScaleOffsets(head []byte, k int, weighted bool, limit uint8) {
	scales, offsets := f.scales[8*k:][:8], f.offsets[8*k:][:8]
	var s, o [8]uint8
	clear(head)
	if weighted {
		sums := f.sums[8*k:][:8]
		d := fitPositive(s[:], scales, sums, 63)
		m := fitPositive(o[:], offsets, sums, 63)
		for k := range s {
			putScaleOffset(head[4:], k, min(limit, s[k]), min(limit, o[k]))
		}
		putHalf(head, d)
		putHalf(head[2:], m)
		return
	}
	maxScale, perScale := stepsOf(scales, 63)
	maxOffset, perOffset := stepsOf(offsets, 63)
	putHalf(head, maxScale/63)
	putHalf(head[2:], maxOffset/63)
	for k := range s {
		putScaleOffset(head[4:], k, min(63, uint8(nearest(perScale*scales[k]))), min(63, uint8(nearest(perOffset*offsets[k]))))
	}
}

// recodeBlock sets codes to those of block k, whose weights are x, after head has
// its scales and offsets.
func (f *fits) recodeBlock(codes *[256]uint8, x []float32, k int, head []byte, last int32) {
	var scales, offsets [8]float32
	for k := range scales {
		scales[k], offsets[k] = scaleOffset(head, k)
	}
	f.recode(codes[:], x, 8*k, scales[:], offsets[:], 0, last)
}

// stepsOf returns the largest of v, at least 0, and how many steps there are to
// one of it if that has n, or 0.
func stepsOf(v []float32, n float32) (most, per float32) {
	for _, v := range v {
		if v > most {
			most = v
		}
	}
	if most > 0 {
		per = n / most
	}
	return most, per
}

// scaleOffset returns d·s and m·o of sub-block k; head begins with d and m.
func scaleOffset(head []byte, k int) (scale, offset float32) {
	s, o := getScaleOffset(head[4:16], k)
	return float32(half(head) * float32(s)), float32(half(head[2:]) * float32(o)) // never fused with a sum
}

// putScaleOffset stores the six-bit scale and offset of sub-block k in the 12
// bytes b, for k from 0 up:
//
//	bytes 0…3   scales 0…3, and in the upper two bits those of scales 4…7
//	bytes 4…7   offsets 0…3, and in the upper two bits those of offsets 4…7
//	bytes 8…11  the low four bits of scale and, higher, offset 4…7
func putScaleOffset(b []byte, k int, s, o uint8) {
	if k < 4 {
		b[k], b[4+k] = s, o
		return
	}
	b[4+k] = s&15 | o&15<<4
	b[k-4] |= s >> 4 << 6
	b[k] |= o >> 4 << 6
}

// getScaleOffset is the inverse of putScaleOffset.
func getScaleOffset(b []byte, k int) (s, o uint8) {
	if k < 4 {
		return b[k] & 63, b[4+k] & 63
	}
	return b[4+k]&15 | b[k-4]>>6<<4, b[4+k]>>4 | b[k]>>6<<4
}
