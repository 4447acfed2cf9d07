package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// read emits the measure of memory: every load, and one cheap operation so
// that none is idle.
func (v isa) read() {
	function("read"+v.suffix, "func(x *float32, n int) uint32", "read"+v.suffix+" equals readGo for n a multiple of 64.")
	x, n := param("x"), param("n")
	acc := []VecVirtual{v.zero(), v.zero(), v.zero(), v.zero()}
	loop, done := label("loop"), label("done")
	Label(loop)
	SUBQ(U32(4*v.n), n)
	JL(LabelRef(done))
	for i, a := range acc {
		v.xor(Mem{Base: x, Disp: 4 * v.n * i}, a, a)
	}
	ADDQ(U32(16*v.n), x)
	JMP(LabelRef(loop))
	Label(done)
	for _, a := range acc[1:] {
		v.xor(a, acc[0], acc[0])
	}
	v.fold(acc[0], VXORPS)
	sum := GP32()
	VMOVD(acc[0].AsX(), sum)
	Store(sum, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func (v isa) xor(a, b Op, to VecVirtual) {
	if v.wide() {
		VPXORD(a, b, to)
	} else {
		VPXOR(a, b, to)
	}
}
