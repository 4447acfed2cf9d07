package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// q3_K without importance. Of fitDescending's searches four in five end where they
// begin, if weights are normal: settle finds them out, all moves at once, and only
// the others take the long way.

// subBlocks and subBlock are the sub-blocks of a block, and the weights of one.
const subBlocks, subBlock = 16, 16

// either returns where a or b are set.
func (v isa) either(a, b Register) Register {
	if v.wide() {
		k := K()
		KORW(a, b, k)
		return k
	}
	m := YMM()
	VORPS(a, b, m)
	return m
}

// settle emits the beginning of fitDescending for all sub-blocks of blocks, and
// whether it is the end.
//
// Where the loudest weight is positive, every w·x·c is at most 0, and so is what
// is left of their sum without one of them: no code moves. Where it is negative,
// no code moves if x·Σwc²/Σwxc, over all weights but its own, is less than ½ away
// from each, or beyond the last code. Sixteen lanes divide by an approximate
// reciprocal, so there is a margin. Sums far out in the range of float32, those of
// which one weight makes almost all, and loudest weights of both signs decide
// nothing.
func (v isa) settle() {
	name := "settle" + v.suffix
	function(name, "func(scales *float32, restless *uint16, x *float32, blocks int, space *float32)",
		name+" sets scales to those of fitDescending for 4 levels, of every sub-block of at least one block, but for those whose bit in restless it sets: there codes may move.")
	scales, restless, x, left, space := param("scales"), param("restless"), param("x"), param("blocks"), param("space")
	const tX, tXC, tCodes, tCC = descentX, descentXW, descentCodes, descentW
	at := func(array, row int) Mem { return Mem{Base: space, Disp: array + 4*v.n*row} }
	n := GP64()
	MOVQ(U32(subBlock), n)
	noSign, signs, most, least := v.constant(absMask), v.constant(1<<31), v.constant(float(3)), v.constant(float(-4))
	zero := v.zero()
	nothing := func() VecVirtual {
		r := v.reg()
		VMOVAPS(zero, r)
		return r
	}
	if !v.wide() {
		ADDQ(left, left) // a block is two vectors
	}
	next := label("lanes")
	Label(next)
	v.transpose(space, x, n, tX)
	ADDQ(U32(4*subBlock*v.n), x)

	// Extremes take no order.
	high, low := v.reg(), v.reg()
	VMOVAPS(zero, high)
	VMOVUPS(signs, low)
	for i := range subBlock {
		VPMAXSD(at(tX, i), high, high)
		VPMAXUD(at(tX, i), low, low)
	}
	depth, m, loudest := v.reg(), v.reg(), v.reg()
	VMOVAPS(low, depth)
	v.flip(signs, depth)
	positive, negative := v.where(greater, high, depth), v.where(greater, depth, high)
	v.choose(positive, high, low, m)
	VMAXPS(depth, high, loudest)
	dead := v.where(less, loudest, v.constant(float(1e-15)))

	inverse, xc, cc := v.reg(), nothing(), nothing()
	VMOVUPS(v.constant(float(-4)), inverse)
	VDIVPS(m, inverse, inverse)
	for i := range subBlock {
		x, w, q := v.reg(), v.reg(), v.reg()
		VMOVUPS(at(tX, i), x)
		VMULPS(inverse, x, q)
		v.roundPS(0, q, q) // no larger than 4
		VPMINSD(most, q, q)
		VMOVUPS(q, at(tCodes, i))
		VMULPS(x, x, w)
		VMULPS(x, w, x)
		VMULPS(q, x, x)
		VMOVUPS(x, at(tXC, i))
		VADDPS(x, xc, xc)
		VMULPS(q, w, w)
		VMULPS(q, w, w)
		VMOVUPS(w, at(tCC, i))
		VADDPS(w, cc, cc)
	}
	scale := v.reg()
	VDIVPS(cc, xc, scale)
	v.choose(v.where(greater, cc, zero), scale, zero, scale)
	v.choose(dead, zero, scale, scale)
	VMOVUPS(scale, Mem{Base: scales})

	far, rest := nothing(), v.reg()
	VMOVAPS(xc, rest)
	for i := range subBlock {
		xr, cr := v.reg(), v.reg()
		VSUBPS(at(tXC, i), xc, xr)
		VSUBPS(at(tCC, i), cc, cr)
		VPMINSD(xr, rest, rest)
		VMULPS(at(tX, i), cr, cr)
		if v.wide() {
			VRCP14PS(xr, xr)
			VMULPS(xr, cr, cr)
		} else {
			VDIVPS(xr, cr, cr)
		}
		VPMINSD(most, cr, cr)
		VPMINUD(least, cr, cr)
		VSUBPS(at(tCodes, i), cr, cr)
		v.and(noSign, cr)
		VPMAXSD(cr, far, far)
	}
	VMULPS(v.constant(float(0x1p-12)), xc, xc)
	calm := v.both(negative, v.where(less, far, v.constant(float(0.4995))))
	calm = v.both(calm, v.where(notLess, rest, xc))
	calm = v.both(calm, v.where(greater, loudest, v.constant(float(0x1p-30))))
	calm = v.both(calm, v.where(less, loudest, v.constant(float(0x1p30))))
	calm = v.either(v.either(positive, dead), calm)
	set := GP32()
	if v.wide() {
		KNOTW(calm, calm)
		KMOVW(calm, set)
		MOVW(set.As16(), Mem{Base: restless})
	} else {
		VMOVMSKPS(calm, set)
		NOTL(set)
		MOVB(set.As8(), Mem{Base: restless})
	}
	ADDQ(U32(4*v.n), scales)
	ADDQ(U32(v.n/8), restless)
	DECQ(left)
	JNZ(LabelRef(next))
	VZEROUPPER()
	RET()
}

