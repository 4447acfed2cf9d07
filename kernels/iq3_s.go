package kernels

import "sync"

// iq3_s stores 256 weights in 110 bytes, 3.4375 bits per weight:
//
//	0    d       float16
//	2    qs      64 bytes: of each four weights, the lower 8 bits of the index of a grid point
//	66   qh      8 bytes: the upper bit of each
//	74   signs   32 bytes: a bit per weight
//	106  scales  4 bytes: a 4-bit code per 32 weights, low nibble first
//
// A weight is ±d·(1+2·code)·coordinate, coordinates being 1, 3 … 15.

var (
	iq3sGrid    = sync.OnceValue(func() *grid { return readGrid("iq3_s", 4, 1, 3, 5, 7, 9, 11, 13, 15) })
	iq3sLattice = sync.OnceValue(func() *lattice { return newLattice(iq3sGrid(), 3) })
)

// A single group off the grid sends all eight through the last look-up.
var iq3sSearch = gridSearch{trials: 9, step: 0.2, again: 0xff}

func quantizeIQ3S(l *lattice, blocks *gridBlocks, dst []byte, x, importance []float32) {
	clear(dst)
	qs, qh, signs := dst[2:66], dst[66:74], dst[74:106]
	square := blockSquare(x, 2)
	for i := range 8 {
		b := &blocks.blocks[i]
		b.take(x[32*i:][:32], part(importance, i, 32), square, 0, false)
		top := b.top()
		b.want(top != 0, top, top/15)
	}
	iq3sSearch.runAll(l, blocks, 8)
	var scales [8]float32
	var largest float32
	for i := range scales {
		b := &blocks.blocks[i]
		if !b.wanted {
			// The reference steps on in qs and signs, though not in qh and
			// scales, only behind weights that are not all zero. What comes
			// after zeros in a block is read back as something else, but
			// these are the bytes that the format's tools write.
			continue
		}
		scales[i] = b.result
		for g, p := range b.point {
			qs[g] = uint8(p)
			qh[i] |= uint8(p>>8) << g
		}
		copy(signs, b.signs[:])
		qs, signs = qs[8:], signs[4:]
		largest = larger(largest, scales[i])
	}
	if largest == 0 {
		return
	}
	d := largest / 31
	putHalf(dst, d*1.033)
	var codes [8]uint8
	scaleCodes(codes[:], scales[:], d, 15)
	for i := range 4 {
		dst[106+i] = codes[2*i] | codes[2*i+1]<<4
	}
}

func dequantizeIQ3S(dst []float32, src []byte) {
	words := iq3sGrid().words
	var codes [256]uint8
	var scales [8]float32
	for i := range len(dst) / 256 {
		b := src[110*i:][:110]
		d := half(b)
		qs, qh, signs := b[2:66], b[66:74], b[74:106]
		for k := range scales {
			scales[k] = d * float32(1+2*(b[106+k/2]>>(k%2*4)&15))
		}
		for g := range 32 { // eight weights each
			high := uint(qh[g/4]) >> (g % 4 * 2)
			first, second := words[uint(qs[2*g])|high&1<<8], words[uint(qs[2*g+1])|high&2<<7]
			putWord(codes[8*g:], signed8(first|second<<32, signs[g]))
		}
		unpackBytes(dst[256*i:][:256], codes[:], scales[:], noOffsets[:8])
	}
}
