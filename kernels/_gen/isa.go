package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// isa is an instruction set with vectors of n float32.
type isa struct {
	suffix string
	n      int
}

var (
	avx2   = isa{"AVX2", 8}
	avx512 = isa{"AVX512", 16}
)

func (v isa) wide() bool { return v.n == 16 }

func (v isa) reg() VecVirtual {
	if v.wide() {
		return ZMM()
	}
	return YMM()
}

// half returns the part of r that widens to a whole vector of float64.
func (v isa) half(r VecVirtual) Op {
	if v.wide() {
		return r.AsY()
	}
	return r.AsX()
}

func (v isa) zero() VecVirtual {
	r := v.reg()
	v.clear(r)
	return r
}

func (v isa) clear(r VecVirtual) {
	if v.wide() {
		VPXORD(r, r, r)
	} else {
		VXORPS(r, r, r)
	}
}

// spread32 and spread64 return a vector of one constant.
func (v isa) spread32(bits uint32) VecVirtual {
	r := v.reg()
	VPBROADCASTD(constant32(bits), r)
	return r
}

func (v isa) spread64(bits uint64) VecVirtual {
	r := v.reg()
	VPBROADCASTQ(constant64(bits), r)
	return r
}

var constants = map[string]Mem{}

func constant32(bits uint32) Mem {
	name := fmt.Sprintf("c32_%08x", bits)
	if _, ok := constants[name]; !ok {
		constants[name] = ConstData(name, U32(bits))
	}
	return constants[name]
}

func constant64(bits uint64) Mem {
	name := fmt.Sprintf("c64_%016x", bits)
	if _, ok := constants[name]; !ok {
		constants[name] = ConstData(name, U64(bits))
	}
	return constants[name]
}

// vector returns a constant of eight equal words in memory, an operand of AVX2.
func vector(bits uint32) Mem {
	name := fmt.Sprintf("v32_%08x", bits)
	if _, ok := constants[name]; !ok {
		m := GLOBL(name, RODATA|NOPTR)
		for i := range 8 {
			DATA(4*i, U32(bits))
		}
		constants[name] = m
	}
	return constants[name]
}

// window is sixteen words: reading eight from word 8−n on gives a mask of the
// first n.
func window() Mem {
	if _, ok := constants["window"]; !ok {
		m := GLOBL("window", RODATA|NOPTR)
		for i := range 16 {
			word := U32(0)
			if i < 8 {
				word = math.MaxUint32
			}
			DATA(4*i, word)
		}
		constants["window"] = m
	}
	return constants["window"]
}

const (
	absMask = 0x7fffffff
	expMask = 0x7f800000

	// Comparisons of VCMPPS and its like.
	equal, less, lessOrEqual, unordered, unequal, notLess, greater = U8(0), U8(1), U8(2), U8(3), U8(4), U8(5), U8(14)
)

var labels int

func label(name string) string {
	labels++
	return fmt.Sprintf("%s%d", name, labels)
}

// param loads a parameter into a new register.
func param(name string) GPVirtual {
	return Load(Param(name), GP64()).(GPVirtual)
}

// mask says which weights of a vector take part; nil stands for all.
type mask struct{ reg Register }

// each emits body for vectors of weights until n are done, with a mask for the
// last ones. It moves the pointers along by as many bytes per weight and leaves n at 0.
func (v isa) each(n GPVirtual, pointers map[GPVirtual]int, body func(m *mask)) {
	loop, rest, done := label("loop"), label("rest"), label("done")
	CMPQ(n, U32(v.n))
	JL(LabelRef(rest))
	Label(loop)
	body(nil)
	for _, p := range order(pointers) {
		ADDQ(U32(v.n*pointers[p]), p)
	}
	SUBQ(U32(v.n), n)
	CMPQ(n, U32(v.n))
	JGE(LabelRef(loop))
	Label(rest)
	TESTQ(n, n)
	JZ(LabelRef(done))
	body(v.first(n))
	for _, p := range order(pointers) {
		LEAQ(Mem{Base: p, Index: n, Scale: uint8(pointers[p])}, p)
	}
	XORQ(n, n)
	Label(done)
}

// whole emits body for n weights, a multiple of a vector and not 0.
func (v isa) whole(n GPVirtual, pointers map[GPVirtual]int, body func()) {
	next := label("loop")
	Label(next)
	body()
	for _, p := range order(pointers) {
		ADDQ(U32(v.n*pointers[p]), p)
	}
	SUBQ(U32(v.n), n)
	JNZ(LabelRef(next))
}

