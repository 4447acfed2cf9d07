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

var q2KFit = newAffineFit(3, -0.5, 0.1, 15, true)

func quantizeQ2K(dst []byte, x, importance []float32) {
	var pair [2]fits
	var codes [256]uint8
	var scales, offsets [16]float32
	for i := range len(x) / 256 {
		b := dst[84*i:][:84]
		v := x[256*i:][:256]
		if i%2 == 0 {
			fitBlocksQ2K(&pair, x, importance, i)
		}
		f := &pair[i%2]
		var s, o [16]uint8
		var d, m float32
		if importance == nil {
			d, m = steps15(&s, f.scales[:]), steps15(&o, f.offsets[:])
		} else {
			d = fitPositive(s[:], f.scales[:], f.sums[:], 15)
			m = fitPositive(o[:], f.offsets[:], f.sums[:], 15)
		}
		d, m = putHalf(b[80:], d), putHalf(b[82:], m)
		for k := range s {
			so := s[k] | o[k]<<4
			b[k] = so
			scales[k], offsets[k] = d*float32(so&15), m*float32(so>>4)
		}
		f.recode(codes[:], v, 0, scales[:], offsets[:], 0, 3)
		packPairs(b[16:80], &codes, 0)
	}
}

// fitBlocksQ2K fits the sub-blocks of block i and, if there is one, of the block
// after it.
func fitBlocksQ2K(f *[2]fits, x, importance []float32, i int) {
	x = x[256*i:]
	x = x[:min(len(x), 2*256)]
	if importance == nil {
		fitPair(f, &q2KFit, x, nil, 16, byMagnitude)
		return
	}
	importance = importance[256*i:][:len(x)]
	var w [2 * 256]float32
	sums := sumSquaresOfBlocks(x)
	for k := range len(x) / 256 {
		weigh(w[256*k:][:256], x[256*k:][:256], importance[256*k:][:256], sums[k]/256)
	}
	fitPair(f, &weightedFit2, x, w[:len(x)], 16, byGiven)
}

// steps15 sets s to the nearest of 15 steps up to the largest of v and returns
// the step, or leaves s and returns 0 if none is above 0.
func steps15(s *[16]uint8, v []float32) (step float32) {
	most, per := stepsOf(v, 15)
	if most == 0 {
		return 0
	}
	for k, v := range v {
		s[k] = uint8(nearest(per * v))
	}
	return most / 15
}

func dequantizeQ2K(dst []float32, src []byte) {
	var codes [256]uint8
	var scales, offsets [16]float32
	for i := range len(src) / 84 {
		b := src[84*i:][:84]
		d, m := half(b[80:]), half(b[82:])
		for k, so := range b[:16] {
			scales[k], offsets[k] = d*float32(so&15), -float32(m*float32(so>>4))
		}
		unpackPairs(&codes, b[16:80])
		unpackBytes(dst[256*i:][:256], codes[:], scales[:], offsets[:])
	}
}
