package kernels

import (
	"encoding/binary"
	"sync"
)

// iq2_xxs stores 256 weights in 66 bytes, 2.0625 bits per weight:
//
//	0  d  float16
//	2     8 bytes per 32 weights: of each eight, the index of a grid point, a
//	      byte; then a uint32: four times 7 bits of signs, the eighth making
//	      the number of minuses even, and a 4-bit code
//
// A weight is ±d·(½+code)·¼·coordinate, coordinates being 8, 25 and 43: about
// 1, 3 and 5 times 8.

var (
	iq2xxsGrid    = sync.OnceValue(func() *grid { return readGrid("iq2_xxs", 8, 8, 25, 43) })
	iq2xxsLattice = sync.OnceValue(func() *lattice { return newLattice(iq2xxsGrid(), 2) })
)

// All groups are looked up once more, whether on the grid or not.
var iq2xxsSearch = gridSearch{trials: 6, step: 0.1, again: 0xff, always: true}

func quantizeIQ2XXS(l *lattice, blocks *gridBlocks, dst []byte, x, importance []float32) {
	clear(dst)
	square := blockSquare(x, 1)
	for i := range 8 {
		b := &blocks.blocks[i]
		b.take(x[32*i:][:32], part(importance, i, 32), square, 0, true)
		if b.want(!(b.top() < 1e-15), 0, 0); !b.wanted {
			continue
		}
		// The search is centred on a scale that is found as if every weight
		// had a 2-bit integer of its own.
		var codes [32]uint8
		scale := fitPositive(codes[:], b.x[:], b.w[:], 4)
		b.want(!(scale*3 <= 0), scale*3, scale)
	}
	iq2xxsSearch.runAll(l, blocks, 8)
	var scales [8]float32
	var largest float32
	for i := range scales {
		b := &blocks.blocks[i]
		if !b.wanted {
			continue
		}
		scales[i] = b.result
		q := dst[2+8*i:][:8]
		for g := range 4 {
			q[g] = uint8(b.point[g])
		}
		binary.LittleEndian.PutUint32(q[4:], sevenSigns(&b.signs))
		largest = larger(largest, scales[i])
	}
	if largest == 0 {
		clear(dst)
		return
	}
	d := largest / 31
	putHalf(dst, d)
	var codes [8]uint8
	scaleCodes(codes[:], scales[:], d, 15)
	for i, c := range codes {
		dst[9+8*i] |= c << 4
	}
}

func dequantizeIQ2XXS(dst []float32, src []byte) {
	words := iq2xxsGrid().words
	var codes [256]uint8
	var scales [8]float32
	for i := range len(dst) / 256 {
		b := src[66*i:][:66]
		d := half(b)
		for k := range scales {
			q := b[2+8*k:][:8]
			s := binary.LittleEndian.Uint32(q[4:])
			scales[k] = d * (0.5 + float32(s>>28)) * 0.25
			for g := range 4 {
				putWord(codes[32*k+8*g:], signed8(words[q[g]], evenSigns[s>>(7*g)&127]))
			}
		}
		unpackBytes(dst[256*i:][:256], codes[:], scales[:], noOffsets[:8])
	}
}
