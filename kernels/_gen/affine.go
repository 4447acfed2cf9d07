package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// rounding is a mode as VROUNDPS and VRNDSCALEPS have it.
type rounding struct {
	name string
	mode U8
	// shift is added, with the sign of the weight, before rounding.
	shift uint32
}

// Half away from zero is truncation after adding the float32 below ½, whose sum
// with any float32 rounds to where the exact sum with ½ truncates.
var (
	roundings = []rounding{
		{name: "Even", mode: 0},
		{name: "Away", mode: 3, shift: 0x3effffff},
		{name: "Trunc", mode: 3},
		{name: "Floor", mode: 1},
		{name: "Ceil", mode: 2},
	}
	stochastic = rounding{name: "Stochastic", mode: 1}
)

// affineMap is one Affine in registers.
type affineMap struct{ inv, scale, lo, hi VecVirtual }

func (v isa) affineMap() affineMap { return affineMap{v.reg(), v.reg(), v.reg(), v.reg()} }

// load spreads the Affine at p over vectors: 1/Scale, or 0 where Scale is 0,
// Scale, Min − Zero and Max − Zero.
func (v isa) loadMap(p GPVirtual, a affineMap) {
	VMOVSS(Mem{Base: p}, a.scale.AsX())
	VMOVSS(constant32(0x3f800000), a.inv.AsX())
	VDIVSS(a.scale.AsX(), a.inv.AsX(), a.inv.AsX())
	VXORPS(a.hi.AsX(), a.hi.AsX(), a.hi.AsX())
	VCMPSS(unequal, a.scale.AsX(), a.hi.AsX(), a.hi.AsX())
	VANDPS(a.hi.AsX(), a.inv.AsX(), a.inv.AsX())
	for _, end := range []struct {
		at int
		to VecVirtual
	}{{8, a.lo}, {12, a.hi}} {
		i := GP32()
		MOVL(Mem{Base: p, Disp: end.at}, i)
		SUBL(Mem{Base: p, Disp: 4}, i)
		VXORPS(end.to.AsX(), end.to.AsX(), end.to.AsX())
		VCVTSI2SSL(i, end.to.AsX(), end.to.AsX())
	}
	for _, r := range []VecVirtual{a.inv, a.scale, a.lo, a.hi} {
		VBROADCASTSS(r.AsX(), r)
	}
}

// rounder returns what sets q to x rounded by the mode, and may change x.
func (v isa) rounder(r rounding) func(x, q VecVirtual) {
	if r.shift == 0 {
		return func(x, q VecVirtual) { v.roundPS(r.mode, x, q) }
	}
	if v.wide() {
		shift, sign := v.spread32(r.shift), v.spread32(1<<31)
		return func(x, q VecVirtual) {
			VMOVAPS(x, q)
			VPTERNLOGD(U8(0xea), shift, sign, q) // q & sign | shift
			VADDPS(q, x, x)
			v.roundPS(r.mode, x, q)
		}
	}
	return func(x, q VecVirtual) {
		VANDPS(vector(1<<31), x, q)
		VORPS(vector(r.shift), q, q)
		VADDPS(q, x, x)
		v.roundPS(r.mode, x, q)
	}
}

func (v isa) roundPS(mode U8, x, q VecVirtual) {
	if v.wide() {
		VRNDSCALEPS(mode, x, q)
	} else {
		VROUNDPS(mode, x, q)
	}
}

