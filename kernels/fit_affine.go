package kernels

// affineFit is a search for the scale d ≥ 0, the offset m ≥ 0 and the codes c
// in 0…levels with x ≈ d·c − m that make the weighted error small.
//
// Codes are first spread over the range of the weights, widened to contain 0:
// m = −min, d = (max + m)/levels. Then the grid is shrunk and stretched: for
// each d = (max + m)/(levels + first + k·step), k = 0…tries, m being the best so
// far, weights are rounded to their nearest code, and for those codes the scale
// and the offset become the weighted least squares ones, from the sums S over
// weights w:
//
//	D = Sw·Swcc − Swc²
//	d = (Sw·Swxc − Swx·Swc) / D
//	m = −(Swcc·Swx − Swc·Swxc) / D, or, if that is negative, m = 0 and d = Swxc/Swcc
//
// What has the least error, Σ w·e² or Σ w·|e|, wins; of equals the first.
type affineFit struct {
	levels   int32
	absolute bool // the error is Σ w·|e|
	// numerators are what is divided by max + m: levels, then levels + first + k·step.
	numerators []float32
}

func newAffineFit(levels int32, first, step float32, tries int, absolute bool) affineFit {
	f := affineFit{levels: levels, absolute: absolute, numerators: []float32{float32(levels)}}
	for k := 0; k <= tries; k++ {
		f.numerators = append(f.numerators, first+float32(step*float32(k))+float32(levels))
	}
	return f
}

// The searches with importance, by the bits of their codes.
var (
	weightedFit2 = newAffineFit(3, -0.9, 0.05, 36, false)
	weightedFit4 = newAffineFit(15, -0.9, 0.05, 36, false)
	weightedFit5 = newAffineFit(31, -0.9, 0.05, 36, false)
)

// fit sets codes and returns d and m; len(codes) = len(w) = len(x) ≤ 32.
func (f *affineFit) fit(codes []uint8, x, w []float32) (scale, offset float32) {
	codes, w = codes[:len(x)], w[:len(x)]
	low, high := x[0], x[0]
	sw := w[0]
	swx := float32(w[0] * x[0])
	for i := 1; i < len(x); i++ {
		v := x[i]
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
		sw += w[i]
		swx += float32(w[i] * v)
	}
	if low > 0 {
		low = 0
	}
	if high <= low {
		clear(codes)
		return 0, -low
	}
	inverse := f.numerators[0] / (high - low)
	scale = 1 / inverse
	var trial [32]float32
	c := trial[:len(x)]
	for i, v := range x {
		c[i] = float32(max(0, min(f.levels, nearest(inverse*(v-low)))))
	}
	best := f.loss(c, x, w, scale, low)
	setCodes(codes, c)
	for _, n := range f.numerators[1:] {
		inverse = n / (high - low)
		var swc, swcc, swxc float32
		for i, v := range x {
			q := float32(max(0, min(f.levels, nearest(inverse*(v-low)))))
			c[i] = q
			wq := float32(w[i] * q)
			swc += wq
			swcc += float32(wq * q)
			swxc += float32(wq * v)
		}
		det := float32(sw*swcc) - float32(swc*swc)
		if !(det > 0) {
			continue
		}
		d := (float32(sw*swxc) - float32(swx*swc)) / det
		m := (float32(swcc*swx) - float32(swc*swxc)) / det
		if m > 0 {
			m = 0
			d = swxc / swcc
		}
		if loss := f.loss(c, x, w, d, m); loss < best {
			best, scale, low = loss, d, m
			setCodes(codes, c)
		}
	}
	return scale, -low
}

// loss returns the weighted error of x ≈ scale·c + low.
func (f *affineFit) loss(c, x, w []float32, scale, low float32) (sum float32) {
	c, w = c[:len(x)], w[:len(x)]
	if f.absolute {
		for i, v := range x {
			e := float32(scale*c[i]) + low - v
			sum += float32(w[i] * abs(e))
		}
		return sum
	}
	for i, v := range x {
		e := float32(scale*c[i]) + low - v
		sum += float32(w[i] * float32(e*e))
	}
	return sum
}

func setCodes(codes []uint8, c []float32) {
	for i, q := range c {
		codes[i] = uint8(q)
	}
}

// recodeGo sets codes to those in low…high with x ≈ scale·c − offset, less low.
// Scales and offsets are of as many equal parts of x; under a scale of 0 the codes
// of a part are of no use.
func recodeGo(codes []uint8, x, scales, offsets []float32, low, high int32) {
	n := len(x) / len(scales)
	for k, scale := range scales {
		codes, offset := codes[n*k:][:n], offsets[k]
		for i, v := range x[n*k:][:n] {
			codes[i] = uint8(max(low, min(high, nearest((v+offset)/scale))) - low)
		}
	}
}
