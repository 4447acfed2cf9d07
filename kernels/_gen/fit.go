package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Where fitLanes, the space of the searches, has its arrays: 32 rows of 16
// lanes, with a gap of as many as 16 rows, then single rows.
const (
	rowBytes    = 4 * 16
	lanesX      = 0
	lanesW      = lanesX + 32*rowBytes
	lanesCodes  = lanesW + 48*rowBytes
	lanesTrial  = lanesCodes + 32*rowBytes
	lanesScale  = lanesTrial + 32*rowBytes
	lanesOffset = lanesScale + rowBytes
	lanesSum    = lanesOffset + rowBytes
)

// constant returns a vector of equal words as an operand: in memory where
// registers are few.
func (v isa) constant(bits uint32) Op {
	if v.wide() {
		return v.spread32(bits)
	}
	return vector(bits)
}

func float(x float32) uint32 { return math.Float32bits(x) }

// compare returns where a pred b.
func (v isa) where(pred Constant, a VecVirtual, b Op) Register {
	if v.wide() {
		k := K()
		VCMPPS(pred, b, a, k)
		return k
	}
	m := YMM()
	VCMPPS(pred, b, a, m)
	return m
}

// choose sets to to yes where m is set and to no elsewhere.
func (v isa) choose(m Register, yes Op, no, to VecVirtual) {
	if v.wide() {
		VBLENDMPS(yes, no, m, to)
		return
	}
	VBLENDVPS(m, yes, no, to)
}

// both returns where a and b are set.
func (v isa) both(a, b Register) Register {
	if v.wide() {
		k := K()
		KANDW(a, b, k)
		return k
	}
	m := YMM()
	VANDPS(a, b, m)
	return m
}

// unlessAny jumps to target if m is nowhere set.
func (v isa) unlessAny(m Register, target string) {
	if v.wide() {
		KORTESTW(m, m)
	} else {
		t := GP32()
		VMOVMSKPS(m, t)
		TESTL(t, t)
	}
	JZ(LabelRef(target))
}

// rows emits body for every row of n, a multiple of how many are done in a
// turn; at finds the row in an array that begins at an offset of the space.
func (v isa) rows(space, n GPVirtual, turn int, body func(at func(array int) Mem)) {
	row, left := GP64(), GP64()
	MOVQ(space, row)
	MOVQ(n, left)
	next := label("row")
	Label(next)
	for i := range turn {
		body(func(array int) Mem { return Mem{Base: row, Disp: array + 4*v.n*i} })
	}
	ADDQ(U32(4*v.n*turn), row)
	SUBQ(U32(turn), left)
	JNZ(LabelRef(next))
}

// iota16 is the words 0…15 in memory.
func iota16() Mem {
	if _, ok := constants["iota"]; !ok {
		m := GLOBL("iota", RODATA|NOPTR)
		for i := range 16 {
			DATA(4*i, U32(i))
		}
		constants["iota"] = m
	}
	return constants["iota"]
}

// spread returns a vector of the word in r.
func (v isa) spread(r GPVirtual) VecVirtual {
	x, all := XMM(), v.reg()
	VMOVD(r.As32(), x)
	VPBROADCASTD(x, all)
	return all
}

// transpose emits the way of sub-blocks of n floats, a lane each, into the rows
// of array: four floats of each at a time. Those of sub-block 4·p + i go to part p
// of vector i; transposing four by four inside the parts makes rows of them.
func (v isa) transpose(space, from, n GPVirtual, array int) {
	source, stride, at4 := GP64(), GP64(), GP64()
	MOVQ(from, source)
	MOVQ(n, stride)
	SHLQ(Imm(2), stride)
	var four [4]VecVirtual
	k := 0
	v.rows(space, n, 4, func(at func(int) Mem) {
		if k == 0 {
			MOVQ(source, at4)
			for i := range v.n {
				r, m := four[i%4], Mem{Base: at4}
				switch part := U8(i / 4); {
				case part == 0:
					r = v.reg()
					four[i] = r
					VMOVUPS(m, r.AsX())
				case v.wide():
					VINSERTF32X4(part, m, r, r)
				default:
					VINSERTF128(part, m, r, r)
				}
				if i < v.n-1 {
					ADDQ(stride, at4)
				}
			}
			ADDQ(Imm(16), source)
			v.transpose4(&four)
		}
		VMOVUPS(four[k], at(array))
		k++
	})
}

