package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// unpackRows emits a function that unpacks blocks of so many bytes to so many
// weights each. body unpacks the one at b to y.
func (v isa) unpackRows(format string, weights, bytes int, prepare func() (body func(y, b GPVirtual))) {
	name := "dequantize" + format + v.suffix
	function(name, "func(dst *float32, src *byte, blocks int)", name+" equals dequantize"+format+" for at least one block.")
	y, b, left := param("dst"), param("src"), param("blocks")
	body := prepare()
	next := label("block")
	Label(next)
	body(y, b)
	ADDQ(U32(bytes), b)
	ADDQ(U32(4*weights), y)
	DECQ(left)
	JNZ(LabelRef(next))
	VZEROUPPER()
	RET()
}

// halfAt returns the binary16 value there in all lanes.
func (v isa) halfAt(at Mem) VecVirtual {
	h, r := XMM(), v.reg()
	if v.wide() {
		w := YMM()
		VPBROADCASTW(at, w)
		VCVTPH2PS(w, r)
	} else {
		VPBROADCASTW(at, h)
		VCVTPH2PS(h, r)
	}
	return r
}

// spreadBytes stores 16 signed bytes times scale, plus offset if there is one.
func (v isa) spreadBytes(bytes Op, scale VecVirtual, offset Op, to Mem) {
	for i := range 16 / v.n {
		r, from := v.reg(), bytes
		if i == 1 {
			if m, ok := bytes.(Mem); ok {
				from = m.Offset(8)
			} else {
				t := XMM()
				VPSRLDQ(Imm(8), bytes, t)
				from = t
			}
		}
		VPMOVSXBD(from, r)
		VCVTDQ2PS(r, r)
		VMULPS(scale, r, r)
		if offset != nil {
			VADDPS(offset, r, r)
		}
		VMOVUPS(r, to.Offset(4*v.n*i))
	}
}

// Formats of sixteen values.

// values returns what to do with bytes whose low nibbles are codes: bytes of the
// values, or the values themselves, which one permutation picks.
func (v isa) values(table string) VecVirtual {
	r := v.reg()
	if v.wide() {
		VPMOVSXBD(goTable(table), r)
		VCVTDQ2PS(r, r)
	} else {
		r = XMM()
		VMOVDQU(goTable(table), r)
	}
	return r
}

// unpackSixteen stores 32 weights: the values of codes, those of low nibbles
// first, times scale, plus offset if there is one.
func (v isa) unpackSixteen(codes, to Mem, values, nibble, scale VecVirtual, offset Op) {
	if v.wide() {
		scaled, c, r := ZMM(), ZMM(), ZMM()
		VMULPS(scale, values, scaled)
		if offset != nil {
			VADDPS(offset, scaled, scaled)
		}
		VPMOVZXBD(codes, c)
		VPERMPS(scaled, c, r) // looks at four bits of the place only
		VMOVUPS(r, to)
		VPSRLD(Imm(4), c, c)
		VPERMPS(scaled, c, r)
		VMOVUPS(r, to.Offset(64))
		return
	}
	low, high := v.nibbles(codes, nibble)
	VPSHUFB(low, values, low)
	VPSHUFB(high, values, high)
	v.spreadBytes(low, scale, offset, to)
	v.spreadBytes(high, scale, offset, to.Offset(64))
}

// nibbles returns the low and the high ones of 16 bytes.
func (v isa) nibbles(at Mem, nibble VecVirtual) (low, high VecVirtual) {
	low, high = XMM(), XMM()
	VMOVDQU(at, low)
	VPSRLW(Imm(4), low, high)
	VPAND(nibble.AsX(), low, low)
	VPAND(nibble.AsX(), high, high)
	return low, high
}

// nibble returns 15 in each byte.
func (v isa) nibble() VecVirtual {
	r := YMM()
	VPBROADCASTD(constant32(0x0f0f0f0f), r)
	return r
}

