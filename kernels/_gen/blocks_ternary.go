package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// ternary is what makes codes of −1, 0 and 1 of the weights of a block.
type ternary struct {
	v                        isa
	noSign, sign, half, unit Op
	one, zero, inverse       VecVirtual
}

func (v isa) ternary() *ternary {
	return &ternary{
		v: v, noSign: v.constant(absMask), sign: v.constant(1 << 31), half: v.constant(0x3effffff), // see roundings
		unit: v.constant(1), one: v.spread32(float(1)), zero: v.zero(),
	}
}

// scale stores the largest magnitude of n weights at x.
func (t *ternary) scale(x GPVirtual, n int, at Mem) {
	v := t.v
	most := [4]VecVirtual{}
	for i := range n / v.n {
		a := v.reg()
		VMOVUPS(Mem{Base: x, Disp: 4 * v.n * i}, a)
		v.and(t.noSign, a)
		if i < len(most) {
			most[i] = a
		} else {
			VPMAXSD(a, most[i%4], most[i%4])
		}
	}
	d := v.tree(most[:], VPMAXSD)
	v.fold(d, VPMAXSD)
	storeHalf(d, at)
	t.inverse = v.inverse(d, t.one, t.zero)
}

// code returns the codes of weights there, those that m says, as words that are 1
// more. With a scale that has no inverse they are 1 in their low bytes.
func (t *ternary) code(at Mem, m *mask) VecVirtual {
	v, q, half := t.v, t.v.reg(), t.v.reg()
	v.load(at, m, q)
	VMULPS(t.inverse, q, q)
	VMOVAPS(q, half)
	v.and(t.sign, half)
	v.or(t.half, half)
	VADDPS(half, q, q)
	VCVTTPS2DQ(q, q)
	VPADDD(t.unit, q, q)
	return q
}

// lowBytes stores n words of 0 to 255 as bytes.
func (v isa) lowBytes(q []VecVirtual, order VecVirtual, at Mem) {
	switch {
	case v.wide():
		for i, q := range q {
			VPMOVDB(q, at.Offset(16*i))
		}
	case len(q) == 4:
		VMOVDQU(v.bytes32(q, order), at)
	default: // two
		high := XMM()
		VPACKSSDW(q[1], q[0], q[0])
		VPERMQ(Imm(0xd8), q[0], q[0])
		VEXTRACTI128(Imm(1), q[0], high)
		VPACKUSWB(high, q[0].AsX(), high)
		VMOVDQU(high, at)
	}
}

func (v isa) byteOrder() VecVirtual {
	if v.wide() {
		return nil
	}
	order := YMM()
	VMOVDQU(byteOrder(), order)
	return order
}

func (v isa) packTQ2_0() {
	v.packRows("TQ2_0", 256, 66, func() func(x, b GPVirtual, leave string) {
		t, order, three := v.ternary(), v.byteOrder(), v.constant(3)
		return func(x, b GPVirtual, _ string) {
			t.scale(x, 256, Mem{Base: b, Disp: 64})
			for h := range 2 {
				all := make([]VecVirtual, 32/v.n)
				for i := range all {
					for k := range 4 {
						c := t.code(Mem{Base: x, Disp: 4 * (128*h + 32*k + v.n*i)}, nil)
						v.and(three, c)
						if k == 0 {
							all[i] = c
							continue
						}
						VPSLLD(U8(2*k), c, c)
						VPADDD(c, all[i], all[i])
					}
				}
				v.lowBytes(all, order, Mem{Base: b, Disp: 32 * h})
			}
		}
	})
}

// packTQ1_0 divides 256·q + 242 by 243 as a product with 69043/2^24, which is
// exact for the 243 values of q.
func (v isa) packTQ1_0() {
	v.packRows("TQ1_0", 256, 54, func() func(x, b GPVirtual, leave string) {
		t, order, three := v.ternary(), v.byteOrder(), v.constant(3)
		add, factor := v.constant(242), v.constant(69043)
		number := func(x GPVirtual, weight, step, digits int, m *mask) VecVirtual {
			var q VecVirtual
			for k := range 5 {
				if k > 0 {
					twice := v.reg()
					VPADDD(q, q, twice)
					VPADDD(twice, q, q)
				}
				switch {
				case k == 0:
					q = t.code(Mem{Base: x, Disp: 4 * weight}, m)
					v.and(three, q)
				case k < digits:
					c := t.code(Mem{Base: x, Disp: 4 * (weight + step*k)}, m)
					v.and(three, c)
					VPADDD(c, q, q)
				}
			}
			VPSLLD(Imm(8), q, q)
			VPADDD(add, q, q)
			VPMULLD(factor, q, q)
			VPSRLD(Imm(24), q, q)
			return q
		}
		four := GP64()
		MOVQ(U32(4), four)
		m := v.first(four)
		return func(x, b GPVirtual, _ string) {
			t.scale(x, 256, Mem{Base: b, Disp: 52})
			for _, run := range []struct{ weight, step, at int }{{0, 32, 0}, {160, 16, 32}} {
				all := make([]VecVirtual, run.step/v.n)
				for i := range all {
					all[i] = number(x, run.weight+v.n*i, run.step, 5, nil)
				}
				v.lowBytes(all, order, Mem{Base: b, Disp: run.at})
			}
			last := number(x, 240, 4, 4, m)
			if v.wide() {
				VPMOVDB(last, last.AsX())
			} else {
				VPACKSSDW(last, last, last)
				VPACKUSWB(last, last, last)
			}
			VMOVD(last.AsX(), Mem{Base: b, Disp: 48})
		}
	})
}

