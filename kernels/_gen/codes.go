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

// unpackNibbles emits the values of n bytes of two codes each, by a table of
// signed bytes: those of the low nibbles, then n behind them those of the high.
// They are multiplied, then added to.
func (v isa) unpackNibbles() {
	name := "unpackNibbles" + v.suffix
	function(name, "func(y *float32, codes *uint8, n int, table *int8, low, lowAdd, high, highAdd float32)", name+" equals unpackNibblesGo for n > 0, a multiple of 16.")
	y, codes, n, table := param("y"), param("codes"), param("n"), param("table")
	low, lowAdd, high, highAdd := v.spreadFloat("low"), v.spreadFloat("lowAdd"), v.spreadFloat("high"), v.spreadFloat("highAdd")
	values, nibble := XMM(), XMM()
	VMOVDQU(Mem{Base: table}, values)
	t := GP32()
	MOVL(U32(0x0f0f0f0f), t)
	VMOVD(t, nibble)
	VPBROADCASTD(nibble, nibble)
	other := GP64()
	LEAQ(Mem{Base: y, Index: n, Scale: 4}, other)
	next := label("loop")
	Label(next)
	c, d := XMM(), XMM()
	VMOVDQU(Mem{Base: codes}, c)
	VPSRLW(Imm(4), c, d)
	VPAND(nibble, c, c)
	VPAND(nibble, d, d)
	VPSHUFB(c, values, c)
	VPSHUFB(d, values, d)
	for _, part := range []struct {
		bytes        VecVirtual
		to           GPVirtual
		scale, added VecVirtual
	}{{c, y, low, lowAdd}, {d, other, high, highAdd}} {
		for i := range 16 / v.n {
			r := v.reg()
			if i == 1 {
				VPSRLDQ(Imm(8), part.bytes, part.bytes)
			}
			VPMOVSXBD(part.bytes, r)
			VCVTDQ2PS(r, r)
			VMULPS(part.scale, r, r)
			VADDPS(part.added, r, r)
			VMOVUPS(r, Mem{Base: part.to, Disp: 4 * v.n * i})
		}
		ADDQ(Imm(64), part.to)
	}
	ADDQ(Imm(16), codes)
	SUBQ(Imm(16), n)
	JNZ(LabelRef(next))
	VZEROUPPER()
	RET()
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
