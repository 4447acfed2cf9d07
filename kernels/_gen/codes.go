package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func (v isa) spreadFloat(name string) VecVirtual {
	r := v.reg()
	VBROADCASTSS(Load(Param(name), XMM()), r)
	return r
}

func (v isa) or(bits Op, q VecVirtual) {
	if v.wide() {
		VPORD(bits, q, q)
	} else {
		VPOR(bits, q, q)
	}
}

// unpackBytes emits the values of signed bytes times a scale plus an offset, of
// as many parts of n bytes as there are scales.
func (v isa) unpackBytes() {
	name := "unpackBytes" + v.suffix
	function(name, "func(y *float32, codes *uint8, n int, scales, offsets *float32, parts int)", name+" equals unpackBytesGo for n > 0, a multiple of 16, and parts > 0.")
	y, codes, n := param("y"), param("codes"), param("n")
	scales, offsets, parts := param("scales"), param("offsets"), param("parts")
	part := label("part")
	Label(part)
	scale, offset, left := v.reg(), v.reg(), GP64()
	VBROADCASTSS(Mem{Base: scales}, scale)
	VBROADCASTSS(Mem{Base: offsets}, offset)
	MOVQ(n, left)
	v.whole(left, map[GPVirtual]int{y: 4, codes: 1}, func() {
		r := v.reg()
		VPMOVSXBD(Mem{Base: codes}, r)
		VCVTDQ2PS(r, r)
		VMULPS(scale, r, r)
		VADDPS(offset, r, r)
		VMOVUPS(r, Mem{Base: y})
	})
	ADDQ(Imm(4), scales)
	ADDQ(Imm(4), offsets)
	DECQ(parts)
	JNZ(LabelRef(part))
	VZEROUPPER()
	RET()
}

// weigh emits what errors weigh with importance.
func (v isa) weigh() {
	name := "weigh" + v.suffix
	function(name, "func(w, x, importance *float32, n int, square float32)", name+" equals weighGo for n > 0, a multiple of 16.")
	w, x, importance, n := param("w"), param("x"), param("importance"), param("n")
	square := v.spreadFloat("square")
	v.whole(n, map[GPVirtual]int{w: 4, x: 4, importance: 4}, func() {
		r := v.reg()
		VMOVUPS(Mem{Base: x}, r)
		VMULPS(r, r, r)
		VADDPS(r, square, r)
		VSQRTPS(r, r)
		VMULPS(Mem{Base: importance}, r, r)
		VMOVUPS(r, Mem{Base: w})
	})
	VZEROUPPER()
	RET()
}
