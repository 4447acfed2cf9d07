package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// minifloat emits the round trip through a small float, nearest even.
func (v isa) minifloat() {
	name := "minifloat" + v.suffix
	function(name, "func(dst, src *float32, n int, inv, scale float32, words *uint32) int",
		name+" equals nearestEvenGo: words are those of the Minifloat.")
	dst, src, n, words := param("dst"), param("src"), param("n"), param("words")
	inv, scale := v.reg(), v.reg()
	VBROADCASTSS(Load(Param("inv"), XMM()), inv)
	VBROADCASTSS(Load(Param("scale"), XMM()), scale)
	var word [5]VecVirtual // max, limit, least, zero, up
	for i := range word {
		word[i] = v.reg()
		VPBROADCASTD(Mem{Base: words, Disp: 4 * i}, word[i])
	}
	noSign, exponent, sign := v.constant(absMask), v.constant(expMask), v.constant(1<<31)
	clipped := GP64()
	XORQ(clipped, clipped)
	v.each(n, map[GPVirtual]int{src: 4, dst: 4}, func(m *mask) {
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
		v.blend(other, x, mag)
		v.store(mag, m, Mem{Base: dst})
	})
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
