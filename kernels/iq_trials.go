package kernels

// gridTrials is what the groups of a sub-block become at each inverse scale
// that a search tries, in ascending order.
type gridTrials struct {
	n       int
	inverse [31]float32
	point   [31][8]uint16 // of each group
	on      [31]uint8     // a bit per group whose key is on the grid
}

// lookUp finds the points of group g of b for every trial.
func (t *gridTrials) lookUp(l *lattice, b *gridBlock, g int) {
	x, root := b.x[l.dim*g:][:l.dim], b.root[l.dim*g:][:l.dim]
	var keys [31]uint16
	t.keys(&keys, l, x)
	weighed := false
	for i := 0; i < t.n; {
		end := i + 1
		for end < t.n && keys[end] == keys[i] {
			end++
		}
		p := l.at[keys[i]]
		switch {
		case p >= 0:
			for ; i < end; i++ {
				t.point[i][g] = uint16(p)
				t.on[i] |= 1 << g
			}
		case end-i == 1: // lines would not pay
			t.point[i][g] = uint16(l.closest(^p, x, root, 1/t.inverse[i], &oddValues))
			i++
		default:
			if !weighed {
				if b.lines == nil {
					b.lines = new(gridLines)
				}
				b.lines.weigh(l, x, root)
				weighed = true
			}
			n := b.lines.draw(l, ^p)
			for ; i < end; i++ {
				scale := 1 / t.inverse[i]
				q, sure := b.lines.lowest(n, scale)
				if sure {
					t.point[i][g] = uint16(l.at[l.near[int(^p)+1+q]])
				} else {
					t.point[i][g] = uint16(l.closest(^p, x, root, scale, &oddValues))
				}
			}
		}
	}
}

// keys finds the key of a group for every trial.
//
// Rounding never turns the order of two floats around, so a weight's level
// rises with the inverse scale. It is enough to find where it does: a guess,
// corrected by trying. What is too large for [nearest] to round does not keep
// to this; there each trial is looked at.
func (t *gridTrials) keys(keys *[31]uint16, l *lattice, x []float32) {
	const exact = 1 << 20
	first, last := t.inverse[0], t.inverse[t.n-1]
	perTrial := float32(t.n-1) / (last - first)
	for c, v := range x {
		shift := c * l.bits
		level := nearestLevel(first*v, l.levels)
		keys[0] += uint16(level) << shift
		if !(abs(last*v) < exact) {
			for i := 1; i < t.n; i++ {
				next := nearestLevel(t.inverse[i]*v, l.levels)
				keys[i] += uint16(next-level) << shift // the difference may be negative: it wraps, and so does the sum
				level = next
			}
			continue
		}
		for top := nearestLevel(last*v, l.levels); level < top; {
			i := max(1, min(t.n-1, 1+int((float32(2*level+2)/v-first)*perTrial)))
			for i > 1 && nearestLevel(t.inverse[i-1]*v, l.levels) > level {
				i--
			}
			next := nearestLevel(t.inverse[i]*v, l.levels)
			for next <= level {
				i++
				next = nearestLevel(t.inverse[i]*v, l.levels)
			}
			keys[i] += uint16(next-level) << shift
			level = next
		}
	}
	for i := 1; i < t.n; i++ {
		keys[i] += keys[i-1]
	}
}
