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
	gridOn      = gridPoints + 9*gridRow
	gridLeft    = gridOn + 4*8
	gridTableX  = gridLeft + 4*8
	gridTableW  = gridTableX + 4*32
	gridSigns   = gridTableW + 4*32
	gridLoud    = gridSigns + 4

	gridRow = 4 * 32 // of the keys of a group
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

// words returns a table of constants in memory.
func words(name string, word func(i int) uint32) Mem {
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
	return words("odd"+l.name[:1], func(i int) uint32 { return float(float32(2*(i%l.room) + 1)) })
}

// ladder is the coordinate that each place of the tables belongs to.
func (l latticeKernel) ladder() Mem {
	return words("ladder"+l.name[:1], func(i int) uint32 { return uint32(i / l.room) })
}

// shift is how far the code of coordinate c is from the end of a word.
func shift(c int) Constant { return U8(4 * c) }

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
const doubled = 3 << 23

// trials emits the points of the groups at each scale on trial.
func (l latticeKernel) trials() {
	function("gridTrials"+l.name, "func(space, numerators *float32, top float32, n, groups int, at *int32, lists *uint32)",
		"gridTrials"+l.name+" equals gridTrials.lookUp for every group, at the inverse scales numerators/top or, without numerators, at the scale top alone. What it leaves for Go it tells.")
	space := param("space")
	l.scales(space)
	l.keys(space)
	l.points(space)
	VZEROUPPER()
	RET()
}

// scales emits the inverse scales and the scales.
func (l latticeKernel) scales(space GPVirtual) {
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
	VDIVPS(top, one, one)
	VMOVUPS(one, Mem{Base: space, Disp: gridInverse})
	Label(done)
}

// keys emits the key of every group on every trial. Its levels are four bits
// apart.
func (l latticeKernel) keys(space GPVirtual) {
	one, magic := l.spread32(float(1)), l.spread32(float(doubled))
	high := l.spread32(float(doubled) + uint32(l.levels-1))
	var offset uint32
	for c := range l.dim {
		offset += float(doubled) << (4 * c)
	}
	off := l.constant(offset)
	at, left := GP64(), param("n")
	MOVQ(space, at)
	vectors := label("vectors")
	Label(vectors)
	{
		inverse := l.reg()
		VMOVUPS(Mem{Base: at, Disp: gridInverse}, inverse)
		x, row, groups := GP64(), GP64(), param("groups")
		MOVQ(space, x)
		MOVQ(at, row)
		next := label("group")
		Label(next)
		var key VecVirtual
		for c := l.dim - 1; c >= 0; c-- {
			y := l.reg()
			l.times(Mem{Base: x, Disp: gridX + 4*c}, inverse, y)
			VSUBPS(one, y, y)
			VADDPS(magic, y, y)
			VPMAXSD(magic, y, y)
			VPMINSD(high, y, y)
			if key != nil {
				VPSLLD(Imm(4), key, key)
				VPADDD(key, y, y)
			}
			key = y
		}
		VPSUBD(off, key, key)
		VMOVDQU32or(l.isa, key, Mem{Base: row, Disp: gridKeys})
		ADDQ(U32(4*l.dim), x)
		ADDQ(U32(gridRow), row)
		DECQ(groups)
		JNZ(LabelRef(next))
	}
	ADDQ(U32(4*l.n), at)
	SUBQ(U32(l.n), left)
	JG(LabelRef(vectors))
}

// VMOVDQU32or stores integers.
func VMOVDQU32or(v isa, r VecVirtual, m Mem) { VMOVUPS(r, m) }

// times multiplies every lane by the float at m.
func (v isa) times(m Mem, r, to VecVirtual) {
	if v.wide() {
		VMULPS_BCST(m, r, to)
		return
	}
	VBROADCASTSS(m, to)
	VMULPS(r, to, to)
}

