// Command _gen writes the assembly of package kernels. Each emitted function
// equals, bit for bit, the Go function that its comment names.
package main

import (
	"flag"

	. "github.com/mmcloughlin/avo/build"
)

func main() {
	ofLattices := flag.Bool("lattices", false, "write the searches among grid points instead of the other kernels")
	flag.Parse()
	ConstraintExpr("amd64")
	if *ofLattices {
		lattices()
		Generate()
		return
	}
	for _, v := range []isa{avx2, avx512} {
		v.read()
		for _, r := range roundings {
			v.roundTrip(r)
		}
		v.compare()
		v.indexOfError()
		v.losses()
		v.bins()
		v.keys(false)
		v.keys(true)
		for _, h := range halves {
			v.floats16(h)
		}
		v.fitAffine(false)
		v.fitAffine(true)
		v.fitSymmetric()
		v.fitNonlinear()
		v.fitDescending()
		v.recode()
		v.minifloat()
		v.codeAway()
		v.codeDown(true)
		v.codeDown(false)
		v.codeE2M1()
		v.unpackNibbles()
		v.unpackBytes()
	}
	avx512.roundTrip(stochastic) // multiplies 64-bit integers
	avx2.extremes()              // sixteen lanes are no faster
	avx2.moments()
	Generate()
}

// lattices emits the searches among grid points.
func lattices() {
	gridLoad()
	ranks()
	positive()
	for _, v := range []isa{avx2, avx512} {
		v.split32()
		v.split16()
		v.closest()
		latticeKernel{isa: v}.between()
		for _, l := range v.lattices() {
			l.tables()
			l.keys()
			l.evaluate()
			l.sums()
		}
	}
}
