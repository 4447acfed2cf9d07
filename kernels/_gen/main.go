// Command _gen writes the assembly of package kernels. Each emitted function
// equals, bit for bit, the Go function that its comment names.
package main

import . "github.com/mmcloughlin/avo/build"

func main() {
	ConstraintExpr("amd64")
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
		v.dequantizeQ2K()
		v.dequantizeQ4K()
		v.dequantizeQ5K()
	}
	avx512.roundTrip(stochastic) // multiplies 64-bit integers
	avx2.extremes()              // sixteen lanes are no faster
	avx2.moments()
	Generate()
}
