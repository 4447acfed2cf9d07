package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// minifloat emits the round trip through a small float, nearest even, of blocks
// of unit weights, the last one maybe shorter. scales has two factors for each,
// there and back; what comes back is multiplied by last too.
func (v isa) minifloat() {
	name := "minifloat" + v.suffix
	function(name, "func(dst, src *float32, n, unit int, scales *float32, last float32, words *uint32) int",
		name+" equals nearestEvenGo for n > 0: words are those of the Minifloat.")
	dst, src, n, unit := param("dst"), param("src"), param("n"), param("unit")
	scales, words := param("scales"), param("words")
	inv, scale, last := v.reg(), v.reg(), v.spreadFloat("last")
	var word [5]VecVirtual // max, limit, least, zero, up
	for i := range word {
		word[i] = v.reg()
		VPBROADCASTD(Mem{Base: words, Disp: 4 * i}, word[i])
	}
	noSign, exponent, sign := v.constant(absMask), v.constant(expMask), v.constant(1<<31)
	clipped := GP64()
	XORQ(clipped, clipped)
	next := label("unit")
	Label(next)
	VBROADCASTSS(Mem{Base: scales}, inv)
	VBROADCASTSS(Mem{Base: scales, Disp: 4}, scale)
	ADDQ(Imm(8), scales)
	left := GP64()
	MOVQ(unit, left)
	CMPQ(n, left)
	CMOVQLT(n, left)
	SUBQ(left, n)
	v.each(left, map[GPVirtual]int{src: 4, dst: 4}, func(m *mask) {
		x, y, mag, magic := v.reg(), v.reg(), v.reg(), v.reg()
		v.load(Mem{Base: src}, m, x)
		other := v.nonFinite(x)
		VMULPS(inv, x, y)
		VMOVAPS(y, mag)
		v.and(noSign, mag)
		out := v.above(mag, word[1])
		v.without(other, out)
		v.count(out, clipped)
		VPMINSD(word[0], mag, mag)
		VMOVAPS(mag, magic)
		v.and(exponent, magic)
		VPMAXSD(word[2], magic, magic)
		VPADDD(word[4], magic, magic)
		VADDPS(magic, mag, mag)
		VSUBPS(magic, mag, mag)
		v.signOf(sign, y, mag)
		VADDPS(word[3], mag, mag)
		VMULPS(scale, mag, mag)
		VMULPS(last, mag, mag)
		v.blend(other, x, mag)
		v.store(mag, m, Mem{Base: dst})
	})
	TESTQ(n, n)
	JNZ(LabelRef(next))
	Store(clipped, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// above returns where the word a exceeds b; both are not negative.
func (v isa) above(a, b VecVirtual) Register {
	if v.wide() {
		k := K()
		VPCMPGTD(b, a, k)
		return k
	}
	m := YMM()
	VPCMPGTD(b, a, m)
	return m
}

// signOf gives to, which has none, the sign of from, which is lost.
func (v isa) signOf(sign Op, from, to VecVirtual) {
	if v.wide() {
		VPTERNLOGD(U8(0xf8), sign, from, to) // to OR from AND sign
		return
	}
	VPAND(sign, from, from)
	VPOR(from, to, to)
}
