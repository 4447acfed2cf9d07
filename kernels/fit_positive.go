package kernels

// fitPositive finds the scale d and the codes c in 0…levels with x ≈ d·c, for x
// that are hardly ever negative, that make Σ w·(x − d·c)² small. It returns d;
// len(codes) = len(w) = len(x).
//
// Of the scales d = max/(levels + k/10), k = −4…4, the one whose nearest codes
// have the least error comes first, the unstretched one first among equals.
// Then codes move one at a time, as in [fitDescending].
//
// A negative x can get a negative code. It is kept as its low byte, as the
// reference does, and stands for that byte from then on.
func fitPositive(codes []uint8, x, w []float32, levels int32) (scale float32) {
	codes, w = codes[:len(x)], w[:len(x)]
	var high float32
	for _, v := range x {
		if !(high > v) {
			high = v
		}
	}
	if high < 1e-15 {
		clear(codes)
		return 0
	}
	n := float32(levels)
	inverse := n / high
	scale = 1 / inverse
	var best float32
	for i, v := range x {
		e := v - float32(scale*float32(uint8(nearest(inverse*v))))
		best += float32(float32(w[i]*e) * e)
	}
	var trials, losses [8]float32
	for k := range trials {
		trials[k] = (float32(0.1*float32(k-4+k/4)) + n) / high
	}
	lossesPositive(&losses, &trials, x, w, levels)
	for k, loss := range losses {
		if loss < best {
			best, inverse = loss, trials[k]
		}
	}
	var xc, cc float32
	for i, v := range x {
		c := min(levels, nearest(inverse*v))
		codes[i] = uint8(c)
		q := float32(c)
		xc += float32(float32(w[i]*v) * q)
		cc += float32(float32(w[i]*q) * q)
	}
	for range 5 {
		moved := false
		for i, v := range x {
			q := float32(codes[i])
			xr := xc - float32(float32(w[i]*v)*q)
			cr := cc - float32(float32(w[i]*q)*q)
			if !(xr > 0 && cr > 0) {
				continue
			}
			c := min(levels, nearest(float32(v*cr)/xr))
			if c == int32(codes[i]) {
				continue
			}
			q = float32(c)
			xr += float32(float32(w[i]*v) * q)
			cr += float32(float32(w[i]*q) * q)
			if float32(float32(xr*xr)*cc) > float32(float32(xc*xc)*cr) {
				codes[i], xc, cc = uint8(c), xr, cr
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

// lossesPositiveGo finds the error of each inverse scale on trial.
func lossesPositiveGo(losses, trials *[8]float32, x, w []float32, levels int32) {
	for k, trial := range trials {
		d := 1 / trial
		var loss float32
		for i, v := range x {
			e := v - float32(d*float32(min(levels, nearest(trial*v))))
			loss += float32(float32(w[i]*e) * e)
		}
		losses[k] = loss
	}
}
