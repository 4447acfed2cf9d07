package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// sixteen emits body for 16 weights at x after another, as one vector or two,
// and stores the low bytes of the words that it leaves in their place at
// codes. after, which may be nil, changes the bytes first.
func (v isa) sixteen(codes, x, n GPVirtual, body func(q VecVirtual), after func(bytes VecVirtual)) {
	lowBytes := Op(nil)
	if !v.wide() {
		lowBytes = vector(0xff)
	}
	next := label("loop")
	Label(next)
	var q [2]VecVirtual
	for i := range 16 / v.n {
		q[i] = v.reg()
		VMOVUPS(Mem{Base: x, Disp: 4 * v.n * i}, q[i])
		body(q[i])
	}
	bytes := XMM()
	switch {
	case v.wide() && after == nil:
		VPMOVDB(q[0], Mem{Base: codes})
	case v.wide():
		VPMOVDB(q[0], bytes)
		after(bytes)
		VMOVDQU32(bytes, Mem{Base: codes})
	default:
		VPAND(lowBytes, q[0], q[0])
		VPAND(lowBytes, q[1], q[1])
		VPACKSSDW(q[1], q[0], q[0])
		VPERMQ(Imm(0xd8), q[0], q[0])
		VEXTRACTI128(Imm(1), q[0], bytes)
		VPACKUSWB(bytes, q[0].AsX(), bytes)
		if after != nil {
			after(bytes)
		}
		VMOVDQU(bytes, Mem{Base: codes})
	}
	ADDQ(Imm(64), x)
	ADDQ(Imm(16), codes)
	SUBQ(Imm(16), n)
	JNZ(LabelRef(next))
	VZEROUPPER()
	RET()
}

func (v isa) spreadFloat(name string) VecVirtual {
	r := v.reg()
	VBROADCASTSS(Load(Param(name), XMM()), r)
	return r
}

// codeAway emits the codes of q8_0: the low bytes of integers, halves away from
// zero.
func (v isa) codeAway() {
	name := "codeAway" + v.suffix
	function(name, "func(codes *uint8, x *float32, n int, inverse float32)", name+" equals codeAwayGo for n > 0, a multiple of 16.")
	codes, x, n := param("codes"), param("x"), param("n")
	inverse := v.spreadFloat("inverse")
	sign, shift := v.constant(1<<31), v.constant(0x3effffff) // see roundings
	v.sixteen(codes, x, n, func(q VecVirtual) {
		half := v.reg()
		VMULPS(inverse, q, q)
		VMOVAPS(q, half)
		v.and(sign, half)
		v.or(shift, half)
		VADDPS(half, q, q)
		VCVTTPS2DQ(q, q)
	}, nil)
}

func (v isa) or(bits Op, q VecVirtual) {
	if v.wide() {
		VPORD(bits, q, q)
	} else {
		VPOR(bits, q, q)
	}
}

// codeDown emits the low bytes of ⌊(x − low)·inverse + half⌋, the fraction
// dropped, at most most: signed bytes or not.
func (v isa) codeDown(signed bool) {
	name, least := "codeDown"+v.suffix, VPMINUB
	if signed {
		name, least = "codeDownSigned"+v.suffix, VPMINSB
	}
	function(name, "func(codes *uint8, x *float32, n int, low, inverse, half float32, most uint8)", name+" equals the Go function for n > 0, a multiple of 16.")
	codes, x, n := param("codes"), param("x"), param("n")
	low, inverse, half := v.spreadFloat("low"), v.spreadFloat("inverse"), v.spreadFloat("half")
	m, t := XMM(), GP32()
	MOVBLZX(NewParamAddr("most", 36), t)
	VMOVD(t, m)
	VPBROADCASTB(m, m)
	v.sixteen(codes, x, n, func(q VecVirtual) {
		VSUBPS(low, q, q)
		VMULPS(inverse, q, q)
		VADDPS(half, q, q)
		VCVTTPS2DQ(q, q)
	}, func(bytes VecVirtual) { least(m, bytes, bytes) })
}

// codeE2M1 emits how many of seven bounds the magnitude of x exceeds, eight more
// if x is negative and that is not 0.
func (v isa) codeE2M1() {
	name := "codeE2M1" + v.suffix
	function(name, "func(codes *uint8, x *float32, n int, bounds *float32)", name+" equals codeE2M1Go for n > 0, a multiple of 16.")
	codes, x, n, bounds := param("codes"), param("x"), param("n"), param("bounds")
	noSign, eight, one := v.constant(absMask), v.constant(8), v.constant(1)
	var bound [7]VecVirtual
	for i := range bound {
		bound[i] = v.reg()
		VBROADCASTSS(Mem{Base: bounds, Disp: 4 * i}, bound[i])
	}
	v.sixteen(codes, x, n, func(q VecVirtual) {
		a, code := v.reg(), v.zero()
		VMOVAPS(q, a)
		v.and(noSign, a)
		for _, b := range bound {
			if v.wide() {
				k := K()
				VPCMPGTD(b, a, k)
				VPADDD(one, code, k, code)
			} else {
				more := v.reg()
				VPCMPGTD(b, a, more)
				VPSUBD(more, code, code)
			}
		}
		// Negative and not 0: eight more.
		some, add := v.reg(), v.zero()
		VCVTDQ2PS(code, some)
		negative := v.both(v.where(less, q, v.constant(0)), v.where(greater, some, v.constant(0)))
		v.choose(negative, eight, add, add)
		VPADDD(add, code, q)
	}, nil)
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