// unpackTable emits a format of 32 codes behind a scale, or a scale and an
// offset.
func (v isa) unpackTable(format, table string, bytes int) {
	if !v.wide() && table == "aboveZero" {
		v.unpackQ4_1()
		return
	}
	v.unpackRows(format, 32, bytes, func() func(y, b GPVirtual) {
		values, nibble := v.values(table), v.nibble()
		return func(y, b GPVirtual) {
			scale, offset := v.halfAt(Mem{Base: b}), Op(nil)
			if bytes == 20 {
				offset = v.halfAt(Mem{Base: b, Disp: 2})
			}
			v.unpackSixteen(Mem{Base: b, Disp: bytes - 16}, Mem{Base: y}, values, nibble, scale, offset)
		}
	})
}

// unpackQ4_1 emits q4_1 for lanes in which codes are their own values: what
// shuffles the fewest bytes is the fastest.
func (v isa) unpackQ4_1() {
	v.unpackRows("Q4_1", 32, 20, func() func(y, b GPVirtual) {
		nibble := v.spread32(15)
		return func(y, b GPVirtual) {
			scale, offset := v.halfAt(Mem{Base: b}), v.halfAt(Mem{Base: b, Disp: 2})
			for i := range 2 {
				low, high := v.reg(), v.reg()
				VPMOVZXBD(Mem{Base: b, Disp: 4 + 8*i}, low)
				VPSRLD(Imm(4), low, high)
				VPAND(nibble, low, low)
				v.storeAffine(low, scale, offset, Mem{Base: y, Disp: 32 * i})
				v.storeAffine(high, scale, offset, Mem{Base: y, Disp: 64 + 32*i})
			}
		}
	})
}

func (v isa) unpackMXFP4() {
	v.unpackRows("MXFP4", 32, 17, func() func(y, b GPVirtual) {
		values, nibble, powers := v.values("signedE2M1"), v.nibble(), GP64()
		LEAQ(goTable("halfPowers"), powers)
		return func(y, b GPVirtual) {
			e := GP32()
			MOVBLZX(Mem{Base: b}, e)
			v.unpackSixteen(Mem{Base: b, Disp: 1}, Mem{Base: y}, values, nibble, v.lookUp(powers, e), nil)
		}
	})
}

func (v isa) unpackNVFP4() {
	v.unpackRows("NVFP4", 64, 36, func() func(y, b GPVirtual) {
		values, nibble, scales := v.values("signedE2M1"), v.nibble(), GP64()
		LEAQ(goTable("halfUE4M3"), scales)
		return func(y, b GPVirtual) {
			for pair := range 2 { // of sub-blocks, their codes in 16 bytes
				low, high := v.nibbles(Mem{Base: b, Disp: 4 + 16*pair}, nibble)
				for k, interleave := range []func(...Op){VPUNPCKLQDQ, VPUNPCKHQDQ} {
					c, s := XMM(), GP32()
					interleave(high, low, c)
					MOVBLZX(Mem{Base: b, Disp: 2*pair + k}, s)
					scale, to := v.lookUp(scales, s), Mem{Base: y, Disp: 128*pair + 64*k}
					if v.wide() {
						r := ZMM()
						VMULPS(values, scale, scale)
						VPMOVZXBD(c, r)
						VPERMPS(scale, r, r)
						VMOVUPS(r, to)
					} else {
						VPSHUFB(c, values, c)
						v.spreadBytes(c, scale, nil, to)
					}
				}
			}
		}
	})
}

func (v isa) unpackIQ4XS() {
	v.unpackRows("IQ4XS", 256, 136, func() func(y, b GPVirtual) {
		values, nibble, scales := v.values("nonlinearBytes"), v.nibble(), AllocLocal(32)
		return func(y, b GPVirtual) {
			s, high := YMM(), YMM()
			VPBROADCASTD(Mem{Base: b, Disp: 4}, s)
			VMOVDQU(multiples(4), high)
			VPSRLVD(high, s, s)
			VPAND(vector(15), s, s)
			top, shift := YMM(), YMM()
			VPBROADCASTD(Mem{Base: b, Disp: 2}, top)
			VMOVDQU(multiples(2), shift)
			VPSRLVD(shift, top, top)
			VPAND(vector(3), top, top)
			VPSLLD(Imm(4), top, top)
			VPADDD(top, s, s)
			VPSUBD(vector(32), s, s)
			VCVTDQ2PS(s, s)
			VMULPS(v.halfAt(Mem{Base: b}).AsY(), s, s)
			VMOVUPS(s, scales)
			for k := range 8 {
				scale := v.reg()
				VBROADCASTSS(scales.Offset(4*k), scale)
				v.unpackSixteen(Mem{Base: b, Disp: 8 + 16*k}, Mem{Base: y, Disp: 128 * k}, values, nibble, scale, nil)
			}
		}
	})
}

