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
	stretch(&trials, &losses, x, w, high, levels)
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

// tenths are what stretches the levels of [fitPositive].
var tenths = func() (tenths [8]float32) {
	for i, k := range [8]float32{-4, -3, -2, -1, 1, 2, 3, 4} {
		tenths[i] = float32(0.1 * k)
	}
	return tenths
}()

// stretchGo sets trials to the inverse scales (levels + k/10)/high, k = −4…4
// without 0, and losses to the errors Σ w·(x − c/trial)² of their nearest codes
// c, at most levels.
func stretchGo(trials, losses *[8]float32, x, w []float32, high float32, levels int32) {
	w = w[:len(x)]
	for k, tenth := range tenths {
		trial := (tenth + float32(levels)) / high
		d := 1 / trial
		var loss float32
		for i, v := range x {
			e := v - float32(d*float32(min(levels, nearest(trial*v))))
			loss += float32(float32(w[i]*e) * e)
		}
		trials[k], losses[k] = trial, loss
	}
}
