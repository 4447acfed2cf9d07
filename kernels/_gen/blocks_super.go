package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Super-blocks with scales and offsets are unpacked a row at a call: the values
// that a sub-block can have are few, so where they fit into vectors they are
// computed once, and a permutation picks one for each code.

// superblocks is unpackRows for 256 weights; space has the scales of a block's
// sub-blocks, then their offsets, ready to be added.
func (v isa) superblocks(format string, bytes int, prepare func() (body func(y, b GPVirtual, space Mem))) {
	v.unpackRows(format, 256, bytes, func() func(y, b GPVirtual) {
		space := AllocLocal(2 * rowBytes)
		body := prepare()
		return func(y, b GPVirtual) { body(y, b, space) }
	})
}

// offsetsFrom is where in the space offsets begin.
const offsetsFrom = rowBytes

// steps stores eight words as floats times the binary16 value at step, with
// other signs if they are offsets.
func steps(words VecVirtual, step, to Mem, offsets bool) {
	s := YMM()
	VPBROADCASTW(step, s.AsX())
	VCVTPH2PS(s.AsX(), s)
	VCVTDQ2PS(words, words)
	VMULPS(s, words, words)
	if offsets {
		VXORPS(vector(1<<31), words, words)
	}
	VMOVUPS(words, to)
}

// sixBitSteps stores the scales and offsets of q4_K and q5_K: the Go function
// putScaleOffset tells where they are.
func sixBitSteps(b GPVirtual, space Mem) {
	first, rest, upper, mask := GP64(), GP64(), GP64(), GP64()
	MOVQ(Mem{Base: b, Disp: 4}, first)
	MOVL(Mem{Base: b, Disp: 12}, rest.As32())
	MOVQ(first, upper)
	SHRQ(Imm(2), upper)
	MOVQ(U64(0x3030303030303030), mask)
	ANDQ(mask, upper)
	MOVQ(U64(0x3f3f3f3f3f3f3f3f), mask)
	ANDQ(mask, first)
	high := GP64()
	MOVQ(rest, high)
	SHLQ(Imm(28), high)
	ORQ(high, rest)
	MOVQ(U64(0x0f0f0f0f0f0f0f0f), mask)
	ANDQ(mask, rest)
	ORQ(upper, rest)
	x, t := XMM(), XMM()
	VMOVQ(first, x)
	VMOVQ(rest, t)
	VPUNPCKLDQ(t, x, x) // eight scales, eight offsets
	scales, offsets := YMM(), YMM()
	VPMOVZXBD(x, scales)
	VPSRLDQ(Imm(8), x, x)
	VPMOVZXBD(x, offsets)
	steps(scales, Mem{Base: b}, space, false)
	steps(offsets, Mem{Base: b, Disp: 2}, space.Offset(offsetsFrom), true)
}

// superblockValues returns codes, which are floats, times the scale of sub-block k
// plus its offset.
func (v isa) superblockValues(space Mem, k int, codes VecVirtual) VecVirtual {
	r := v.reg()
	if v.wide() {
		VMULPS_BCST(space.Offset(4*k), codes, r)
		VADDPS_BCST(space.Offset(offsetsFrom+4*k), r, r)
		return r
	}
	scale, offset := v.step(space, k)
	VMULPS(scale, codes, r)
	VADDPS(offset, r, r)
	return r
}

// step returns the scale and the offset of sub-block k in all lanes.
func (v isa) step(space Mem, k int) (scale, offset VecVirtual) {
	scale, offset = v.reg(), v.reg()
	VBROADCASTSS(space.Offset(4*k), scale)
	VBROADCASTSS(space.Offset(offsetsFrom+4*k), offset)
	return scale, offset
}

// laneCodes returns the code of each lane as a float: its number plus first,
// of which the bits of mask are kept.
func (v isa) laneCodes(first, mask uint32) VecVirtual {
	r := v.reg()
	VMOVUPS(iota16(), r)
	VPADDD(v.constant(first), r, r)
	v.and(v.constant(mask), r)
	VCVTDQ2PS(r, r)
	return r
}

// storeAffine stores codes times scale plus offset.
func (v isa) storeAffine(codes, scale, offset VecVirtual, to Mem) {
	VCVTDQ2PS(codes, codes)
	VMULPS(scale, codes, codes)
	VADDPS(offset, codes, codes)
	VMOVUPS(codes, to)
}

