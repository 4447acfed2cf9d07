package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// streams emits what networks do to long runs of numbers between products.
// Caches are what it waits for: sixteen lanes are no faster.
func streams() {
	affineBytes()
	clamp()
	add()
	shift()
	addWherePositive()
	maxOfSquares()
	addToSquares()
	rescale()
	copyRuns()
}

// affineBytes emits the codes of weights as bytes.
func affineBytes() {
	name := "bytesAVX2"
	function(name, "func(dst *uint8, src *float32, n int, maps *float32)", name+" equals bytesGo for n > 0, a multiple of 16, and the map at maps.")
	dst, src, n, maps := param("dst"), param("src"), param("n"), param("maps")
	a, low := avx2.affineMap(), YMM()
	avx2.loadMap(maps, a)
	VCVTPS2DQ(a.lo, low)
	code := func(at int) VecVirtual {
		q, none := YMM(), YMM()
		VMULPS(Mem{Base: src, Disp: at}, a.inv, q)
		VMINPS(q, a.hi, q) // NaN stays
		VMAXPS(q, a.lo, q)
		VCMPPS(unordered, q, q, none)
		VPANDN(q, none, q)
		VCVTPS2DQ(q, q)
		VPSUBD(low, q, q)
		return q
	}
	next := label("loop")
	Label(next)
	q, high := code(0), XMM()
	VPACKSSDW(code(32), q, q)
	VPERMQ(U8(0xd8), q, q)
	VEXTRACTI128(Imm(1), q, high)
	VPACKUSWB(high, q.AsX(), q.AsX())
	VMOVDQU(q.AsX(), Mem{Base: dst})
	ADDQ(Imm(64), src)
	ADDQ(Imm(16), dst)
	SUBQ(Imm(16), n)
	JNZ(LabelRef(next))
	VZEROUPPER()
	RET()
}

// clamp emits the clamp between two bounds. Of equal zeros the instructions
// return the weight; the sum with zero gives it the right sign.
func clamp() {
	name := "clampAVX2"
	function(name, "func(dst, src *float32, n int, lo, hi, zero float32)", name+" equals clampGo for n > 0, a multiple of 16, lo ≤ hi ≠ 0, and zero: lo if that is 0, −0 otherwise.")
	dst, src, n := param("dst"), param("src"), param("n")
	lo, hi, zero := avx2.spreadFloat("lo"), avx2.spreadFloat("hi"), avx2.spreadFloat("zero")
	avx2.whole(n, map[GPVirtual]int{dst: 4, src: 4}, func() {
		r := YMM()
		VMINPS(Mem{Base: src}, hi, r) // NaN stays
		VMAXPS(r, lo, r)
		VADDPS(zero, r, r)
		VMOVUPS(r, Mem{Base: dst})
	})
	VZEROUPPER()
	RET()
}

// add emits the sum of two slices.
func add() {
	name := "addAVX2"
	function(name, "func(dst, src *float32, n int)", name+" equals addGo for n > 0, a multiple of 16.")
	dst, src, n := param("dst"), param("src"), param("n")
	avx2.whole(n, map[GPVirtual]int{dst: 4, src: 4}, func() {
		r := YMM()
		VMOVUPS(Mem{Base: dst}, r)
		VADDPS(Mem{Base: src}, r, r)
		VMOVUPS(r, Mem{Base: dst})
	})
	VZEROUPPER()
	RET()
}

// shift emits the sum of a slice and a number.
func shift() {
	name := "shiftAVX2"
	function(name, "func(x *float32, n int, v float32)", name+" equals shiftGo for n > 0, a multiple of 16.")
	x, n, by := param("x"), param("n"), avx2.spreadFloat("v")
	avx2.whole(n, map[GPVirtual]int{x: 4}, func() {
		r := YMM()
		VADDPS(Mem{Base: x}, by, r)
		VMOVUPS(r, Mem{Base: x})
	})
	VZEROUPPER()
	RET()
}

// addWherePositive emits the gradient of a ramp.
func addWherePositive() {
	name := "addWherePositiveAVX2"
	function(name, "func(dst, src, x *float32, n int)", name+" equals addWherePositiveGo for n > 0, a multiple of 16.")
	dst, src, x, n := param("dst"), param("src"), param("x"), param("n")
	zero := avx2.zero()
	avx2.whole(n, map[GPVirtual]int{dst: 4, src: 4, x: 4}, func() {
		r := YMM()
		VPSUBD(Mem{Base: x}, zero, r)
		VPSRAD(Imm(31), r, r)
		VANDPS(Mem{Base: src}, r, r)
		VADDPS(Mem{Base: dst}, r, r)
		VMOVUPS(r, Mem{Base: dst})
	})
	VZEROUPPER()
	RET()
}