// descents is how many groups of lanes search by turns: a move waits for the one
// before.
const descents = 3

// fitDescending emits the search for as many sub-blocks as descents have lanes.
func (v isa) fitDescending() {
	name := "fitDescending" + v.suffix
	function(name, "func(space *float32, x *float32)",
		name+" leaves the scale of fitDescending for 4 levels in the spaces of as many sub-blocks of 16 weights as there are lanes in four vectors, one after the other at x.")
	space, x := param("space"), param("x")
	c := v.fitConstants()
	var four VecVirtual = v.reg()
	VPBROADCASTD(constant32(4), four)
	low, high := v.symmetric(c, four)
	minus4 := v.constant(float(-4))
	n := GP64()
	MOVQ(U32(subBlock), n)
	left, at := GP64(), GP64()
	each := func(body func()) {
		MOVQ(U32(descents), left)
		MOVQ(space, at)
		next := label("group")
		Label(next)
		body()
		ADDQ(U32(descentBytes), at)
		DECQ(left)
		JNZ(LabelRef(next))
	}
	row := func(array int) Mem { return Mem{Base: at, Disp: array} }
	each(func() {
		v.transpose(at, x, n, descentX)
		ADDQ(U32(4*subBlock*v.n), x)
		m, _ := v.loudest(at, n)
		VMOVUPS(m, row(descentLoudest))
		xc, cc, inverse := v.reg(), v.reg(), v.reg()
		VMOVUPS(c.zero, xc)
		VMOVUPS(c.zero, cc)
		VMOVUPS(minus4, inverse)
		VDIVPS(m, inverse, inverse)
		v.rows(at, n, 1, func(at func(int) Mem) {
			x, w, q := v.reg(), v.reg(), v.reg()
			VMOVUPS(at(descentX), x)
			VMULPS(x, x, w)
			VMOVUPS(w, at(descentW))
			VMULPS(inverse, x, q)
			v.nearest(c, q, low, high)
			VMOVUPS(q, at(descentCodes))
			VMULPS(x, w, x)
			VMOVUPS(x, at(descentXW))
			VMULPS(q, x, x)
			VADDPS(x, xc, xc)
			VMULPS(q, w, w)
			VMULPS(q, w, w)
			VADDPS(w, cc, cc)
		})
		VMOVUPS(xc, row(descentXC))
		VMOVUPS(cc, row(descentCC))
	})

	// A state that no code of a round left remains: what is the same for sixteen
	// moves is so to the end, whichever lanes go on for others.
	var xc, cc [descents]VecVirtual
	for i := range descents {
		xc[i], cc[i] = v.reg(), v.reg()
		VMOVUPS(Mem{Base: space, Disp: descentBytes*i + descentXC}, xc[i])
		VMOVUPS(Mem{Base: space, Disp: descentBytes*i + descentCC}, cc[i])
	}
	offset, steps, quiet, moved, full := GP64(), GP64(), GP64(), GP32(), GP64()
	XORQ(offset, offset)
	MOVQ(U32(5*subBlock), steps)
	MOVQ(U32(subBlock), full)
	MOVQ(full, quiet)
	next, done := label("move"), label("done")
	Label(next)
	XORL(moved, moved)
	for i := range descents {
		v.descend(func(array int) Mem {
			return Mem{Base: space, Index: offset, Scale: 1, Disp: descentBytes*i + array}
		}, xc[i], cc[i], moved, c, low, high)
	}
	ADDQ(U32(4*v.n), offset)
	ANDQ(U32(4*v.n*subBlock-1), offset)
	DECQ(quiet)
	TESTL(moved, moved)
	CMOVQNE(full, quiet)
	TESTQ(quiet, quiet)
	JZ(LabelRef(done))
	DECQ(steps)
	JNZ(LabelRef(next))
	Label(done)

	for i := range descents {
		at := func(array int) Mem { return Mem{Base: space, Disp: descentBytes*i + array} }
		most, scale, none := v.reg(), v.reg(), v.reg()
		VMOVUPS(c.zero, none)
		VMOVUPS(at(descentLoudest), most)
		v.and(v.constant(absMask), most)
		dead := v.where(less, most, v.constant(float(1e-15)))
		VDIVPS(cc[i], xc[i], scale)
		v.choose(v.where(greater, cc[i], c.zero), scale, none, scale)
		v.choose(dead, c.zero, scale, scale)
		VMOVUPS(scale, at(descentScale))
	}
	VZEROUPPER()
	RET()
}

