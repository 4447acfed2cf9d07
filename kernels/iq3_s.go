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
	iq3sGrid    = sync.OnceValue(func() *grid { return readGrid("iq3_s", 4, oddValues[:]...) })
	iq3sLattice = sync.OnceValue(func() *lattice { return newLattice(iq3sGrid(), 3) })
)

// A single group off the grid sends all eight through the last look-up.
var iq3sSearch = gridSearch{trials: 9, step: 0.2, again: 0xff}

func quantizeIQ3S(dst []byte, x, importance []float32) {
	l := iq3sLattice()
	for i := range len(x) / 256 {
		quantizeBlockIQ3S(l, dst[110*i:][:110], x[256*i:][:256], part(importance, i, 256))
	}
}

func quantizeBlockIQ3S(l *lattice, dst []byte, x, importance []float32) {
	clear(dst)
	qs, qh, signs := dst[2:66], dst[66:74], dst[74:106]
	square := blockSquare(x, 2)
	var b gridBlock
	var scales [8]float32
	var largest float32
	for i := range scales {
		b.load(x[32*i:][:32], part(importance, i, 32), square, 0)
		top := b.top()
		if top == 0 {
			// The reference steps on in qs and signs, though not in qh and
			// scales, only behind weights that are not all zero. What comes
			// after zeros in a block is read back as something else, but
			// these are the bytes that the format's tools write.
			continue
		}
		scales[i] = iq3sSearch.run(l, &b, top, top/15)
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
	values := iq3sGrid().values
	for i := range len(dst) / 256 {
		dequantizeBlockIQ3S(values, dst[256*i:][:256], src[110*i:][:110])
	}
}

func dequantizeBlockIQ3S(values, dst []float32, src []byte) {
	d := half(src)
	qs, qh, signs, scales := src[2:66], src[66:74], src[74:106], src[106:110]
	for i := range 32 { // eight weights each
		scale := d * float32(1+2*(scales[i/8]>>(i/4%2*4)&15))
		high := uint(qh[i/4]) >> (i % 4 * 2)
		signed8(dst[8*i:][:8], scale,
			values[4*(uint(qs[2*i])|high&1<<8):],
			values[4*(uint(qs[2*i+1])|high&2<<7):], signs[i])
	}
}
