package kernels

import "sync"

// The iq1 formats know three levels, −1, 0 and 1, all moved by +⅛ or by −⅛: a
// group whose weights lean to one side takes the shift that leans with it. The
// grid holds 2048 of the 3⁸ combinations of eight levels.
//
// With three levels the best codes can be found exactly, but for the grid:
// sort the weights; then some first ones are −1, some last ones 1, and those
// between are 0. Every pair of borders and every shift is tried; as in the
// other IQ formats the one with the largest (Σwxq)²/Σwq² wins, and
// Σwxq/Σwq² is its scale. A negative scale mirrors levels and shift. Then
// groups off the grid move to their best neighbours, and the scale is fitted
// once more.

const iq1Shift = 0.125

// What the levels are worth, in scales, with either shift.
var (
	iq1Up   = [8]float32{-1 + iq1Shift, iq1Shift, 1 + iq1Shift}
	iq1Down = [8]float32{-1 - iq1Shift, -iq1Shift, 1 - iq1Shift}
)

var (
	iq1Grid    = sync.OnceValue(func() *grid { return readGrid("iq1", 8, -8, 0, 8) })
	iq1Lattice = sync.OnceValue(func() *lattice { return newLattice(iq1Grid(), 3) })
)

// iq1Split is a division of sorted weights: those before zeros have level 0,
// those from ones on level 2.
type iq1Split struct {
	zeros, ones int
	shift       int     // which shift or shifts, as the format counts them
	scale       float32 // may be negative
}

// iq1Mirrored is what a key must be taken from to mirror its levels.
const iq1Mirrored = 0xaaaa

// sortedOrder fills order with the indices of x by ascending value. Equal
// weights keep their order, as they do in the C library's merge sort that the
// reference relies on: sums depend on it.
func sortedOrder(order []uint8, x []float32) {
	if orderInLanes(order, x) {
		return
	}
	for i, v := range x {
		j := i
		for ; j > 0 && x[order[j-1]] > v; j-- {
			order[j] = order[j-1]
		}
		order[j] = uint8(i)
	}
}

// keys returns the levels of a split, one key per eight weights.
func (s *iq1Split) keys(order []uint8) (keys [4]uint16) {
	for j, i := range order {
		level := uint16(1)
		switch {
		case j < s.zeros:
			level = 0
		case j >= s.ones:
			level = 2
		}
		keys[i/8] |= level << (i % 8 * 2)
	}
	return keys
}

// fitIQ1 finds a point for each key, where group g has levels worth
// value[g], and returns the scale, fitted anew if a key was off the grid.
func fitIQ1(l *lattice, point *[4]uint16, keys []uint16, x, w []float32, value *[4]*[8]float32, scale float32) float32 {
	moved := false
	for g, key := range keys {
		p := l.at[key]
		if p < 0 {
			p = l.closest(^p, x[8*g:][:8], w[8*g:][:8], scale, value[g])
			moved = true
		}
		point[g] = uint16(p)
	}
	if !moved {
		return scale
	}
	var sumqx, sumq2 float32
	for g := range keys {
		iq1Sums(&sumqx, &sumq2, l.points[point[g]], x[8*g:][:8], w[8*g:][:8], value[g], 1)
	}
	if sumqx > 0 && sumq2 > 0 {
		return sumqx / sumq2
	}
	return scale
}

// iq1Sums adds Σwqx and Σwq² over one group, q being the value of its level
// times scale.
func iq1Sums(sumqx, sumq2 *float32, key uint16, x, w []float32, value *[8]float32, scale float32) {
	qx, q2 := *sumqx, *sumq2
	for i, v := range x {
		q := value[key>>(2*i)&3] * scale
		qx += float32(w[i] * q * v)
		q2 += float32(w[i] * q * q)
	}
	*sumqx, *sumq2 = qx, q2
}
