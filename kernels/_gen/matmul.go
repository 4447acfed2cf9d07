package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// products emits what products of matrices are made of.
func products() {
	avx512.multiplyTiles(floats)
	avx512.multiplyTiles(bytes)
	avx2.multiplyTiles(floats)
	avx2.multiplyTiles(bytes)
	avx512.spreadRows()
	avx2.spreadRows()
	transpose()
}

// element is what products multiply.
type element int

const (
	floats element = iota
	bytes          // four a step
)

const (
	panelBytes = 64  // of a step of a panel: 16 columns of four bytes
	ahead      = 256 // bytes: four steps of a panel, or four panels of a row
)

// tiles is the state of multiplyTiles. Its pointers point to the tile at hand.
type tiles struct {
	isa
	of element

	c, cStride        GPVirtual
	left, leftStep    GPVirtual
	right             GPVirtual
	step              GPVirtual
	start             GPVirtual // of bytes
	cols              GPVirtual // left to do
	panel, depth, add Mem
	most              int // rows
	low, high         Register
	at, x, y0, y1     GPVirtual
	kLeft             GPVirtual
}

// multiplyTiles emits the product of a panel and panels. Tiles are of up to 12
// rows and 32 columns in AVX-512, of up to 6 rows and 16 columns, all of which
// are there, in AVX2.
func (v isa) multiplyTiles(of element) {
	t := &tiles{isa: v, of: of, most: 12}
	if !v.wide() {
		t.most = 6
	}
	name := "multiplyTiles" + v.suffix
	columns := "any number of"
	if !v.wide() {
		columns = "whole panels of"
	}
	if of == floats {
		function(name, "func(c *float32, cStride int, left *float32, leftStep int, right *float32, step, panel, depth, rows, cols int, add bool)",
			fmt.Sprintf("%s equals multiplyTilesGo for up to %d rows and %s columns; strides and steps are in bytes.", name, t.most, columns))
	} else {
		name = "multiplyTilesInt8" + v.suffix
		function(name, "func(c *int32, cStride int, left *uint8, right *int8, panel int, start *int32, depth, rows, cols int, add bool)",
			fmt.Sprintf("%s equals multiplyTilesInt8Go for up to %d rows and %s columns; strides and steps are in bytes.", name, t.most, columns))
	}
	t.c, t.cStride, t.left, t.right = param("c"), param("cStride"), param("left"), param("right")
	if of == floats {
		t.leftStep, t.step = param("leftStep"), param("step")
	} else {
		t.start = param("start")
	}
	t.cols = param("cols")
	t.panel, t.depth, t.add = address("panel"), address("depth"), address("add")
	t.at, t.x, t.y0, t.y1, t.kLeft = GP64(), GP64(), GP64(), GP64(), GP64()
	rows := address("rows")
	if v.wide() {
		t.low, t.high = K(), K()
	}
	for r := t.most; r > 1; r-- {
		CMPQ(rows, U8(r))
		JEQ(LabelRef(fmt.Sprintf("rows%d", r)))
	}
	for r := 1; r <= t.most; r++ {
		t.rows(r)
	}
}

// address returns where a parameter is.
func address(name string) Mem {
	at, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return at.Addr
}

// rows emits the loop over tiles of r rows.
func (t *tiles) rows(r int) {
	Label(fmt.Sprintf("rows%d", r))
	next, done := fmt.Sprintf("tile%d", r), fmt.Sprintf("done%d", r)
	if !t.wide() {
		Label(next)
		t.tile(r, 2)
		ADDQ(Imm(panelBytes), t.c)
		ADDQ(t.panel, t.right)
		if t.of == bytes {
			ADDQ(Imm(panelBytes), t.start)
		}
		SUBQ(Imm(16), t.cols)
		JG(LabelRef(next))
		VZEROUPPER()
		RET()
		return
	}
	one := fmt.Sprintf("one%d", r)
	Label(next)
	full := fmt.Sprintf("full%d", r)
	bits := GP32()
	MOVL(I32(-1), bits)
	CMPQ(t.cols, Imm(32))
	JGE(LabelRef(full))
	BZHIL(t.cols.As32(), bits, bits)
	Label(full)
	KMOVW(bits, t.low)
	SHRL(Imm(16), bits)
	JZ(LabelRef(one))
	KMOVW(bits, t.high)
	t.tile(r, 2)
	ADDQ(Imm(2*panelBytes), t.c)
	ADDQ(t.panel, t.right)
	ADDQ(t.panel, t.right)
	if t.of == bytes {
		ADDQ(Imm(2*panelBytes), t.start)
	}
	SUBQ(Imm(32), t.cols)
	JG(LabelRef(next))
	JMP(LabelRef(done))
	Label(one)
	t.tile(r, 1)
	Label(done)
	VZEROUPPER()
	RET()
}

