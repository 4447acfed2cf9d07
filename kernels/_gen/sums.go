package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// widen emits body for every float64 vector of weights that the float32
// vectors hold: the part's number and the parts.
func (v isa) widen(body func(part int, wide []VecVirtual), narrow ...VecVirtual) {
	for part := range 2 {
		var wide []VecVirtual
		for _, r := range narrow {
			w := v.reg()
			switch {
			case part == 0:
				VCVTPS2PD(v.half(r), w)
			case v.wide():
				VEXTRACTF64X4(Imm(1), r, w.AsY())
				VCVTPS2PD(w.AsY(), w)
			default:
				VEXTRACTF128(Imm(1), r, w.AsX())
				VCVTPS2PD(w.AsX(), w)
			}
			wide = append(wide, w)
		}
		body(part, wide)
	}
}

// lane returns the accumulator of a part: with eight lanes, both parts of a
// vector of sixteen weights go to one.
func (l lanes) lane(part int) VecVirtual { return l[part%len(l)] }

func (v isa) abs64() Op {
	if v.wide() {
		return v.spread64(1<<63 - 1)
	}
	name := "v64_abs"
	if _, ok := constants[name]; !ok {
		m := GLOBL(name, RODATA|NOPTR)
		for i := range 4 {
			DATA(8*i, U64(1<<63-1))
		}
		constants[name] = m
	}
	return constants[name]
}

// compare emits the error sums of a block. Squares of float32 are
// exact in float64, so that fusing them with the addition changes nothing;
// only the square of the error, itself a float64, is rounded before.
func (v isa) compare() {
	name := "compare" + v.suffix
	function(name, "func(x, y *float32, n int, sums *float64)", name+" equals compareGo: sums points to an errorLanes.")
	x, y, n, sums := param("x"), param("y"), param("n"), param("sums")
	var acc [4]lanes // E, E2, X2, Y2
	for i := range acc {
		acc[i] = v.lanes()
		v.move(acc[i], Mem{Base: sums, Disp: 64 * i}, true)
	}
	worst := v.lanes()
	for _, r := range worst {
		v.clear(r)
	}
	nonFinite, zeros := GP64(), GP64()
	XORQ(nonFinite, nonFinite)
	XORQ(zeros, zeros)
	var abs Op = v.abs64()
	var zero VecVirtual
	if v.wide() {
		zero = v.zero()
	}
	add := func(part int, w []VecVirtual) {
		a, b := w[0], w[1]
		VFMADD231PD(a, a, acc[2].lane(part))
		VFMADD231PD(b, b, acc[3].lane(part))
		VSUBPD(b, a, a)
		VADDPD(a, acc[0].lane(part), acc[0].lane(part))
		if v.wide() {
			VPANDQ(abs, a, b)
		} else {
			VANDPD(abs, a, b)
		}
		VMAXPD(worst.lane(part), b, worst.lane(part))
		VMULPD(a, a, a)
		VADDPD(a, acc[1].lane(part), acc[1].lane(part))
	}
	v.each(n, map[GPVirtual]int{x: 4, y: 4}, func(m *mask) {
		a, b := v.reg(), v.reg()
		v.load(Mem{Base: x}, m, a)
		other := v.nonFinite(a)
		v.count(other, nonFinite)
		if v.wide() { // masked loads drop what is not finite, and widen
			take := [2]Register{K(), K()}
			KNOTW(other, take[0])
			if m != nil {
				KANDW(m.reg, take[0], take[0])
			}
			VMOVUPS_Z(Mem{Base: y}, take[0], b)
			k := K()
			VCMPPS(equal, zero, b, take[0], k)
			VCMPPS(unequal, zero, a, k, k)
			v.count(k, zeros)
			KSHIFTRW(Imm(8), take[0], take[1])
			for part, k := range take {
				w := []VecVirtual{v.reg(), v.reg()}
				VCVTPS2PD_Z(Mem{Base: x, Disp: 32 * part}, k, w[0])
				VCVTPS2PD_Z(Mem{Base: y, Disp: 32 * part}, k, w[1])
				add(part, w)
			}
			return
		}
		v.load(Mem{Base: y}, m, b)
		v.drop(other, a)
		v.drop(other, b)
		s, t := YMM(), YMM()
		VXORPS(s, s, s)
		VCMPPS(equal, s, b, t)
		VCMPPS(unequal, s, a, s)
		VANDPS(s, t, t)
		v.count(t, zeros)
		v.widen(add, a, b)
	})
	for i := range acc {
		v.move(acc[i], Mem{Base: sums, Disp: 64 * i}, false)
	}
	if len(worst) > 1 {
		VMAXPD(worst[1], worst[0], worst[0])
	}
	v.fold64(worst[0], VMAXPD)
	VMAXSD(Mem{Base: sums, Disp: 256}, worst[0].AsX(), worst[0].AsX())
	VMOVSD(worst[0].AsX(), Mem{Base: sums, Disp: 256})
	ADDQ(nonFinite, Mem{Base: sums, Disp: 264})
	ADDQ(zeros, Mem{Base: sums, Disp: 272})
	VZEROUPPER()
	RET()
}

// indexOfError emits the search for the first weight with a given error.
func (v isa) indexOfError() {
	name := "indexOfError" + v.suffix
	function(name, "func(x, y *float32, n int, e float64) int", name+" equals indexOfErrorGo.")
	x, y, n := param("x"), param("y"), param("n")
	e := v.reg()
	at, err := Param("e").Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSD(at.Addr, e)
	index := GP64()
	XORQ(index, index)
	abs := v.abs64()
	found, found2 := label("found"), label("found")
	bits := GP32()
	v.each(n, map[GPVirtual]int{x: 4, y: 4}, func(m *mask) {
		a, b := v.reg(), v.reg()
		v.load(Mem{Base: x}, m, a)
		v.load(Mem{Base: y}, m, b)
		v.widen(func(part int, w []VecVirtual) {
			VSUBPD(w[1], w[0], w[0])
			if v.wide() {
				VPANDQ(abs, w[0], w[0])
				k := K()
				VCMPPD(equal, w[0], e, k)
				KMOVW(k, bits)
			} else {
				VANDPD(abs, w[0], w[0])
				VCMPPD(equal, w[0], e, w[0])
				VMOVMSKPD(w[0], bits)
			}
			TESTL(bits, bits)
			if part == 0 {
				JNZ(LabelRef(found))
			} else {
				JNZ(LabelRef(found2))
			}
		}, a, b)
		if m == nil {
			ADDQ(Imm(uint64(v.n)), index)
		}
	})
	Label(found2)
	ADDQ(Imm(uint64(v.n/2)), index)
	Label(found)
	TZCNTL(bits, bits)
	ADDQ(bits.As64(), index)
	Store(index, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
