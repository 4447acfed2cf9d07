package kernels

import (
	"encoding/binary"
	"math"
)

// iq1_s stores 256 weights in 50 bytes, 1.5625 bits per weight:
//
//	0   d   float16
//	2   qs  32 bytes: of each eight weights, the lower 8 bits of the index of a grid point
//	34  qh  a uint16 per 32 weights: four times the upper 3 bits of an index,
//	        a 3-bit code, and on top the shift, set for −⅛
//
// A weight is d·(1+2·code)·(coordinate ± ⅛), coordinates being −1, 0 and 1.

func quantizeIQ1S(l *lattice, dst []byte, x, importance []float32) {
	clear(dst)
	qs, qh := dst[2:34], dst[34:50]
	square := blockSquare(x, 2)
	var w [32]float32
	var order [32]uint8
	var lanes splitLanes
	var scales [8]float32
	var down [8]bool
	var point [4]uint16
	var largest float32
	for i := range scales {
		x := x[32*i:][:32]
		weigh(w[:], x, part(importance, i, 32), square)
		if abs(loudest(x)) < 1e-12 {
			continue
		}
		sortedOrder(order[:], x)
		s, found, done := lanes.split32(x, &w, &order)
		if !done {
			s, found = splitIQ1S(x, &w, &order)
		}
		if !found {
			continue
		}
		keys := s.keys(order[:])
		if s.scale < 0 {
			s.scale, s.shift = -s.scale, 1-s.shift
			for g := range keys {
				keys[g] = iq1Mirrored - keys[g]
			}
		}
		value := &iq1Up
		if s.shift == 1 {
			value, down[i] = &iq1Down, true
		}
		scales[i] = fitIQ1(l, &point, keys[:], x, w[:], &[4]*[8]float32{value, value, value, value}, s.scale)
		var high uint16
		for g, p := range point {
			qs[4*i+g] = uint8(p)
			high |= p >> 8 << (3 * g)
		}
		binary.LittleEndian.PutUint16(qh[2*i:], high)
		largest = larger(largest, scales[i])
	}
	if largest == 0 {
		return
	}
	d := largest / 15
	putHalf(dst, d*1.125)
	var codes [8]uint8
	scaleCodes(codes[:], scales[:], d, 7)
	for i, c := range codes {
		if down[i] {
			c |= 8
		}
		qh[2*i+1] |= c << 4
	}
}

// splitIQ1S returns the best split of 32 weights; shift is 0 for up, 1 for
// down. Nothing is found where no Σwq² is positive.
func splitIQ1S(x []float32, w *[32]float32, order *[32]uint8) (best iq1Split, found bool) {
	var sumx, sumw [33]float32 // of the weights before each border
	for j, i := range order {
		sumx[j+1] = sumx[j] + float32(w[i]*x[i])
		sumw[j+1] = sumw[j] + w[i]
	}
	// What the weights before the first border and behind the second add does
	// not depend on the other border.
	up, down := &iq1Up, &iq1Down
	var lowx, loww, highx, highw [33][2]float32
	for at := range 33 {
		x, w := sumx[at]-sumx[0], sumw[at]-sumw[0]
		lowx[at] = [2]float32{x * up[0], x * down[0]}
		loww[at] = [2]float32{w * up[0] * up[0], w * down[0] * down[0]}
		x, w = sumx[32]-sumx[at], sumw[32]-sumw[at]
		highx[at] = [2]float32{x * up[2], x * down[2]}
		highw[at] = [2]float32{w * up[2] * up[2], w * down[2] * down[2]}
	}
	highest := float32(-math.MaxFloat32)
	for zeros := range 33 {
		for ones := zeros; ones <= 32; ones++ {
			// The middle level is worth ±⅛: its sums differ in sign at most.
			x := float32((sumx[ones] - sumx[zeros]) * iq1Shift)
			w := float32((sumw[ones] - sumw[zeros]) * iq1Shift * iq1Shift)
			sumqx := float32(lowx[zeros][0]) + x + float32(highx[ones][0])
			sumq2 := float32(loww[zeros][0]) + w + float32(highw[ones][0])
			if sumq2 > 0 && sumqx*sumqx > highest*sumq2 {
				scale := sumqx / sumq2
				highest = scale * sumqx
				best, found = iq1Split{zeros, ones, 0, scale}, true
			}
			sumqx = float32(lowx[zeros][1]) - x + float32(highx[ones][1])
			sumq2 = float32(loww[zeros][1]) + w + float32(highw[ones][1])
			if sumq2 > 0 && sumqx*sumqx > highest*sumq2 {
				scale := sumqx / sumq2
				highest = scale * sumqx
				best, found = iq1Split{zeros, ones, 1, scale}, true
			}
		}
	}
	return best, found
}

func dequantizeIQ1S(dst []float32, src []byte) {
	words := iq1Grid().words
	var codes [256]uint8
	var scales [8]float32
	for i := range len(dst) / 256 {
		b := src[50*i:][:50]
		d := half(b)
		qs, qh := b[2:34], b[34:50]
		for k := range scales {
			h := binary.LittleEndian.Uint16(qh[2*k:])
			scales[k] = d * float32(2*(h>>12&7)+1) * iq1Shift
			for g := range 4 { // eight weights each
				p := int(qs[4*k+g]) | int(h)>>(3*g)&7<<8
				putWord(codes[32*k+8*g:], shifted8(words[p], h>>15 != 0))
			}
		}
		unpackBytes(dst[256*i:][:256], codes[:], scales[:], noOffsets[:8])
	}
}

// shifted8 shifts eight coordinates up or down, all in steps of iq1Shift.
func shifted8(word uint64, down bool) uint64 {
	if down {
		return minus(word, bytewise)
	}
	return word + bytewise
}
