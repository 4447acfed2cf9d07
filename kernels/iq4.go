package kernels

import "encoding/binary"

// iq4_nl, 4.5 bits per weight: a scale and 32 codes that stand for the values
// of a fixed table, which are denser around 0, as weights are.
//
//	2 bytes   d, binary16
//	16 bytes  codes c, weight i in the low nibble of byte i, weight 16+i in the high one
//
//	x = d·nonlinear[c]
//
// iq4_xs, 4.25 bits per weight: 256 weights as eight sub-blocks of 32, each with
// a six-bit scale s.
//
//	2 bytes    d, binary16
//	2 bytes    the high two bits of s k in bits 2·k and 2·k + 1
//	4 bytes    the low four bits of s 2·k and, higher, s 2·k + 1 in byte k
//	128 bytes  codes of the sub-blocks, each as in iq4_nl
//
//	x = d·(s − 32)·nonlinear[c]
//
// With importance each weight counts by importance·√(2·mean x² + x²), the mean
// being the block's; without, by its square.

// nonlinear are the values of the codes, as ggml defines the format.
var nonlinear = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// nonlinearBytes are the same as bytes.
var nonlinearBytes = func() (table [16]int8) {
	for c, v := range nonlinear {
		table[c] = int8(v)
	}
	return table
}()

// nearestCodes has the code nearest to each x from −116 to 101 at the place
// ⌊2x⌋ + 232: the middles between values are whole or half.
var nearestCodes = func() (codes [434]uint8) {
	c := 0
	for i := range codes {
		for c < 15 && float32(i-232)/2 >= (nonlinear[c]+nonlinear[c+1])/2 {
			c++
		}
		codes[i] = uint8(c)
	}
	return codes
}()

// nearestCode returns the code whose value is nearest to x, the higher one
// from the middle of two on, and the highest for NaN.
func nearestCode(x float32) uint8 {
	if !(x < 101) {
		return 15
	}
	if x < -115.5 {
		return 0
	}
	return nearestCodes[roundDown(2*float32(x))+232] // a product in x is not to be fused with this
}

func quantizeIQ4NL(dst []byte, x, importance []float32) {
	var f fits
	var codes [32]uint8
	for i := range len(x) / 32 {
		if i%maxFits == 0 {
			f.fitNonlinear(x[32*i:], importance, 32*i, 1)
		}
		b, d := dst[18*i:][:18], f.scales[i%maxFits]
		putHalf(b, d)
		codeNonlinear(codes[:], x[32*i:][:32], invert(d))
		packNibbles(b[2:], codes[:])
	}
}

func dequantizeIQ4NL(dst []float32, src []byte) {
	for i := range len(src) / 18 {
		b := src[18*i:][:18]
		unpackNonlinear(dst[32*i:][:32], b[2:], half(b))
	}
}

func quantizeIQ4XS(dst []byte, x, importance []float32) {
	var f fits
	var codes [32]uint8
	for i := range len(x) / 256 {
		b, v := dst[136*i:][:136], x[256*i:][:256]
		if i%2 == 0 {
			f.fitNonlinear(x[256*i:], importance, 256*i, 8)
		}
		scales := f.scales[8*(i%2):][:8]
		d := -loudest(scales) / 32
		putHalf(b, d)
		inverse := invert(d)
		low := b[4:8]
		clear(low)
		var high uint16
		for k, scale := range scales {
			s := max(-32, min(31, nearest(inverse*scale)))
			codeNonlinear(codes[:], v[32*k:][:32], invert(d*float32(s)))
			packNibbles(b[8+16*k:][:16], codes[:])
			s += 32
			low[k/2] |= uint8(s&15) << (k % 2 * 4)
			high |= uint16(s>>4) << (2 * k)
		}
		binary.LittleEndian.PutUint16(b[2:], high)
	}
}

