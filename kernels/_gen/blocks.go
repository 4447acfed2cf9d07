package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Simple blocks are packed a row at a call. A block is few vectors, and its
// scale is a maximum, which takes no order: so its weights stay beside each
// other and are folded.

// packRows emits a function that packs blocks of so many weights into so many bytes
// each. body packs the one at x into b; it jumps to leave if Go is to do it.
func (v isa) packRows(format string, weights, bytes int, prepare func() (body func(x, b GPVirtual, leave string))) {
	name := "quantize" + format + v.suffix
	function(name, "func(dst *byte, x *float32, blocks int) int",
		name+" equals quantize"+format+" without importance for the first blocks, of which there is one at least, and returns how many.")
	b, x, left := param("dst"), param("x"), param("blocks")
	body := prepare()
	next, leave := label("block"), label("leave")
	Label(next)
	body(x, b, leave)
	ADDQ(U32(bytes), b)
	ADDQ(U32(4*weights), x)
	DECQ(left)
	JNZ(LabelRef(next))
	Label(leave)
	done := param("blocks")
	SUBQ(left, done)
	Store(done, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// weightsAt loads n weights from a byte behind x on.
func (v isa) weightsAt(x GPVirtual, from, n int) []VecVirtual {
	q := make([]VecVirtual, n/v.n)
	for i := range q {
		q[i] = v.reg()
		VMOVUPS(Mem{Base: x, Disp: from + 4*v.n*i}, q[i])
	}
	return q
}

// tree leaves in a new register what op makes of all of q.
func (v isa) tree(q []VecVirtual, op func(...Op)) VecVirtual {
	r := v.reg()
	op(q[1], q[0], r)
	for _, q := range q[2:] {
		op(q, r, r)
	}
	return r
}

// magnitudes returns q without signs.
func (v isa) magnitudes(q []VecVirtual, noSign Op) []VecVirtual {
	a := make([]VecVirtual, len(q))
	for i := range q {
		a[i] = v.reg()
		if v.wide() {
			VPANDD(noSign, q[i], a[i])
		} else {
			VPAND(noSign, q[i], a[i])
		}
	}
	return a
}

// firstEqual returns the place of the first of q, 32 words, that is equal to one
// of them.
func (v isa) firstEqual(q []VecVirtual, one VecVirtual) GPVirtual {
	all, bits := v.reg(), GP32()
	VPBROADCASTD(one.AsX(), all)
	for i, q := range q {
		part := bits
		if i > 0 {
			part = GP32()
		}
		if v.wide() {
			k := K()
			VPCMPEQD(all, q, k)
			KMOVW(k, part)
		} else {
			m := YMM()
			VPCMPEQD(all, q, m)
			VMOVMSKPS(m, part)
		}
		if i > 0 {
			SHLL(U8(v.n*i), part)
			ORL(part, bits)
		}
	}
	TZCNTL(bits, bits)
	return bits.As64().(GPVirtual)
}

// inverse returns 1/d in all lanes, or 0 if d, the first, is 0.
func (v isa) inverse(d, one, zero VecVirtual) VecVirtual {
	i, some, all := XMM(), XMM(), v.reg()
	VDIVSS(d.AsX(), one.AsX(), i)
	VCMPSS(unequal, zero.AsX(), d.AsX(), some)
	VANDPS(some, i, i)
	VBROADCASTSS(i, all)
	return all
}

// storeHalf stores the first of d as binary16.
func storeHalf(d VecVirtual, at Mem) {
	h := XMM()
	VCVTPS2PH(Imm(0), d.AsX(), h)
	VPEXTRW(Imm(0), h, at)
}

// byteOrder puts the words of four packed vectors back in order.
func byteOrder() Mem {
	if _, ok := constants["byteOrder"]; !ok {
		m := GLOBL("byteOrder", RODATA|NOPTR)
		for i := range 8 {
			DATA(4*i, U32(i%2*4+i/2))
		}
		constants["byteOrder"] = m
	}
	return constants["byteOrder"]
}

// bytes32 returns the 32 words of q, four vectors of AVX2 with values of 0 to
// 255, or less than 0, which become 0, as bytes.
func (v isa) bytes32(q []VecVirtual, order VecVirtual) VecVirtual {
	VPACKSSDW(q[1], q[0], q[0])
	VPACKSSDW(q[3], q[2], q[2])
	VPACKUSWB(q[2], q[0], q[0])
	VPERMD(q[0], order, q[0])
	return q[0]
}

// q8_0

func (v isa) packQ8_0() {
	v.packRows("Q8_0", 32, 34, func() func(x, b GPVirtual, leave string) {
		noSign, sign, shift := v.constant(absMask), v.constant(1<<31), v.constant(0x3effffff) // see roundings
		one, zero, most := v.spread32(float(1)), v.zero(), v.spread32(float(127))
		var order, lowByte VecVirtual
		if !v.wide() {
			order, lowByte = YMM(), v.spread32(0xff)
			VMOVDQU(byteOrder(), order)
		}
		return func(x, b GPVirtual, _ string) {
			q := v.weightsAt(x, 0, 32)
			d := v.tree(v.magnitudes(q, noSign), VPMAXSD)
			v.fold(d, VPMAXSD)
			VDIVSS(most.AsX(), d.AsX(), d.AsX())
			storeHalf(d, Mem{Base: b})
			inverse := v.inverse(d, one, zero)
			for _, q := range q {
				half := v.reg()
				VMULPS(inverse, q, q)
				VMOVAPS(q, half)
				v.and(sign, half)
				v.or(shift, half)
				VADDPS(half, q, q)
				VCVTTPS2DQ(q, q)
				if !v.wide() {
					VPAND(lowByte, q, q)
				}
			}
			if v.wide() {
				VPMOVDB(q[0], Mem{Base: b, Disp: 2})
				VPMOVDB(q[1], Mem{Base: b, Disp: 18})
			} else {
				VMOVDQU(v.bytes32(q, order), Mem{Base: b, Disp: 2})
			}
		}
	})
}

// codesAt stores 32 codes of four or five bits, which are words or the least
// word that counts as 0: the fifth bits, if bits is not nil, at bits, then the
// low four of codes 0…15 and 16…31 in the halves of bytes.
type codesAt func(q []VecVirtual, bits *Mem, nibbles Mem)

func (v isa) codesAt() codesAt {
	if v.wide() {
		nibble, fifth := v.spread32(15), v.spread32(16)
		return func(q []VecVirtual, bits *Mem, nibbles Mem) {
			if bits != nil {
				low, high := K(), K()
				VPTESTMD(fifth, q[0], low)
				VPTESTMD(fifth, q[1], high)
				KMOVW(low, *bits)
				KMOVW(high, bits.Offset(2))
			}
			VPSLLD(Imm(4), q[1], q[1])
			VPTERNLOGD(U8(0xf8), nibble, q[0], q[1]) // q[1] OR q[0] AND nibble
			VPMOVDB(q[1], nibbles)
		}
	}
	order, nibble := YMM(), v.spread32(0x0f0f0f0f)
	VMOVDQU(byteOrder(), order)
	return func(q []VecVirtual, bits *Mem, nibbles Mem) {
		c := v.bytes32(q, order)
		if bits != nil {
			t, m := YMM(), GP32()
			VPSLLW(Imm(3), c, t)
			VPMOVMSKB(t, m)
			MOVL(m, *bits)
		}
		high := XMM()
		VPAND(nibble, c, c)
		VEXTRACTI128(Imm(1), c, high)
		VPSLLW(Imm(4), high, high)
		VPOR(high, c.AsX(), high)
		VMOVDQU(high, nibbles)
	}
}

// packSymmetric emits q4_0 and q5_0: the codes of as many levels on each side
// of 0.
func (v isa) packSymmetric(format string, levels, bytes int) {
	v.packRows(format, 32, bytes, func() func(x, b GPVirtual, leave string) {
		noSign, half, most := v.constant(absMask), v.constant(float(float32(levels)+0.5)), v.constant(uint32(2*levels-1))
		one, zero, share := v.spread32(float(1)), v.zero(), v.spread32(float(-1/float32(levels)))
		codesAt := v.codesAt()
		return func(x, b GPVirtual, _ string) {
			q := v.weightsAt(x, 0, 32)
			a := v.magnitudes(q, noSign)
			m := v.tree(a, VPMAXSD)
			v.fold(m, VPMAXSD)
			at, d := v.firstEqual(a, m), XMM()
			VMOVSS(Mem{Base: x, Index: at, Scale: 4}, d)
			VADDSS(zero.AsX(), d, d) // no zero is negative
			VMULSS(share.AsX(), d, d)
			storeHalf(d, Mem{Base: b})
			inverse := v.inverse(d, one, zero)
			for _, q := range q {
				VMULPS(inverse, q, q)
				VADDPS(half, q, q)
				VCVTTPS2DQ(q, q)
				VPMINSD(most, q, q)
			}
			v.storeCodes32(codesAt, q, b, 2, bytes)
		}
	})
}

// storeCodes32 fills the rest of a block from byte at on, in which there is room for
// fifth bits or not.
func (v isa) storeCodes32(to codesAt, q []VecVirtual, b GPVirtual, at, bytes int) {
	nibbles := Mem{Base: b, Disp: bytes - 16}
	if bytes-16 == at {
		to(q, nil, nibbles)
		return
	}
	bits := Mem{Base: b, Disp: at}
	to(q, &bits, nibbles)
}

// packSpan emits q4_1 and q5_1: codes from 0 to last from the least weight to
// the greatest.
func (v isa) packSpan(format string, last, bytes int) {
	v.packRows(format, 32, bytes, func() func(x, b GPVirtual, leave string) {
		half, most := v.constant(float(0.5)), v.constant(uint32(last))
		one, zero, levels, noSign := v.spread32(float(1)), v.zero(), v.spread32(float(float32(last))), v.spread32(absMask)
		codesAt := v.codesAt()
		return func(x, b GPVirtual, _ string) {
			q := v.weightsAt(x, 0, 32)
			low, d := v.tree(q, VMINPS), v.tree(q, VMAXPS)
			v.fold(low, VMINPS)
			v.fold(d, VMAXPS)
			// The first of equal zeros counts: its sign is stored.
			some := label("some")
			VUCOMISS(zero.AsX(), low.AsX())
			JNE(LabelRef(some))
			v.firstZero(x, low, noSign, zero)
			Label(some)
			VSUBSS(low.AsX(), d.AsX(), d.AsX())
			VANDPS(noSign.AsX(), d.AsX(), d.AsX())
			VDIVSS(levels.AsX(), d.AsX(), d.AsX())
			storeHalf(d, Mem{Base: b})
			storeHalf(low, Mem{Base: b, Disp: 2})
			inverse, all := v.inverse(d, one, zero), v.reg()
			VBROADCASTSS(low.AsX(), all)
			for _, q := range q {
				VSUBPS(all, q, q)
				VMULPS(inverse, q, q)
				VADDPS(half, q, q)
				VCVTTPS2DQ(q, q)
				VPMINSD(most, q, q)
			}
			v.storeCodes32(codesAt, q, b, 4, bytes)
		}
	})
}

// firstZero sets the first of low to the first of 32 weights that is 0.
func (v isa) firstZero(x GPVirtual, low, noSign, zero VecVirtual) {
	at := v.firstEqual(v.magnitudes(v.weightsAt(x, 0, 32), noSign), zero)
	ANDQ(Imm(31), at) // there is none if there are NaN
	VMOVSS(Mem{Base: x, Index: at, Scale: 4}, low.AsX())
}