// Formats whose codes become bytes first.

func (v isa) unpackQ8_0() {
	v.unpackRows("Q8_0", 32, 34, func() func(y, b GPVirtual) {
		return func(y, b GPVirtual) {
			d := v.halfAt(Mem{Base: b})
			for k := range 2 {
				v.spreadBytes(Mem{Base: b, Disp: 2 + 16*k}, d, nil, Mem{Base: y, Disp: 64 * k})
			}
		}
	})
}

// bytes16 returns 32 constant bytes, twice the same 16.
func bytes16(name string, byteAt func(i int) byte) Mem {
	if _, ok := constants[name]; !ok {
		m := GLOBL(name, RODATA|NOPTR)
		for i := range 32 {
			DATA(i, U8(byteAt(i)))
		}
		constants[name] = m
	}
	return constants[name]
}

// unpackFives emits q5_0 and q5_1: a fifth bit, if set, adds 16; in q5_0 16 is
// taken off.
func (v isa) unpackFives(format string, bytes int) {
	signed := bytes == 22
	v.unpackRows(format, 32, bytes, func() func(y, b GPVirtual) {
		nibble, places, bit, add := v.nibble(), YMM(), YMM(), YMM()
		VMOVDQU(bytes16("bytesOfBits", func(i int) byte { return byte(i / 8) }), places)
		VMOVDQU(bytes16("bitsOfBytes", func(i int) byte { return 1 << (i % 8) }), bit)
		fifth := uint32(0x10101010)
		if signed {
			fifth = 0xf0f0f0f0
		}
		VPBROADCASTD(constant32(fifth), add)
		return func(y, b GPVirtual) {
			set, high := YMM(), XMM()
			VPBROADCASTD(Mem{Base: b, Disp: bytes - 20}, set)
			VPSHUFB(places, set, set)
			VPAND(bit, set, set)
			VPCMPEQB(bit, set, set)
			if signed {
				VPANDN(add, set, set)
			} else {
				VPAND(add, set, set)
			}
			VEXTRACTI128(Imm(1), set, high)
			low, upper := v.nibbles(Mem{Base: b, Disp: bytes - 16}, nibble)
			VPOR(set.AsX(), low, low)
			VPOR(high, upper, upper)
			scale, offset := v.halfAt(Mem{Base: b}), Op(nil)
			if !signed {
				offset = v.halfAt(Mem{Base: b, Disp: 2})
			}
			v.spreadBytes(low, scale, offset, Mem{Base: y})
			v.spreadBytes(upper, scale, offset, Mem{Base: y, Disp: 64})
		}
	})
}

// spreadHalves stores 32 bytes, each half times a scale in memory.
func (v isa) spreadHalves(c VecVirtual, scales Mem, to Mem) {
	low, high, h := v.reg(), v.reg(), XMM()
	VBROADCASTSS(scales, low)
	VBROADCASTSS(scales.Offset(4), high)
	VEXTRACTI128(Imm(1), c, h)
	v.spreadBytes(c.AsX(), low, nil, to)
	v.spreadBytes(h, high, nil, to.Offset(64))
}

// byteConstant returns a byte, repeated, as an operand in memory.
func byteConstant(b uint8) Mem { return vector(uint32(b) * 0x01010101) }

// shiftBytes shifts the bytes of c: to the left if by is above 0. Bits of
// neighbours come in.
func shiftBytes(by int, c, to VecVirtual) {
	switch {
	case by > 0:
		VPSLLW(U8(by), c, to)
	case by < 0:
		VPSRLW(U8(-by), c, to)
	default:
		VMOVDQA(c, to)
	}
}

