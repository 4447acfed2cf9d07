package kernels

// gridLines compares the neighbours of a key at many scales without working
// out their distances.
//
// The error of a group at a point q is, as a function of the scale s,
// Σw(sq−x)² = s²Σwq² − 2sΣwxq + Σwx². The last sum is the same for all points,
// and dividing by s > 0 changes no order: what remains is a line,
// s·Σwq² − 2Σwxq, and the best neighbour has the lowest.
//
// The reference adds up squares in float32, and its choice, which has to be
// made here too, may differ where two neighbours are nearly equal. Let
// M = Σw(s·qmax+|x|)², which is not less than any error. With u = 2^-24, each
// float32 difference sq−x is off by at most 2.01u(sq+|x|), each weighed square
// so by 6.1u·w(s·qmax+|x|)², and adding eight of them puts on 7.1u·M: in all
// less than 14u·M. If a line lies lower than all others by what two errors of
// 16u·M can make, the reference finds its point to be the best as well.
// Products too small for a normal float32 are off by 2^-149 more, times what
// they are multiplied with; that is added. Where this says too little, or
// values are so large that squares could overflow, the answer is not clear and
// the caller must do as the reference does.
type gridLines struct {
	// For each half of a key, what it adds to Σwq² and to 2Σwxq, over what
	// level 0 adds.
	square, pull [2][256]float64

	a, b [maxNeighbours]float64 // of the lines

	w, wx, wxx, x float64 // Σw, Σw|x|, Σwx², Σ|x|
	dim, high     float64 // of the grid: coordinates, value of the highest level
}

const maxNeighbours = 292 // iq2_xs has the longest list

// weigh takes up a group.
func (g *gridLines) weigh(l *lattice, x, w []float32) {
	g.w, g.wx, g.wxx, g.x = 0, 0, 0, 0
	g.dim, g.high = float64(l.dim), float64(2*l.levels-1)
	for i, v := range x {
		w, v := float64(w[i]), float64(abs(v))
		g.w += w
		g.wx += w * v
		g.wxx += w * v * v
		g.x += v
	}
	half := l.dim / 2
	for h := range 2 {
		square, pull := &g.square[h], &g.pull[h]
		for c := range half {
			w, v := float64(w[h*half+c]), float64(x[h*half+c])
			for level := 1; level < l.levels; level++ {
				q := float64(2*level + 1)
				s, p := w*(q*q-1), 2*w*v*(q-1)
				for _, lower := range l.halves[c] {
					k := lower | uint8(level<<(c*l.bits))
					square[k] = square[lower] + s
					pull[k] = pull[lower] + p
				}
			}
		}
	}
}

// draw finds the lines of a list of neighbours, and returns their number.
func (g *gridLines) draw(l *lattice, list int32) int {
	near := l.near[list+1:][:l.near[list]]
	half := l.dim / 2 * l.bits
	mask := uint16(1)<<half - 1
	a, b := g.a[:len(near)], g.b[:len(near)]
	for i, key := range near {
		low, high := uint8(key&mask), uint8(key>>half)
		a[i] = g.square[0][low] + g.square[1][high]
		b[i] = g.pull[0][low] + g.pull[1][high]
	}
	return len(near)
}

// lowest returns which of the first n lines is lowest at scale, and whether
// that is clear.
func (g *gridLines) lowest(n int, scale float32) (at int, sure bool) {
	s := float64(scale)
	lowest, second := float64(maxLine), float64(maxLine)
	a, b := g.a[:n], g.b[:n]
	for i := range a {
		y := a[i]*s - b[i]
		if y < second {
			if y < lowest {
				lowest, second, at = y, lowest, i
			} else {
				second = y
			}
		}
	}
	q := s * g.high
	m := g.w*q*q + 2*g.wx*q + g.wxx
	wm := g.w*q + g.wx
	off := 0x1p-20*m + 0x1p-147*(g.dim*q+g.x+g.dim+wm)
	return at, s > 0 && m < maxLine && wm < maxLine && second-lowest > 2*off/s
}

// maxLine is far below what a float32 holds at most.
const maxLine = 0x1p120