// transpose4 transposes four by four words inside each 16 bytes.
func (v isa) transpose4(r *[4]VecVirtual) {
	var t [4]VecVirtual
	for i := range 2 {
		t[2*i], t[2*i+1] = v.reg(), v.reg()
		VUNPCKLPS(r[2*i+1], r[2*i], t[2*i])
		VUNPCKHPS(r[2*i+1], r[2*i], t[2*i+1])
	}
	for i := range 2 {
		VUNPCKLPD(t[2+i], t[i], r[2*i])
		VUNPCKHPD(t[2+i], t[i], r[2*i+1])
	}
}

// fitConstants are operands of every step of a search.
type fitConstants struct{ zero, magic, mantissa, exponent, signs, ones Op }

func (v isa) fitConstants() *fitConstants {
	return &fitConstants{
		zero: v.constant(0), magic: v.constant(float(3 << 22)), mantissa: v.constant(0x7fffff),
		exponent: v.constant(float(1 << 23)),
		signs:    v.constant(1 << 31), ones: v.constant(float(1)),
	}
}

// nearest makes q the integer nearest to it, from the one that low is to the one
// that high is, as a float: the Go function nearest says what becomes of what is
// no number. It adds 1.5·2^23 and looks at the mantissa alone; so does this, with
// the exponent of 2^23 put before it, under which floats are ordered like their
// bits. low and high are 1.5·2^23 and an integer.
func (v isa) nearest(c *fitConstants, q VecVirtual, low, high Op) {
	v.nearestBits(c, q, low, high)
	VSUBPS(c.magic, q, q)
}

// nearestBits makes q 1.5·2^23 more than nearest does.
func (v isa) nearestBits(c *fitConstants, q VecVirtual, low, high Op) {
	VADDPS(c.magic, q, q)
	if v.wide() {
		VPTERNLOGD(U8(0xec), c.mantissa, c.exponent, q) // q AND mantissa OR exponent
	} else {
		VPAND(c.mantissa, q, q)
		VPOR(c.exponent, q, q)
	}
	VPMAXSD(low, q, q)
	VPMINSD(high, q, q)
}

func (v isa) and(bits Op, q VecVirtual) {
	if v.wide() {
		VPANDD(bits, q, q)
	} else {
		VPAND(bits, q, q)
	}
}

func (v isa) flip(bits Op, q VecVirtual) {
	if v.wide() {
		VPXORD(bits, q, q)
	} else {
		VPXOR(bits, q, q)
	}
}

// weights fills the rows of weights as a weighting says.
func (v isa) weights(space, w, n, weigh GPVirtual) {
	given, done := label("given"), label("weighed")
	TESTQ(weigh, weigh)
	JZ(LabelRef(given))
	add := v.zero()
	magnitudes, others := label("magnitudes"), label("others")
	CMPQ(weigh, Imm(3))
	JNE(LabelRef(others))
	v.rows(space, n, 1, func(at func(int) Mem) {
		x := v.reg()
		VMOVUPS(at(lanesX), x)
		VMULPS(x, x, x)
		VMOVUPS(x, at(lanesW))
	})
	JMP(LabelRef(done))
	Label(others)
	CMPQ(weigh, Imm(2))
	JE(LabelRef(magnitudes))
	v.rows(space, n, 1, func(at func(int) Mem) {
		x := v.reg()
		VMOVUPS(at(lanesX), x)
		VMULPS(x, x, x)
		VADDPS(x, add, add)
	})
	count := XMM()
	all := v.reg()
	VCVTSI2SSQ(n, v.zero().AsX(), count)
	VBROADCASTSS(count, all)
	VDIVPS(all, add, add)
	VSQRTPS(add, add)
	Label(magnitudes)
	noSign := v.constant(absMask)
	v.rows(space, n, 1, func(at func(int) Mem) {
		x := v.reg()
		VMOVUPS(at(lanesX), x)
		v.and(noSign, x)
		VADDPS(x, add, x)
		VMOVUPS(x, at(lanesW))
	})
	JMP(LabelRef(done))
	Label(given)
	v.transpose(space, w, n, lanesW)
	Label(done)
}