func (v isa) unpackQ6K() {
	v.unpackRows("Q6K", 256, 210, func() func(y, b GPVirtual) {
		nibble, scales := v.nibble(), AllocLocal(64)
		return func(y, b GPVirtual) {
			v.spreadBytes(Mem{Base: b, Disp: 192}, v.halfAt(Mem{Base: b, Disp: 208}), nil, scales)
			for h := range 2 {
				var low [2]VecVirtual
				for i := range low {
					low[i] = YMM()
					VMOVDQU(Mem{Base: b, Disp: 64*h + 32*i}, low[i])
				}
				high := YMM()
				VMOVDQU(Mem{Base: b, Disp: 128 + 32*h}, high)
				for k := range 4 {
					c, t := YMM(), YMM()
					shiftBytes(-k/2*4, low[k%2], c)
					VPAND(nibble, c, c)
					shiftBytes(4-2*k, high, t)
					VPAND(byteConstant(48), t, t)
					VPOR(t, c, c)
					VPSUBB(byteConstant(32), c, c)
					v.spreadHalves(c, scales.Offset(4*(8*h+2*k)), Mem{Base: y, Disp: 4 * (128*h + 32*k)})
				}
			}
		}
	})
}

func (v isa) unpackQ3K() {
	v.unpackRows("Q3K", 256, 110, func() func(y, b GPVirtual) {
		scales := AllocLocal(64)
		return func(y, b GPVirtual) {
			s, t := XMM(), XMM()
			VMOVQ(Mem{Base: b, Disp: 96}, s)
			VPSRLW(Imm(4), s, t)
			VPUNPCKLQDQ(t, s, s)
			VPAND(byteConstant(15), s, s)
			VPBROADCASTD(Mem{Base: b, Disp: 104}, t)
			shift := XMM()
			VMOVDQU(multiples(2), shift)
			VPSRLVD(shift, t, t)
			VPAND(byteConstant(3), t, t)
			VPSLLD(Imm(4), t, t)
			VPOR(t, s, s)
			VPSUBB(byteConstant(32), s, s)
			v.spreadBytes(s, v.halfAt(Mem{Base: b, Disp: 108}), nil, scales)
			high := YMM()
			VMOVDQU(Mem{Base: b}, high)
			for h := range 2 {
				low := YMM()
				VMOVDQU(Mem{Base: b, Disp: 32 + 32*h}, low)
				for k := range 4 {
					c, t := YMM(), YMM()
					shiftBytes(-2*k, low, c)
					VPAND(byteConstant(3), c, c)
					shiftBytes(2-4*h-k, high, t)
					VPAND(byteConstant(4), t, t)
					VPOR(t, c, c)
					VPSUBB(byteConstant(4), c, c)
					v.spreadHalves(c, scales.Offset(4*(8*h+2*k)), Mem{Base: y, Disp: 4 * (128*h + 32*k)})
				}
			}
		}
	})
}

func (v isa) unpackTQ2_0() {
	v.unpackRows("TQ2_0", 256, 66, func() func(y, b GPVirtual) {
		three, one := v.spreadByte(3), v.spreadByte(1)
		return func(y, b GPVirtual) {
			d := v.halfAt(Mem{Base: b, Disp: 64})
			for h := range 2 {
				packed := YMM()
				VMOVDQU(Mem{Base: b, Disp: 32 * h}, packed)
				for k := range 4 {
					c := YMM()
					shiftBytes(-2*k, packed, c)
					VPAND(three, c, c)
					VPSUBB(one, c, c)
					v.spread32Bytes(c, d, Mem{Base: y, Disp: 4 * (128*h + 32*k)})
				}
			}
		}
	})
}

func (v isa) spreadByte(b uint8) VecVirtual {
	r := YMM()
	VPBROADCASTD(constant32(uint32(b)*0x01010101), r)
	return r
}

// spread32Bytes stores 32 signed bytes times scale.
func (v isa) spread32Bytes(c, scale VecVirtual, to Mem) {
	h := XMM()
	VEXTRACTI128(Imm(1), c, h)
	v.spreadBytes(c.AsX(), scale, nil, to)
	v.spreadBytes(h, scale, nil, to.Offset(64))
}

