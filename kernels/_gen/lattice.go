package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Where gridLanes, the space of the searches among grid points, has its arrays.
const (
	gridX       = 0
	gridW       = gridX + 4*32
	gridRoot    = gridW + 4*32
	gridWX      = gridRoot + 4*32
	gridInverse = gridWX + 4*32
	gridScale   = gridInverse + 4*32
	gridQX      = gridScale + 4*32
	gridQ2      = gridQX + 4*32
	gridKeys    = gridQ2 + 4*32
	gridPoints  = gridKeys + 8*gridRow
	gridTables  = gridPoints + 8*gridRow
	gridMargins = gridTables + 8*gridTable
	gridClose   = gridMargins + 4*8
	gridUnsure  = gridClose + 4*8
	gridSigns   = gridUnsure + 8*gridRow
	gridTop     = gridSigns + 4

	gridRow    = 4 * 32     // of the keys of a group
	gridTable  = 2 * 4 * 32 // of a group: weights, then what their errors count
	gridCounts = 4 * 32     // where the latter begin
)

// latticeKernel is the shape of a grid: dim coordinates of so many levels, the
// costs of which stand in tables, a coordinate after the other, in so much room.
type latticeKernel struct {
	isa
	name              string
	dim, levels, room int
}

func (v isa) lattices() []latticeKernel {
	return []latticeKernel{{v, "4" + v.suffix, 4, 8, 8}, {v, "8" + v.suffix, 8, 3, 4}}
}

// wordTable returns a table of constants in memory.
func wordTable(name string, word func(i int) uint32) Mem {
	if _, ok := constants[name]; !ok {
		m := GLOBL(name, RODATA|NOPTR)
		for i := range 32 {
			DATA(4*i, U32(word(i)))
		}
		constants[name] = m
	}
	return constants[name]
}

// odd is what levels are worth, over and over.
func (l latticeKernel) odd() Mem {
	return wordTable("odd"+l.name[:1], func(i int) uint32 { return float(float32(2*(i%l.room) + 1)) })
}

// ladder is the coordinate that each place of the tables belongs to.
func (l latticeKernel) ladder() Mem {
	return wordTable("ladder"+l.name[:1], func(i int) uint32 { return uint32(i / l.room) })
}

// low returns the group of coordinates, as wide as it is.
func (l latticeKernel) low(r VecVirtual) Register {
	if l.dim == 4 {
		return r.AsX()
	}
	return r.AsY()
}

// signBits puts the signs, or where a mask is set, into r.
func (v isa) signBits(m Register, r GPVirtual) {
	if v.wide() {
		KMOVW(m, r.As32())
	} else {
		VMOVMSKPS(m, r.As32())
	}
}

// least fills r with its least float.
func (v isa) least(r VecVirtual) {
	t := v.reg()
	if v.wide() {
		VSHUFF32X4(Imm(0x4e), r, r, t)
		VMINPS(t, r, r)
		VSHUFF32X4(Imm(0xb1), r, r, t)
	} else {
		VPERM2F128(Imm(1), r, r, t)
	}
	VMINPS(t, r, r)
	VPERMILPS(Imm(0x4e), r, t)
	VMINPS(t, r, r)
	VPERMILPS(Imm(0xb1), r, t)
	VMINPS(t, r, r)
}

// doubled is 1.5·2^24: added, it rounds to the nearest even integer, as 1.5·2^23
// does to the nearest one.
const doubled = 3 << 23 // a step of its last bit is two