// trials emits body for every row of n with the code on trial, which sixteen
// lanes keep as a byte: rows of weights and of whole codes would share the sets of the
// cache, and where their addresses are unlucky each would drive out the other.
func (v isa) trials(space, n GPVirtual, body func(at func(array int) Mem, trial Mem)) {
	code, size := GP64(), 4*v.n
	if v.wide() {
		size = v.n
	}
	LEAQ(Mem{Base: space, Disp: lanesTrial}, code)
	i := 0
	v.rows(space, n, 4, func(at func(int) Mem) {
		body(at, Mem{Base: code, Disp: size * i})
		if i++; i == 4 {
			ADDQ(U32(4*size), code)
		}
	})
}

// putTrial stores the code that q is with 1.5·2^23 added to it, and takes that
// off.
func (v isa) putTrial(c *fitConstants, q VecVirtual, to Mem) {
	if v.wide() {
		VPMOVDB(q, to)
		VSUBPS(c.magic, q, q)
		return
	}
	VSUBPS(c.magic, q, q)
	VMOVUPS(q, to)
}

// fitLoss leaves in sum the weighted error of x ≈ scale·c + low for the codes on
// trial.
func (v isa) fitLoss(space, n GPVirtual, scale, low, sum VecVirtual, absolute bool) {
	v.clear(sum)
	noSign := Op(nil)
	if absolute {
		noSign = v.constant(absMask)
	}
	e := v.reg()
	v.trials(space, n, func(at func(int) Mem, trial Mem) {
		if v.wide() {
			VPMOVZXBD(trial, e)
			VCVTDQ2PS(e, e)
			VMULPS(scale, e, e)
		} else {
			VMULPS(trial, scale, e)
		}
		VADDPS(low, e, e)
		VSUBPS(at(lanesX), e, e)
		if absolute {
			v.and(noSign, e)
		} else {
			VMULPS(e, e, e)
		}
		VMULPS(at(lanesW), e, e)
		VADDPS(e, sum, sum)
	})
}

// What a group of lanes keeps between the phases of a try lies where its codes
// will.
const (
	affineLow = lanesCodes + rowBytes*iota
	affineHigh
	affineSums // of weights times x
	affineInverse
	affineScale
	affineBest
	affineTrialScale
	affineTrialLow
)

