package kernels

import (
	"encoding/binary"
	"sync"
)

// iq3_xxs stores 256 weights in 98 bytes, 3.0625 bits per weight:
//
//	0   d      float16
//	2   qs     64 bytes: of each four weights, the index of a grid point
//	66  signs  a uint32 per 32 weights: four times 7 bits of signs, the eighth
//	           making the number of minuses even, then a 4-bit code
//
// A weight is ±d·(½+code)·½·coordinate, coordinates being 4, 12 … 52 and 62:
// odd multiples of 4 but for the last, which is a bit larger.

var (
	iq3xxsGrid    = sync.OnceValue(func() *grid { return readGrid("iq3_xxs", 4, 4, 12, 20, 28, 36, 44, 52, 62) })
	iq3xxsLattice = sync.OnceValue(func() *lattice { return newLattice(iq3xxsGrid(), 2) })
)

var iq3xxsSearch = gridSearch{trials: 15, step: 0.2, onGrid: 0xff}

func quantizeIQ3XXS(l *lattice, blocks *gridBlocks, dst []byte, x, importance []float32) {
	clear(dst)
	qs, signs := dst[2:66], dst[66:98]
	square := blockSquare(x, 2)
	for i := range 8 {
		b := &blocks.blocks[i]
		b.take(x[32*i:][:32], part(importance, i, 32), square, 0, true)
		top := b.top()
		b.want(!(top < 1e-8), top, top/15)
	}
	iq3xxsSearch.runAll(l, blocks, 8)
	var scales [8]float32
	var largest float32
	for i := range scales {
		b := &blocks.blocks[i]
		if !b.wanted {
			continue
		}
		scales[i] = b.result
		for g, p := range b.point {
			qs[8*i+g] = uint8(p)
		}
		binary.LittleEndian.PutUint32(signs[4*i:], sevenSigns(&b.signs))
		largest = larger(largest, scales[i])
	}
	if largest == 0 {
		clear(dst)
		return
	}
	d := largest / 31
	putHalf(dst, d*1.0125)
	var codes [8]uint8
	scaleCodes(codes[:], scales[:], d, 15)
	for i, c := range codes {
		signs[4*i+3] |= c << 4
	}
}

func dequantizeIQ3XXS(dst []float32, src []byte) {
	words := iq3xxsGrid().words
	var codes [256]uint8
	var scales [8]float32
	for i := range len(dst) / 256 {
		b := src[98*i:][:98]
		d := half(b)
		qs, signs := b[2:66], b[66:98]
		for k := range scales {
			s := binary.LittleEndian.Uint32(signs[4*k:])
			scales[k] = d * (0.5 + float32(s>>28)) * 0.5
			for g := range 4 { // eight weights each
				q := qs[8*k+2*g:][:2]
				putWord(codes[32*k+8*g:], signed8(words[q[0]]|words[q[1]]<<32, evenSigns[s>>(7*g)&127]))
			}
		}
		unpackBytes(dst[256*i:][:256], codes[:], scales[:], noOffsets[:8])
	}
}