// eachRow emits body for the rows of c.
func (t *tiles) eachRow(r int, body func(row int, at Mem)) {
	MOVQ(t.c, t.at)
	for row := range r {
		body(row, Mem{Base: t.at})
		if row+1 < r {
			ADDQ(t.cStride, t.at)
		}
	}
}

// tile emits one of r rows and as many columns as n vectors have.
func (t *tiles) tile(r, n int) {
	if !t.wide() && t.of == bytes {
		t.tileInt8AVX2(r)
		return
	}
	id := fmt.Sprintf("%d_%d", r, n)
	sums := make([][]VecVirtual, r)
	for row := range sums {
		for range n {
			sums[row] = append(sums[row], t.reg())
		}
	}
	masks := []*mask{nil, nil}
	if t.wide() {
		masks = []*mask{{t.low}, {t.high}}
	}
	zero, begun := "new"+id, "begun"+id
	CMPB(t.add, Imm(0))
	JE(LabelRef(zero))
	t.eachRow(r, func(row int, at Mem) {
		for i, s := range sums[row] {
			t.load(at.Offset(4*t.n*i), masks[i], s)
		}
	})
	JMP(LabelRef(begun))
	Label(zero)
	for row := range sums {
		for i, s := range sums[row] {
			switch {
			case t.of == floats:
				t.begin(s)
			case row == 0:
				t.load(Mem{Base: t.start, Disp: 4 * t.n * i}, masks[i], s)
			default:
				VMOVDQA32(sums[0][i], s)
			}
		}
	}
	Label(begun)
	MOVQ(t.left, t.x)
	MOVQ(t.right, t.y0)
	if t.wide() && n == 2 {
		MOVQ(t.right, t.y1)
		ADDQ(t.panel, t.y1)
	}
	MOVQ(t.depth, t.kLeft)
	loop := "k" + id
	Label(loop)
	var y [2]VecVirtual
	for i := range n {
		y[i] = t.reg()
		at := Mem{Base: t.y0, Disp: 4 * t.n * i}
		if t.wide() && i == 1 {
			at = Mem{Base: t.y1}
		}
		t.load(at, masks[i], y[i])
	}
	for row := range sums {
		x := t.reg()
		VBROADCASTSS(Mem{Base: t.x, Disp: 4 * row}, x)
		for i, s := range sums[row] {
			if t.of == floats {
				VFMADD231PS(y[i], x, s)
			} else {
				vpdpbusd(y[i], x, s)
			}
		}
	}
	advance := func(p, by GPVirtual) {
		if t.of == floats {
			ADDQ(by, p)
		} else {
			ADDQ(Imm(panelBytes), p)
		}
	}
	if t.of == floats && r > 1 { // one row is read in an order that the machine foresees
		PREFETCHT0(Mem{Base: t.y0, Disp: ahead})
		if t.wide() && n == 2 {
			PREFETCHT0(Mem{Base: t.y1, Disp: ahead})
		}
	}
	advance(t.x, t.leftStep)
	advance(t.y0, t.step)
	if t.wide() && n == 2 {
		advance(t.y1, t.step)
	}
	DECQ(t.kLeft)
	JNZ(LabelRef(loop))
	t.eachRow(r, func(row int, at Mem) {
		for i, s := range sums[row] {
			t.store(s, masks[i], at.Offset(4*t.n*i))
		}
	})
}

