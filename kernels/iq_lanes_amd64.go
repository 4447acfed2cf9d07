package kernels

import (
	"math"
	"math/bits"
	"unsafe"
)

//go:generate go -C _gen run . -what lattices -out ../lattice_amd64.s -stubs ../lattice_amd64.go -pkg kernels

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
	b.tame = b.loud < 0x1p40 && b.heavy < 0x1p60 && !math.Signbit(float64(b.heavy))
	return b.tame
}

// runInLanes is run for the first n sub-blocks, where wanted. It returns a bit for
// each that lanes can do: whose weights are such multiples of all scales on trial
// that they are rounded well.
func (s *gridSearch) runInLanes(l *lattice, b *gridBlocks, n int) (done uint16) {
	if backend == Portable {
		return 0
	}
	together := 8
	if l.dim == 4 {
		together = 4
	}
	for i := 0; i < n; i += together {
		done |= s.runTogether(l, b, i, min(n, i+together))
	}
	return done
}

// runTogether is runInLanes for a part of the sub-blocks.
func (s *gridSearch) runTogether(l *lattice, b *gridBlocks, begin, end int) (done uint16) {
	numerators := s.numerators(l)
	trials := 2*s.trials + 1
	high := float32(2*l.levels - 1)
	jobs := 0
	for i := begin; i < end; i++ {
		c := &b.blocks[i]
		if !c.wanted || !c.tame || !(c.middle > 0x1p-40 && c.loud < 0x1p16*c.middle) {
			continue
		}
		done |= 1 << i
		c.spread(l, high*c.middle/numerators[0])
		jobs += c.findKeys(l, numerators, c.middle, trials, i, b.jobs[jobs:])
	}
	b.lookUp(l, jobs, trials, done)
	jobs = 0
	var again uint16
	for i := begin; i < end; i++ {
		if done>>i&1 == 0 {
			continue
		}
		c := &b.blocks[i]
		c.sumUp(l, trials)
		s.choose(l, c, trials)
		if c.off == 0 || !(c.result > 0) {
			continue
		}
		if !(c.loud/c.result < 0x1p20 && c.result > 0x1p-60) {
			done &^= 1 << i
			c.result = c.before
			continue
		}
		again |= 1 << i
		jobs += c.findKeys(l, nil, c.result, 1, i, b.jobs[jobs:])
	}
	b.lookUp(l, jobs, 1, again)
	for i := begin; i < end; i++ {
		if done>>i&1 != 0 {
			b.blocks[i].finish(l, again>>i&1 != 0)
		}
	}
	return done
}

// choose finds the best trial.
func (s *gridSearch) choose(l *lattice, b *gridBlock, trials int) {
	b.before = b.result
	best, chosen := float32(0), -1
	for i, sumqx := range b.qx[:trials] {
		if sumq2 := b.q2[i]; sumq2 > 0 && sumqx*sumqx > best*sumq2 {
			b.result = sumqx / sumq2
			best = b.result * sumqx
			chosen = i
		}
	}
	groups := b.n / l.dim
	b.off = 1<<groups - 1
	if chosen < 0 {
		b.off &^= s.onGrid
		for g := range b.words {
			b.words[g] = l.word(l.points[0])
		}
	} else {
		for g := range groups {
			b.words[g] = b.points[g][chosen]
			if l.short().at[l.keyOf(b.keys[g][chosen])] < 0 {
				b.off &^= 1 << g
			}
		}
	}
	if b.off != 0 || s.always {
		b.off |= s.again
	}
}