func dequantizeIQ4XS(dst []float32, src []byte) {
	for i := range len(src) / 136 {
		b := src[136*i:][:136]
		d, high := half(b), binary.LittleEndian.Uint16(b[2:])
		for k := range 8 {
			s := int32(b[4+k/2]>>(k%2*4)&15) | int32(high>>(2*k)&3)<<4
			unpackNonlinear(dst[256*i+32*k:][:32], b[8+16*k:][:16], d*float32(s-32))
		}
	}
}

// fitNonlinear fits the sub-blocks of 32 that x begins with, up to sixteen of
// them. With importance, of which x begins at weight at, the mean square is that
// of the block of so many sub-blocks.
func (f *fits) fitNonlinear(x, importance []float32, at, block int) {
	x = x[:min(len(x), 32*maxFits)]
	by, given := bySquare, []float32(nil)
	var w [32 * maxFits]float32
	if importance != nil {
		by, given = byGiven, w[:len(x)]
		for i := 0; i < len(x); i += 32 * block {
			v := x[i:][:32*block]
			weigh(given[i:], v, importance[at+i:][:len(v)], sumSquares(v)*(2/float32(len(v))))
		}
	}
	if f.fitNonlinearInLanes(x, given, by) {
		return
	}
	var own [32]float32
	for k := range len(x) / 32 {
		v := x[32*k:][:32]
		f.scales[k] = fitNonlinear(v, by.weights(own[:], v, given, k))
	}
}

// fitNonlinear returns the scale d with which Σ w·(x − d·q)² is small, q being
// the value nearest to x/d.
//
// The weight of the largest magnitude, m, is put at 127, past the highest value,
// then at −127 + k for k = −7…7. For each of these scales weights get their
// nearest values, and for those the best scale is the least squares one,
// Σwqx / Σwq². The one with the largest (Σwqx)²/Σwq² has the least error.
func fitNonlinear(x, w []float32) (scale float32) {
	m := loudest(x)
	if abs(m) < 1e-15 {
		return 0
	}
	qx, qq := projectNonlinear(x, w, 1/(-m/nonlinear[0]))
	if qq > 0 {
		scale = qx / qq
	}
	best := scale * qx
	for _, n := range nonlinearNumerators {
		qx, qq = projectNonlinear(x, w, n/m)
		if qq > 0 && float32(qx*qx) > float32(best*qq) {
			scale = qx / qq
			best = scale * qx
		}
	}
	return scale
}

// projectNonlinear returns Σwqx and Σwq² for the values q nearest to x·inverse.
func projectNonlinear(x, w []float32, inverse float32) (qx, qq float32) {
	for i, v := range x[:32] {
		q := nonlinear[nearestCode(inverse*v)]
		wq := float32(w[i] * q)
		qx += float32(wq * v)
		qq += float32(wq * q)
	}
	return qx, qq
}

// codeNonlinear sets codes to those of the values nearest to x·inverse.
func codeNonlinear(codes []uint8, x []float32, inverse float32) {
	for i, v := range x {
		codes[i] = nearestCode(inverse * v)
	}
}

// unpackNonlinear sets y to the values of its 32 codes times scale.
func unpackNonlinear(y []float32, codes []byte, scale float32) {
	unpackNibbles(y, codes, &nonlinearBytes, scale, negativeZero, scale, negativeZero)
}

// nonlinearNumerators are the places at which the loudest weight is tried.
var nonlinearNumerators = func() (n [15]float32) {
	for i := range n {
		n[i] = float32(i-7) + nonlinear[0]
	}
	return n
}()

// nonlinearTables are the middles between values as a binary search meets
// them, one, two, four and eight in a row, then the values. The assembly reads
// them.
var nonlinearTables = func() (t [5][16]float32) {
	for level := range 4 {
		step := 8 >> level // from one code to the next that the level tells apart
		for i := range 1 << level {
			c := 2*step*i + step
			t[level][i] = (nonlinear[c-1] + nonlinear[c]) / 2
		}
	}
	t[4] = nonlinear
	return t
}()
