package kernels

import (
	"encoding/binary"
	"math"

	"github.com/x448/float16"
)

// A block format leaves its packer free to choose the scale: the reference
// chooses by a formula or a short search, [Packing.QuantizeOptimal] by the
// least error of all, in the same bytes.

// optimum is what the best scales of a block format follow from.
type optimum struct {
	// lo and hi are the codes, or 0 and the highest for those with an offset.
	lo, hi int
	offset bool
	// put stores the codes, less lo, behind scale and offset.
	put func(b []byte, codes []uint8)
}

// The formats with one scale per block, with or without an offset.
var (
	optimumQ4_0 = &optimum{lo: -8, hi: 7, put: packNibbles16}
	optimumQ5_0 = &optimum{lo: -16, hi: 15, put: packFives}
	optimumQ8_0 = &optimum{lo: -127, hi: 127, put: packBytes}
	optimumQ4_1 = &optimum{hi: 15, offset: true, put: packNibbles16}
	optimumQ5_1 = &optimum{hi: 31, offset: true, put: packFives}
)

func packNibbles16(b []byte, codes []uint8) { packNibbles(b[:16], codes) }

func packFives(b []byte, codes []uint8) {
	binary.LittleEndian.PutUint32(b, fifthBits(codes))
	packNibbles(b[4:20], codes)
}

func packBytes(b []byte, codes []uint8) {
	for i, c := range codes {
		b[i] = c - 127 // less lo
	}
}

// QuantizeOptimal packs as [Packing.Quantize] does, where the format has a
// search for it, but with the scale, and the offset, of least squared error,
// weighted by importance if that is not nil. Scales are stored in 16 bits: of
// the nearest to the best real one there, its two neighbours and the
// reference's block, what has the least error is taken, so that no block is
// worse than the reference's. Where the reference's scale is too large for 16
// bits, weights are clipped instead. o is the space of the search.
func (p *Packing) QuantizeOptimal(dst []byte, x, importance []float32, o *Optimal) {
	p.Quantize(dst, x, importance)
	best := p.optimum
	var codes [32]uint8
	var y [32]float32
	var trial [40]byte
	b := trial[:p.Bytes]
	for i := range len(x) / p.Block {
		v, w := x[p.Block*i:][:p.Block], part(importance, i, p.Block)
		block := dst[p.Bytes*i:][:p.Bytes]
		least := p.blockError(block, v, w, y[:])
		var d, m float32
		if best.offset {
			d, m = o.ScaleMinimum(v, w, best.hi)
		} else {
			d = o.ScaleOf(v, w, best.lo, best.hi)
		}
		for _, d := range nearHalves(d) {
			for _, m := range nearHalves(m) {
				if d == 0 {
					continue
				}
				head := binary.LittleEndian.AppendUint16(b[:0], float16.Fromfloat32(d).Bits())
				if best.offset {
					head = binary.LittleEndian.AppendUint16(head, float16.Fromfloat32(m).Bits())
				}
				for j, v := range v {
					q := math.RoundToEven((float64(v) - float64(m)) / float64(d))
					codes[j] = uint8(int(max(float64(best.lo), min(float64(best.hi), q))) - best.lo)
				}
				best.put(b[len(head):], codes[:])
				if e := p.blockError(b, v, w, y[:]); e < least {
					least = e
					copy(block, b)
				}
				if !best.offset {
					break
				}
			}
		}
	}
}

// blockError returns the weighted squared error of what the block b unpacks to,
// +Inf if that is no number.
func (p *Packing) blockError(b []byte, x, importance, y []float32) (sum float64) {
	p.dequantize(y, b)
	for i, v := range x {
		e := float64(v) - float64(y[i])
		sum += float64(weightOf(importance, i) * float64(e*e))
	}
	if math.IsNaN(sum) {
		return math.Inf(1)
	}
	return sum
}

// nearHalves returns the binary16 value nearest to x and those beside it.
func nearHalves(x float32) [3]float32 {
	h := float16.Fromfloat32(x).Bits()
	near := [3]float32{f16Value(h), f16Value(h), f16Value(h)}
	if h&0x7fff < 0x7bff { // not the largest
		near[1] = f16Value(h + 1)
	}
	if h&0x7fff > 0 {
		near[2] = f16Value(h - 1)
	}
	return near
}
