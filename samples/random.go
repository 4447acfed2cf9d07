package samples

import "math/bits"

// random is a sequence of random numbers that follows from a seed and an index
// and from nothing else, so that picture i is the same whichever pictures were
// made before it and on however many threads.
type random struct{ state uint64 }

// newRandom returns the sequence of an index under a seed.
func newRandom(seed, index uint64) random {
	return random{mix(mix(seed+golden) + index)}
}

// golden is 2⁶⁴ divided by the golden ratio, the step of SplitMix64.
const golden = 0x9e3779b97f4a7c15

// mix is the finalizer of SplitMix64: a bijection of 64 bits each of whose
// output bits depends on all input bits.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// next returns 64 random bits.
func (r *random) next() uint64 {
	r.state += golden
	return mix(r.state)
}

// below returns a number from 0 to n−1.
func (r *random) below(n int) int {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int(hi)
}

// between returns a number from lo to hi, both included.
func (r *random) between(lo, hi int) int {
	return lo + r.below(hi-lo+1)
}
