package kernels

import "sync"

// iq2_s stores 256 weights in 82 bytes, 2.5625 bits per weight:
//
//	0   d       float16
//	2   qs      32 bytes: of each eight weights, the lower 8 bits of the index of a grid point
//	34  signs   32 bytes: a bit per weight
//	66  qh      8 bytes: the upper 2 bits of each index
//	74  scales  8 bytes: a 4-bit code per 16 weights, low nibble first
//
// A weight is ±d·(½+code)·¼·coordinate, coordinates being 8, 25 and 43.

var (
	iq2sGrid    = sync.OnceValue(func() *grid { return readGrid("iq2_s", 8, 8, 25, 43) })
	iq2sLattice = sync.OnceValue(func() *lattice { return newLattice(iq2sGrid(), 1) })
)

var iq2sSearch = gridSearch{trials: 9, step: 0.1, onGrid: 0xff}

func quantizeIQ2S(l *lattice, blocks *gridBlocks, dst []byte, x, importance []float32) {
	clear(dst)
	qs, signs, qh := dst[2:34], dst[34:66], dst[66:74]
	square := blockSquare(x, 2)
	for i := range 16 {
		b := &blocks.blocks[i]
		b.take(x[16*i:][:16], part(importance, i, 16), square, float32(0.25*square), false)
		top := b.top()
		b.want(!(top < 1e-8), top, top/5)
	}
	iq2sSearch.runAll(l, blocks, 16)
	var scales [16]float32
	var largest float32
	for i := range scales {
		b := &blocks.blocks[i]
		if !b.wanted {
			continue
		}
		scales[i] = b.result
		for g := range 2 {
			p := b.point[g]
			qs[2*i+g] = uint8(p)
			qh[i/2] |= uint8(p>>8) << (i%2*4 + 2*g)
			signs[2*i+g] = b.signs[g]
		}
		largest = larger(largest, scales[i])
	}
	if largest == 0 {
		return
	}
	d := largest / 31
	putHalf(dst, d*0.9875)
	var codes [16]uint8
	scaleCodes(codes[:], scales[:], d, 15)
	for i := range 8 {
		dst[74+i] = codes[2*i] | codes[2*i+1]<<4
	}
}

func dequantizeIQ2S(dst []float32, src []byte) {
	words := iq2sGrid().words
	var codes [256]uint8
	var scales [16]float32
	for i := range len(dst) / 256 {
		b := src[82*i:][:82]
		qs, signs, qh := b[2:34], b[34:66], b[66:74]
		scaleNibbles(&scales, half(b), b[74:])
		for g := range 32 { // eight weights each
			p := int(qs[g]) | int(qh[g/4])>>(g%4*2)&3<<8
			putWord(codes[8*g:], signed8(words[p], signs[g]))
		}
		unpackBytes(dst[256*i:][:256], codes[:], scales[:], noOffsets[:])
	}
}