// greatest sets a to the greater of a and b: NaN if one is, and of two zeros
// the positive one.
func greatest(b, a VecVirtual, temporary func() VecVirtual) {
	none, other := temporary(), temporary()
	VCMPPS(unordered, a, b, none)
	VMAXPS(b, a, other)
	VMAXPS(a, b, a)
	VANDPS(other, a, a) // different if both are zeros
	VORPS(none, a, a)
}

// maxOfSquares emits pooling: eight results at a time, then four.
func maxOfSquares() {
	name := "maxOfSquaresAVX2"
	function(name, "func(dst, a, b *float32, n int)", name+" equals maxOfSquaresGo for n > 0, a multiple of four.")
	dst, a, b, n := param("dst"), param("a"), param("b"), param("n")
	eight, four, done := label("eight"), label("four"), label("done")
	pool := func(temporary func() VecVirtual, lanes int) VecVirtual {
		var m [2]VecVirtual
		for i := range m {
			m[i] = temporary()
			below := temporary()
			VMOVUPS(Mem{Base: a, Disp: 4 * lanes * i}, m[i])
			VMOVUPS(Mem{Base: b, Disp: 4 * lanes * i}, below)
			greatest(below, m[i], temporary)
		}
		right := temporary()
		VSHUFPS(U8(0xdd), m[1], m[0], right)
		VSHUFPS(U8(0x88), m[1], m[0], m[0])
		greatest(right, m[0], temporary)
		return m[0]
	}
	Label(eight)
	CMPQ(n, Imm(8))
	JL(LabelRef(four))
	r := pool(func() VecVirtual { return YMM() }, 8)
	VPERMPD(U8(0xd8), r, r) // by halves of vectors until now
	VMOVUPS(r, Mem{Base: dst})
	ADDQ(Imm(32), dst)
	ADDQ(Imm(64), a)
	ADDQ(Imm(64), b)
	SUBQ(Imm(8), n)
	JMP(LabelRef(eight))
	Label(four)
	TESTQ(n, n)
	JZ(LabelRef(done))
	VMOVUPS(pool(func() VecVirtual { return XMM() }, 4), Mem{Base: dst})
	Label(done)
	VZEROUPPER()
	RET()
}

// addToSquares emits the gradient of pooling, four squares at a time. Both
// numbers of a row are one word of 64 bits, the first its lower half.
func addToSquares() {
	name := "addToSquaresAVX2"
	function(name, "func(da, db, src, a, b, m *float32, n int)", name+" equals addToSquaresGo for n > 0, a multiple of four.")
	da, db, src, a, b, m, n := param("da"), param("db"), param("src"), param("a"), param("b"), param("m"), param("n")
	nothing, first := avx2.spread32(1<<31), avx2.spread64(math.MaxUint32) // −0, which no sum notices
	next := label("loop")
	Label(next)
	twice := func(at GPVirtual) VecVirtual {
		r := YMM()
		VPMOVZXDQ(Mem{Base: at}, r)
		VMOVSLDUP(r, r)
		return r
	}
	top, v := twice(m), twice(src)
	// found returns where a row is the greatest, there for the first time in
	// the row, and for both numbers whether one is.
	found := func(row GPVirtual) (one, any VecVirtual) {
		one, any = YMM(), YMM()
		later := YMM()
		VCMPPS(equal, Mem{Base: row}, top, one)
		VPSHUFD(U8(0xb1), one, any)
		VPOR(one, any, any)
		VPSLLQ(Imm(32), one, later)
		VPANDN(one, later, one)
		return one, any
	}
	above, anyAbove := found(a)
	below, anyBelow := found(b)
	VPANDN(below, anyAbove, below)
	VPOR(anyAbove, anyBelow, anyBelow)
	VPANDN(first, anyBelow, anyBelow) // the first of a square where none is
	VPOR(anyBelow, above, above)
	for _, row := range []struct {
		at   GPVirtual
		mask VecVirtual
	}{{da, above}, {db, below}} {
		r := YMM()
		VBLENDVPS(row.mask, v, nothing, r)
		VADDPS(Mem{Base: row.at}, r, r)
		VMOVUPS(r, Mem{Base: row.at})
	}
	for _, p := range []GPVirtual{da, db, a, b} {
		ADDQ(Imm(32), p)
	}
	for _, p := range []GPVirtual{src, m} {
		ADDQ(Imm(16), p)
	}
	SUBQ(Imm(4), n)
	JNZ(LabelRef(next))
	VZEROUPPER()
	RET()
}