// fitAffine emits affineFit.fit for as many sub-blocks as there are lanes in one
// group or two. A try ends in divisions and in sums that wait for each other:
// the groups take turns at its two phases, so that one computes while the other
// waits.
func (v isa) fitAffine(absolute bool) {
	name := "fitAffine"
	if absolute {
		name += "Absolute"
	}
	name += v.suffix
	function(name, "func(space, x, w *float32, n, weigh int, numerators *float32, tries int, levels int32, groups, apart int)",
		name+" equals affineFit.fit on each of as many sub-blocks of n weights as a vector has lanes, in so many groups, whose spaces are so many bytes apart. numerators are what is divided by the range: the levels, then those of each of the tries.")
	space, x, w, n := param("space"), param("x"), param("w"), param("n")
	numerators := param("numerators")
	c := v.fitConstants()
	last := v.spread(Load(Param("levels"), GP32()).(GPVirtual))
	VPADDD(c.magic, last, last)
	each := func(body func(space GPVirtual)) {
		s, left := GP64(), param("groups")
		MOVQ(space, s)
		next := label("group")
		Label(next)
		body(s)
		ADDQ(param("apart"), s)
		DECQ(left)
		JNZ(LabelRef(next))
	}
	row := func(space GPVirtual, at int) Mem { return Mem{Base: space, Disp: at} }
	load := func(space GPVirtual, at int) VecVirtual {
		r := v.reg()
		VMOVUPS(row(space, at), r)
		return r
	}
	inverted := func(low, high VecVirtual) VecVirtual { // the numerator over the range, whose low end moves
		width, inverse := v.reg(), v.reg()
		VSUBPS(low, high, width)
		VBROADCASTSS(Mem{Base: numerators}, inverse)
		VDIVPS(width, inverse, inverse)
		return inverse
	}

	each(func(space GPVirtual) {
		v.transpose(space, x, n, lanesX)
		v.weights(space, w, n, param("weigh"))
		size := GP64()
		IMUL3Q(U32(4*v.n), n, size)
		ADDQ(size, x)
		ADDQ(size, w)
		low, high, sw, swx := load(space, lanesX), v.reg(), load(space, lanesW), v.reg()
		VMOVUPS(low, high)
		VMULPS(low, sw, swx)
		rest, less1 := GP64(), GP64()
		LEAQ(Mem{Base: space, Disp: 4 * v.n}, rest)
		LEAQ(Mem{Base: n, Disp: -1}, less1)
		v.rows(rest, less1, 1, func(at func(int) Mem) {
			x, w := v.reg(), v.reg()
			VMOVUPS(at(lanesX), x)
			VMOVUPS(at(lanesW), w)
			VMINPS(low, x, low) // the second where either is no number
			VMAXPS(high, x, high)
			VADDPS(w, sw, sw)
			VMULPS(x, w, w)
			VADDPS(w, swx, swx)
		})
		VMOVUPS(sw, row(space, lanesSum))
		VMOVUPS(swx, row(space, affineSums))
		zero := v.zero()
		VMINPS(low, zero, low)
		VMOVUPS(low, row(space, affineLow))
		VMOVUPS(high, row(space, affineHigh))
		dead := v.where(lessOrEqual, high, low)
		inverse, scale := inverted(low, high), v.reg()
		VMOVUPS(c.ones, scale)
		VDIVPS(inverse, scale, scale)
		v.choose(dead, c.zero, scale, scale)
		v.choose(dead, c.zero, inverse, inverse) // so that codes are 0
		VMOVUPS(scale, row(space, affineScale))
		// Where codes come from is kept, not the codes.
		VMOVUPS(low, row(space, lanesOffset))
		VMOVUPS(inverse, row(space, lanesScale))
		v.trials(space, n, func(at func(int) Mem, trial Mem) {
			q := v.reg()
			VMOVUPS(at(lanesX), q)
			VSUBPS(low, q, q)
			VMULPS(inverse, q, q)
			v.nearestBits(c, q, c.magic, last)
			v.putTrial(c, q, trial)
		})
		best := v.reg()
		v.fitLoss(space, n, scale, low, best, absolute)
		v.choose(dead, v.constant(float(float32(math.Inf(-1)))), best, best)
		VMOVUPS(best, row(space, affineBest))
	})

	tries := param("tries")
	try := label("try")
	Label(try)
	ADDQ(Imm(4), numerators)
	each(func(space GPVirtual) {
		low := load(space, affineLow)
		inverse := inverted(low, load(space, affineHigh))
		VMOVUPS(inverse, row(space, affineInverse))
		swc, swcc, swxc := v.zero(), v.zero(), v.zero()
		x, q, wq := v.reg(), v.reg(), v.reg()
		v.trials(space, n, func(at func(int) Mem, trial Mem) {
			VMOVUPS(at(lanesX), x)
			VSUBPS(low, x, q)
			VMULPS(inverse, q, q)
			v.nearestBits(c, q, c.magic, last)
			v.putTrial(c, q, trial)
			VMULPS(at(lanesW), q, wq)
			VADDPS(wq, swc, swc)
			VMULPS(wq, x, x)
			VADDPS(x, swxc, swxc)
			VMULPS(wq, q, q)
			VADDPS(q, swcc, swcc)
		})
		sw, swx := load(space, lanesSum), load(space, affineSums)
		det, d, m, t := v.reg(), v.reg(), v.reg(), v.reg()
		VMULPS(swcc, sw, det)
		VMULPS(swc, swc, t)
		VSUBPS(t, det, det)
		VMULPS(swxc, sw, d)
		VMULPS(swc, swx, t)
		VSUBPS(t, d, d)
		VDIVPS(det, d, d)
		VMULPS(swx, swcc, m)
		VMULPS(swxc, swc, t)
		VSUBPS(t, m, m)
		VDIVPS(det, m, m)
		VDIVPS(swcc, swxc, t)
		above := v.where(greater, m, c.zero)
		v.choose(above, t, d, d)
		v.choose(above, c.zero, m, m)
		none := v.reg() // no number as the offset makes none of the loss
		VMOVUPS(v.constant(float(float32(math.NaN()))), none)
		v.choose(v.where(greater, det, c.zero), m, none, m)
		VMOVUPS(d, row(space, affineTrialScale))
		VMOVUPS(m, row(space, affineTrialLow))
	})
	each(func(space GPVirtual) {
		d, m, loss := load(space, affineTrialScale), load(space, affineTrialLow), v.reg()
		v.fitLoss(space, n, d, m, loss, absolute)
		best := load(space, affineBest)
		better := v.where(less, loss, best)
		worse := label("worse")
		v.unlessAny(better, worse)
		take := func(from Op, to int) {
			r := load(space, to)
			v.choose(better, from, r, r)
			VMOVUPS(r, row(space, to))
		}
		take(row(space, affineLow), lanesOffset)
		take(row(space, affineInverse), lanesScale)
		take(loss, affineBest)
		take(d, affineScale)
		take(m, affineLow)
		Label(worse)
	})
	DECQ(tries)
	JNZ(LabelRef(try))

	each(func(space GPVirtual) {
		scale, low := load(space, affineScale), load(space, affineLow)
		wonLow, wonInverse := load(space, lanesOffset), load(space, lanesScale)
		v.rows(space, n, 4, func(at func(int) Mem) {
			q := v.reg()
			VMOVUPS(at(lanesX), q)
			VSUBPS(wonLow, q, q)
			VMULPS(wonInverse, q, q)
			v.nearest(c, q, c.magic, last)
			VMOVUPS(q, at(lanesCodes))
		})
		v.flip(c.signs, low)
		VMOVUPS(scale, row(space, lanesScale))
		VMOVUPS(low, row(space, lanesOffset))
	})
	VZEROUPPER()
	RET()
}

