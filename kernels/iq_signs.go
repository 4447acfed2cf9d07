package kernels

// evenSigns completes seven signs by the eighth, which makes the number of
// minuses even.
var evenSigns = func() (t [128]uint8) {
	for s := range t {
		t[s] = uint8(s) | parity[s]<<7
	}
	return t
}()

// signed8 gives the bytes of a word, all from 1 to 127, the signs of eight bits.
func signed8(word uint64, signs uint8) uint64 {
	s := spreadBits(signs)
	return word ^ s*255 + s // of bytes other than 0, the sum has no carry
}

// sevenSigns packs four times seven of eight signs, whose number of minuses is
// even, into 28 bits.
func sevenSigns(signs *[4]uint8) uint32 {
	return uint32(signs[0]&127) | uint32(signs[1]&127)<<7 | uint32(signs[2]&127)<<14 | uint32(signs[3]&127)<<21
}
