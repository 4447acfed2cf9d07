package kernels

// fitDescending finds the scale d and the codes c in [−levels, levels−1] with
// x ≈ d·c that make Σ x²·(x − d·c)² small. It sets codes to c + levels, which is
// not negative, and returns d; len(codes) = len(x) ≤ 16.
//
// The weight of the largest magnitude, m, gets the code −levels and the others
// the nearest for d = −m/levels. Then codes move one at a time, in at most five
// rounds: with w = x² and the sums over all weights but one,
//
//	d = Σwxc / Σwc²
//
// is the best scale for the others, and x/d rounded the best code for the one.
// The move is made if it lowers the error, that is, raises (Σwxc)²/Σwc².
func fitDescending(codes []uint8, x []float32, levels int32) (scale float32) {
	codes = codes[:len(x)]
	m := loudest(x)
	if abs(m) < 1e-15 {
		clear(codes)
		return 0
	}
	inverse := -float32(levels) / m
	var weights [16]float32
	w := weights[:len(x)]
	weighBySquare(w, x)
	xc, cc := projectSymmetric(x, w, inverse, levels)
	codeSymmetric(codes, x, inverse, levels)
	for range 5 {
		moved := false
		for i, v := range x {
			old := int32(codes[i]) - levels
			q := float32(old)
			xr := xc - float32(float32(w[i]*v)*q)
			if !(xr > 0) {
				continue
			}
			cr := cc - float32(float32(w[i]*q)*q)
			c := max(-levels, min(levels-1, nearest(float32(v*cr)/xr)))
			if c == old {
				continue
			}
			q = float32(c)
			xr += float32(float32(w[i]*v) * q)
			cr += float32(float32(w[i]*q) * q)
			if cr > 0 && float32(float32(xr*xr)*cc) > float32(float32(xc*xc)*cr) {
				codes[i], xc, cc = uint8(c+levels), xr, cr
				moved = true
			}
		}
		if !moved {
			break
		}
	}
	if cc > 0 {
		return xc / cc
	}
	return 0
}

// descentBlocks is how many blocks of 256 [fitDescendingAll] takes at most.
const descentBlocks = 128

// fitDescendingAllGo sets scales to what fitDescending returns for 4 levels and each
// 16 weights of x.
func fitDescendingAllGo(scales, x []float32) {
	var codes [16]uint8
	for k := range scales {
		scales[k] = fitDescending(codes[:], x[16*k:][:16], 4)
	}
}