// recode emits the codes of as many parts of n weights as there are scales.
func (v isa) recode() {
	name := "recode" + v.suffix
	function(name, "func(codes *uint8, x *float32, n int, scales, offsets *float32, parts int, low, high int32)", name+" equals recodeGo for n > 0, a multiple of 16, and parts > 0.")
	codes, x, n := param("codes"), param("x"), param("n")
	scales, offsets, parts := param("scales"), param("offsets"), param("parts")
	low := v.spread(Load(Param("low"), GP32()).(GPVirtual))
	high := v.spread(Load(Param("high"), GP32()).(GPVirtual))
	magic, mantissa, half := v.constant(float(3<<22)), v.constant(0x7fffff), v.constant(1<<22)
	part := label("part")
	Label(part)
	scale, offset, left := v.reg(), v.reg(), GP64()
	VBROADCASTSS(Mem{Base: scales}, scale)
	VBROADCASTSS(Mem{Base: offsets}, offset)
	MOVQ(n, left)
	next := label("loop")
	Label(next)
	var q [2]VecVirtual
	for i := range 16 / v.n {
		q[i] = v.reg()
		VADDPS(Mem{Base: x, Disp: 4 * v.n * i}, offset, q[i])
		VDIVPS(scale, q[i], q[i])
		VADDPS(magic, q[i], q[i])
		v.and(mantissa, q[i])
		VPSUBD(half, q[i], q[i])
		VPMAXSD(low, q[i], q[i])
		VPMINSD(high, q[i], q[i])
		VPSUBD(low, q[i], q[i])
	}
	if v.wide() {
		VPMOVDB(q[0], Mem{Base: codes})
	} else {
		VPACKSSDW(q[1], q[0], q[0])
		VPERMQ(Imm(0xd8), q[0], q[0])
		h := XMM()
		VEXTRACTI128(Imm(1), q[0], h)
		VPACKUSWB(h, q[0].AsX(), q[0].AsX())
		VMOVDQU(q[0].AsX(), Mem{Base: codes})
	}
	ADDQ(Imm(64), x)
	ADDQ(Imm(16), codes)
	SUBQ(Imm(16), left)
	JNZ(LabelRef(next))
	ADDQ(Imm(4), scales)
	ADDQ(Imm(4), offsets)
	DECQ(parts)
	JNZ(LabelRef(part))
	VZEROUPPER()
	RET()
}

// symmetric returns what [isa.nearest] takes for the codes −levels…levels−1.
func (v isa) symmetric(c *fitConstants, levels VecVirtual) (low, high VecVirtual) {
	low, high = v.reg(), v.reg()
	VMOVUPS(c.magic, low)
	VPADDD(levels, low, high)
	VPSUBD(levels, low, low)
	one := v.reg()
	v.allOnes(one)
	VPADDD(one, high, high) // less 1
	return low, high
}

// loudest returns the weight of the largest magnitude in each lane, the first
// of equals, and where it is next to nothing.
func (v isa) loudest(space, n GPVirtual) (m VecVirtual, dead Register) {
	m, most := v.zero(), v.zero()
	noSign := v.constant(absMask)
	v.rows(space, n, 1, func(at func(int) Mem) {
		x, a := v.reg(), v.reg()
		VMOVUPS(at(lanesX), x)
		VMOVAPS(x, a)
		v.and(noSign, a)
		louder := v.where(greater, a, most)
		v.choose(louder, a, most, most)
		v.choose(louder, x, m, m)
	})
	return m, v.where(less, most, v.constant(float(1e-15)))
}

