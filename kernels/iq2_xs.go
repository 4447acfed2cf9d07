package kernels

import (
	"encoding/binary"
	"sync"
)

// iq2_xs stores 256 weights in 74 bytes, 2.3125 bits per weight:
//
//	0   d       float16
//	2   qs      a uint16 per eight weights: the index of a grid point, 9 bits,
//	            and seven signs, the eighth making the number of minuses even
//	66  scales  8 bytes: a 4-bit code per 16 weights, low nibble first
//
// A weight is ±d·(½+code)·¼·coordinate, coordinates being 8, 25 and 43.

var (
	iq2xsGrid    = sync.OnceValue(func() *grid { return readGrid("iq2_xs", 8, 8, 25, 43) })
	iq2xsLattice = sync.OnceValue(func() *lattice { return newLattice(iq2xsGrid(), 2) })
)

var iq2xsSearch = gridSearch{trials: 9, step: 0.1, onGrid: 0xff}

func quantizeIQ2XS(l *lattice, blocks *gridBlocks, dst []byte, x, importance []float32) {
	clear(dst)
	square := blockSquare(x, 1)
	for i := range 16 {
		b := &blocks.blocks[i]
		b.take(x[16*i:][:16], part(importance, i, 16), square, 0, true)
		top := b.top()
		b.want(!(top < 1e-15), top, top/5)
	}
	iq2xsSearch.runAll(l, blocks, 16)
	var scales [16]float32
	var largest float32
	for i := range scales {
		b := &blocks.blocks[i]
		if !b.wanted {
			continue
		}
		scales[i] = b.result
		for g := range 2 {
			binary.LittleEndian.PutUint16(dst[2+4*i+2*g:], b.point[g]|uint16(b.signs[g])<<9)
		}
		largest = larger(largest, scales[i])
	}
	if largest == 0 {
		clear(dst)
		return
	}
	d := largest / 31
	putHalf(dst, d)
	var codes [16]uint8
	scaleCodes(codes[:], scales[:], d, 15)
	for i := range 8 {
		dst[66+i] = codes[2*i] | codes[2*i+1]<<4
	}
}

func dequantizeIQ2XS(dst []float32, src []byte) {
	words := iq2xsGrid().words
	var codes [256]uint8
	var scales [16]float32
	for i := range len(dst) / 256 {
		b := src[74*i:][:74]
		d := half(b)
		scaleNibbles(&scales, d, b[66:])
		for g := range 32 { // eight weights each
			q := binary.LittleEndian.Uint16(b[2+2*g:])
			putWord(codes[8*g:], signed8(words[q&511], evenSigns[q>>9]))
		}
		unpackBytes(dst[256*i:][:256], codes[:], scales[:], noOffsets[:])
	}
}

// scaleNibbles sets the scales of sixteen sub-blocks, four bits each in packed.
func scaleNibbles(scales *[16]float32, d float32, packed []byte) {
	for k := range scales {
		scales[k] = d * (0.5 + float32(packed[k/2]>>(k%2*4)&15)) * 0.25
	}
}
