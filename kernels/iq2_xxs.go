package kernels

import (
	"encoding/binary"
	"sync"

	"github.com/x448/float16"
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
var iq2xxs = &Packing{
	Name: "iq2_xxs", Block: 256, Bytes: 66, NeedsImportance: true, UsesImportance: true,
	About:    "2.06 bits: eight magnitudes are one of 256 grid points, seven signs tell eight, a 4-bit scale per 32",
	quantize: quantizeIQ2XXS, dequantize: dequantizeIQ2XXS,
}

var (
	iq2xxsGrid    = sync.OnceValue(func() *grid { return readGrid("iq2_xxs", 8, 8, 25, 43) })
	iq2xxsLattice = sync.OnceValue(func() *lattice { return newLattice(iq2xxsGrid(), 2) })
)

// All groups are looked up once more, whether on the grid or not.
var iq2xxsSearch = gridSearch{trials: 6, step: 0.1, again: 0xff, always: true}

func quantizeIQ2XXS(dst []byte, x, importance []float32) {
	l := iq2xxsLattice()
	for i := range len(x) / 256 {
		quantizeBlockIQ2XXS(l, dst[66*i:][:66], x[256*i:][:256], part(importance, 256*i, 256))
	}
}

func quantizeBlockIQ2XXS(l *lattice, dst []byte, x, importance []float32) {
	clear(dst)
	sigma2 := meanSquare(x, 1)
	var b gridBlock
	var scales [8]float32
	var largest float32
	for i := range scales {
		b.load(x[32*i:][:32], part(importance, 32*i, 32), sigma2, 0)
		b.even()
		if b.top() < 1e-15 {
			continue
		}
		// The search is centred on a scale that is found as if every weight
		// had a 2-bit integer of its own.
		scale := integerScale(&b, 4)
		top := scale * 3
		if top <= 0 {
			continue
		}
		scales[i] = iq2xxsSearch.run(l, &b, top, scale)
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
	binary.LittleEndian.PutUint16(dst, float16.Fromfloat32(d).Bits())
	var codes [8]uint8
	scaleCodes(codes[:], scales[:], d, 15)
	for i, c := range codes {
		dst[9+8*i] |= c << 4
	}
}

// integerScale returns the scale for which integers up to top fit b best: the
// best of nine scales around the one that brings the largest magnitude to top,
// and then improved by moving single integers.
//
// Integers are kept in a byte each, as in the reference; the negative ones,
// from magnitudes whose sign was changed, wrap around. That makes the scale
// worse than it could be, but it is the one that decides the bytes.
func integerScale(b *gridBlock, top int32) float32 {
	x, w := b.x[:b.n], b.w[:b.n]
	var largest float32
	for _, v := range x {
		largest = larger(largest, v)
	}
	inverse := float32(top) / largest
	var least float32
	for i, v := range x {
		q := uint8(roundEven23(inverse * v))
		diff := v - float32(1/inverse*float32(q))
		least += float32(w[i] * diff * diff)
	}
	around := inverse
	for trial := -4; trial <= 4; trial++ {
		if trial == 0 {
			continue
		}
		in := (float32(0.1*float32(trial)) + float32(top)) / largest
		scale := 1 / in
		var sum float32
		for i, v := range x {
			q := min(top, roundEven23(in*v))
			diff := v - float32(scale*float32(q))
			sum += float32(w[i] * diff * diff)
		}
		if sum < least {
			least, around = sum, in
		}
	}
	var codes [32]uint8
	var sumxq, sumq2 float32
	for i, v := range x {
		q := min(top, roundEven23(around*v))
		codes[i] = uint8(q)
		sumxq += float32(w[i] * v * float32(q))
		sumq2 += float32(w[i] * float32(q) * float32(q))
	}
	for range 5 {
		changed := false
		for i, v := range x {
			q := float32(codes[i])
			xq := sumxq - float32(w[i]*v*q)
			q2 := sumq2 - float32(w[i]*q*q)
			if !(xq > 0 && q2 > 0) {
				continue
			}
			// The best integer once the scale fits all others.
			next := min(top, roundEven23(v*q2/xq))
			if next == int32(codes[i]) {
				continue
			}
			xq += float32(w[i] * v * float32(next))
			q2 += float32(w[i] * float32(next) * float32(next))
			if xq*xq*sumq2 > sumxq*sumxq*q2 {
				codes[i], sumxq, sumq2 = uint8(next), xq, q2
				changed = true
			}
		}
		if !changed {
			break
		}
	}
	if sumq2 > 0 {
		return sumxq / sumq2
	}
	return 0
}

func dequantizeIQ2XXS(dst []float32, src []byte) {
	values := iq2xxsGrid().values
	for i := range len(dst) / 256 {
		dequantizeBlockIQ2XXS(values, dst[256*i:][:256], src[66*i:][:66])
	}
}

func dequantizeBlockIQ2XXS(values, dst []float32, src []byte) {
	d := f16Values[binary.LittleEndian.Uint16(src)]
	for i := range 8 {
		q := src[2+8*i:][:8]
		s := binary.LittleEndian.Uint32(q[4:])
		scale := d * (0.5 + float32(s>>28)) * 0.25
		for g := range 4 {
			v := values[8*int(q[g]):][:8]
			signed8(dst[32*i+8*g:][:8], scale, v[:4], v[4:], evenSigns[s>>(7*g)&127])
		}
	}
}