// unpackTQ1_0 takes digits off the top: of a fraction q of 256 the first is 1
// from a third on and 2 from two thirds on; 3·q has the others.
func (v isa) unpackTQ1_0() {
	v.unpackRows("TQ1_0", 256, 54, func() func(y, b GPVirtual) {
		third, thirds, one := v.spreadByte(86), v.spreadByte(171), v.spreadByte(1)
		digits := func(q VecVirtual, n int, store func(k int, c VecVirtual)) {
			for k := range n {
				c, t := YMM(), YMM()
				VPMAXUB(third, q, c)
				VPCMPEQB(q, c, c)
				VPMAXUB(thirds, q, t)
				VPCMPEQB(q, t, t)
				VPADDB(t, c, c)
				VPADDB(one, c, c) // one less the digit
				VPXOR(t, t, t)
				VPSUBB(c, t, c)
				store(k, c)
				if k < n-1 {
					VPADDB(q, q, t)
					VPADDB(t, q, q)
				}
			}
		}
		return func(y, b GPVirtual) {
			d := v.halfAt(Mem{Base: b, Disp: 52})
			q := YMM()
			VMOVDQU(Mem{Base: b}, q)
			digits(q, 5, func(k int, c VecVirtual) { v.spread32Bytes(c, d, Mem{Base: y, Disp: 128 * k}) })
			VMOVDQU(Mem{Base: b, Disp: 32}, q.AsX())
			digits(q, 5, func(k int, c VecVirtual) { v.spreadBytes(c.AsX(), d, nil, Mem{Base: y, Disp: 640 + 64*k}) })
			VMOVD(Mem{Base: b, Disp: 48}, q.AsX())
			digits(q, 4, func(k int, c VecVirtual) {
				r := XMM()
				VPMOVSXBD(c.AsX(), r)
				VCVTDQ2PS(r, r)
				VMULPS(d.AsX(), r, r)
				VMOVUPS(r, Mem{Base: y, Disp: 960 + 16*k})
			})
		}
	})
}

// unpackQ1_0 chooses between d and −d.
func (v isa) unpackQ1_0() {
	v.unpackRows("Q1_0", 128, 18, func() func(y, b GPVirtual) {
		minus := v.constant(float(-1))
		return func(y, b GPVirtual) {
			d, below := v.halfAt(Mem{Base: b}), v.reg()
			VMULPS(minus, d, below)
			for i := range 128 / v.n {
				r, to := v.reg(), Mem{Base: y, Disp: 4 * v.n * i}
				if v.wide() {
					k := K()
					KMOVW(Mem{Base: b, Disp: 2 + 2*i}, k)
					VBLENDMPS(d, below, k, r)
				} else {
					VPBROADCASTB(Mem{Base: b, Disp: 2 + i}, r)
					VPAND(words("bitOfLane", func(i int) uint32 { return 1 << i }), r, r)
					VPCMPEQD(words("bitOfLane", func(i int) uint32 { return 1 << i }), r, r)
					VBLENDVPS(r, d, below, r)
				}
				VMOVUPS(r, to)
			}
		}
	})
}

// words returns a constant of sixteen words.
func words(name string, word func(i int) uint32) Mem {
	if _, ok := constants[name]; !ok {
		m := GLOBL(name, RODATA|NOPTR)
		for i := range 16 {
			DATA(4*i, U32(word(i)))
		}
		constants[name] = m
	}
	return constants[name]
}

// multiples are step times 0…15.
func multiples(step int) Mem {
	return words(fmt.Sprintf("multiplesOf%d", step), func(i int) uint32 { return uint32(step * i) })
}

// unpackQ2_0 picks one of four values, which repeat over the lanes: of a place
// only the low bits count.
func (v isa) unpackQ2_0() {
	v.unpackRows("Q2_0", 64, 18, func() func(y, b GPVirtual) {
		values, shift := v.reg(), v.reg()
		VMOVUPS(words("minusOneToTwo", func(i int) uint32 { return float(float32(i%4 - 1)) }), values)
		VMOVUPS(multiples(2), shift)
		return func(y, b GPVirtual) {
			d := v.halfAt(Mem{Base: b})
			VMULPS(values, d, d)
			for i := range 64 / v.n {
				c := v.reg()
				if v.wide() {
					VPBROADCASTD(Mem{Base: b, Disp: 2 + 4*i}, c)
				} else {
					VPBROADCASTW(Mem{Base: b, Disp: 2 + 2*i}, c)
				}
				VPSRLVD(shift, c, c)
				VPERMPS(d, c, c)
				VMOVUPS(c, Mem{Base: y, Disp: 4 * v.n * i})
			}
		}
	})
}
