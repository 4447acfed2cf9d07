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
	var on [8]uint32
	b.lookUp(l, numerators, top, trials, groups, &on)
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
			off &^= uint8(on[g]>>chosen&1) << g
		}
	}
	if off != 0 || s.always {
		off |= s.again
	}
	if off != 0 && scale > 0 {
		if !(b.loud/scale < 0x1p20 && scale > 0x1p-60) {
			return 0, false
		}
		b.lookUp(l, nil, scale, 1, groups, &on)
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

// lookUp finds the points of all groups on all trials, and which keys are on the
// grid.
//
// As in [gridLines], a point that is better than all others by a margin on the
// first and on the last trial of a run is so on those between.
func (b *gridBlock) lookUp(l *lattice, numerators *[32]float32, top float32, trials, groups int, on *[8]uint32) {
	short := l.short()
	b.findKeys(l, numerators, top, trials, groups)
	b.jobs.n = 0
	for g := range groups {
		keys, points, closeTo := &b.keys[g], &b.points[g], b.close[g]
		on[g] = 0
		first := 0
		for ends := b.ends[g]; ends != 0; ends &= ends - 1 {
			last := bits.TrailingZeros32(ends) & 31
			list := short.at[l.keyOf(keys[first])]
			if list < 0 {
				for i := first; i <= last; i++ {
					points[i] = keys[first]
				}
				on[g] |= 2<<last - 1<<first
			} else {
				from, to := first, last
				for ; from <= to && closeTo>>from&1 != 0; from++ {
					b.closest(l, g, from)
				}
				for ; from < to && closeTo>>to&1 != 0; to-- {
					b.closest(l, g, to)
				}
				if from <= to {
					b.jobs.add(gridJob{list: list, group: int32(g), trial: int32(from)})
					b.jobs.add(gridJob{list: list, group: int32(g), trial: int32(to)})
				}
			}
			first = last + 1
		}
	}
	ends := b.jobs.n
	b.work(l, 0)
	for i := 0; i < ends; i += 2 {
		from, to := &b.jobs.list[i], &b.jobs.list[i+1]
		points := &b.points[from.group]
		if same := points[from.trial]; same == points[to.trial] && from.unsure|to.unsure == 0 {
			for i := from.trial + 1; i < to.trial; i++ {
				points[i] = same
			}
			continue
		}
		for i := from.trial + 1; i < to.trial; i++ {
			b.jobs.add(gridJob{list: from.list, group: from.group, trial: i})
		}
	}
	b.work(l, ends)
}

func (j *gridJobs) add(job gridJob) {
	j.list[j.n&(len(j.list)-1)] = job
	j.n++
}

// closest finds the point of group g on a trial where lanes cannot.
func (b *gridBlock) closest(l *lattice, g, trial int) {
	x, root := b.x[l.dim*g:][:l.dim], b.root[l.dim*g:][:l.dim]
	near := ^l.at[l.keyOf(b.keys[g][trial])]
	b.points[g][trial] = l.word(l.points[l.closest(near, x, root, b.scale[trial], &oddValues)])
}

// work does the jobs from one on.
func (b *gridBlock) work(l *lattice, from int) {
	jobs := b.jobs.list[from:b.jobs.n]
	if len(jobs) == 0 {
		return
	}
	lists := &l.short().words[0]
	var ties int
	switch {
	case l.dim == 4:
		ties = gridBest4AVX2(&b.x[0], &jobs[0].list, len(jobs), lists)
	case backend == AVX512:
		ties = gridBest8AVX512(&b.x[0], &jobs[0].list, len(jobs), lists)
	default:
		ties = gridBest8AVX2(&b.x[0], &jobs[0].list, len(jobs), lists)
	}
	if ties == 0 {
		return
	}
	for _, j := range jobs {
		if j.unsure < 0 {
			b.closest(l, int(j.group), int(j.trial))
		}
	}
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

// findKeys finds the keys of all groups on all trials.
func (b *gridBlock) findKeys(l *lattice, numerators *[32]float32, top float32, trials, groups int) {
	var from *float32
	if numerators != nil {
		from = &numerators[0]
	}
	switch {
	case backend == AVX512 && l.dim == 4:
		gridKeys4AVX512(&b.x[0], from, top, trials, groups)
	case backend == AVX512:
		gridKeys8AVX512(&b.x[0], from, top, trials, groups)
	case l.dim == 4:
		gridKeys4AVX2(&b.x[0], from, top, trials, groups)
	default:
		gridKeys8AVX2(&b.x[0], from, top, trials, groups)
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