// Where descentLanes, the space of a group of lanes, has its arrays.
const (
	descentX = rowBytes * subBlock * iota
	descentW
	descentXW
	descentCodes
	descentXC
	descentCC      = descentXC + rowBytes
	descentLoudest = descentCC + rowBytes
	descentScale   = descentLoudest + rowBytes
	descentBytes   = descentScale + rowBytes
)

// descend emits the move of the code in a row, if it lowers the error, and sets a
// bit of moved then.
func (v isa) descend(at func(array int) Mem, xc, cc VecVirtual, moved GPVirtual, c *fitConstants, low, high VecVirtual) {
	q, xr, cr, next, t, u := v.reg(), v.reg(), v.reg(), v.reg(), v.reg(), v.reg()
	VMOVUPS(at(descentCodes), q)
	VMULPS(at(descentXW), q, t)
	VSUBPS(t, xc, xr)
	VMULPS(at(descentW), q, t)
	VMULPS(q, t, t)
	VSUBPS(t, cc, cr)
	useful := v.where(greater, xr, c.zero)
	VMULPS(at(descentX), cr, next)
	VDIVPS(xr, next, next)
	v.nearest(c, next, low, high)
	useful = v.both(useful, v.where(unequal, next, q))
	VMULPS(at(descentXW), next, t)
	VADDPS(t, xr, xr)
	VMULPS(at(descentW), next, t)
	VMULPS(next, t, t)
	VADDPS(t, cr, cr)
	useful = v.both(useful, v.where(greater, cr, c.zero))
	VMULPS(xr, xr, t)
	VMULPS(cc, t, t)
	VMULPS(xc, xc, u)
	VMULPS(cr, u, u)
	useful = v.both(useful, v.where(greater, t, u))
	v.choose(useful, next, q, q)
	VMOVUPS(q, at(descentCodes))
	v.choose(useful, xr, xc, xc)
	v.choose(useful, cr, cc, cc)
	bits := GP32()
	if v.wide() {
		KMOVW(useful, bits)
	} else {
		VMOVMSKPS(useful, bits)
	}
	ORL(bits, moved)
}

