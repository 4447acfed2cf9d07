package kernels

import (
	"math"
	"sync"
)

// gridBlock is one sub-block: the weights that share a scale, as the search
// for it sees them.
type gridBlock struct {
	gridLanes
	n     int
	point [8]uint16 // the points found, by index

	// A search that is wanted spreads its trials around middle as the largest
	// magnitude. Its result is a scale; one that is there before holds if none is
	// better than nothing.
	wanted         bool
	middle, result float32

	before float32   // the result before lanes searched
	words  [8]uint32 // points that they found so far
	off    uint8     // groups that they are to look up once more

	lines *gridLines
}

// blockSquare returns factor times the mean square of a block of 256 weights.
func blockSquare(x []float32, factor float32) float32 {
	return float32(factor * sumSquares(x) / 256) // to the compiler the division is a product: the conversion keeps it from being fused
}

// take takes up the weights x. An error counts for importance·√(square+x²);
// without importance, for x² and a little. Where even is true, seven bits tell
// eight signs.
func (b *gridBlock) take(x, importance []float32, square, little float32, even bool) {
	if b.takeInLanes(x, importance, square, little, even) {
		return
	}
	b.load(x, importance, square, little)
	if even {
		b.even()
	}
}

// load is take without even.
func (b *gridBlock) load(x, importance []float32, square, little float32) {
	b.n, b.tame = len(x), false
	if importance != nil {
		weigh(b.w[:], x, importance, square)
	} else {
		for i, v := range x {
			b.w[i] = little + float32(v*v)
		}
	}
	for i, v := range x {
		b.root[i] = sqrt(b.w[i])
		s := uint8(0)
		if !(v >= 0) {
			v, s = -v, 1
		}
		b.x[i] = v
		if i%8 == 0 {
			b.signs[i/8] = 0
		}
		b.signs[i/8] |= s << (i % 8)
	}
}

// even makes the number of minus signs of every eight weights even, so that
// seven bits can tell all eight signs. Where it is odd, the weight whose error
// counts least changes its sign: its magnitude becomes negative.
func (b *gridBlock) even() {
	for k := 0; k < b.n; k += 8 {
		s := &b.signs[k/8]
		if parity[*s] == 0 {
			continue
		}
		least := k
		var lowest float32
		for i := k; i < k+8; i++ {
			cost := b.w[i] * b.x[i] * b.x[i]
			if i == k || cost < lowest {
				lowest, least = cost, i
			}
		}
		b.x[least] = -b.x[least]
		*s ^= 1 << (least - k)
	}
}

// parity holds 1 for each byte with an odd number of bits set.
var parity = func() (t [256]uint8) {
	for i := range t {
		t[i] = t[i/2] ^ uint8(i&1)
	}
	return t
}()

// top returns the largest magnitude, which even may have changed.
func (b *gridBlock) top() float32 {
	if b.tame {
		return b.highest
	}
	m := b.x[0]
	for _, v := range b.x[1:b.n] {
		m = larger(m, v)
	}
	return m
}

// larger is C's a > b ? a : b, which is b if one of them is NaN.
func larger(a, b float32) float32 {
	if a > b {
		return a
	}
	return b
}

// gridSearch is how a format looks for the scale of a sub-block.
//
// A level L stands for the magnitude scale·(2L+1). The search tries inverse
// scales around the one that brings the largest magnitude to the highest
// level. Each gives every weight a level and every group a key; a key off the
// grid is replaced by the neighbour with the least error at this scale. For
// the levels q that result, the scale with the least squared error is
// Σwxq/Σwq², and it leaves an error of Σwx² − (Σwxq)²/Σwq²: the trial with the
// largest (Σwxq)²/Σwq² wins. At last, groups are looked up once more at the
// scale found.
type gridSearch struct {
	trials int     // on either side of the middle
	step   float32 // from one trial to the next, in units of a level's half
	onGrid uint8   // what is taken as on the grid before the first trial
	again  uint8   // the second look-up takes these groups as well,
	always bool    // even if no group is off the grid

	once      sync.Once // vectors alone need what follows
	numerator [32]float32
}

// want says whether b is to be searched, and how.
func (b *gridBlock) want(wanted bool, middle, result float32) {
	b.wanted, b.middle, b.result = wanted, middle, result
}

// runAll finds scales and points of the first n sub-blocks, where wanted.
func (s *gridSearch) runAll(l *lattice, b *gridBlocks, n int) {
	done := s.runInLanes(l, b, n)
	for i := range b.blocks[:n] {
		if b := &b.blocks[i]; b.wanted && done>>i&1 == 0 {
			b.result = s.run(l, b, b.middle, b.result)
		}
	}
}