// storeCodes leaves the codes of all lanes in their rows, the lowest 0, and 0
// where a lane is dead; take gives the code of a row as a float.
func (v isa) storeCodes(space, n GPVirtual, c *fitConstants, low VecVirtual, dead Register, take func(at func(int) Mem, q VecVirtual)) {
	v.rows(space, n, 1, func(at func(int) Mem) {
		q := v.reg()
		take(at, q)
		VADDPS(c.magic, q, q)
		VSUBPS(low, q, q)
		v.choose(dead, c.zero, q, q)
		VMOVUPS(q, at(lanesCodes))
	})
}

// fitSymmetric emits fitSymmetric for as many sub-blocks as there are lanes.
func (v isa) fitSymmetric() {
	name := "fitSymmetric" + v.suffix
	function(name, "func(space, x, w *float32, n, weigh int, numerators *float32, tries int, levels int32)",
		name+" equals fitSymmetric on each of as many sub-blocks of n weights as a vector has lanes. numerators are what is divided by the loudest weight: first minus the levels, then those of each of the tries.")
	space, x, w, n := param("space"), param("x"), param("w"), param("n")
	v.transpose(space, x, n, lanesX)
	v.weights(space, w, n, param("weigh"))

	numerators, tries := param("numerators"), param("tries")
	c := v.fitConstants()
	levels := v.spread(Load(Param("levels"), GP32()).(GPVirtual))
	low, high := v.symmetric(c, levels)
	m, dead := v.loudest(space, n)

	sum := v.zero()
	v.rows(space, n, 1, func(at func(int) Mem) { VADDPS(at(lanesW), sum, sum) })
	VMOVUPS(sum, Mem{Base: space, Disp: lanesSum})

	inverse, won := v.reg(), v.reg()
	xc, cc := v.reg(), v.reg()
	// What is rounded is no larger than the levels and 1, where the loudest is not
	// next to nothing: so a rounding instruction does what nearest does.
	least, most := v.reg(), v.reg()
	VSUBPS(c.magic, low, least)
	VSUBPS(c.magic, high, most)
	v.rows(space, n, 1, func(at func(int) Mem) {
		x := v.reg()
		VMOVUPS(at(lanesX), x)
		VMULPS(at(lanesW), x, x)
		VMOVUPS(x, at(lanesTrial))
	})
	project := func() {
		VBROADCASTSS(Mem{Base: numerators}, inverse)
		ADDQ(Imm(4), numerators)
		VDIVPS(m, inverse, inverse)
		v.clear(xc)
		v.clear(cc)
		q, t := v.reg(), v.reg()
		v.rows(space, n, 4, func(at func(int) Mem) {
			VMULPS(at(lanesX), inverse, q)
			if v.wide() {
				VRNDSCALEPS(Imm(0), q, q)
			} else {
				VROUNDPS(Imm(0), q, q)
			}
			VMAXPS(least, q, q)
			VMINPS(most, q, q)
			VMULPS(at(lanesTrial), q, t)
			VADDPS(t, xc, xc)
			VMULPS(at(lanesW), q, t)
			VMULPS(q, t, t)
			VADDPS(t, cc, cc)
		})
	}
	project()
	VMOVAPS(inverse, won)
	scale, best, t := v.zero(), v.reg(), v.reg()
	VDIVPS(cc, xc, t)
	v.choose(v.where(unequal, cc, c.zero), t, scale, scale)
	VMULPS(xc, scale, best)

	try := label("try")
	Label(try)
	project()
	l, r := v.reg(), v.reg()
	VMULPS(xc, xc, l)
	VMULPS(cc, best, r)
	better := v.both(v.where(greater, cc, c.zero), v.where(greater, l, r))
	VDIVPS(cc, xc, t)
	VMULPS(xc, t, l)
	v.choose(better, t, scale, scale)
	v.choose(better, l, best, best)
	v.choose(better, inverse, won, won)
	DECQ(tries)
	JNZ(LabelRef(try))

	v.choose(dead, c.zero, scale, scale)
	VMOVUPS(scale, Mem{Base: space, Disp: lanesScale})
	v.storeCodes(space, n, c, low, dead, func(at func(int) Mem, q VecVirtual) {
		VMULPS(at(lanesX), won, q)
		v.nearest(c, q, low, high)
	})
	VZEROUPPER()
	RET()
}