// points emits the walk through the runs of equal keys.
func (l latticeKernel) points(space GPVirtual) {
	x, row, group := GP64(), GP64(), GP64()
	MOVQ(space, x)
	MOVQ(space, row)
	XORQ(group, group)
	nextGroup, run, onGrid, left, fill, bits, nextRun := label("group"), label("run"), label("on"), label("left"), label("fill"), label("bits"), label("next")
	Label(nextGroup)
	margin := l.tables(space, x)
	ends := l.ends(row)
	first, last := GP64(), GP64()
	XORQ(first, first)
	MOVL(U32(0), Mem{Base: space, Index: group, Scale: 4, Disp: gridOn})
	MOVL(U32(0), Mem{Base: space, Index: group, Scale: 4, Disp: gridLeft})

	Label(run)
	TZCNTL(ends, last.As32())
	key, winner := GP64(), GP32()
	MOVL(Mem{Base: row, Index: first, Scale: 4, Disp: gridKeys}, key.As32())
	MOVL(key.As32(), winner)
	pack := GP32()
	if l.dim == 4 {
		MOVL(U32(0x7777), pack)
	} else {
		MOVL(U32(0x33333333), pack)
	}
	PEXTL(pack, key.As32(), key.As32())
	list := GP64()
	MOVLQSX(Mem{Base: param("at"), Index: key, Scale: 4}, list)
	bitsAt := GP64()
	LEAQ(Mem{Base: space, Disp: gridOn}, bitsAt)
	TESTQ(list, list)
	JS(LabelRef(onGrid))
	LEAQ(Mem{Base: param("lists"), Index: list, Scale: 4}, list)
	l.unlessInside(space, x, first, last, left)
	unsure := GP32()
	l.evaluate(space, list, last, margin, winner, unsure, left)
	walk := label("walk")
	Label(walk)
	CMPQ(first, last)
	JE(LabelRef(fill))
	{
		found, also := GP32(), GP32()
		l.evaluate(space, list, first, margin, found, also, left)
		ORL(unsure, also)
		t := GP32()
		MOVL(winner, t)
		XORL(found, t)
		ORL(also, t)
		JZ(LabelRef(fill))
		MOVL(found, Mem{Base: row, Index: first, Scale: 4, Disp: gridPoints})
		INCQ(first)
		JMP(LabelRef(walk))
	}

	Label(left)
	LEAQ(Mem{Base: space, Disp: gridLeft}, bitsAt)
	Label(onGrid)
	{
		one, high, low := GP32(), GP32(), GP32()
		MOVL(U32(1), one)
		SHLXL(first.As32(), one, low)
		ADDL(one, one)
		SHLXL(last.As32(), one, high)
		SUBL(low, high)
		ORL(high, Mem{Base: bitsAt, Index: group, Scale: 4})
	}
	_ = bits
	Label(fill)
	{
		all := l.spread(winner)
		to := GP64()
		LEAQ(Mem{Base: row, Index: first, Scale: 4, Disp: gridPoints}, to)
		for i := 0; i < 32; i += l.n {
			VMOVUPS(all, Mem{Base: to, Disp: 4 * i})
		}
	}
	Label(nextRun)
	LEAQ(Mem{Base: last, Disp: 1}, first)
	BLSRL(ends, ends)
	JNZ(LabelRef(run))

	ADDQ(U32(4*l.dim), x)
	ADDQ(U32(gridRow), row)
	INCQ(group)
	CMPQ(group, NewParamAddr("groups", 32))
	JL(LabelRef(nextGroup))
}

