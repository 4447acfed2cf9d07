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
	numerators := s.numerators(l)
	high := float32(2*l.levels - 1)
	b.spread(l, groups, high*top/numerators[0])
	b.lookUp(l, numerators, top, trials, groups)
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
			if l.short().at[l.keyOf(b.keys[g][chosen])] < 0 {
				off &^= 1 << g
			}
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

// lookUp finds the points of all groups on all trials. A key on the grid is its
// own point.
//
// As in [gridLines], a point that is better than all others by a margin on the
// first and on the last trial of a run is so on those between.
func (b *gridBlock) lookUp(l *lattice, numerators *[32]float32, top float32, trials, groups int) {
	ends := b.findKeys(l, numerators, top, trials, groups)
	b.work(l, b.jobs[:ends])
	if trials > 1 && ends > 0 {
		b.work(l, b.jobs[ends:][:b.between(ends/2)])
	}
	for g, closeTo := range b.close[:groups] {
		for closeTo &= 1<<trials - 1; closeTo != 0; closeTo &= closeTo - 1 {
			if i := bits.TrailingZeros32(closeTo); l.at[l.keyOf(b.keys[g][i])] < 0 {
				b.closest(l, g, i)
			}
		}
	}
}

// closest finds the point of group g on a trial where lanes cannot.
func (b *gridBlock) closest(l *lattice, g, trial int) {
	x, root := b.x[l.dim*g:][:l.dim], b.root[l.dim*g:][:l.dim]
	near := ^l.at[l.keyOf(b.keys[g][trial])]
	b.points[g][trial] = l.word(l.points[l.closest(near, x, root, b.scale[trial], &oddValues)])
}

// work does jobs.
func (b *gridBlock) work(l *lattice, jobs []uint32) {
	if len(jobs) == 0 {
		return
	}
	lists := &l.short().words[0]
	var ties int
	switch {
	case l.dim == 4:
		ties = gridBest4AVX2(&b.x[0], &jobs[0], len(jobs), lists)
	case backend == AVX512:
		ties = gridBest8AVX512(&b.x[0], &jobs[0], len(jobs), lists)
	default:
		ties = gridBest8AVX2(&b.x[0], &jobs[0], len(jobs), lists)
	}
	if ties == 0 {
		return
	}
	for _, j := range jobs {
		if g, i := int(j>>5&7), int(j&31); b.unsure[g][i] < 0 {
			b.closest(l, g, i)
		}
	}
}

// between does what is to be done about the trials between those of pairs of jobs,
// and returns how many jobs come of it.
func (b *gridBlock) between(pairs int) int {
	if backend == AVX512 {
		return gridBetweenAVX512(&b.x[0], &b.jobs[0], pairs)
	}
	return gridBetweenAVX2(&b.x[0], &b.jobs[0], pairs)
}

// spread makes the tables of all groups.
func (b *gridBlock) spread(l *lattice, groups int, reach float32) {
	switch {
	case backend == AVX512 && l.dim == 4:
		gridTables4AVX512(&b.x[0], groups, reach)
	case backend == AVX512:
		gridTables8AVX512(&b.x[0], groups, reach)
	case l.dim == 4:
		gridTables4AVX2(&b.x[0], groups, reach)
	default:
		gridTables8AVX2(&b.x[0], groups, reach)
	}
}

// findKeys finds the keys of all groups on all trials, and how many jobs come of
// them.
func (b *gridBlock) findKeys(l *lattice, numerators *[32]float32, top float32, trials, groups int) int {
	var from *float32
	if numerators != nil {
		from = &numerators[0]
	}
	at, jobs := &l.short().at[0], &b.jobs[0]
	switch {
	case backend == AVX512 && l.dim == 4:
		return gridKeys4AVX512(&b.x[0], from, top, trials, groups, at, jobs)
	case backend == AVX512:
		return gridKeys8AVX512(&b.x[0], from, top, trials, groups, at, jobs)
	case l.dim == 4:
		return gridKeys4AVX2(&b.x[0], from, top, trials, groups, at, jobs)
	default:
		return gridKeys8AVX2(&b.x[0], from, top, trials, groups, at, jobs)
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
