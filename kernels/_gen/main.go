// Command _gen writes the assembly of package kernels. Each emitted function
// equals, bit for bit, the Go function that its comment names.
package main

import (
	"flag"
	"log"

	. "github.com/mmcloughlin/avo/build"
)

// parts are the files of assembly.
var parts = map[string]func(){"vectors": vectors, "rows": rows, "lattices": lattices, "products": products, "streams": streams}

func main() {
	what := flag.String("what", "vectors", "which part to write: vectors, rows of blocks, searches among points of lattices, products of matrices, or streams between them")
	flag.Parse()
	write := parts[*what]
	if write == nil {
		log.Fatalf("there is no part %q", *what)
	}
	ConstraintExpr("amd64")
	write()
	Generate()
}

func rows() {
	for _, v := range []isa{avx2, avx512} {
		v.packQ8_0()
		v.packSymmetric("Q4_0", 8, 18)
		v.packSymmetric("Q5_0", 16, 22)
		v.packSpan("Q4_1", 15, 20)
		v.packSpan("Q5_1", 31, 24)
		v.packMXFP4()
		v.packQ1_0()
		v.packQ2_0()
		v.packTQ1_0()
		v.packTQ2_0()
		v.unpackTable("Q4_0", "around8", 18)
		v.unpackTable("Q4_1", "aboveZero", 20)
		v.unpackTable("IQ4NL", "nonlinearBytes", 18)
		v.unpackIQ4XS()
		v.unpackMXFP4()
		v.unpackNVFP4()
		v.unpackFives("Q5_0", 22)
		v.unpackFives("Q5_1", 24)
		v.unpackQ8_0()
		v.settle()
		v.fitDescending()
		v.packQ3K()
		v.unpackQ2K()
		v.unpackQ3K()
		v.unpackQ4K()
		v.unpackQ5K()
		v.unpackQ6K()
		v.unpackTQ1_0()
		v.unpackTQ2_0()
		v.unpackQ1_0()
		v.unpackQ2_0()
	}
	avx2.packNVFP4()
}

func vectors() {
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
		v.recode()
		v.weigh()
		v.minifloat()
		v.unpackBytes()
	}
	avx512.roundTrip(stochastic) // multiplies 64-bit integers
	avx2.extremes()              // sixteen lanes are no faster
	avx2.moments()
	avx2.stretch() // of eight trials
	avx2.project() // of nineteen
}

// lattices emits the searches among grid points.
func lattices() {
	gridLoad()
	ranks()
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
