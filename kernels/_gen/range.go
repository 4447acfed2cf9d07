package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The largest finite float32 and its negative.
const (
	largest  = 0x7f7fffff
	smallest = 0xff7fffff
)

// extremes emits the least and the greatest finite weight of every unit.
func (v isa) extremes() {
	name := "extremes" + v.suffix
	function(name, "func(x *float32, n, unit int, ends *float32)", name+" equals extremesGo for n > 0: ends points to the first Extent.")
	x, n, unit, ends := param("x"), param("n"), param("unit"), param("ends")
	top, bottom := v.spread32(largest), v.spread32(smallest)
	lo, hi := v.reg(), v.reg()
	next := label("unit")
	Label(next)
	VMOVUPS(top, lo)
	VMOVUPS(bottom, hi)
	left := GP64()
	MOVQ(unit, left)
	CMPQ(n, left)
	CMOVQLT(n, left)
	SUBQ(left, n)
	v.each(left, map[GPVirtual]int{x: 4}, func(m *mask) {
		a := v.reg()
		v.load(Mem{Base: x}, m, a)
		v.join(a, m, top, bottom, lo, hi)
	})
	v.fold(lo, VMINPS)
	v.fold(hi, VMAXPS)
	// Nothing finite leaves lo above hi: both become 0, and −0 becomes 0.
	some, zero := XMM(), XMM()
	VXORPS(zero, zero, zero)
	VCMPSS(lessOrEqual, hi.AsX(), lo.AsX(), some)
	VANDPS(some, lo.AsX(), lo.AsX())
	VANDPS(some, hi.AsX(), hi.AsX())
	VADDSS(zero, lo.AsX(), lo.AsX())
	VADDSS(zero, hi.AsX(), hi.AsX())
	VMOVSS(lo.AsX(), Mem{Base: ends})
	VMOVSS(hi.AsX(), Mem{Base: ends, Disp: 4})
	ADDQ(Imm(8), ends)
	TESTQ(n, n)
	JNZ(LabelRef(next))
	VZEROUPPER()
	RET()
}

// join widens lo and hi by the finite weights of a among m.
func (v isa) join(a VecVirtual, m *mask, top, bottom, lo, hi VecVirtual) {
	other := v.nonFinite(a)
	if v.wide() {
		k := K()
		KNOTW(other, k)
		if m != nil {
			KANDW(m.reg, k, k)
		}
		VMINPS(a, lo, k, lo)
		VMAXPS(a, hi, k, hi)
		return
	}
	if m != nil {
		VPANDN(m.reg, other, other)
		VPCMPEQD(vector(0), other, other)
	}
	t := YMM()
	VBLENDVPS(other, top, a, t)
	VMINPS(t, lo, lo)
	VBLENDVPS(other, bottom, a, t)
	VMAXPS(t, hi, hi)
}

// moments emits the extremes joined with 0, the number of weights that are not
// finite, and the lanes of Σx and Σx².
func (v isa) moments() {
	name := "moments" + v.suffix
	function(name, "func(x *float32, n int, sums *float64)", name+" equals momentsGo: sums points to a momentLanes.")
	x, n, sums := param("x"), param("n"), param("sums")
	lo, hi := v.zero(), v.zero()
	var acc [2]lanes
	for i := range acc {
		acc[i] = v.lanes()
		for _, r := range acc[i] {
			v.clear(r)
		}
	}
	nonFinite := GP64()
	XORQ(nonFinite, nonFinite)
	v.each(n, map[GPVirtual]int{x: 4}, func(m *mask) {
		a := v.reg()
		v.load(Mem{Base: x}, m, a)
		other := v.nonFinite(a)
		v.count(other, nonFinite)
		v.drop(other, a)
		VMINPS(lo, a, lo)
		VMAXPS(hi, a, hi)
		v.widen(func(part int, w []VecVirtual) {
			VADDPD(w[0], acc[0].lane(part), acc[0].lane(part))
			VFMADD231PD(w[0], w[0], acc[1].lane(part))
		}, a)
	})
	for i := range acc {
		v.move(acc[i], Mem{Base: sums, Disp: 64 * i}, false)
	}
	MOVQ(nonFinite, Mem{Base: sums, Disp: 128})
	v.fold(lo, VMINPS)
	v.fold(hi, VMAXPS)
	zero := XMM()
	VXORPS(zero, zero, zero)
	VADDSS(zero, lo.AsX(), lo.AsX())
	VADDSS(zero, hi.AsX(), hi.AsX())
	VMOVSS(lo.AsX(), Mem{Base: sums, Disp: 136})
	VMOVSS(hi.AsX(), Mem{Base: sums, Disp: 140})
	VZEROUPPER()
	RET()
}

// losses emits the squared error of the same weights under each of several
// maps.
func (v isa) losses() {
	name := "losses" + v.suffix
	function(name, "func(x *float32, n int, maps *float32, count int, loss *float64)", name+" equals lossesGo for count > 0.")
	x, n, maps, count, loss := param("x"), param("n"), param("maps"), param("count"), param("loss")
	a, acc := v.affineMap(), v.lanes()
	next := label("map")
	Label(next)
	v.loadMap(maps, a)
	ADDQ(Imm(16), maps)
	for _, r := range acc {
		v.clear(r)
	}
	at, left := GP64(), GP64()
	MOVQ(x, at)
	MOVQ(n, left)
	v.each(left, map[GPVirtual]int{at: 4}, func(m *mask) {
		x, c := v.reg(), v.reg()
		v.load(Mem{Base: at}, m, x)
		v.drop(v.nonFinite(x), x)
		VMULPS(a.inv, x, c)
		VMINPS(a.hi, c, c)
		VMAXPS(a.lo, c, c)
		v.roundPS(0, c, c)
		VMULPS(a.scale, c, c)
		v.widen(func(part int, w []VecVirtual) {
			VSUBPD(w[1], w[0], w[0])
			VMULPD(w[0], w[0], w[0])
			VADDPD(w[0], acc.lane(part), acc.lane(part))
		}, x, c)
	})
	total := v.total(acc)
	VMOVSD(total, Mem{Base: loss})
	ADDQ(Imm(8), loss)
	DECQ(count)
	JNZ(LabelRef(next))
	VZEROUPPER()
	RET()
}