// tileInt8AVX2 emits a tile of r rows and 16 columns of bytes, eight columns
// after the other eight. Bytes become words, whose products sum up exactly; the
// instruction that multiplies bytes as they are saturates.
func (t *tiles) tileInt8AVX2(r int) {
	for half := range 2 {
		id := fmt.Sprintf("%d_%d", r, half)
		sums := make([][2]VecVirtual, r) // of four columns each: k even, k odd
		for row := range sums {
			for i := range sums[row] {
				sums[row][i] = YMM()
				VPXOR(sums[row][i], sums[row][i], sums[row][i])
			}
		}
		MOVQ(t.left, t.x)
		MOVQ(t.right, t.y0)
		MOVQ(t.depth, t.kLeft)
		loop := "k" + id
		Label(loop)
		y := [2]VecVirtual{YMM(), YMM()}
		for i := range y {
			VPMOVSXBW(Mem{Base: t.y0, Disp: 32*half + 16*i}, y[i])
		}
		for row := range sums {
			x, p := YMM(), YMM()
			VPBROADCASTD(Mem{Base: t.x, Disp: 4 * row}, x.AsX())
			VPMOVZXBW(x.AsX(), x)
			VPMADDWD(y[0], x, p)
			VPADDD(p, sums[row][0], sums[row][0])
			VPMADDWD(y[1], x, x)
			VPADDD(x, sums[row][1], sums[row][1])
		}
		ADDQ(Imm(panelBytes), t.x)
		ADDQ(Imm(panelBytes), t.y0)
		DECQ(t.kLeft)
		JNZ(LabelRef(loop))
		start, end := "start"+id, "end"+id
		for row := range sums {
			VPHADDD(sums[row][1], sums[row][0], sums[row][0])
			VPERMQ(Imm(0xd8), sums[row][0], sums[row][0])
		}
		CMPB(t.add, Imm(0))
		JE(LabelRef(start))
		t.eachRow(r, func(row int, at Mem) {
			VPADDD(at.Offset(32*half), sums[row][0], sums[row][0])
		})
		JMP(LabelRef(end))
		Label(start)
		for row := range sums {
			VPADDD(Mem{Base: t.start, Disp: 32 * half}, sums[row][0], sums[row][0])
		}
		Label(end)
		t.eachRow(r, func(row int, at Mem) {
			VMOVDQU(sums[row][0], at.Offset(32*half))
		})
	}
}

// begin sets sum to 0. Avo takes AVX-512's exclusive or for a read of what was
// in the register, which then nothing else could use.
func (t *tiles) begin(sum VecVirtual) {
	if !t.wide() {
		t.clear(sum)
		return
	}
	Instruction(&ir.Instruction{
		Opcode:   "VPXORD",
		Operands: []Op{sum, sum, sum},
		Outputs:  []Op{sum},
		ISA:      []string{"AVX512F"},
	})
}

// vpdpbusd adds products of four signed bytes of y and unsigned ones of x to
// each sum. Avo does not know it.
func vpdpbusd(y, x, sum VecVirtual) {
	Instruction(&ir.Instruction{
		Opcode:   "VPDPBUSD",
		Operands: []Op{y, x, sum},
		Inputs:   []Op{y, x, sum},
		Outputs:  []Op{sum},
		ISA:      []string{"AVX512_VNNI"},
	})
}

