package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pack stores the lower halves of x's words, none above 2^16−1, one after
// another.
func (v isa) pack(x VecVirtual, to Mem) {
	if v.wide() {
		VPMOVDW(x, to)
		return
	}
	VPACKUSDW(x, x, x)
	VPERMQ(Imm(0x08), x, x)
	VMOVUPS(x.AsX(), to)
}

// bins emits the search for each weight's bin, in whole vectors.
func (v isa) bins() {
	name := "bins" + v.suffix
	function(name, "func(dst *uint16, x *float32, n int, lo, scale float64)", name+" equals binsGo for n > 0, a multiple of 16.")
	dst, x, n := param("dst"), param("x"), param("n")
	lo, scale := v.reg(), v.reg()
	for _, p := range []struct {
		name string
		to   VecVirtual
	}{{"lo", lo}, {"scale", scale}} {
		at, err := Param(p.name).Resolve()
		if err != nil {
			panic(err)
		}
		VBROADCASTSD(at.Addr, p.to)
	}
	zero, last, none := v.zero(), v.spread64(0x408ff80000000000), v.spread32(1024) // 1023
	v.whole(n, map[GPVirtual]int{dst: 2, x: 4}, func() {
		a, i := v.reg(), v.reg()
		VMOVUPS(Mem{Base: x}, a)
		other := v.nonFinite(a)
		v.widen(func(part int, w []VecVirtual) {
			t := w[0]
			VSUBPD(lo, t, t)
			VMULPD(scale, t, t)
			VMINPD(last, t, t)
			VMAXPD(zero, t, t)
			switch {
			case v.wide() && part == 0:
				VCVTTPD2DQ(t, i.AsY())
			case v.wide():
				VCVTTPD2DQ(t, t.AsY())
				VINSERTI64X4(Imm(1), t.AsY(), i, i)
			case part == 0:
				VCVTTPD2DQY(t, i.AsX())
			default:
				VCVTTPD2DQY(t, t.AsX())
				VINSERTI128(Imm(1), t.AsX(), i, i)
			}
		}, a)
		v.blend(other, none, i)
		v.pack(i, Mem{Base: dst})
	})
	VZEROUPPER()
	RET()
}

// keys emits the upper halves of weights, or of the differences of weights,
// and the union of the finite ones' bits.
func (v isa) keys(differences bool) {
	name, signature, equals := "keys"+v.suffix, "func(dst *uint16, x *float32, n int) uint32", "keysGo"
	if differences {
		name, signature, equals = "differenceKeys"+v.suffix, "func(dst *uint16, x, y *float32, n int) uint32", "differenceKeysGo"
	}
	function(name, signature, name+" equals "+equals+" for n > 0, a multiple of 16.")
	dst, x, n := param("dst"), param("x"), param("n")
	pointers := map[GPVirtual]int{dst: 2, x: 4}
	var y GPVirtual
	if differences {
		y = param("y")
		pointers[y] = 4
	}
	low := v.zero()
	v.whole(n, pointers, func() {
		a, b := v.reg(), v.reg()
		VMOVUPS(Mem{Base: x}, a)
		if differences {
			VSUBPS(Mem{Base: y}, a, a)
		}
		VPSRLD(Imm(16), a, b)
		v.drop(v.nonFinite(a), a)
		if v.wide() {
			VPORD(a, low, low)
		} else {
			VPOR(a, low, low)
		}
		v.pack(b, Mem{Base: dst})
	})
	v.fold(low, VORPS)
	bits := GP32()
	VMOVD(low.AsX(), bits)
	Store(bits, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