// tables spreads the weights of a group and what their errors count over the
// places of the tables, and returns by how much a point must be better than all
// others to be so in any arithmetic.
func (l latticeKernel) tables(space, x GPVirtual) (margin VecVirtual) {
	values, counts := l.reg(), l.reg()
	VMOVUPS(Mem{Base: x, Disp: gridX}, values.AsY())
	VMOVUPS(Mem{Base: x, Disp: gridRoot}, counts.AsY())
	for i := 0; i < 32; i += l.n {
		place, t := l.reg(), l.reg()
		VMOVUPS(l.ladder().Offset(4*i), place)
		VPERMPS(values, place, t)
		VMOVUPS(t, Mem{Base: space, Disp: gridTableX + 4*i})
		VPERMPS(counts, place, t)
		VMOVUPS(t, Mem{Base: space, Disp: gridTableW + 4*i})
	}
	reach, t, add := l.reg(), l.reg(), l.reg()
	VBROADCASTSS(Mem{Base: space, Disp: gridScale}, reach)
	VMULPS(l.few(float(float32(2*l.levels-1))), l.low(reach), l.low(reach))
	VANDPS(l.few(absMask), l.low(values), l.low(values))
	VADDPS(l.low(values), l.low(reach), l.low(reach))
	VMULPS(l.low(reach), l.low(counts), l.low(counts))
	VMULPS(l.low(reach), l.low(counts), l.low(t))
	VMULPS(l.few(float(0x1p-16)), l.low(t), l.low(t))
	VADDPS(l.low(reach), l.low(counts), l.low(add))
	VADDPS(l.few(float(1)), l.low(add), l.low(add))
	VMULPS(l.few(float(0x1p-120)), l.low(add), l.low(add))
	VADDPS(l.low(add), l.low(t), l.low(t))
	if l.dim == 8 {
		VEXTRACTF128(Imm(1), t.AsY(), add.AsX())
		VADDPS(add.AsX(), t.AsX(), t.AsX())
	}
	VPERMILPS(Imm(0x4e), t.AsX(), add.AsX())
	VADDPS(add.AsX(), t.AsX(), t.AsX())
	VPERMILPS(Imm(0xb1), t.AsX(), add.AsX())
	VADDPS(add.AsX(), t.AsX(), t.AsX())
	margin = l.reg()
	VBROADCASTSS(t.AsX(), margin)
	return margin
}

// few is a constant in memory for a group.
func (l latticeKernel) few(bits uint32) Mem { return vector(bits) }

// ends returns a bit for each trial that is the last of a run of equal keys.
func (l latticeKernel) ends(row GPVirtual) GPVirtual {
	bits := GP32()
	XORL(bits, bits)
	for i := 32 - l.n; i >= 0; i -= l.n {
		a := l.reg()
		VMOVUPS(Mem{Base: row, Disp: gridKeys + 4*i}, a)
		next := Mem{Base: row, Disp: gridKeys + 4*i + 4}
		t := GP32()
		if l.wide() {
			k := K()
			VPCMPEQD(next, a, k)
			KMOVW(k, t)
		} else {
			VPCMPEQD(next, a, a)
			VMOVMSKPS(a, t)
		}
		SHLL(U8(l.n), bits)
		ORL(t, bits)
	}
	NOTL(bits)
	n, one := GP64(), GP32()
	MOVQ(NewParamAddr("n", 24), n)
	DECQ(n)
	MOVL(U32(1), one)
	SHLXL(n.As32(), one, one)
	ORL(one, bits)
	BLSMSKL(one, one)
	ANDL(one, bits)
	return bits.(GPVirtual)
}

// unlessInside jumps to outside if a weight of the group is, on the first or on
// the last trial of a run, almost as near to another level.
func (l latticeKernel) unlessInside(space, x, first, last GPVirtual, outside string) {
	var far [2]VecVirtual
	for i, trial := range []GPVirtual{first, last} {
		y, t := l.reg(), l.reg()
		VBROADCASTSS(Mem{Base: space, Index: trial, Scale: 4, Disp: gridInverse}, l.low(y))
		VMULPS(Mem{Base: x, Disp: gridX}, l.low(y), l.low(y))
		VSUBPS(l.few(float(1)), l.low(y), l.low(y))
		VADDPS(l.few(float(doubled)), l.low(y), l.low(t))
		VSUBPS(l.few(float(doubled)), l.low(t), l.low(t))
		VSUBPS(l.low(t), l.low(y), l.low(y))
		VANDPS(l.few(absMask), l.low(y), l.low(y))
		far[i] = y
	}
	VMAXPS(l.low(far[0]), l.low(far[1]), l.low(far[0]))
	VPCMPGTD(l.few(float(1-0x1p-11)), l.low(far[0]), l.low(far[0])) // both are positive
	bits := GP32()
	VMOVMSKPS(l.low(far[0]), bits)
	TESTL(bits, bits)
	JNZ(LabelRef(outside))
}