// unpackQ4K emits dequantizeQ4K.
func (v isa) unpackQ4K() {
	v.superblocks("Q4K", 144, func() func(y, b GPVirtual, space Mem) {
		if v.wide() {
			codes := v.laneCodes(0, 15)
			return func(y, b GPVirtual, space Mem) {
				sixBitSteps(b, space)
				for k := range 4 { // pairs of sub-blocks
					low := v.superblockValues(space, 2*k, codes)
					high := v.superblockValues(space, 2*k+1, codes)
					for i := range 2 {
						c, r := ZMM(), ZMM()
						VPMOVZXBD(Mem{Base: b, Disp: 16 + 32*k + 16*i}, c)
						VPERMPS(low, c, r) // looks at the low four bits
						VMOVUPS(r, Mem{Base: y, Disp: 256*k + 64*i})
						VPSRLD(Imm(4), c, c)
						VPERMPS(high, c, r)
						VMOVUPS(r, Mem{Base: y, Disp: 256*k + 128 + 64*i})
					}
				}
			}
		}
		return func(y, b GPVirtual, space Mem) {
			sixBitSteps(b, space)
			for k := range 4 {
				scale, offset := v.step(space, 2*k)
				highScale, highOffset := v.step(space, 2*k+1)
				for i := range 4 {
					low, high := YMM(), YMM()
					VPMOVZXBD(Mem{Base: b, Disp: 16 + 32*k + 8*i}, low)
					VPSRLD(Imm(4), low, high)
					VPAND(vector(15), low, low)
					v.storeAffine(low, scale, offset, Mem{Base: y, Disp: 256*k + 32*i})
					v.storeAffine(high, highScale, highOffset, Mem{Base: y, Disp: 256*k + 128 + 32*i})
				}
			}
		}
	})
}

// unpackQ5K emits dequantizeQ5K.
func (v isa) unpackQ5K() {
	v.superblocks("Q5K", 176, func() func(y, b GPVirtual, space Mem) {
		var small, large VecVirtual // codes
		if v.wide() {
			small, large = v.laneCodes(0, 31), v.laneCodes(16, 31)
		}
		nibbles := YMM()
		VMOVDQU(vector(0x0f0f0f0f), nibbles)
		return func(y, b GPVirtual, space Mem) {
			sixBitSteps(b, space)
			fifth := YMM()
			VMOVDQU(Mem{Base: b, Disp: 16}, fifth)
			for k := range 8 {
				c, bit := YMM(), YMM()
				VMOVDQU(Mem{Base: b, Disp: 48 + 32*(k/2)}, c)
				if k%2 == 1 {
					VPSRLW(Imm(4), c, c)
				}
				if k < 4 {
					VPSLLW(U8(4-k), fifth, bit)
				} else {
					VPSRLW(U8(k-4), fifth, bit)
				}
				to := Mem{Base: y, Disp: 128 * k}
				if v.wide() {
					VPTERNLOGD(U8(0xd8), nibbles, c, bit) // of c the low nibbles, of bit the high ones
					values := v.superblockValues(space, k, small)
					upper := v.superblockValues(space, k, large)
					for i := range 2 {
						if i == 1 {
							VEXTRACTI128(Imm(1), bit, bit.AsX())
						}
						c := ZMM()
						VPMOVZXBD(bit.AsX(), c)
						VPERMI2PS(upper, values, c) // looks at the low five bits
						VMOVUPS(c, to.Offset(64*i))
					}
					continue
				}
				VPAND(nibbles, c, c)
				VPAND(vector(0x10101010), bit, bit)
				VPOR(bit, c, c)
				scale, offset := v.step(space, k)
				for i := range 4 {
					r, part := YMM(), XMM()
					switch i {
					case 0:
						part = c.AsX().(VecVirtual)
					case 1, 3:
						VPSRLDQ(Imm(8), c.AsX(), part)
					case 2:
						VEXTRACTI128(Imm(1), c, c.AsX())
						part = c.AsX().(VecVirtual)
					}
					VPMOVZXBD(part, r)
					v.storeAffine(r, scale, offset, to.Offset(32*i))
				}
			}
		}
	})
}

// unpackQ2K emits dequantizeQ2K. The four values of a sub-block repeat over
// the lanes, so that of the place of one only the low two bits count.
func (v isa) unpackQ2K() {
	v.superblocks("Q2K", 84, func() func(y, b GPVirtual, space Mem) {
		codes := v.laneCodes(0, 3)
		return func(y, b GPVirtual, space Mem) {
			for i := range 2 {
				scales, offsets := YMM(), YMM()
				VPMOVZXBD(Mem{Base: b, Disp: 8 * i}, scales)
				VPSRLD(Imm(4), scales, offsets)
				VPAND(vector(15), scales, scales)
				steps(scales, Mem{Base: b, Disp: 80}, space.Offset(32*i), false)
				steps(offsets, Mem{Base: b, Disp: 82}, space.Offset(offsetsFrom+32*i), true)
			}
			for part := range 4 { // of sixteen bytes
				h, i := part/2, part%2
				var packed [2]VecVirtual
				for j := range 16 / v.n {
					packed[j] = v.reg()
					VPMOVZXBD(Mem{Base: b, Disp: 16 + 16*part + v.n*j}, packed[j])
				}
				for k := range 4 {
					values := v.superblockValues(space, 8*h+2*k+i, codes)
					for j := range 16 / v.n {
						c := packed[j]
						if k > 0 {
							c = v.reg()
							VPSRLD(U8(2*k), packed[j], c)
						}
						r := v.reg()
						VPERMPS(values, c, r)
						VMOVUPS(r, Mem{Base: y, Disp: 4 * (128*h + 32*k + 16*i + v.n*j)})
					}
				}
			}
		}
	})
}
