package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// half is a 16-bit float format: how a vector of float32 becomes bits, and how
// bits become float32.
type half struct {
	name    string
	largest uint32
	round   func(v isa, x VecVirtual) // x to the nearest value, still a float32; ±Inf past the largest
	encode  func(v isa, x VecVirtual, to Mem)
	decode  func(v isa, from Mem, x VecVirtual)
}

var halves = []half{
	{
		name: "F16", largest: 0x477fe000,
		round: func(v isa, x VecVirtual) {
			VCVTPS2PH(Imm(0), x, v.half(x))
			VCVTPH2PS(v.half(x), x)
		},
		encode: func(v isa, x VecVirtual, to Mem) { VCVTPS2PH(Imm(0), x, to) },
		decode: func(v isa, from Mem, x VecVirtual) { VCVTPH2PS(from, x) },
	},
	{
		name: "BF16", largest: 0x7f7f0000,
		round: func(v isa, x VecVirtual) {
			v.roundBF16(x)
			VPSRLD(Imm(16), x, x)
			VPSLLD(Imm(16), x, x)
		},
		encode: func(v isa, x VecVirtual, to Mem) {
			v.roundBF16(x)
			VPSRLD(Imm(16), x, x)
			v.pack(x, to)
		},
		decode: func(v isa, from Mem, x VecVirtual) {
			VPMOVZXWD(from, x)
			VPSLLD(Imm(16), x, x)
		},
	},
}

// roundBF16 makes the upper halves of x its nearest bfloat16 values, ties to
// even, NaN quiet.
func (v isa) roundBF16(x VecVirtual) {
	t := v.reg()
	if v.wide() {
		k := K()
		VCMPPS(unordered, x, x, k)
		VPSRLD(Imm(16), x, t)
		VPANDD_BCST(constant32(1), t, t)
		VPADDD_BCST(constant32(0x7fff), t, t)
		VPADDD(x, t, t)
		VPORD_BCST(constant32(1<<22), x, k, t)
		VMOVAPS(t, x)
		return
	}
	other := YMM()
	VCMPPS(unordered, x, x, other)
	VPSRLD(Imm(16), x, t)
	VPAND(vector(1), t, t)
	VPADDD(vector(0x7fff), t, t)
	VPADDD(x, t, t)
	VPOR(vector(1<<22), x, x)
	VBLENDVPS(other, x, t, x)
}

// floats16 emits the conversions of weights in whole vectors.
func (v isa) floats16(h half) {
	equals := " for n > 0, a multiple of 16."

	name := "encode" + h.name + v.suffix
	function(name, "func(dst *byte, src *float32, n int)", name+" equals encode"+h.name+"Go"+equals)
	dst, src, n := param("dst"), param("src"), param("n")
	v.whole(n, map[GPVirtual]int{dst: 2, src: 4}, func() {
		x := v.reg()
		VMOVUPS(Mem{Base: src}, x)
		h.encode(v, x, Mem{Base: dst})
	})
	VZEROUPPER()
	RET()

	name = "decode" + h.name + v.suffix
	function(name, "func(dst *float32, src *byte, n int)", name+" equals decode"+h.name+"Go"+equals)
	dst, src, n = param("dst"), param("src"), param("n")
	v.whole(n, map[GPVirtual]int{dst: 4, src: 2}, func() {
		x := v.reg()
		PREFETCHT0(Mem{Base: src, Disp: 2048}) // twice as much is written as read: the processor's own look ahead falls behind
		h.decode(v, Mem{Base: src}, x)
		VMOVUPS(x, Mem{Base: dst})
	})
	VZEROUPPER()
	RET()

	name = "cast" + h.name + v.suffix
	function(name, "func(dst, src *float32, n int) int", name+" equals cast"+h.name+"Go"+equals)
	dst, src, n = param("dst"), param("src"), param("n")
	clipped := GP64()
	XORQ(clipped, clipped)
	lo, hi := v.spread32(h.largest|1<<31), v.spread32(h.largest)
	v.whole(n, map[GPVirtual]int{dst: 4, src: 4}, func() {
		x, y, c := v.reg(), v.reg(), v.reg()
		VMOVUPS(Mem{Base: src}, x)
		other := v.nonFinite(x)
		VMOVAPS(x, y)
		h.round(v, y)
		VMINPS(hi, y, c)
		VMAXPS(lo, c, c)
		out := v.differ(y, c, nil)
		v.without(other, out)
		v.count(out, clipped)
		v.blend(other, x, c)
		VMOVUPS(c, Mem{Base: dst})
	})
	Store(clipped, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