// roundTrip emits the round trip of weights whose units of unit weights, the
// last one maybe shorter, have the maps that follow one another at maps.
func (v isa) roundTrip(r rounding) {
	name := "roundTrip" + r.name + v.suffix
	signature := "func(dst, src *float32, n, unit int, maps *float32) int"
	if r == stochastic {
		signature = "func(dst, src *float32, n, unit int, maps *float32, key uint64) int"
	}
	function(name, signature, name+" equals roundTripGo for n > 0.")
	dst, src, n, unit, maps := param("dst"), param("src"), param("n"), param("unit"), param("maps")
	clipped := GP64()
	XORQ(clipped, clipped)
	a, zero := v.affineMap(), v.zero()
	round := v.rounder(r)
	var noise splitMix
	if r == stochastic {
		noise = v.splitMix(param("key"))
	}
	next := label("unit")
	Label(next)
	v.loadMap(maps, a)
	ADDQ(Imm(16), maps)
	left := GP64()
	MOVQ(unit, left)
	CMPQ(n, left)
	CMOVQLT(n, left)
	SUBQ(left, n)
	v.each(left, map[GPVirtual]int{src: 4, dst: 4}, func(m *mask) {
		x, q, c := v.reg(), v.reg(), v.reg()
		v.load(Mem{Base: src}, m, x)
		other := v.nonFinite(x)
		VMULPS(a.inv, x, c)
		if r == stochastic {
			noise.round(v, c, q, m, left)
		} else {
			round(c, q)
		}
		VMINPS(a.hi, q, c)
		VMAXPS(a.lo, c, c)
		out := v.differ(q, c, m)
		v.without(other, out)
		v.count(out, clipped)
		VFMADD213PS(zero, a.scale, c) // adding 0 makes −0 a 0
		v.blend(other, x, c)
		v.store(c, m, Mem{Base: dst})
	})
	TESTQ(n, n)
	JNZ(LabelRef(next))
	Store(clipped, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// differ returns where a ≠ b among the weights of m.
func (v isa) differ(a, b VecVirtual, m *mask) Register {
	switch {
	case v.wide() && m == nil:
		k := K()
		VCMPPS(unequal, a, b, k)
		return k
	case v.wide():
		k := K()
		VCMPPS(unequal, a, b, m.reg, k)
		return k
	}
	d := YMM()
	VCMPPS(unequal, a, b, d)
	if m != nil {
		VANDPS(m.reg, d, d)
	}
	return d
}

// without takes the weights of m out of from.
func (v isa) without(m, from Register) {
	if v.wide() {
		KANDNW(from, m, from)
	} else {
		VANDNPS(from, m, from)
	}
}

// blend copies x to y where m is set.
func (v isa) blend(m Register, x, y VecVirtual) {
	if v.wide() {
		VMOVAPS(x, m, y)
	} else {
		VBLENDVPS(m, x, y, y)
	}
}

// splitMix is the counters of the weights of a vector, times the generator's
// odd constant, in two halves.
type splitMix struct {
	z                     [2]VecVirtual
	step, a, b, unit, one VecVirtual
}

const golden = 0x9e3779b97f4a7c15

// splitMix starts at key = seed·c + (at+1)·golden.
func (v isa) splitMix(key GPVirtual) splitMix {
	s := splitMix{
		z:    [2]VecVirtual{v.reg(), v.reg()},
		step: v.spread64(16 * golden & (1<<64 - 1)),
		a:    v.spread64(0xbf58476d1ce4e5b9), b: v.spread64(0x94d049bb133111eb),
		unit: v.spread64(0x3df0000000000000), // 2^-32
		one:  v.spread32(0x3f800000),
	}
	ramp := GLOBL("ramp", RODATA|NOPTR)
	for i := range 16 {
		g := uint64(golden)
		DATA(8*i, U64(uint64(i)*g))
	}
	for i, z := range s.z {
		VPBROADCASTQ(key, z)
		VPADDQ(ramp.Offset(64*i), z, z)
	}
	return s
}

// round sets q to x rounded down, or up with the probability of the fraction,
// and moves the counters along by the weights of the vector.
func (s splitMix) round(v isa, x, q VecVirtual, m *mask, n GPVirtual) {
	v.roundPS(stochastic.mode, x, q)
	var up [2]Register
	for i, counter := range s.z {
		z, t, f := v.reg(), v.reg(), v.reg()
		VPSRLQ(Imm(30), counter, t)
		VPXORQ(counter, t, z)
		VPMULLQ(s.a, z, z)
		VPSRLQ(Imm(27), z, t)
		VPXORQ(z, t, z)
		VPMULLQ(s.b, z, z)
		VPSRLQ(Imm(31), z, t)
		VPXORQ(z, t, z)
		VPSRLQ(Imm(32), z, z)
		VCVTUQQ2PD(z, z)
		VMULPD(s.unit, z, z)
		if i == 0 {
			VCVTPS2PD(x.AsY(), t)
			VCVTPS2PD(q.AsY(), f)
		} else {
			VEXTRACTF64X4(Imm(1), x, t.AsY())
			VCVTPS2PD(t.AsY(), t)
			VEXTRACTF64X4(Imm(1), q, f.AsY())
			VCVTPS2PD(f.AsY(), f)
		}
		VSUBPD(f, t, t)
		k := K()
		VCMPPD(less, t, z, k)
		up[i] = k
	}
	KUNPCKBW(up[0], up[1], up[1])
	VADDPS(s.one, q, up[1], q)
	if m == nil {
		for _, z := range s.z {
			VPADDQ(s.step, z, z)
		}
		return
	}
	// The last vector of a unit: the next unit begins n weights on.
	steps, c := GP64(), v.reg()
	MOVQ(U64(golden), steps)
	IMULQ(n, steps)
	VPBROADCASTQ(steps, c)
	for _, z := range s.z {
		VPADDQ(c, z, z)
	}
}
