package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// goTable is a table of the package, which is not its copy here.
func goTable(name string) Mem {
	return Mem{Symbol: Symbol{Name: "·" + name}, Base: StaticBase}
}

// lookUp returns the float at index of a table of the package in all lanes.
func (v isa) lookUp(table GPVirtual, index GPVirtual) VecVirtual {
	r := v.reg()
	VBROADCASTSS(Mem{Base: table, Index: index.As64(), Scale: 4}, r)
	return r
}

// middlesE2M1 are those between the magnitudes of E2M1, doubled.
var middlesE2M1 = [7]float32{0.5, 1.5, 2.5, 3.5, 5, 7, 10}

// codesE2M1 returns the codes of weights at x as words: how many of seven bounds,
// d times the middles, a magnitude exceeds, eight more for those below 0 if that
// is not 0.
func (v isa) codesE2M1(x Mem, n int, d VecVirtual, noSign, eight, one Op) []VecVirtual {
	a, c, some := make([]VecVirtual, n/v.n), make([]VecVirtual, n/v.n), make([]Register, n/v.n)
	for i := range a {
		a[i], c[i] = v.reg(), v.reg()
		VMOVUPS(x.Offset(4*v.n*i), a[i])
		v.and(noSign, a[i])
	}
	for j, middle := range middlesE2M1 {
		bound := v.reg()
		if v.wide() {
			VMULPS_BCST(constant32(float(middle)), d, bound)
		} else {
			VMULPS(vector(float(middle)), d, bound)
		}
		for i := range a {
			if v.wide() {
				k := K()
				VPCMPGTD(bound, a[i], k)
				if j == 0 {
					some[i] = k
					VMOVDQA32_Z(one, k, c[i])
				} else {
					VPADDD(one, c[i], k, c[i])
				}
				continue
			}
			if j == 0 {
				VPCMPGTD(bound, a[i], c[i])
			} else {
				more := YMM()
				VPCMPGTD(bound, a[i], more)
				VPADDD(more, c[i], c[i])
			}
		}
	}
	for i := range a {
		VMOVUPS(x.Offset(4*v.n*i), a[i])
		if v.wide() {
			below := K()
			VPMOVD2M(a[i], below)
			KANDW(some[i], below, below)
			VPORD(eight, c[i], below, c[i])
		} else {
			// c is minus the count so far: below 0 if some bound was exceeded.
			VPAND(c[i], a[i], a[i])
			VPSRLD(Imm(31), a[i], a[i])
			VPSLLD(Imm(3), a[i], a[i])
			VPABSD(c[i], c[i])
			VPOR(a[i], c[i], c[i])
		}
	}
	return c
}

// packMXFP4 leaves blocks to Go where the logarithm might be rounded up to that
// of the next power of two, where it is that of a denormal, or of no number.
func (v isa) packMXFP4() {
	v.packRows("MXFP4", 32, 17, func() func(x, b GPVirtual, leave string) {
		noSign, eight, one := v.constant(absMask), v.constant(8), v.constant(1)
		codesAt := v.codesAt()
		powers := GP64()
		LEAQ(goTable("halfPowers"), powers)
		return func(x, b GPVirtual, leave string) {
			m := v.tree(v.magnitudes(v.weightsAt(x, 0, 32), noSign), VPMAXSD)
			v.fold(m, VPMAXSD)
			e, t, silent := GP32(), GP32(), label("silent")
			VMOVD(m.AsX(), e)
			TESTL(e, e)
			JZ(LabelRef(silent))
			LEAL(Mem{Base: e.As64().(GPVirtual), Disp: 1 << 11}, t)
			SHRL(U8(23), e)
			SHRL(U8(23), t)
			CMPL(t, e)
			JNE(LabelRef(leave))
			DECL(t)
			CMPL(t, U32(254)) // an exponent of 0 became a large number
			JAE(LabelRef(leave))
			SUBL(Imm(2), e)
			Label(silent)
			MOVB(e.As8(), Mem{Base: b})
			MOVBLZX(e.As8(), e)
			d := v.lookUp(powers, e)
			codesAt(v.codesE2M1(Mem{Base: x}, 32, d, noSign, eight, one), nil, Mem{Base: b, Disp: 1})
		}
	})
}