// spreadRows emits the packing of rows: 16 columns go to each panel.
func (v isa) spreadRows() {
	name := "spreadRows" + v.suffix
	function(name, "func(dst, src *float32, stride, rows, cols int)", name+" equals packPanelsGo for rows, stride apart, whose columns lie side by side; stride is in bytes.")
	dst, src, stride, rows, cols := param("dst"), param("src"), param("stride"), param("rows"), param("cols")
	panel := GP64()
	MOVQ(rows, panel)
	SHLQ(Imm(6), panel)
	last := GP64() // columns of the last panel: 1 to 16
	LEAQ(Mem{Base: cols, Disp: -1}, last)
	ANDQ(Imm(15), last)
	INCQ(last)
	per := 16 / v.n
	masks := make([]*mask, per)
	if v.wide() {
		bits := GP32()
		MOVL(I32(-1), bits)
		BZHIL(last.As32(), bits, bits)
		k := K()
		KMOVW(bits, k)
		masks[0] = &mask{k}
	} else {
		n, zero, eight := GP64(), GP64(), GP64()
		XORQ(zero, zero)
		MOVQ(U32(8), eight)
		MOVQ(last, n)
		CMPQ(n, eight)
		CMOVQGT(eight, n)
		masks[0] = v.first(n)
		SUBQ(eight, last)
		CMOVQLT(zero, last)
		masks[1] = v.first(last)
	}
	row, next, end := label("row"), label("next"), label("end")
	x, y, left := GP64(), GP64(), GP64()
	Label(row)
	MOVQ(src, x)
	MOVQ(dst, y)
	MOVQ(cols, left)
	SUBQ(Imm(16), left)
	JLE(LabelRef(end))
	Label(next)
	for i := range per {
		r := v.reg()
		VMOVUPS(Mem{Base: x, Disp: 4 * v.n * i}, r)
		VMOVUPS(r, Mem{Base: y, Disp: 4 * v.n * i})
	}
	ADDQ(Imm(64), x)
	ADDQ(panel, y)
	SUBQ(Imm(16), left)
	JG(LabelRef(next))
	Label(end)
	for i := range per {
		r := v.reg()
		v.load(Mem{Base: x, Disp: 4 * v.n * i}, masks[i], r)
		VMOVUPS(r, Mem{Base: y, Disp: 4 * v.n * i})
	}
	ADDQ(stride, src)
	ADDQ(Imm(panelBytes), dst)
	DECQ(rows)
	JNZ(LabelRef(row))
	VZEROUPPER()
	RET()
}