// allOnes sets every bit of r.
func (v isa) allOnes(r VecVirtual) {
	if v.wide() {
		VPTERNLOGD(U8(0xff), r, r, r)
	} else {
		VPCMPEQD(r, r, r)
	}
}

// fitNonlinear emits fitNonlinear for as many sub-blocks as there are lanes.
// tables are the middles between values in the order of a binary search, one,
// two, four and eight of them, each in a row of eight words, then the values.
func (v isa) fitNonlinear() {
	name := "fitNonlinear" + v.suffix
	function(name, "func(space, x, w *float32, n, weigh int, tables *float32, numerators *float32, tries int)",
		name+" equals fitNonlinear on each of as many sub-blocks of n weights as a vector has lanes. numerators are what is divided by the loudest weight.")
	space, x, w, n := param("space"), param("x"), param("w"), param("n")
	v.transpose(space, x, n, lanesX)
	v.weights(space, w, n, param("weigh"))

	tables, numerators, tries := param("tables"), param("numerators"), param("tries")
	zero := v.constant(0)
	m, dead := v.loudest(space, n)

	inverse, qx, qq := v.reg(), v.reg(), v.reg()
	scale, best := v.zero(), v.reg()
	project := func() {
		v.clear(qx)
		v.clear(qq)
		x, q, i, t := v.reg(), v.reg(), v.reg(), v.reg()
		v.rows(space, n, 1, func(at func(int) Mem) {
			VMOVUPS(at(lanesX), x)
			VMULPS(inverse, x, q)
			v.clear(i)
			for level := range 4 {
				VMOVUPS(Mem{Base: tables, Disp: 64 * level}, t)
				VPERMPS(t, i, t)
				VPADDD(i, i, i)
				if v.wide() {
					k := K()
					VCMPPS(notLess, t, q, k)
					VPADDD(v.constant(1), i, k, i)
				} else {
					VCMPPS(notLess, t, q, t)
					VPSUBD(t, i, i)
				}
			}
			if v.wide() {
				VMOVUPS(Mem{Base: tables, Disp: 64 * 4}, t)
				VPERMPS(t, i, q)
			} else {
				high := YMM()
				VMOVUPS(Mem{Base: tables, Disp: 64 * 4}, t)
				VPERMPS(t, i, q)
				VMOVUPS(Mem{Base: tables, Disp: 64*4 + 32}, t)
				VPERMPS(t, i, high)
				VPSLLD(Imm(28), i, i) // the eighth bit becomes the sign
				VBLENDVPS(i, high, q, q)
			}
			VMULPS(at(lanesW), q, t)
			VMULPS(t, x, x)
			VADDPS(x, qx, qx)
			VMULPS(t, q, q)
			VADDPS(q, qq, qq)
		})
	}
	// The loudest at 127: 1/(m·(1/127)) as the Go function has it.
	flip := v.reg()
	VMOVUPS(m, flip)
	v.flip(v.constant(1<<31), flip)
	first := v.reg()
	VBROADCASTSS(Mem{Base: tables, Disp: 64 * 4}, first)
	VDIVPS(first, flip, flip)
	VMOVUPS(v.constant(float(1)), inverse)
	VDIVPS(flip, inverse, inverse)
	project()
	t := v.reg()
	VDIVPS(qq, qx, t)
	v.choose(v.where(greater, qq, zero), t, scale, scale)
	VMULPS(qx, scale, best)

	try := label("try")
	Label(try)
	VBROADCASTSS(Mem{Base: numerators}, inverse)
	ADDQ(Imm(4), numerators)
	VDIVPS(m, inverse, inverse)
	project()
	l, r := v.reg(), v.reg()
	VMULPS(qx, qx, l)
	VMULPS(qq, best, r)
	better := v.both(v.where(greater, qq, zero), v.where(greater, l, r))
	VDIVPS(qq, qx, t)
	VMULPS(qx, t, l)
	v.choose(better, t, scale, scale)
	v.choose(better, l, best, best)
	DECQ(tries)
	JNZ(LabelRef(try))
	v.choose(dead, zero, scale, scale)
	VMOVUPS(scale, Mem{Base: space, Disp: lanesScale})
	VZEROUPPER()
	RET()
}