// finish takes over what was looked up once more, and makes indices of points.
func (b *gridBlock) finish(l *lattice, again bool) {
	groups := b.n / l.dim
	if again {
		for g := range groups {
			if b.off>>g&1 == 0 {
				b.points[g][0] = b.words[g]
			} else {
				b.words[g] = b.points[g][0]
			}
		}
		b.sumUp(l, 1)
		if b.q2[0] > 0 {
			b.result = b.qx[0] / b.q2[0]
		}
	}
	for g := range groups {
		b.point[g] = uint16(l.at[l.keyOf(b.words[g])])
	}
	clear(b.point[groups:])
	if b.result < 0 {
		b.result = -b.result
		for i := range b.signs {
			b.signs[i] = ^b.signs[i]
		}
	}
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

// lookUp finds the points of all groups on all trials, given the jobs that came
// of their keys. A key on the grid is its own point.
//
// As in [gridLines], a point that is better than all others by a margin on the
// first and on the last trial of a run is so on those between.
func (b *gridBlocks) lookUp(l *lattice, jobs, trials int, which uint16) {
	b.work(l, b.jobs[:jobs])
	if trials > 1 && jobs > 0 {
		b.work(l, b.jobs[jobs:][:b.between(jobs/2)])
	}
	for ; which != 0; which &= which - 1 {
		c := &b.blocks[bits.TrailingZeros16(which)]
		for g, closeTo := range c.close[:c.n/l.dim] {
			for closeTo &= 1<<trials - 1; closeTo != 0; closeTo &= closeTo - 1 {
				if i := bits.TrailingZeros32(closeTo); l.at[l.keyOf(c.keys[g][i])] < 0 {
					c.closest(l, g, i)
				}
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

const gridBlockSize = int(unsafe.Sizeof(gridBlock{}))

// work does jobs.
func (b *gridBlocks) work(l *lattice, jobs []uint32) {
	if len(jobs) == 0 {
		return
	}
	first, lists := &b.blocks[0].x[0], &l.short().words[0]
	var ties int
	switch {
	case l.dim == 4:
		ties = gridBest4AVX2(first, gridBlockSize, &jobs[0], len(jobs), lists)
	case backend == AVX512:
		ties = gridBest8AVX512(first, gridBlockSize, &jobs[0], len(jobs), lists)
	default:
		ties = gridBest8AVX2(first, gridBlockSize, &jobs[0], len(jobs), lists)
	}
	if ties == 0 {
		return
	}
	for _, j := range jobs {
		c, g, i := &b.blocks[j>>8&15], int(j>>5&7), int(j&31)
		if c.unsure[g][i] < 0 {
			c.closest(l, g, i)
		}
	}
}

// between does what is to be done about the trials between those of pairs of jobs,
// and returns how many jobs come of it.
func (b *gridBlocks) between(pairs int) int {
	if backend == AVX512 {
		return gridBetweenAVX512(&b.blocks[0].x[0], gridBlockSize, &b.jobs[0], pairs)
	}
	return gridBetweenAVX2(&b.blocks[0].x[0], gridBlockSize, &b.jobs[0], pairs)
}

// spread makes the tables of all groups.
func (b *gridBlock) spread(l *lattice, reach float32) {
	groups := b.n / l.dim
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
func (b *gridBlock) findKeys(l *lattice, numerators *[32]float32, top float32, trials, block int, list []uint32) int {
	groups := b.n / l.dim
	var from *float32
	if numerators != nil {
		from = &numerators[0]
	}
	at, jobs := &l.short().at[0], &list[0]
	switch {
	case backend == AVX512 && l.dim == 4:
		return gridKeys4AVX512(&b.x[0], from, top, trials, groups, at, block, jobs)
	case backend == AVX512:
		return gridKeys8AVX512(&b.x[0], from, top, trials, groups, at, block, jobs)
	case l.dim == 4:
		return gridKeys4AVX2(&b.x[0], from, top, trials, groups, at, block, jobs)
	default:
		return gridKeys8AVX2(&b.x[0], from, top, trials, groups, at, block, jobs)
	}
}

// sumUp finds Σwxq and Σwq² on all trials.
func (b *gridBlock) sumUp(l *lattice, trials int) {
	groups := b.n / l.dim
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