// transpose emits the packing of columns whose steps of k lie side by side: a
// panel of them. Eight columns at a time are turned, four steps at a time, then
// four columns, eight steps at a time.
func transpose() {
	name := "transposeAVX2"
	function(name, "func(dst, src *float32, stride, steps, cols int, flip uint32)", name+" equals packPanelsGo for up to 16 columns, stride bytes apart, flip applied to each step, but it writes steps up to a multiple of eight and lanes up to one of four.")
	dst, src, stride, steps, cols := param("dst"), param("src"), param("stride"), param("steps"), param("cols")
	flip := YMM()
	VMOVD(Load(Param("flip"), GP32()), flip.AsX())
	VPBROADCASTD(flip.AsX(), flip)
	y, left := GP64(), GP64()

	eight, fewer, end := label("eight"), label("fewer"), label("end")
	CMPQ(cols, Imm(8))
	JL(LabelRef(fewer))
	rest := GP64()
	MOVQ(steps, rest)
	ANDQ(Imm(3), rest)
	some := avx2.first(rest)
	stride3 := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	Label(eight)
	x, x4 := GP64(), GP64()
	MOVQ(src, x)
	LEAQ(Mem{Base: src, Index: stride, Scale: 4}, x4)
	MOVQ(dst, y)
	rows := func(base GPVirtual) []Mem {
		return []Mem{{Base: base}, {Base: base, Index: stride, Scale: 1}, {Base: base, Index: stride, Scale: 2}, {Base: base, Index: stride3, Scale: 1}}
	}
	turn8 := func(load func(low, high Mem, to VecVirtual)) {
		var in [4]VecVirtual
		for i := range in {
			in[i] = YMM()
			load(rows(x)[i], rows(x4)[i], in[i])
			VPXOR(flip, in[i], in[i])
		}
		for i, o := range turned(in) {
			VMOVUPS(o, Mem{Base: y, Disp: panelBytes * i})
		}
	}
	MOVQ(steps, left)
	next8, last8 := label("next"), label("last")
	SUBQ(Imm(4), left)
	JL(LabelRef(last8))
	Label(next8)
	turn8(func(low, high Mem, to VecVirtual) {
		VMOVUPS(low, to.AsX())
		VINSERTF128(Imm(1), high, to, to)
	})
	ADDQ(Imm(16), x)
	ADDQ(Imm(16), x4)
	ADDQ(U32(4*panelBytes), y)
	SUBQ(Imm(4), left)
	JGE(LabelRef(next8))
	Label(last8)
	done8 := label("done")
	TESTQ(rest, rest)
	JZ(LabelRef(done8))
	turn8(func(low, high Mem, to VecVirtual) {
		t := XMM()
		VMASKMOVPS(low, some.reg.(VecVirtual).AsX(), to.AsX())
		VMASKMOVPS(high, some.reg.(VecVirtual).AsX(), t)
		VINSERTF128(Imm(1), t, to, to)
	})
	Label(done8)
	ADDQ(Imm(32), dst)
	LEAQ(Mem{Base: src, Index: stride, Scale: 8}, src)
	SUBQ(Imm(8), cols)
	JZ(LabelRef(end))
	CMPQ(cols, Imm(8))
	JGE(LabelRef(eight))

	Label(fewer)
	rest = GP64()
	MOVQ(steps, rest)
	ANDQ(Imm(7), rest)
	some = avx2.first(rest)
	var xs [4]GPVirtual
	for i := range xs {
		xs[i] = GP64()
	}
	turn4 := func(load func(at Mem, to VecVirtual)) {
		var in [4]VecVirtual
		for i := range in {
			in[i] = YMM()
			load(Mem{Base: xs[i]}, in[i])
			VPXOR(flip, in[i], in[i])
		}
		for i, o := range turned(in) {
			VMOVUPS(o.AsX(), Mem{Base: y, Disp: panelBytes * i})
			VEXTRACTF128(Imm(1), o, Mem{Base: y, Disp: panelBytes * (4 + i)})
		}
	}
	four, next4, last4, done4 := label("four"), label("next"), label("last"), label("done")
	Label(four)
	MOVQ(src, xs[0])
	for i := 1; i < 4; i++ { // past the end, a column is taken again
		MOVQ(xs[i-1], xs[i])
		ADDQ(stride, xs[i])
		CMPQ(cols, Imm(uint64(i)))
		CMOVQLE(xs[i-1], xs[i])
	}
	MOVQ(dst, y)
	MOVQ(steps, left)
	SUBQ(Imm(8), left)
	JL(LabelRef(last4))
	Label(next4)
	turn4(func(at Mem, to VecVirtual) { VMOVUPS(at, to) })
	for _, p := range xs {
		ADDQ(Imm(32), p)
	}
	ADDQ(U32(8*panelBytes), y)
	SUBQ(Imm(8), left)
	JGE(LabelRef(next4))
	Label(last4)
	TESTQ(rest, rest)
	JZ(LabelRef(done4))
	turn4(func(at Mem, to VecVirtual) { VMASKMOVPS(at, some.reg, to) })
	Label(done4)
	ADDQ(Imm(16), dst)
	LEAQ(Mem{Base: src, Index: stride, Scale: 4}, src)
	SUBQ(Imm(4), cols)
	JG(LabelRef(four))
	Label(end)
	VZEROUPPER()
	RET()
}

// turned returns the columns of 4×4 floats in either half of four rows.
func turned(in [4]VecVirtual) (out [4]VecVirtual) {
	var half [4]VecVirtual
	for i := range half {
		half[i], out[i] = YMM(), YMM()
	}
	VUNPCKLPS(in[1], in[0], half[0])
	VUNPCKHPS(in[1], in[0], half[1])
	VUNPCKLPS(in[3], in[2], half[2])
	VUNPCKHPS(in[3], in[2], half[3])
	VUNPCKLPD(half[2], half[0], out[0])
	VUNPCKHPD(half[2], half[0], out[1])
	VUNPCKLPD(half[3], half[1], out[2])
	VUNPCKHPD(half[3], half[1], out[3])
	return out
}
