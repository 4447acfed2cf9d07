package kernels

import (
	"encoding/binary"
	"math"

	"github.com/x448/float16"
)

// iq1_m stores 256 weights in 56 bytes, 1.75 bits per weight:
//
//	0   qs      32 bytes: of each eight weights, the lower 8 bits of the index of a grid point
//	32  qh      16 bytes: a nibble per eight weights, low one first: the upper
//	            3 bits of the index, and the shift, set for −⅛
//	48  scales  four uint16: each four 3-bit codes, of 16 weights each, and on
//	            top four bits of d, a float16, the lowest first
//
// A weight is d·(1+2·code)·(coordinate ± ⅛), coordinates being −1, 0 and 1.

// iq1Pairs is what the levels of the first and of the second eight weights are
// worth under each of the four pairs of shifts; pair 3−k is the opposite of k.
var iq1Pairs = [4][4]*[8]float32{
	{&iq1Up, &iq1Up},
	{&iq1Up, &iq1Down},
	{&iq1Down, &iq1Up},
	{&iq1Down, &iq1Down},
}

func quantizeIQ1M(l *lattice, dst []byte, x, importance []float32) {
	clear(dst)
	qs, qh, packed := dst[:32], dst[32:48], dst[48:56]
	square := blockSquare(x, 2)
	var w [256]float32
	if importance != nil {
		weigh(w[:], x, importance, square)
	} else {
		weighBySquare(w[:], x)
	}
	var lanes splitLanes
	var scales [16]float32
	var shifts [16]int
	var point [4]uint16
	var largest float32
	for i := range scales {
		x, w := x[16*i:][:16], w[16*i:][:16]
		if abs(loudest(x)) < 1e-7 {
			continue
		}
		var order [16]uint8
		sortedOrder(order[:], x)
		s, found, done := lanes.split16(x, w, &order)
		if !done {
			s, found = splitIQ1M(x, w, &order)
		}
		if !found {
			continue
		}
		keys := s.keys(order[:])
		if s.scale < 0 {
			s.scale, s.shift = -s.scale, 3-s.shift
			for g := range keys {
				keys[g] = iq1Mirrored - keys[g]
			}
		}
		shifts[i] = s.shift
		scales[i] = fitIQ1(l, &point, keys[:2], x, w, &iq1Pairs[s.shift], s.scale)
		qs[2*i], qs[2*i+1] = uint8(point[0]), uint8(point[1])
		qh[i] = uint8(point[0]>>8 | point[1]>>8<<4)
		largest = larger(largest, scales[i])
	}
	if largest == 0 {
		return
	}
	d := largest / 15
	var codes [16]uint8
	scaleCodes(codes[:], scales[:], d, 7)
	// With all codes known, one scale is fitted to the whole block.
	var words [4]uint16
	var sumqx, sumq2 float32
	for i, c := range codes {
		words[i/4] |= uint16(c) << (i % 4 * 3)
		for g := range 2 {
			p := int(qs[2*i+g]) | int(qh[i])>>(4*g)&7<<8
			at := 16*i + 8*g
			iq1Sums(&sumqx, &sumq2, l.points[p], x[at:][:8], w[at:][:8], iq1Pairs[shifts[i]][g], float32(2*c+1))
		}
		qh[i] |= uint8(shifts[i]>>1<<3 | shifts[i]&1<<7)
	}
	if sumq2 > 0 {
		d = sumqx / sumq2
	}
	bits := float16.Fromfloat32(d * 1.1125).Bits()
	for i, word := range words {
		binary.LittleEndian.PutUint16(packed[2*i:], word|bits>>(4*i)<<12)
	}
}

// splitIQ1M returns the best split of 16 weights; shift is an index of
// [iq1Pairs]. Nothing is found where no Σwq² is positive.
//
// The sums of a split are those of all weights in ascending order. What the
// weights before a border add does not depend on where the next border is, so
// only those behind the last border are added anew for each split.
func splitIQ1M(x, w []float32, order *[16]uint8) (best iq1Split, found bool) {
	var terms [3][16]iq1PairSums // by level
	for j, i := range order {
		for level := range terms {
			t := &terms[level][j]
			for k := range iq1Pairs {
				q := iq1Pairs[k][i/8][level]
				t.qx[k] = float32(w[i] * q * x[i])
				t.q2[k] = float32(w[i] * q * q)
			}
		}
	}
	highest := float32(-math.MaxFloat32)
	var low, middle, all iq1PairSums
	for zeros := range 17 {
		if zeros > 0 {
			low.sum(&low, terms[0][zeros-1:zeros])
		}
		middle.sum(&low, nil)
		for ones := zeros; ones <= 16; ones++ {
			if ones > zeros {
				middle.sum(&middle, terms[1][ones-1:ones])
			}
			all.sum(&middle, terms[2][ones:])
			for k := range iq1Pairs {
				sumqx, sumq2 := all.qx[k], all.q2[k]
				if sumq2 > 0 && sumqx*sumqx > highest*sumq2 {
					scale := sumqx / sumq2
					highest = scale * sumqx
					best, found = iq1Split{zeros, ones, k, scale}, true
				}
			}
		}
	}
	return best, found
}

// iq1PairSums holds Σwqx and Σwq² for each of [iq1Pairs].
type iq1PairSums struct{ qx, q2 [4]float32 }

// sum sets s to before plus the terms, added in order. It moves single floats:
// what copies them by fours waits for stores that were single.
func (s *iq1PairSums) sum(before *iq1PairSums, terms []iq1PairSums) {
	x0, x1, x2, x3 := before.qx[0], before.qx[1], before.qx[2], before.qx[3]
	q0, q1, q2, q3 := before.q2[0], before.q2[1], before.q2[2], before.q2[3]
	for i := range terms {
		t := &terms[i]
		x0 += t.qx[0]
		x1 += t.qx[1]
		x2 += t.qx[2]
		x3 += t.qx[3]
		q0 += t.q2[0]
		q1 += t.q2[1]
		q2 += t.q2[2]
		q3 += t.q2[3]
	}
	s.qx[0], s.qx[1], s.qx[2], s.qx[3] = x0, x1, x2, x3
	s.q2[0], s.q2[1], s.q2[2], s.q2[3] = q0, q1, q2, q3
}

func dequantizeIQ1M(dst []float32, src []byte) {
	words := iq1Grid().words
	var codes [256]uint8
	var scales [16]float32
	for i := range len(dst) / 256 {
		b := src[56*i:][:56]
		qs, qh, packed := b[:32], b[32:48], b[48:56]
		var bits uint16
		for k := range 4 {
			bits |= uint16(packed[2*k+1]>>4) << (4 * k)
		}
		d := f16Value(bits)
		for k := range scales {
			code := binary.LittleEndian.Uint16(packed[k/4*2:]) >> (k % 4 * 3) & 7
			scales[k] = d * float32(2*code+1) * iq1Shift
		}
		for g := range 32 { // eight weights each
			h := int(qh[g/2]) >> (g % 2 * 4)
			putWord(codes[8*g:], shifted8(words[int(qs[g])|h&7<<8], h&8 != 0))
		}
		unpackBytes(dst[256*i:][:256], codes[:], scales[:], noOffsets[:])
	}
}
