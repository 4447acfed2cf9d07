package kernels

// q3_K, 3.4375 bits per weight: 256 weights as sixteen sub-blocks of 16, each
// with a six-bit scale s.
//
//	32 bytes  high bit of the codes: bit k of byte i is that of weight 32·k + i
//	64 bytes  low two bits, as in packPairs
//	12 bytes  s of the sub-blocks: the low four bits of s k and s 8+k, k < 8, in
//	          byte k; the high two of s 4·h + k, k < 4, in bits 2·h and 2·h + 1
//	          of byte 8 + k
//	2 bytes   d, binary16
//
//	x = d·(s − 32)·(c − 4)
//
// Sub-blocks are fitted first, then their scales quantized, then codes rounded
// anew with what the scales have become. With importance each weight counts by
// importance·√(2·mean x² + x²), the mean being the block's, and the scales are
// fitted too; without, by its square, and the scale of the largest magnitude
// becomes s = 0.

func quantizeQ3K(dst []byte, x, importance []float32) {
	if importance != nil {
		quantizeQ3KWeighted(dst, x, importance)
		return
	}
	var scales [16 * descentBlocks]float32
	for len(x) > 0 {
		v := x[:min(len(x), 256*descentBlocks)]
		fitDescendingAll(scales[:len(v)/16], v)
		packQ3K(dst, v, scales[:len(v)/16])
		dst, x = dst[len(v)/256*110:], x[len(v):]
	}
}

// packQ3KGo packs the blocks that x consists of, whose sub-blocks have the scales of
// [fitDescending].
func packQ3KGo(dst []byte, x, scales []float32) {
	var s [16]uint8
	for i := range len(x) / 256 {
		v := x[256*i:][:256]
		d := scalesQ3K(&s, scales[16*i:][:16])
		putQ3K(dst[110*i:][:110], d, &s, v, func(codes []uint8, k int) {
			fitDescending(codes, v[16*k:][:16], 4)
		})
	}
}

// scalesQ3K quantizes the scales of a block without importance and returns d.
func scalesQ3K(s *[16]uint8, scales []float32) (d float32) {
	m := loudest(scales)
	if m == 0 {
		*s = [16]uint8{}
		return 0
	}
	inverse := -32 / m
	for k, v := range scales {
		s[k] = uint8(32 + max(-32, min(31, int8(nearest(inverse*v)))))
	}
	return 1 / inverse
}

func quantizeQ3KWeighted(dst []byte, x, importance []float32) {
	var f fits
	var s [16]uint8
	var squares [4]float32 // of two blocks
	for i := range len(x) / 256 {
		if i%2 == 0 {
			squares = sumSquaresOfBlocks(x[256*i : min(256*i+512, len(x))])
		}
		v := x[256*i:][:256]
		d := f.fitQ3KWeighted(&s, v, importance[256*i:][:256], squares[i%2])
		putQ3K(dst[110*i:][:110], d, &s, v, f.take)
	}
}

// fitQ3KWeighted fits a block with importance, whose sum of squares is known, and
// returns d.
func (f *fits) fitQ3KWeighted(s *[16]uint8, x, importance []float32, squares float32) (d float32) {
	var w [256]float32
	weigh(w[:], x, importance, 2*squares/256)
	f.fitSymmetric(4, x, w[:], 16, byGiven)
	return fitSymmetric(s[:], f.scales[:], f.sums[:], 32)
}

// putQ3K packs a block whose scales are quantized. take sets the codes of sub-block
// k to those that the search found, where its scale became 0.
func putQ3K(b []byte, d float32, s *[16]uint8, x []float32, take func(codes []uint8, k int)) {
	var codes [256]uint8
	var scales, none [16]float32
	d = putHalf(b[108:], d)
	packed := b[96:108]
	clear(packed)
	for k, s := range s {
		packed[k%8] |= s & 15 << (k / 8 * 4)
		packed[8+k%4] |= s >> 4 << (k / 4 * 2)
		scales[k] = d * float32(int32(s)-32)
	}
	recode(codes[:], x, scales[:], none[:], -4, 3)
	for k, scale := range scales {
		if scale == 0 {
			take(codes[16*k:][:16], k)
		}
	}
	packBits(b[:32], &codes, 2)
	packPairs(b[32:96], &codes, 0)
}

func dequantizeQ3K(dst []float32, src []byte) {
	var codes [256]uint8
	var scales [16]float32
	for i := range len(src) / 110 {
		b := src[110*i:][:110]
		d := half(b[108:])
		packed := b[96:108]
		for k := range scales {
			s := packed[k%8]>>(k/8*4)&15 | packed[8+k%4]>>(k/4*2)&3<<4
			scales[k] = d * float32(int32(s)-32)
		}
		unpackPairs(&codes, b[32:96])
		for j := 0; j < 32; j += 8 {
			high := word(b[j:])
			for k := range 8 {
				c := codes[32*k+j:][:8]
				putWord(c, minus(word(c)|high>>k&bytewise<<2, 4*bytewise))
			}
		}
		unpackBytes(dst[256*i:][:256], codes[:], scales[:], noOffsets[:])
	}
}
