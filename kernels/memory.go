package kernels

import "math"

// readGo returns all the bits of x, whose length is a multiple of 64, joined
// by exclusive or: as little work as reading memory can be.
func readGo(x []float32) uint32 {
	var bits uint32
	for _, v := range x {
		bits ^= math.Float32bits(v)
	}
	return bits
}
