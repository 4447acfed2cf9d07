package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// stretch emits stretchGo: a lane owns a trial, of which there are eight.
func (v isa) stretch() {
	name := "stretch" + v.suffix
	function(name, "func(trials, losses, tenths, x, w *float32, n int, high float32, levels int32)", name+" equals stretchGo for n weights, not 0.")
	x, w, n := param("x"), param("w"), param("n")
	last := v.spread(Load(Param("levels"), GP32()).(GPVirtual))
	trial, d, loss, high := v.reg(), v.reg(), v.zero(), v.reg()
	VCVTDQ2PS(last, trial)
	VADDPS(Mem{Base: param("tenths")}, trial, trial)
	VBROADCASTSS(Load(Param("high"), XMM()), high)
	VDIVPS(high, trial, trial)
	VMOVUPS(trial, Mem{Base: param("trials")})
	VMOVUPS(vector(float(1)), d)
	VDIVPS(trial, d, d)
	magic := v.spread32(float(3 << 22))
	mantissa, exponent := v.spread32(0x7fffff), v.spread32(float(1<<23))
	VPADDD(magic, last, last)

	q, e, u := v.reg(), v.reg(), v.reg()
	next := label("loop")
	Label(next)
	VBROADCASTSS(Mem{Base: x}, e)
	VBROADCASTSS(Mem{Base: w}, u)
	VMULPS(trial, e, q)
	VADDPS(magic, q, q) // the nearest code, as the Go function nearest
	VPAND(mantissa, q, q)
	VPOR(exponent, q, q)
	VPMINSD(last, q, q)
	VSUBPS(magic, q, q)
	VMULPS(d, q, q)
	VSUBPS(q, e, e)
	VMULPS(e, u, u)
	VMULPS(e, u, u)
	VADDPS(u, loss, loss)
	ADDQ(Imm(4), x)
	ADDQ(Imm(4), w)
	DECQ(n)
	JNZ(LabelRef(next))
	VMOVUPS(loss, Mem{Base: param("losses")})
	VZEROUPPER()
	RET()
}

// project emits trials.projectGo: a lane owns a trial, of which there are three
// vectors.
func (v isa) project() {
	name := "project" + v.suffix
	function(name, "func(trials, x, w *float32, n int, levels int32)", name+" equals trials.projectGo for n weights, not 0.")
	trials, x, w, n := param("trials"), param("x"), param("w"), param("n")
	const vectors = 3
	c := v.fitConstants()
	low, high := v.symmetric(c, v.spread(Load(Param("levels"), GP32()).(GPVirtual)))
	var inverse, xc, cc [vectors]VecVirtual
	for i := range vectors {
		inverse[i], xc[i], cc[i] = v.reg(), v.zero(), v.zero()
		VMOVUPS(Mem{Base: trials, Disp: 4 * v.n * i}, inverse[i])
	}
	next := label("loop")
	Label(next)
	e, u, ue, q := v.reg(), v.reg(), v.reg(), v.reg()
	VBROADCASTSS(Mem{Base: x}, e)
	VBROADCASTSS(Mem{Base: w}, u)
	VMULPS(e, u, ue)
	for i := range vectors {
		t := v.reg()
		VMULPS(inverse[i], e, q)
		v.nearest(c, q, low, high)
		VMULPS(q, ue, t)
		VADDPS(t, xc[i], xc[i])
		VMULPS(q, u, t)
		VMULPS(q, t, t)
		VADDPS(t, cc[i], cc[i])
	}
	ADDQ(Imm(4), x)
	ADDQ(Imm(4), w)
	DECQ(n)
	JNZ(LabelRef(next))
	for i := range vectors {
		VMOVUPS(xc[i], Mem{Base: trials, Disp: 4 * (vectors + i) * v.n})
		VMOVUPS(cc[i], Mem{Base: trials, Disp: 4 * (2*vectors + i) * v.n})
	}
	VZEROUPPER()
	RET()
}