// packQ2_0 puts together four codes that follow each other: two in words, then
// four in double words.
func (v isa) packQ2_0() {
	v.packRows("Q2_0", 64, 18, func() func(x, b GPVirtual, leave string) {
		t, order, three := v.ternary(), v.byteOrder(), v.constant(3)
		pairs, fours := YMM(), YMM()
		VPBROADCASTD(constant32(0x04010401), pairs)
		VPBROADCASTD(constant32(0x00100001), fours)
		return func(x, b GPVirtual, _ string) {
			t.scale(x, 64, Mem{Base: b})
			var bytes [2]VecVirtual
			for h := range bytes {
				c := make([]VecVirtual, 32/v.n)
				for i := range c {
					c[i] = t.code(Mem{Base: x, Disp: 4 * (32*h + v.n*i)}, nil)
					VPMAXSD(t.zero, c[i], c[i])
					VPMINSD(three, c[i], c[i])
				}
				bytes[h] = YMM()
				if v.wide() {
					high := XMM()
					VPMOVDB(c[0], bytes[h].AsX())
					VPMOVDB(c[1], high)
					VINSERTI128(Imm(1), high, bytes[h], bytes[h])
				} else {
					bytes[h] = v.bytes32(c, order)
				}
				VPMADDUBSW(pairs, bytes[h], bytes[h])
				VPMADDWD(fours, bytes[h], bytes[h])
			}
			low, high := bytes[0], XMM()
			VPACKSSDW(bytes[1], low, low)
			VPERMQ(Imm(0xd8), low, low)
			VEXTRACTI128(Imm(1), low, high)
			VPACKUSWB(high, low.AsX(), low.AsX())
			VMOVDQU(low.AsX(), Mem{Base: b, Disp: 2})
		}
	})
}

// packQ1_0 packs as many blocks at once as there are lanes: each adds the
// magnitudes of a block in order. Fewer are left to Go.
func (v isa) packQ1_0() {
	const weights, bytes = 128, 18
	name := "quantizeQ1_0" + v.suffix
	function(name, "func(dst *byte, x *float32, blocks int) int", name+" equals quantizeQ1_0 for the first blocks and returns how many: whole vectors of blocks.")
	b, x, left := param("dst"), param("x"), param("blocks")
	noSign, share, zero := v.spread32(absMask), v.spread32(float(1./weights)), v.zero()
	index, factor, sums := v.reg(), v.spread32(4*weights), AllocLocal(64)
	VPMULLD(iota16(), factor, index)
	next, leave := label("blocks"), label("leave")
	Label(next)
	CMPQ(left, U32(v.n))
	JL(LabelRef(leave))
	sum, at, n := v.zero(), GP64(), GP64()
	MOVQ(x, at)
	MOVQ(U32(weights), n)
	add := label("add")
	Label(add)
	a := v.reg()
	v.gather(Mem{Base: at, Index: index, Scale: 1}, a)
	v.and(noSign, a)
	VADDPS(a, sum, sum)
	ADDQ(Imm(4), at)
	DECQ(n)
	JNZ(LabelRef(add))
	VMULPS(share, sum, sum)
	VMOVUPS(sum, sums)
	MOVQ(U32(v.n), n)
	LEAQ(sums, at)
	block := label("block")
	Label(block)
	d := XMM()
	VMOVSS(Mem{Base: at}, d)
	storeHalf(d, Mem{Base: b})
	for i := range weights / v.n {
		from, to := Mem{Base: x, Disp: 4 * v.n * i}, Mem{Base: b, Disp: 2 + v.n/8*i}
		if v.wide() {
			k := K()
			VCMPPS(lessOrEqual, from, zero, k)
			KMOVW(k, to)
		} else {
			m, bits := YMM(), GP32()
			VCMPPS(lessOrEqual, from, zero, m)
			VMOVMSKPS(m, bits)
			MOVB(bits.As8(), to)
		}
	}
	ADDQ(Imm(4), at)
	ADDQ(U32(bytes), b)
	ADDQ(U32(4*weights), x)
	DECQ(n)
	JNZ(LabelRef(block))
	SUBQ(U32(v.n), left)
	JMP(LabelRef(next))
	Label(leave)
	done := param("blocks")
	SUBQ(left, done)
	Store(done, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// gather loads a float for each lane.
func (v isa) gather(from Mem, to VecVirtual) {
	if v.wide() {
		k := K()
		KXNORW(k, k, k)
		v.clear(to)
		VGATHERDPS(from, k, to)
		return
	}
	all := YMM()
	VPCMPEQD(all, all, all)
	v.clear(to)
	VGATHERDPS(all, from, to)
}
