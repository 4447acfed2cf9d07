package samples

import "math/bits"

// shuffled returns where position i of 0 … n−1 goes in a random order that
// key chooses: a bijection, computed for one position without the others.
//
// It is a Feistel network on the smallest even number of bits that n fits; a
// result past the end goes through it again until it falls inside.
func shuffled(i, n int, key uint64) int {
	half := uint(bits.Len(uint(n-1))+1) / 2
	mask := uint64(1)<<half - 1
	x := uint64(i)
	for {
		left, right := x>>half, x&mask
		for round := range uint64(4) {
			left, right = right, left^mix(key+right+round<<32)&mask
		}
		x = left<<half | right
		if x < uint64(n) {
			return int(x)
		}
	}
}