// tables emits what is known of the groups before any trial.
func (l latticeKernel) tables() {
	function("gridTables"+l.name, "func(space *float32, groups int, reach float32)",
		"gridTables"+l.name+" spreads the weights of every group, and what their errors count, over the places of the tables, and finds by how much a point must be better than another to be so in any arithmetic, if no value is larger than reach.")
	space, groups := param("space"), param("groups")
	x, tables := GP64(), GP64()
	MOVQ(space, x)
	MOVQ(space, tables)
	var places []VecVirtual
	for i := 0; i < 32; i += l.n {
		r := l.reg()
		VMOVUPS(l.ladder().Offset(4*i), r)
		places = append(places, r)
	}
	most := l.reg()
	VBROADCASTSS(NewParamAddr("reach", 16), most)
	next := label("group")
	Label(next)
	values, counts, t := l.reg(), l.reg(), l.reg()
	VMOVUPS(Mem{Base: x, Disp: gridX}, values.AsY())
	VMOVUPS(Mem{Base: x, Disp: gridRoot}, counts.AsY())
	for i, place := range places {
		VPERMPS(values, place, t)
		VMOVUPS(t, Mem{Base: tables, Disp: gridTables + 4*l.n*i})
		VPERMPS(counts, place, t)
		VMOVUPS(t, Mem{Base: tables, Disp: gridTables + gridCounts + 4*l.n*i})
	}
	reach, add := l.reg(), l.reg()
	VANDPS(vector(absMask), l.low(values), l.low(values))
	VADDPS(l.low(values), l.low(most), l.low(reach))
	VMULPS(l.low(reach), l.low(counts), l.low(counts))
	VMULPS(l.low(reach), l.low(counts), l.low(t))
	VMULPS(vector(float(0x1p-16)), l.low(t), l.low(t))
	VADDPS(l.low(reach), l.low(counts), l.low(add))
	VADDPS(vector(float(1)), l.low(add), l.low(add))
	VMULPS(vector(float(0x1p-120)), l.low(add), l.low(add))
	VADDPS(l.low(add), l.low(t), l.low(t))
	if l.dim == 8 {
		VEXTRACTF128(Imm(1), t.AsY(), add.AsX())
		VADDPS(add.AsX(), t.AsX(), t.AsX())
	}
	VPERMILPS(Imm(0x4e), t.AsX(), add.AsX())
	VADDPS(add.AsX(), t.AsX(), t.AsX())
	VPERMILPS(Imm(0xb1), t.AsX(), add.AsX())
	VADDSS(add.AsX(), t.AsX(), t.AsX())
	VMOVSS(t.AsX(), Mem{Base: space, Disp: gridMargins})
	ADDQ(U32(4*l.dim), x)
	ADDQ(U32(gridTable), tables)
	ADDQ(Imm(4), space)
	DECQ(groups)
	JNZ(LabelRef(next))
	VZEROUPPER()
	RET()
}

