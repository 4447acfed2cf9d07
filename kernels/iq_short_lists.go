package kernels

// shortLists are lists of neighbours without those that can be best for no
// group.
//
// A group has the key that says which levels its weights are nearest to. Say
// that two neighbours differ in some coordinates, and that in each of them the
// weight, wherever it is between the halfway marks around its level, is nearer to
// what the first one has there. Then no error of the first neighbour's is larger
// than the second's, nor is their sum, in floats either: a difference, a product
// and a sum never turn the order of two floats around. And the first one comes
// first in the list. So the second one is left out. Close to a halfway mark, where
// rounding may have led to the wrong side of it, this does not hold and the whole
// list counts.
//
// A point is written as a word of four bits per coordinate, the lowest of which
// are the level; above it stands where, in a vector, the coordinate's levels
// begin.
type shortLists struct {
	at    []int32  // for each key where its list begins, −1 if it is on the grid
	words []uint32 // lists: their number of points, then the points
}

// short returns the short lists of l.
func (l *lattice) short() *shortLists {
	l.shortOnce.Do(func() { l.shortLists = newShortLists(l) })
	return l.shortLists
}

// noPoint fills up lists of points of four coordinates, which leave its bit free,
// to a multiple of eight.
const noPoint = 1 << 31

func newShortLists(l *lattice) *shortLists {
	s := &shortLists{at: make([]int32, len(l.at))}
	nearer := newNearer(l.grid)
	pair := 2 * l.bits
	mask := uint16(1)<<pair - 1
	for k, at := range l.at {
		key := uint16(k)
		if at >= 0 {
			s.at[key] = -1
			continue
		}
		begin := len(s.words)
		s.at[key] = int32(begin)
		s.words = append(s.words, 0)
		var kept [maxNeighbours]uint16
		n := 0
	near:
		for _, p := range l.near[^at+1:][:l.near[^at]] {
			for _, q := range kept[:n] {
				all := true
				for c := 0; c < l.dim/2 && all; c++ {
					all = nearer[key>>(c*pair)&mask][p>>(c*pair)&mask][q>>(c*pair)&mask]
				}
				if all {
					continue near
				}
			}
			kept[n] = p
			n++
			s.words = append(s.words, l.word(p))
		}
		for l.dim == 4 && len(s.words)%8 != (begin+1)%8 {
			s.words = append(s.words, noPoint)
		}
		s.words[begin] = uint32(n)
	}
	s.words = append(s.words, make([]uint32, 16)...) // vectors read past the last list
	return s
}

// newNearer tells of the levels k, p and q of two coordinates, as nearer[k][p][q],
// whether what has the levels k is nowhere nearer to p than to q.
func newNearer(g *grid) [][][]bool {
	n := 1 << (2 * g.bits)
	nearer := make([][][]bool, n)
	for k := range nearer {
		nearer[k] = make([][]bool, n)
		for p := range nearer[k] {
			nearer[k][p] = make([]bool, n)
			for q := range nearer[k][p] {
				level := func(key, c int) int { return int(g.level(uint16(key), c)) }
				nearer[k][p][q] = g.levelNearer(level(k, 0), level(p, 0), level(q, 0)) && g.levelNearer(level(k, 1), level(p, 1), level(q, 1))
			}
		}
	}
	return nearer
}

// levelNearer says whether a weight of level k is nowhere nearer to p than to q:
// whether the middle of p and q is not between the halfway marks around k. The
// lowest level has none below it, the highest none above.
func (g *grid) levelNearer(k, p, q int) bool {
	switch {
	case p > q:
		return k < g.levels-1 && p+q > 2*k
	case p < q:
		return k > 0 && p+q < 2*k
	}
	return true
}

// word spreads the levels of a key over a word.
func (g *grid) word(key uint16) (w uint32) {
	for c := range g.dim {
		w |= uint32((int(g.level(key, c))+c*(32/g.dim))&15) << (4 * c)
	}
	return w
}

// keyOf gathers the levels of a word.
func (g *grid) keyOf(word uint32) uint16 {
	if g.dim == 4 {
		return uint16(word&7 | word>>1&(7<<3) | word>>2&(7<<6) | word>>3&(7<<9))
	}
	word &= 0x33333333
	word = (word | word>>2) & 0x0f0f0f0f
	word = (word | word>>4) & 0x00ff00ff
	return uint16(word | word>>8)
}