// rescale emits the way from sums, row by row, to floats, column by column:
// blocks of eight rows and four columns.
func rescale() {
	name := "rescaleAVX2"
	function(name, "func(y *float32, yStride int, sums *int32, stride, rows, cols int, scale, bias *float32)",
		name+" equals rescaleGo for columns of y and rows of sums without gaps, rows > 0, a multiple of eight, and cols > 0, one of four; strides are in bytes.")
	y, yStride, sums, stride := param("y"), param("yStride"), param("sums"), param("stride")
	cols, scale, bias := param("cols"), param("scale"), param("bias")
	yStride3, stride3, stride8 := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: yStride, Index: yStride, Scale: 2}, yStride3)
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	MOVQ(stride, stride8)
	SHLQ(Imm(3), stride8)
	fours := func(base, stride, stride3 GPVirtual) [4]Mem {
		return [4]Mem{{Base: base}, {Base: base, Index: stride, Scale: 1}, {Base: base, Index: stride, Scale: 2}, {Base: base, Index: stride3, Scale: 1}}
	}
	column, row := label("column"), label("row")
	s, b := YMM(), YMM()
	x, x4, to, left := GP64(), GP64(), GP64(), GP64()
	Label(column)
	VBROADCASTF128(Mem{Base: scale}, s)
	VBROADCASTF128(Mem{Base: bias}, b)
	MOVQ(sums, x)
	LEAQ(Mem{Base: sums, Index: stride, Scale: 4}, x4)
	MOVQ(y, to)
	Load(Param("rows"), left)
	Label(row)
	var in [4]VecVirtual
	for i := range in {
		r := YMM()
		VMOVUPS(fours(x, stride, stride3)[i], r.AsX())
		VINSERTF128(Imm(1), fours(x4, stride, stride3)[i], r, r)
		VCVTDQ2PS(r, r)
		VMULPS(s, r, r)
		VADDPS(b, r, r)
		in[i] = r
	}
	for i, o := range turned(in) {
		VMOVUPS(o, fours(to, yStride, yStride3)[i])
	}
	ADDQ(stride8, x)
	ADDQ(stride8, x4)
	ADDQ(Imm(32), to)
	SUBQ(Imm(8), left)
	JNZ(LabelRef(row))
	LEAQ(Mem{Base: y, Index: yStride, Scale: 4}, y)
	for _, p := range []GPVirtual{sums, scale, bias} {
		ADDQ(Imm(16), p)
	}
	SUBQ(Imm(4), cols)
	JNZ(LabelRef(column))
	VZEROUPPER()
	RET()
}

// copyRuns emits the copying of many short runs, sixteen bytes at a time.
func copyRuns() {
	name := "copyRunsAVX2"
	function(name, "func(dst, src *uint8, n, runs, runStep, count, step int)", name+" equals copyRunsGo for n, runs and count > 0, but it writes up to 15 bytes more.")
	dst, src, n := param("dst"), param("src"), param("n")
	runs, runStep, count, step := param("runs"), param("runStep"), param("count"), param("step")
	next, run, part := label("next"), label("run"), label("part")
	left, from, at := GP64(), GP64(), GP64()
	Label(next)
	MOVQ(runs, left)
	MOVQ(src, from)
	Label(run)
	XORQ(at, at)
	Label(part)
	r := XMM()
	VMOVDQU(Mem{Base: from, Index: at, Scale: 1}, r)
	VMOVDQU(r, Mem{Base: dst, Index: at, Scale: 1})
	ADDQ(Imm(16), at)
	CMPQ(at, n)
	JL(LabelRef(part))
	ADDQ(n, dst)
	ADDQ(runStep, from)
	DECQ(left)
	JNZ(LabelRef(run))
	ADDQ(step, src)
	DECQ(count)
	JNZ(LabelRef(next))
	RET()
}