// keys emits the key of every group on every trial. Its levels are four bits
// apart.
func (l latticeKernel) keys() {
	function("gridKeys"+l.name, "func(space, numerators *float32, top float32, n, groups int, at *int32, block int, jobs *uint32) (found int)",
		"gridKeys"+l.name+" finds the key of every group at the inverse scales numerators/top or, without numerators, at the scale top alone, and on which trials a weight is almost as near to another level. Where a run of equal keys is off the grid, it puts down jobs for the first and the last trial of the run.")
	space := param("space")
	numerators := param("numerators")
	top, one := l.reg(), l.spread32(float(1))
	VBROADCASTSS(NewParamAddr("top", 16), top)
	done, single := label("scaled"), label("single")
	TESTQ(numerators, numerators)
	JZ(LabelRef(single))
	for i := 0; i < 32; i += l.n {
		r := l.reg()
		VMOVUPS(Mem{Base: numerators, Disp: 4 * i}, r)
		VDIVPS(top, r, r)
		VMOVUPS(r, Mem{Base: space, Disp: gridInverse + 4*i})
		VDIVPS(r, one, r)
		VMOVUPS(r, Mem{Base: space, Disp: gridScale + 4*i})
	}
	JMP(LabelRef(done))
	Label(single)
	VMOVUPS(top, Mem{Base: space, Disp: gridScale})
	VDIVPS(top, one, top)
	VMOVUPS(top, Mem{Base: space, Disp: gridInverse})
	Label(done)

	magic, zero := l.spread32(float(doubled)), l.zero()
	high, limit := l.constant(float(float32(2*l.levels-2))), l.constant(float(1-0x1p-11))
	noSign := l.constant(absMask)
	var offset uint32
	for c := range l.dim {
		offset += float(doubled) << (4 * c)
	}
	off := l.constant(offset)
	at, left, closeTo := GP64(), param("n"), GP64()
	MOVQ(space, at)
	LEAQ(Mem{Base: space, Disp: gridClose}, closeTo)
	vectors := label("vectors")
	Label(vectors)
	{
		inverse := l.reg()
		VMOVUPS(Mem{Base: at, Disp: gridInverse}, inverse)
		x, row, groups, mask := GP64(), GP64(), param("groups"), GP64()
		MOVQ(space, x)
		MOVQ(at, row)
		MOVQ(closeTo, mask)
		next := label("group")
		Label(next)
		key, far := l.reg(), l.reg()
		for c := l.dim - 1; c >= 0; c-- {
			y, q, e := l.reg(), l.reg(), l.reg()
			l.times(Mem{Base: x, Disp: gridX + 4*c}, inverse, y)
			VSUBPS(one, y, y)
			VMAXPS(zero, y, y)
			VMINPS(high, y, y)
			VADDPS(magic, y, q)
			VSUBPS(magic, q, e)
			VSUBPS(e, y, e)
			switch {
			case c == l.dim-1:
				l.and(noSign, e)
				VMOVAPS(e, far)
				VMOVAPS(q, key)
				continue
			case l.wide():
				VRANGEPS(Imm(0b1011), e, far, far)
			default:
				l.and(noSign, e)
				VMAXPS(e, far, far)
			}
			VPSLLD(Imm(4), key, key)
			VPADDD(q, key, key)
		}
		VPSUBD(off, key, key)
		VMOVUPS(key, Mem{Base: row, Disp: gridKeys})
		VMOVUPS(key, Mem{Base: row, Disp: gridPoints})
		bits := GP32()
		l.signBits(l.where(greater, far, limit), bits.(GPVirtual))
		if l.wide() {
			MOVW(bits.As16(), Mem{Base: mask})
		} else {
			MOVB(bits.As8(), Mem{Base: mask})
		}
		ADDQ(U32(4*l.dim), x)
		ADDQ(U32(gridRow), row)
		ADDQ(Imm(4), mask)
		DECQ(groups)
		JNZ(LabelRef(next))
	}
	ADDQ(U32(4*l.n), at)
	ADDQ(U32(l.n/8), closeTo)
	SUBQ(U32(l.n), left)
	JG(LabelRef(vectors))

	l.runs(space)
	VZEROUPPER()
	RET()
}

// runs emits the jobs for the first and the last trial of every run of equal
// keys off the grid.
func (l latticeKernel) runs(space GPVirtual) {
	row, groups := GP64(), param("groups")
	MOVQ(space, row)
	n, last, all := param("n"), GP32(), GP32()
	DECQ(n)
	MOVL(U32(1), last)
	SHLXL(n.As32(), last, last)
	BLSMSKL(last, all)
	pack, at, jobs := GP32(), param("at"), param("jobs")
	if l.dim == 4 {
		MOVL(U32(0x7777), pack)
	} else {
		MOVL(U32(0x33333333), pack)
	}
	begin, block := GP64(), param("block")
	place := block.As32()
	MOVQ(jobs, begin)
	SHLL(U8(8), place)
	next := label("ends")
	Label(next)
	bits, t := GP32(), GP32()
	for i := 32 - l.n; i >= 0; i -= l.n {
		a := l.reg()
		VMOVUPS(Mem{Base: row, Disp: gridKeys + 4*i}, a)
		following := Mem{Base: row, Disp: gridKeys + 4*i + 4}
		if l.wide() {
			k := K()
			VPCMPEQD(following, a, k)
			KMOVW(k, t)
		} else {
			VPCMPEQD(following, a, a)
			VMOVMSKPS(a, t)
		}
		if i == 32-l.n {
			MOVL(t, bits)
			continue
		}
		SHLL(U8(l.n), bits)
		ORL(t, bits)
	}
	NOTL(bits)
	ORL(last, bits)
	ANDL(all, bits)
	first := GP64()
	XORQ(first, first)
	run := label("run")
	Label(run)
	key, job := GP64(), GP32()
	MOVL(Mem{Base: row, Index: first, Scale: 4, Disp: gridKeys}, key.As32())
	PEXTL(pack, key.As32(), key.As32())
	MOVL(Mem{Base: at, Index: key, Scale: 4}, t)
	MOVL(t, job)
	SHLL(U8(12), job)
	ORL(place, job)
	ORL(job, first.As32())
	MOVL(first.As32(), Mem{Base: jobs})
	TZCNTL(bits, first.As32())
	ORL(first.As32(), job)
	MOVL(job, Mem{Base: jobs, Disp: 4})
	INCL(first.As32())
	NOTL(t)
	SHRL(U8(31), t)
	LEAQ(Mem{Base: jobs, Index: t.(GPVirtual).As64(), Scale: 8}, jobs)
	BLSRL(bits, bits)
	JNZ(LabelRef(run))
	ADDQ(U32(gridRow), row)
	ADDL(U32(32), place)
	DECQ(groups)
	JNZ(LabelRef(next))
	SUBQ(begin, jobs)
	SHRQ(Imm(2), jobs)
	Store(jobs, ReturnIndex(0))
}