// evaluate finds the point of a list that is best on a trial, and whether it is
// not better than all others by the margin. It jumps to tie if several are
// equally good and which comes first is not seen.
func (l latticeKernel) evaluate(space, list, trial GPVirtual, margin VecVirtual, winner, unsure Register, tie string) {
	values := l.reg()
	VBROADCASTSS(Mem{Base: space, Index: trial, Scale: 4, Disp: gridScale}, values)
	VMULPS(l.odd(), values, values)
	var costs []VecVirtual
	for i := 0; i < 32; i += l.n {
		e, c := l.reg(), l.reg()
		VSUBPS(Mem{Base: space, Disp: gridTableX + 4*i}, values, e)
		VMULPS(Mem{Base: space, Disp: gridTableW + 4*i}, e, c)
		VMULPS(e, c, c)
		costs = append(costs, c)
	}
	at, left := GP64(), GP32()
	MOVL(Mem{Base: list}, left)
	LEAQ(Mem{Base: list, Disp: 4}, at)
	best, second, points, most := l.reg(), l.reg(), l.reg(), l.spread32(float(math.MaxFloat32))
	VMOVAPS(most, best)
	VMOVAPS(most, second)
	VMOVUPS(Mem{Base: at}, points)
	next := label("list")
	Label(next)
	{
		list, sum, t := l.reg(), l.reg(), l.reg()
		VMOVUPS(Mem{Base: at}, list)
		VPERMPS(costs[0], list, sum)
		for c := 1; c < l.dim; c++ {
			VPSRLD(shift(c), list, t)
			VPERMPS(costs[c*l.room/l.n], t, t)
			VADDPS(t, sum, sum)
		}
		if l.wide() {
			bits, k := GP32(), K()
			MOVL(I32(-1), bits)
			BZHIL(left, bits, bits)
			KMOVW(bits, k)
			VBLENDMPS(sum, most, k, sum)
		} else {
			m := l.spread(left.(GPVirtual))
			VPCMPGTD(iota16(), m, m)
			VBLENDVPS(m, sum, most, sum)
		}
		better := l.where(less, sum, best)
		VMAXPS(sum, best, t)
		VMINPS(t, second, second)
		VMINPS(sum, best, best)
		l.choose(better, list, points, points)
	}
	ADDQ(U32(4*l.n), at)
	SUBL(U32(l.n), left)
	JG(LabelRef(next))

	lowest, limit := l.reg(), l.reg()
	VMOVAPS(best, lowest)
	l.least(lowest)
	VADDPS(margin, lowest, limit)
	where, near, also := GP32(), GP32(), GP32()
	l.signBits(l.where(equal, best, lowest), where.(GPVirtual))
	l.signBits(l.where(lessOrEqual, best, limit), near.(GPVirtual))
	l.signBits(l.where(lessOrEqual, second, limit), also.(GPVirtual))
	BLSRL(near, near)
	ORL(also, near)
	MOVL(near, unsure)
	single := label("single")
	BLSRL(where, near)
	JZ(LabelRef(single))
	CMPL(Mem{Base: list}, U32(l.n))
	JG(LabelRef(tie))
	Label(single)
	TZCNTL(where, where)
	place := l.reg()
	VMOVD(where, place.AsX())
	VPERMPS(points, place, points)
	VMOVD(points.AsX(), winner)
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
				VPSRLD(shift(c), points, q)
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
		VMOVD(r.AsX(), Mem{Base: space, Disp: gridLoud + 4*i})
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