// maxima returns the greatest words of four vectors of four.
func maxima(r [4]VecVirtual) VecVirtual {
	pair := func(a, b VecVirtual, low, high func(...Op)) VecVirtual {
		t, u := XMM(), XMM()
		low(b, a, t)
		high(b, a, u)
		VPMAXSD(u, t, t)
		return t
	}
	return pair(pair(r[0], r[1], VPUNPCKLDQ, VPUNPCKHDQ), pair(r[2], r[3], VPUNPCKLDQ, VPUNPCKHDQ), VPUNPCKLQDQ, VPUNPCKHQDQ)
}

// packNVFP4 leaves blocks to Go where weights are so far beyond the largest value
// that differences from it are rounded. A sub-block is one wide vector, of which
// halves become nibbles: narrow ones are quicker.
func (v isa) packNVFP4() {
	v.packRows("NVFP4", 64, 36, func() func(x, b GPVirtual, leave string) {
		noSign, eight, one, inf := v.constant(absMask), v.constant(8), v.constant(1), v.constant(expMask)
		scales, order := GP64(), YMM()
		LEAQ(goTable("halfUE4M3"), scales)
		VMOVDQU(byteOrder(), order)
		return func(x, b GPVirtual, leave string) {
			var m [4]VecVirtual
			for k := range m {
				a, r := v.tree(v.magnitudes(v.weightsAt(x, 64*k, 16), noSign), VPMAXSD), XMM()
				VEXTRACTI128(Imm(1), a, r)
				VPMAXSD(a.AsX(), r, r)
				m[k] = r
			}
			VMOVD(v.toUE4M3(maxima(m), leave), Mem{Base: b})
			var nibbles [4]VecVirtual
			for k := range nibbles {
				s, none := GP32(), YMM()
				MOVBLZX(Mem{Base: b, Disp: k}, s)
				d := v.lookUp(scales, s)
				VPXOR(none, none, none)
				VPCMPEQD(none, d, none)
				VPAND(inf, none, none)
				VPOR(none, d, d) // nothing is beyond bounds if d is 0
				c := v.codesE2M1(Mem{Base: x, Disp: 64 * k}, 16, d, noSign, eight, one)
				VPSLLD(Imm(4), c[1], c[1])
				VPOR(c[1], c[0], c[0])
				nibbles[k] = c[0]
			}
			VMOVDQU(v.bytes32(nibbles[:], order), Mem{Base: b, Disp: 4})
		}
	})
}

// toUE4M3 returns four scales as bytes for the maxima m of sub-blocks, unless
// one is large.
func (v isa) toUE4M3(m VecVirtual, leave string) VecVirtual {
	large, some := XMM(), GP32()
	VPCMPGTD(vector(float(1<<30)-1), m, large)
	VMOVMSKPS(large, some)
	TESTL(some, some)
	JNZ(LabelRef(leave))
	VDIVPS(vector(float(6)), m, m)
	s, t, c := XMM(), XMM(), XMM()
	VPADDD(vector(1<<19), m, s)
	VPSRLD(Imm(20), s, s)
	VPSUBD(vector((127-7)<<3), s, s)
	VPCMPGTD(vector(0x77), s, c)
	VBLENDVPS(c, vector(0x7e), s, s)
	VMULPS(vector(float(512)), m, t)
	VADDPS(vector(float(0.5)), t, t)
	VCVTTPS2DQ(t, t)
	VPMINSD(vector(7), t, t)
	VMOVDQU(vector(float(0x1p-6)), c)
	VPCMPGTD(m, c, c)
	VBLENDVPS(c, t, s, s)
	VPACKSSDW(s, s, s)
	VPACKUSWB(s, s, s)
	return s
}
