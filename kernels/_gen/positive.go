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
