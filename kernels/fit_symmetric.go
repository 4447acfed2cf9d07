package kernels

// fitSymmetric finds the scale d and the codes c in [−levels, levels−1] with
// x ≈ d·c that make Σ w·(x − d·c)² small. It sets codes to c + levels, which
// is not negative, and returns d; len(codes) = len(w) = len(x).
//
// The weight of the largest magnitude, m, first gets the code −levels, the one
// further from zero: d = −m/levels. Then it is stretched and shrunk around
// that: for each d = −m/(levels + k/10), k = −9…9, weights are rounded to their
// nearest code, and for those codes the best scale is the least squares one,
//
//	d = Σwxc / Σwc², with the error Σwx² − (Σwxc)² / Σwc²,
//
// so the codes with the largest (Σwxc)²/Σwc² win.
func fitSymmetric(codes []uint8, x, w []float32, levels int32) (scale float32) {
	codes, w = codes[:len(x)], w[:len(x)]
	m := loudest(x)
	if abs(m) < 1e-15 {
		clear(codes)
		return 0
	}
	var t trials
	for k, n := range symmetricNumerators(levels) {
		t.inverse[k] = n / m
	}
	t.project(x, w, levels)
	if t.cc[0] != 0 {
		scale = t.xc[0] / t.cc[0]
	}
	won, best := 0, scale*t.xc[0]
	for k := 1; k < symmetricTrials; k++ {
		if xc, cc := t.xc[k], t.cc[k]; cc > 0 && float32(xc*xc) > float32(best*cc) {
			won, scale = k, xc/cc
			best = scale * xc
		}
	}
	codeSymmetric(codes, x, t.inverse[won], levels)
	return scale
}

// symmetricTrials is how many scales are tried.
const symmetricTrials = 19

// trials are scales on trial, of which the inverse is known, and what
// [projectSymmetric] returns for each. There is room for whole vectors; the
// assembly knows the order of the fields.
type trials struct{ inverse, xc, cc [24]float32 }

func (t *trials) projectGo(x, w []float32, levels int32) {
	for k := range symmetricTrials {
		t.xc[k], t.cc[k] = projectSymmetric(x, w, t.inverse[k], levels)
	}
}

// projectSymmetric returns Σwxc and Σwc² for the codes nearest to x·inverse.
func projectSymmetric(x, w []float32, inverse float32, levels int32) (xc, cc float32) {
	w = w[:len(x)]
	for i, v := range x {
		c := float32(max(-levels, min(levels-1, nearest(inverse*v))))
		xc += float32(float32(w[i]*v) * c)
		cc += float32(float32(w[i]*c) * c)
	}
	return xc, cc
}

// codeSymmetric sets codes to those nearest to x·inverse, plus levels.
func codeSymmetric(codes []uint8, x []float32, inverse float32, levels int32) {
	codes = codes[:len(x)]
	for i, v := range x {
		codes[i] = uint8(levels + max(-levels, min(levels-1, nearest(inverse*v))))
	}
}

// symmetricNumerators are what the loudest weight is divided into: minus the
// levels, then those of each try.
func symmetricNumerators(levels int32) []float32 {
	switch levels {
	case 4:
		return numerators4[:]
	case 8:
		return numerators8[:]
	case 16:
		return numerators16[:]
	}
	return numerators32[:]
}

var numerators4, numerators8, numerators16, numerators32 = numeratorsOf(4), numeratorsOf(8), numeratorsOf(16), numeratorsOf(32)

func numeratorsOf(levels float32) (n [symmetricTrials]float32) {
	n[0] = -levels
	at := 1
	for k := -9; k <= 9; k++ {
		if k != 0 {
			n[at] = -(levels + float32(0.1*float32(k)))
			at++
		}
	}
	return n
}