// packQ3K emits what follows the search: the scales of a block get their codes,
// and the weights theirs for what those stand for. It leaves a block to Go where
// the codes of the search remain, or d is no number or next to nothing.
func (v isa) packQ3K() {
	name := "packQ3K" + v.suffix
	function(name, "func(dst *byte, x, scales *float32, blocks int) int",
		name+" equals packQ3KGo for the first of at least one block, and returns how many.")
	b, x, scales, left := param("dst"), param("x"), param("scales"), param("blocks")
	noSign := v.constant(absMask)
	zero := v.zero()
	space := AllocLocal(4 * subBlocks)
	next, leave := label("block"), label("leave")
	Label(next)

	s := v.weightsAt(scales, 0, subBlocks)
	a := v.magnitudes(s, noSign)
	m := v.reg()
	VMOVAPS(a[0], m)
	if !v.wide() {
		VPMAXSD(a[1], m, m)
	}
	v.fold(m, VPMAXSD)
	bits := GP32()
	VMOVD(m.AsX(), bits)
	SUBL(U32(float(0x1p-18)), bits)
	CMPL(bits, U32(float(0x1p20)-float(0x1p-18)))
	JA(LabelRef(leave))
	at, inverse, d := v.firstEqual(a, m), XMM(), XMM()
	VMOVSS(constant32(float(-32)), inverse)
	VDIVSS(Mem{Base: scales, Index: at, Scale: 4}, inverse, inverse)
	VMOVSS(constant32(float(1)), d)
	VDIVSS(inverse, d, d)
	VCVTPS2PH(Imm(0), d, d)
	half := GP32()
	VMOVD(d, half)
	VCVTPH2PS(d, d)
	all, step := v.reg(), v.reg()
	VBROADCASTSS(inverse, all)
	VBROADCASTSS(d, step)
	for i, q := range s {
		VMULPS(all, q, q)
		VCVTPS2DQ(q, q)
		VPMINSD(v.constant(31), q, q)
		f := v.reg()
		VCVTDQ2PS(q, f)
		VMULPS(step, f, f)
		VMOVUPS(f, space.Offset(32*i))
		if v.wide() {
			k := K()
			VPTESTNMD(q, q, k)
			KORTESTW(k, k)
			VPADDD(v.constant(32), q, q)
		} else {
			z := v.reg()
			VPCMPEQD(zero, q, z)
			VPTEST(z, z)
			VPADDD(v.constant(32), q, q)
		}
		JNZ(LabelRef(leave))
	}
	MOVW(half.As16(), Mem{Base: b, Disp: 108})
	v.packScalesQ3K(s, b)

	v.packCodesQ3K(b, x, space, zero)
	ADDQ(U32(110), b)
	ADDQ(U32(1024), x)
	ADDQ(U32(64), scales)
	DECQ(left)
	JNZ(LabelRef(next))
	Label(leave)
	done := param("blocks")
	SUBQ(left, done)
	Store(done, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// packScalesQ3K stores the sixteen scales of six bits.
func (v isa) packScalesQ3K(s []VecVirtual, b GPVirtual) {
	x := XMM()
	if v.wide() {
		VPMOVDB(s[0], x)
	} else {
		VPACKSSDW(s[1], s[0], s[0])
		VPERMQ(Imm(0xd8), s[0], s[0])
		VEXTRACTI128(Imm(1), s[0], x)
		VPACKUSWB(x, s[0].AsX(), x)
	}
	first, last, mask := GP64(), GP64(), GP64()
	VMOVQ(x, first)
	VPEXTRQ(Imm(1), x, last)
	low, t := GP64(), GP64()
	MOVQ(U64(0x0f0f0f0f0f0f0f0f), mask)
	MOVQ(first, low)
	ANDQ(mask, low)
	MOVQ(last, t)
	ANDQ(mask, t)
	SHLQ(Imm(4), t)
	ORQ(t, low)
	MOVQ(low, Mem{Base: b, Disp: 96})
	MOVQ(U64(0x0303030303030303), mask)
	SHRQ(Imm(4), first)
	ANDQ(mask, first)
	SHRQ(Imm(4), last)
	ANDQ(mask, last)
	SHLQ(Imm(4), last)
	ORQ(last, first)
	MOVQ(first, t)
	SHRQ(Imm(30), t)
	ORL(t.As32(), first.As32())
	MOVL(first.As32(), Mem{Base: b, Disp: 104})
}

// packCodesQ3K stores the codes of a block: weights over the steps of their
// sub-blocks, rounded, in runs of 32, each of which has bits of its own in bytes.
func (v isa) packCodesQ3K(b, x GPVirtual, steps Mem, zero VecVirtual) {
	const runs = 8
	magic, mantissa := v.constant(float(3<<22)), v.constant(0x7fffff)
	least, most := v.constant(1<<22-4), v.constant(1<<22+3)
	code := func(x Mem, step func(q VecVirtual)) VecVirtual { // 2^22 more
		q := v.reg()
		VMOVUPS(x, q)
		step(q)
		VADDPS(magic, q, q)
		v.and(mantissa, q)
		VPMAXSD(least, q, q)
		VPMINSD(most, q, q)
		return q
	}
	if v.wide() {
		for half := range 2 {
			low, high := [2]VecVirtual{v.reg(), v.reg()}, v.reg()
			for _, r := range []VecVirtual{low[0], low[1], high} {
				VMOVAPS(zero, r)
			}
			for k := range runs {
				q := code(Mem{Base: x, Disp: 128*k + 64*half}, func(q VecVirtual) {
					VDIVPS_BCST(steps.Offset(8*k+4*half), q, q)
				})
				// Less 4, as codes are kept, the lowest two bits are the same and the third is not.
				v.merge(q, 0, k%4*2, 3, low[k/4])
				v.merge(q, 2, k, 1, high)
			}
			v.flip(v.constant(0xff), high)
			VPMOVDB(high, Mem{Base: b, Disp: 16 * half})
			for i, q := range low {
				VPMOVDB(q, Mem{Base: b, Disp: 32 + 32*i + 16*half})
			}
		}
		return
	}
	order := YMM()
	VMOVDQU(byteOrder(), order)
	low, high := v.reg(), v.reg()
	VMOVAPS(zero, high)
	for k := range runs {
		if k%4 == 0 {
			VMOVAPS(zero, low)
		}
		var q []VecVirtual
		for i := range 4 {
			q = append(q, code(Mem{Base: x, Disp: 128*k + 32*i}, func(q VecVirtual) {
				step := YMM()
				VBROADCASTSS(steps.Offset(8*k+4*(i/2)), step)
				VDIVPS(step, q, q)
			}))
			VPSUBD(least, q[i], q[i])
		}
		c := v.bytes32(q, order)
		v.merge(c, 0, k%4*2, 0x03030303, low)
		v.merge(c, 2, k, 0x01010101, high)
		if k%4 == 3 {
			VMOVDQU(low, Mem{Base: b, Disp: 32 + 32*(k/4)})
		}
	}
	VMOVDQU(high, Mem{Base: b})
}

// merge adds the bits of q that mask has, once they are at 0, to those of to,
// moved from one place to another. Whole words move: what crosses bytes is not
// among the bits.
func (v isa) merge(q VecVirtual, from, at int, mask uint32, to VecVirtual) {
	t := v.reg()
	switch shift := at - from; {
	case shift > 0:
		VPSLLD(Imm(uint64(shift)), q, t)
	case shift < 0:
		VPSRLD(Imm(uint64(-shift)), q, t)
	default:
		t = q
	}
	bits := v.constant(mask << at)
	if v.wide() {
		VPTERNLOGD(U8(0xf8), bits, t, to) // to OR t AND bits
		return
	}
	u := v.reg()
	VPAND(bits, t, u)
	VPOR(u, to, to)
}
