package kernels

import (
	"math"
	"math/bits"
)

//go:generate go -C _gen run . -lattices -out ../lattice_amd64.s -stubs ../lattice_amd64.go -pkg kernels

// takeInLanes is take, and says whether lanes can do it: whether all numbers are
// such that no error overflows, and none is NaN.
func (b *gridBlock) takeInLanes(x, importance []float32, square, little float32, even bool) bool {
	if backend == Portable {
		return false
	}
	var given *float32
	if importance != nil {
		given = &importance[:len(x)][0]
	}
	evenly := 0
	if even {
		evenly = 1
	}
	gridLoadAVX2(&b.x[0], &x[0], given, len(x), square, little, evenly)
	b.n = len(x)
	b.tame = b.loud < 0x1p60 && b.heavy < 0x1p100 && !math.Signbit(float64(b.heavy))
	return b.tame
}

// runInLanes is run, and says whether lanes can do it: whether all weights are
// such multiples of all scales on trial that they are rounded well.
func (s *gridSearch) runInLanes(l *lattice, b *gridBlock, top, scale float32) (float32, bool) {
	if !b.tame || !(top > 0x1p-40 && b.loud < 0x1p16*top) {
		return 0, false
	}
	groups, trials := b.n/l.dim, 2*s.trials+1
	b.lookUp(l, s.numerators(l), top, trials, groups)
	b.sumUp(l, trials, groups)
	best, chosen := float32(0), -1
	for i, sumqx := range b.qx[:trials] {
		if sumq2 := b.q2[i]; sumq2 > 0 && sumqx*sumqx > best*sumq2 {
			scale = sumqx / sumq2
			best = scale * sumqx
			chosen = i
		}
	}
	off := uint8(1<<groups - 1)
	var words [8]uint32
	if chosen < 0 {
		off &^= s.onGrid
		for g := range words {
			words[g] = l.word(l.points[0])
		}
	} else {
		for g := range groups {
			words[g] = b.points[g][chosen]
			off &^= uint8(b.on[g]>>chosen&1) << g
		}
	}
	if off != 0 || s.always {
		off |= s.again
	}
	if off != 0 && scale > 0 {
		if !(b.loud/scale < 0x1p20 && scale > 0x1p-60) {
			return 0, false
		}
		b.lookUp(l, nil, scale, 1, groups)
		for g := range groups {
			if off>>g&1 == 0 {
				b.points[g][0] = words[g]
			} else {
				words[g] = b.points[g][0]
			}
		}
		b.sumUp(l, 1, groups)
		if b.q2[0] > 0 {
			scale = b.qx[0] / b.q2[0]
		}
	}
	for g := range groups {
		b.point[g] = uint16(l.at[l.keyOf(words[g])])
	}
	clear(b.point[groups:])
	if scale < 0 {
		scale = -scale
		for i := range b.signs {
			b.signs[i] = ^b.signs[i]
		}
	}
	return scale, true
}

// numerators are what the inverse scales on trial are multiples of, as run has
// them; those behind the last trial are like the last one.
func (s *gridSearch) numerators(l *lattice) *[32]float32 {
	s.once.Do(func() {
		for i := range s.numerator {
			s.numerator[i] = float32(2*l.levels-1) + float32(float32(min(i-s.trials, s.trials))*s.step)
		}
	})
	return &s.numerator
}

// lookUp finds the points of all groups on all trials.
func (b *gridBlock) lookUp(l *lattice, numerators *[32]float32, top float32, trials, groups int) {
	short := l.short()
	var from *float32
	if numerators != nil {
		from = &numerators[0]
	}
	at, lists := &short.at[0], &short.words[0]
	switch {
	case backend == AVX512 && l.dim == 4:
		gridTrials4AVX512(&b.x[0], from, top, trials, groups, at, lists)
	case backend == AVX512:
		gridTrials8AVX512(&b.x[0], from, top, trials, groups, at, lists)
	case l.dim == 4:
		gridTrials4AVX2(&b.x[0], from, top, trials, groups, at, lists)
	default:
		gridTrials8AVX2(&b.x[0], from, top, trials, groups, at, lists)
	}
	for g, left := range b.left[:groups] {
		for ; left != 0; left &= left - 1 {
			i := bits.TrailingZeros32(left)
			x, root := b.x[l.dim*g:][:l.dim], b.root[l.dim*g:][:l.dim]
			near := ^l.at[l.keyOf(b.keys[g][i])]
			b.points[g][i] = l.word(l.points[l.closest(near, x, root, b.scale[i], &oddValues)])
		}
	}
}

// sumUp finds Σwxq and Σwq² on all trials.
func (b *gridBlock) sumUp(l *lattice, trials, groups int) {
	switch {
	case backend == AVX512 && l.dim == 4:
		gridSums4AVX512(&b.x[0], trials, groups)
	case backend == AVX512:
		gridSums8AVX512(&b.x[0], trials, groups)
	case l.dim == 4:
		gridSums4AVX2(&b.x[0], trials, groups)
	default:
		gridSums8AVX2(&b.x[0], trials, groups)
	}
}