// order makes the output the same every time.
func order(pointers map[GPVirtual]int) []GPVirtual {
	var list []GPVirtual
	for p := range pointers {
		list = append(list, p)
	}
	for i := range list {
		for j := i; j > 0 && list[j].ID() < list[j-1].ID(); j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	return list
}

// first returns the mask of the first n weights, n less than a vector.
func (v isa) first(n GPVirtual) *mask {
	if v.wide() {
		bits := GP32()
		MOVL(I32(-1), bits)
		BZHIL(n.As32(), bits, bits)
		k := K()
		KMOVW(bits, k)
		return &mask{k}
	}
	at, table := GP64(), GP64()
	MOVQ(I32(8), at)
	SUBQ(n, at)
	LEAQ(window(), table)
	m := YMM()
	VMOVUPS(Mem{Base: table, Index: at, Scale: 4}, m)
	return &mask{m}
}

// load reads a vector; weights outside of the mask read as 0.
func (v isa) load(at Mem, m *mask, to VecVirtual) {
	switch {
	case m == nil:
		VMOVUPS(at, to)
	case v.wide():
		VMOVUPS_Z(at, m.reg, to)
	default:
		VMASKMOVPS(at, m.reg, to)
	}
}

func (v isa) store(from VecVirtual, m *mask, at Mem) {
	switch {
	case m == nil:
		VMOVUPS(from, at)
	case v.wide():
		VMOVUPS(from, m.reg, at)
	default:
		VMASKMOVPS(from, m.reg, at)
	}
}

// nonFinite returns where x is NaN or ±Inf.
func (v isa) nonFinite(x VecVirtual) Register {
	if v.wide() {
		k := K()
		VFPCLASSPSZ(Imm(0x99), x, k)
		return k
	}
	m := YMM()
	VPAND(vector(expMask), x, m)
	VPCMPEQD(vector(expMask), m, m)
	return m
}

// drop sets x to 0 where m is set.
func (v isa) drop(m Register, x VecVirtual) {
	if v.wide() {
		k := K()
		KNOTW(m, k)
		VMOVAPS_Z(x, k, x)
	} else {
		VPANDN(x, m, x)
	}
}

// count adds the number of weights in m to total.
func (v isa) count(m Register, total GPVirtual) {
	c := GP32()
	if v.wide() {
		KMOVW(m, c)
	} else {
		VMOVMSKPS(m, c)
	}
	POPCNTL(c, c)
	ADDQ(c.As64(), total)
}

// fold reduces r to its first float32 by an operation that takes no order.
func (v isa) fold(r VecVirtual, op func(...Op)) {
	v.fold64(r, op)
	t := XMM()
	VPSHUFD(Imm(0xb1), r.AsX(), t.AsX())
	op(t.AsX(), r.AsX(), r.AsX())
}

// fold64 does the same to float64.
func (v isa) fold64(r VecVirtual, op func(...Op)) {
	t := v.reg()
	if v.wide() {
		VEXTRACTF64X4(Imm(1), r, t.AsY())
		op(t.AsY(), r.AsY(), r.AsY())
	}
	VEXTRACTF128(Imm(1), r.AsY(), t.AsX())
	op(t.AsX(), r.AsX(), r.AsX())
	VPSHUFD(Imm(0x4e), r.AsX(), t.AsX())
	op(t.AsX(), r.AsX(), r.AsX())
}

// lanes is eight float64 accumulators: one vector or two.
type lanes []VecVirtual

func (v isa) lanes() lanes {
	l := make(lanes, 16/v.n)
	for i := range l {
		l[i] = v.reg()
	}
	return l
}

func (v isa) move(l lanes, at Mem, load bool) {
	for i, r := range l {
		m := at.Offset(4 * v.n * i)
		if load {
			VMOVUPD(m, r)
		} else {
			VMOVUPD(r, m)
		}
	}
}

// total leaves the sum of the lanes in the first of them, added as the Go
// function fold adds.
func (v isa) total(l lanes) Register {
	r, t := l[0], v.reg()
	if v.wide() {
		VEXTRACTF64X4(Imm(1), r, t.AsY())
		VADDPD(t.AsY(), r.AsY(), r.AsY())
	} else {
		VADDPD(l[1], r, r)
	}
	VEXTRACTF128(Imm(1), r.AsY(), t.AsX())
	VADDPD(t.AsX(), r.AsX(), r.AsX())
	VPSHUFD(Imm(0x4e), r.AsX(), t.AsX())
	VADDSD(t.AsX(), r.AsX(), r.AsX())
	return r.AsX()
}

func function(name, signature, doc string) {
	TEXT(name, NOSPLIT, signature)
	Doc(doc)
	Pragma("noescape")
}
