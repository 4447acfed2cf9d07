package kernels

// q2_K, 2.625 bits per weight: 256 weights as sixteen sub-blocks of 16, each
// with a four-bit scale s and a four-bit offset o.
//
//	16 bytes  s in the low and o in the high nibble, a byte per sub-block
//	64 bytes  codes c, as in packPairs
//	2 bytes   d, binary16
//	2 bytes   m, binary16
//
//	x = d·s·c − m·o
//
// Sub-blocks are fitted first, then their scales and offsets quantized, then
// codes rounded anew with what those have become. With importance each weight
// counts by importance·√(mean x² + x²), the mean being the block's, and the
// scales and offsets are fitted too. Without, errors count by their magnitude
// times the weight's, and the largest scale and offset become 15.

var q2KFit = affineFit{levels: 3, first: -0.5, step: 0.1, tries: 15, absolute: true}

func quantizeQ2K(dst []byte, x, importance []float32) {
	var codes [256]uint8
	var s, o [16]uint8
	for i := range len(x) / 256 {
		b := dst[84*i:][:84]
		v := x[256*i:][:256]
		var d, m float32
		if importance == nil {
			d, m = fitQ2K(&s, &o, &codes, v)
		} else {
			d, m = fitQ2KWeighted(&s, &o, &codes, v, importance[256*i:][:256])
		}
		d, m = putHalf(b[80:], d), putHalf(b[82:], m)
		for k := range s {
			so := s[k] | o[k]<<4
			b[k] = so
			recode(codes[16*k:][:16], v[16*k:][:16], d*float32(so&15), float32(m*float32(so>>4)), 3)
		}
		packPairs(b[16:80], &codes)
	}
}

func dequantizeQ2K(dst []float32, src []byte) {
	for i := range len(src) / 84 {
		b := src[84*i:][:84]
		d, m := half(b[80:]), half(b[82:])
		for k, so := range b[:16] {
			scale, offset := d*float32(so&15), float32(m*float32(so>>4))
			c := b[16+32*(k/8)+16*(k%2):][:16]
			shift := k / 2 % 4 * 2
			for j := range dst[256*i+16*k:][:16] {
				dst[256*i+16*k+j] = float32(scale*float32(c[j]>>shift&3)) - offset
			}
		}
	}
}

// fitQ2K fits a block without importance and returns d and m.
func fitQ2K(s, o *[16]uint8, codes *[256]uint8, x []float32) (d, m float32) {
	var scales, offsets, w [16]float32
	var maxScale, maxOffset float32
	for k := range scales {
		v := x[16*k:][:16]
		for j, v := range v {
			w[j] = abs(v)
		}
		scales[k], offsets[k] = q2KFit.fit(codes[16*k:][:16], v, w[:])
		if scales[k] > maxScale {
			maxScale = scales[k]
		}
		if offsets[k] > maxOffset {
			maxOffset = offsets[k]
		}
	}
	*s, *o = [16]uint8{}, [16]uint8{}
	if maxScale > 0 {
		inverse := 15 / maxScale
		for k, v := range scales {
			s[k] = uint8(nearest(inverse * v))
		}
		d = maxScale / 15
	}
	if maxOffset > 0 {
		inverse := 15 / maxOffset
		for k, v := range offsets {
			o[k] = uint8(nearest(inverse * v))
		}
		m = maxOffset / 15
	}
	return d, m
}

// fitQ2KWeighted fits a block with importance and returns d and m.
func fitQ2KWeighted(s, o *[16]uint8, codes *[256]uint8, x, importance []float32) (d, m float32) {
	var scales, offsets, weights, w [16]float32
	square := sumSquares(x) / 256
	for k := range scales {
		v := x[16*k:][:16]
		weigh(w[:], v, importance[16*k:][:16], square)
		weights[k] = sum(w[:])
		scales[k], offsets[k] = weightedFit2.fit(codes[16*k:][:16], v, w[:])
	}
	d = fitPositive(s[:], scales[:], weights[:], 15)
	m = fitPositive(o[:], offsets[:], weights[:], 15)
	return d, m
}