// run finds scale and points of b. Trials spread around top as the largest
// magnitude; scale holds if none is better than nothing. The scale returned is
// not negative, unless NaN.
func (s *gridSearch) run(l *lattice, b *gridBlock, top, scale float32) float32 {
	groups := b.n / l.dim
	high := float32(2*l.levels - 1)
	var best float32
	onGrid := s.onGrid
	clear(b.point[:]) // the first point has level 0 everywhere
	var t gridTrials
	t.n = 2*s.trials + 1
	for i := range t.n {
		t.inverse[i] = (high + float32(float32(i-s.trials)*s.step)) / top
	}
	for g := range groups {
		t.lookUp(l, b, g)
	}
	var sumqx, sumq2 float32
	for i := range t.n {
		if i == 0 || t.point[i] != t.point[i-1] {
			sumqx, sumq2 = l.sums(b, &t.point[i])
		}
		if sumq2 > 0 && sumqx*sumqx > best*sumq2 {
			scale = sumqx / sumq2
			best = scale * sumqx
			b.point, onGrid = t.point[i], t.on[i]
		}
	}
	off := ^onGrid & uint8(1<<groups-1)
	if off != 0 || s.always {
		off |= s.again
	}
	if off != 0 && scale > 0 {
		inverse := 1 / scale
		for g := range groups {
			if off>>g&1 == 0 {
				continue
			}
			x, w := b.x[l.dim*g:][:l.dim], b.root[l.dim*g:][:l.dim]
			p := l.at[l.key(x, inverse)]
			if p < 0 {
				p = l.closest(^p, x, w, scale, &oddValues)
			}
			b.point[g] = uint16(p)
		}
		if sumqx, sumq2 := l.sums(b, &b.point); sumq2 > 0 {
			scale = sumqx / sumq2
		}
	}
	if scale < 0 {
		scale = -scale
		for i := range b.signs {
			b.signs[i] = ^b.signs[i]
		}
	}
	return scale
}

// oddValues is what levels are worth, in scales.
var oddValues = [8]float32{1, 3, 5, 7, 9, 11, 13, 15}

// key returns the levels of a group at an inverse scale.
func (l *lattice) key(x []float32, inverse float32) uint16 {
	key := uint16(0)
	for i, v := range x {
		key |= uint16(nearestLevel(inverse*v, l.levels)) << (i * l.bits)
	}
	return key
}

// nearestLevel returns the level L < levels for which 2L+1 is nearest to v.
func nearestLevel(v float32, levels int) int32 {
	return max(0, min(int32(levels-1), nearest(0.5*(float32(v)-1))))
}

// closest returns the index of the point, in the list of neighbours that
// begins at list, whose weighted squared distance to x is least, where level L
// stands for scale·value[L]; the first of several. Where no distance is
// finite, as the reference refuses to go on, it returns the first neighbour.
//
// What a coordinate adds depends on its level alone: that is worked out once,
// and a neighbour then costs additions only, in the reference's order.
func (l *lattice) closest(list int32, x, w []float32, scale float32, value *[8]float32) int32 {
	if i, done := l.closestInLanes(list, x, w, scale, value); done {
		return l.at[l.near[int(list)+1+i]]
	}
	var cost [8][8]float32
	for i, v := range x {
		for level := range l.levels {
			diff := float32(scale*value[level]) - v
			cost[i][level] = float32(w[i] * diff * diff)
		}
	}
	near := l.near[list+1:][:l.near[list]]
	best, least := near[0], float32(math.MaxFloat32)
	if l.dim == 8 {
		for _, key := range near {
			d2 := cost[0][key&3] + cost[1][key>>2&3] + cost[2][key>>4&3] + cost[3][key>>6&3] +
				cost[4][key>>8&3] + cost[5][key>>10&3] + cost[6][key>>12&3] + cost[7][key>>14]
			if d2 < least {
				best, least = key, d2
			}
		}
	} else {
		for _, key := range near {
			d2 := cost[0][key&7] + cost[1][key>>3&7] + cost[2][key>>6&7] + cost[3][key>>9&7]
			if d2 < least {
				best, least = key, d2
			}
		}
	}
	return l.at[best]
}

// sums returns Σwxq and Σwq² for the values q = 2L+1 of the given points.
func (l *lattice) sums(b *gridBlock, point *[8]uint16) (sumqx, sumq2 float32) {
	for g := range b.n / l.dim {
		key := l.points[point[g]]
		w := b.w[l.dim*g:][:l.dim]
		for i, v := range b.x[l.dim*g:][:l.dim] {
			q := oddValues[key&(1<<l.bits-1)&7] // &7 and &3 change nothing, but spare checks
			key >>= l.bits & 3
			sumqx += float32(w[i] * v * q)
			sumq2 += float32(w[i] * q * q)
		}
	}
	return sumqx, sumq2
}

// scaleCodes rounds the scales of sub-blocks to d·(2·code+1) with code ≤ top.
func scaleCodes(codes []uint8, scales []float32, d float32, top int) {
	inverse := 1 / d
	for i, s := range scales {
		codes[i] = uint8(nearestLevel(inverse*s, top+1))
	}
}