// spaceOf returns the space of the sub-block that a job is for.
func (l latticeKernel) spaceOf(job GPVirtual) GPVirtual {
	space := GP64()
	MOVL(job.As32(), space.As32())
	SHRL(U8(8), space.As32())
	ANDL(U32(15), space.As32())
	IMULQ(NewParamAddr("size", 8), space)
	ADDQ(NewParamAddr("spaces", 0), space)
	return space
}

// between emits what follows from the points on the first and the last trials of
// runs.
func (l latticeKernel) between() {
	function("gridBetween"+l.suffix, "func(spaces *float32, size int, jobs *uint32, pairs int) (n int)",
		"gridBetween"+l.suffix+" gives the trials between the first and the last one of each run, which the pairs of jobs are for, the same point, and, if that is not sure, puts jobs for them behind the others. It returns how many.")
	jobs, pairs := param("jobs"), param("pairs")
	to, begin := GP64(), GP64()
	LEAQ(Mem{Base: jobs, Index: pairs, Scale: 8}, to)
	MOVQ(to, begin)
	var lanes, later []VecVirtual
	for i := 0; i < 32; i += l.n {
		r, s := l.reg(), l.reg()
		VMOVUPS(iota16(), r)
		if i > 0 {
			VPADDD(l.spread32(uint32(i)), r, r)
		}
		VPADDD(l.spread32(1), r, s)
		lanes, later = append(lanes, r), append(later, s)
	}
	next := label("pair")
	Label(next)
	first, last, from, until, row := GP64(), GP64(), GP64(), GP64(), GP64()
	MOVL(Mem{Base: jobs}, first.As32())
	MOVL(Mem{Base: jobs, Disp: 4}, last.As32())
	space := l.spaceOf(first)
	point, unsure := GP32(), GP32()
	MOVL(U32(255), from.As32())
	ANDL(first.As32(), from.As32())
	MOVL(U32(255), until.As32())
	ANDL(last.As32(), until.As32())
	MOVL(Mem{Base: space, Index: from, Scale: 4, Disp: gridPoints}, point)
	MOVL(Mem{Base: space, Index: until, Scale: 4, Disp: gridPoints}, unsure)
	XORL(point, unsure)
	ORL(Mem{Base: space, Index: from, Scale: 4, Disp: gridUnsure}, unsure)
	ORL(Mem{Base: space, Index: until, Scale: 4, Disp: gridUnsure}, unsure)
	MOVQ(from, row)
	ANDL(U32(0xe0), row.As32())
	LEAQ(Mem{Base: space, Index: row, Scale: 4, Disp: gridPoints}, row)
	SUBL(from.As32(), until.As32()) // how many trials later the last one is
	ANDL(U32(31), from.As32())

	same, base := l.spread(point.(GPVirtual)), l.spread(first)
	if l.wide() {
		one, mask := GP32(), GP32()
		MOVL(U32(1), one)
		SHLXL(until.As32(), one, mask)
		SUBL(one, mask)
		ANDL(I32(-2), mask)
		SHLXL(from.As32(), mask, mask)
		for i := 0; i < 32; i += l.n {
			k := K()
			KMOVW(mask, k)
			VMOVDQU32(same, k, Mem{Base: row, Disp: 4 * i})
			SHRL(U8(16), mask)
		}
	} else {
		low, high := l.spread(from), l.reg()
		VPADDD(l.spread(until), low, high)
		for i, lane := range lanes {
			m, t := l.reg(), l.reg()
			VPCMPGTD(low, lane, m)
			VPCMPGTD(lane, high, t)
			VPAND(t, m, m)
			VMOVUPS(Mem{Base: row, Disp: 4 * l.n * i}, t)
			VBLENDVPS(m, same, t, t)
			VMOVUPS(t, Mem{Base: row, Disp: 4 * l.n * i})
		}
	}
	for i, lane := range later {
		t := l.reg()
		VPADDD(lane, base, t)
		VMOVUPS(t, Mem{Base: to, Disp: 4 * l.n * i})
	}
	none := GP64()
	XORQ(none, none)
	SUBL(U32(1), until.As32())
	CMOVLCS(none.As32(), until.As32()) // the first one is the last
	TESTL(unsure, unsure)
	CMOVLEQ(none.As32(), until.As32())
	LEAQ(Mem{Base: to, Index: until, Scale: 4}, to)
	ADDQ(Imm(8), jobs)
	DECQ(pairs)
	JNZ(LabelRef(next))
	SUBQ(begin, to)
	SHRQ(Imm(2), to)
	Store(to, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// times multiplies every lane by the float at m.
func (v isa) times(m Mem, r, to VecVirtual) {
	if v.wide() {
		VMULPS_BCST(m, r, to)
		return
	}
	VBROADCASTSS(m, to)
	VMULPS(r, to, to)
}

// evaluate emits the search for the best points of lists.
func (l latticeKernel) evaluate() {
	function("gridBest"+l.name, "func(spaces *float32, size int, jobs *uint32, n int, lists *uint32) (ties int)",
		"gridBest"+l.name+" finds the best point of a list for a group on a trial, as lattice.closest. For each trial it tells, by a number other than 0, if the point is not better than all others by the margin; by a negative one if several are equally good and it is not seen which comes first. ties is how often that was so.")
	jobs, n := param("jobs"), param("n")
	most := l.spread32(float(math.MaxFloat32))
	var odd Op = l.odd()
	ties := GP64()
	XORQ(ties, ties)
	nextJob := label("job")
	Label(nextJob)
	list, group, trial, place := GP64(), GP64(), GP64(), GP64()
	MOVL(Mem{Base: jobs}, list.As32())
	space, lists := l.spaceOf(list), param("lists")
	MOVBLZX(list.As8(), place.As32())
	MOVL(place.As32(), group.As32())
	SHRL(U8(5), group.As32())
	MOVL(U32(31), trial.As32())
	ANDL(place.As32(), trial.As32())
	SHRL(U8(12), list.As32())
	margin := l.reg()
	VBROADCASTSS(Mem{Base: space, Index: group, Scale: 4, Disp: gridMargins}, margin)
	values := l.reg()
	VBROADCASTSS(Mem{Base: space, Index: trial, Scale: 4, Disp: gridScale}, values)
	VMULPS(odd, values, values)
	tables := group
	SHLQ(U8(8), tables) // gridTable
	ADDQ(space, tables)
	var costs []VecVirtual
	for i := 0; i < 32; i += l.n {
		e, c := l.reg(), l.reg()
		VSUBPS(Mem{Base: tables, Disp: gridTables + 4*i}, values, e)
		VMULPS(Mem{Base: tables, Disp: gridTables + gridCounts + 4*i}, e, c)
		VMULPS(e, c, c)
		costs = append(costs, c)
	}
	at, left := GP64(), GP32()
	LEAQ(Mem{Base: lists, Index: list, Scale: 4}, at)
	MOVL(Mem{Base: at}, left)
	ADDQ(Imm(4), at)
	best, second, points := l.reg(), l.reg(), l.reg()
	chunk := func(points, sum, t VecVirtual) {
		VMOVUPS(Mem{Base: at}, points)
		VPERMPS(costs[0], points, sum)
		for c := 1; c < l.dim; c++ {
			VPSRLD(U8(4*c), points, t)
			VPERMPS(costs[c*l.room/l.n], t, t)
			VADDPS(t, sum, sum)
		}
		switch {
		case l.dim == 4 && !l.wide(): // what is no point has its sign set
			VBLENDVPS(points, most, sum, sum)
		case l.wide():
			bits, k := GP32(), K()
			MOVL(I32(-1), bits)
			BZHIL(left, bits, bits)
			KMOVW(bits, k)
			VBLENDMPS(sum, most, k, sum)
		default:
			m := l.spread(left.(GPVirtual))
			VPCMPGTD(iota16(), m, m)
			VBLENDVPS(m, sum, most, sum)
		}
	}
	t, lowest, limit := l.reg(), l.reg(), l.reg()
	where, near, unsure := GP32(), GP32(), GP32()
	decide := func() {
		VMOVAPS(best, lowest)
		l.least(lowest)
		VADDPS(margin, lowest, limit)
		l.signBits(l.where(equal, best, lowest), where.(GPVirtual))
		l.signBits(l.where(lessOrEqual, best, limit), near.(GPVirtual))
		BLSRL(near, unsure)
	}
	chunk(points, best, t)
	long, next, done := label("long"), label("list"), label("done")
	SUBL(U32(l.n), left)
	JG(LabelRef(long))
	decide()
	first := GP64()
	TZCNTL(where, first.As32())
	MOVL(Mem{Base: at, Index: first, Scale: 4}, near)
	MOVL(near, Mem{Base: space, Index: place, Scale: 4, Disp: gridPoints})
	Label(done)
	MOVL(unsure, Mem{Base: space, Index: place, Scale: 4, Disp: gridUnsure})
	ADDQ(Imm(4), jobs)
	DECQ(n)
	JNZ(LabelRef(nextJob))
	Store(ties, ReturnIndex(0))
	VZEROUPPER()
	RET()

	Label(long)
	VMOVAPS(most, second)
	Label(next)
	{
		ADDQ(U32(4*l.n), at)
		more, sum := l.reg(), l.reg()
		chunk(more, sum, t)
		better := l.where(less, sum, best)
		VMAXPS(sum, best, t)
		VMINPS(t, second, second)
		VMINPS(sum, best, best)
		l.choose(better, more, points, points)
		SUBL(U32(l.n), left)
		JG(LabelRef(next))
	}
	decide()
	l.signBits(l.where(lessOrEqual, second, limit), near.(GPVirtual))
	ORL(near, unsure)
	TZCNTL(where, near)
	winner := l.reg()
	VMOVD(near, winner.AsX())
	VPERMPS(points, winner, winner)
	VMOVD(winner.AsX(), Mem{Base: space, Index: place, Scale: 4, Disp: gridPoints})
	BLSRL(where, where)
	JZ(LabelRef(done))
	MOVL(I32(-1), unsure)
	INCQ(ties)
	JMP(LabelRef(done))
}

// sums emits Σwxq and Σwq² for the points of every trial.
func (l latticeKernel) sums() {
	function("gridSums"+l.name, "func(space *float32, n, groups int)",
		"gridSums"+l.name+" equals lattice.sums for the points on every trial.")
	space, left := param("space"), param("n")
	at := GP64()
	MOVQ(space, at)
	odd := l.reg()
	VMOVUPS(l.odd(), odd)
	vectors := label("vectors")
	Label(vectors)
	{
		qx, q2 := l.zero(), l.zero()
		x, row, groups := GP64(), GP64(), param("groups")
		MOVQ(space, x)
		MOVQ(at, row)
		next := label("group")
		Label(next)
		points := l.reg()
		VMOVUPS(Mem{Base: row, Disp: gridPoints}, points)
		for c := range l.dim {
			q, t := l.reg(), l.reg()
			if c > 0 {
				VPSRLD(U8(4*c), points, q)
				VPERMPS(odd, q, q)
			} else {
				VPERMPS(odd, points, q)
			}
			l.times(Mem{Base: x, Disp: gridWX + 4*c}, q, t)
			VADDPS(t, qx, qx)
			u := l.reg()
			l.times(Mem{Base: x, Disp: gridW + 4*c}, q, u)
			VMULPS(q, u, u)
			VADDPS(u, q2, q2)
		}
		ADDQ(U32(4*l.dim), x)
		ADDQ(U32(gridRow), row)
		DECQ(groups)
		JNZ(LabelRef(next))
		VMOVUPS(qx, Mem{Base: at, Disp: gridQX})
		VMOVUPS(q2, Mem{Base: at, Disp: gridQ2})
	}
	ADDQ(U32(4*l.n), at)
	SUBQ(U32(l.n), left)
	JG(LabelRef(vectors))
	VZEROUPPER()
	RET()
}

// gridLoad emits the taking up of a sub-block.
func gridLoad() {
	v := avx2
	function("gridLoadAVX2", "func(space, x, importance *float32, n int, square, little float32, even int)",
		"gridLoadAVX2 equals gridBlock.load and, where even is 1, gridBlock.even. It tells the largest weight, the largest magnitude and the largest of what errors count, the latter two as unsigned words.")
	space, x, importance, n, even := param("space"), param("x"), param("importance"), param("n"), param("even")
	square, little, zero := YMM(), YMM(), v.zero()
	VBROADCASTSS(NewParamAddr("square", 32), square)
	VBROADCASTSS(NewParamAddr("little", 36), little)
	top, loud, heavy := YMM(), v.zero(), v.zero()
	VBROADCASTSS(constant32(float(-math.MaxFloat32)), top)
	signs := GP64()
	LEAQ(Mem{Base: space, Disp: gridSigns}, signs)
	next, plain, weighed := label("next"), label("plain"), label("weighed")
	Label(next)
	value, count, t := YMM(), YMM(), YMM()
	VMOVUPS(Mem{Base: x}, value)
	VMULPS(value, value, count)
	TESTQ(importance, importance)
	JZ(LabelRef(plain))
	VADDPS(square, count, count)
	VSQRTPS(count, count)
	VMULPS(Mem{Base: importance}, count, count)
	ADDQ(Imm(32), importance)
	JMP(LabelRef(weighed))
	Label(plain)
	VADDPS(little, count, count)
	Label(weighed)
	VMOVUPS(count, Mem{Base: space, Disp: gridW})
	VSQRTPS(count, t)
	VMOVUPS(t, Mem{Base: space, Disp: gridRoot})
	VPMAXUD(count, heavy, heavy)
	VPAND(vector(absMask), value, t)
	VPMAXUD(t, loud, loud)

	sign := YMM()
	VCMPPS(less, zero, value, sign)
	minus, odd := GP32(), GP32()
	VMOVMSKPS(sign, minus)
	VPAND(vector(1<<31), sign, sign)
	VXORPS(sign, value, value)
	cost, lowest := YMM(), YMM()
	VMULPS(value, count, cost)
	VMULPS(value, cost, cost)
	VMOVAPS(cost, lowest)
	v.least(lowest)
	VCMPPS(equal, lowest, cost, cost)
	least := GP32()
	VMOVMSKPS(cost, least)
	BLSIL(least, least)
	POPCNTL(minus, odd)
	ANDL(even.As32(), odd)
	NEGL(odd)
	ANDL(odd, least)
	XORL(least, minus)
	MOVB(minus.As8(), Mem{Base: signs})
	INCQ(signs)
	flip := v.spread(least.(GPVirtual))
	VPAND(eightBits(), flip, flip)
	VPCMPEQD(eightBits(), flip, flip)
	VPAND(vector(1<<31), flip, flip)
	VXORPS(flip, value, value)
	VMOVUPS(value, Mem{Base: space, Disp: gridX})
	VMAXPS(value, top, top)
	VMULPS(value, count, count)
	VMOVUPS(count, Mem{Base: space, Disp: gridWX})
	ADDQ(Imm(32), space)
	ADDQ(Imm(32), x)
	SUBQ(Imm(8), n)
	JG(LabelRef(next))

	space = param("space")
	v.fold(top, VMAXPS)
	v.fold(loud, VPMAXUD)
	v.fold(heavy, VPMAXUD)
	for i, r := range []VecVirtual{top, loud, heavy} {
		VMOVD(r.AsX(), Mem{Base: space, Disp: gridTop + 4*i})
	}
	VZEROUPPER()
	RET()
}

// eightBits is the words 1, 2, 4 … 128 in memory.
func eightBits() Mem {
	if _, ok := constants["eight"]; !ok {
		m := GLOBL("eight", RODATA|NOPTR)
		for i := range 8 {
			DATA(4*i, U32(1<<i))
		}
		constants["eight"] = m
	}
	return constants["eight"]
}
