package kernels

// signValues holds ±1 for each bit of each byte; a set bit is a minus.
var signValues = func() (t [256][8]float32) {
	for b := range t {
		for i := range t[b] {
			t[b][i] = float32(1 - 2*(b>>i&1))
		}
	}
	return t
}()

// evenSigns completes seven signs by the eighth, which makes the number of
// minuses even.
var evenSigns = func() (t [128]uint8) {
	for s := range t {
		t[s] = uint8(s) | parity[s]<<7
	}
	return t
}()

// signed8 sets eight weights to scale·v, four v from each of a and b, with the
// signs given.
func signed8(dst []float32, scale float32, a, b []float32, signs uint8) {
	_, _, _ = dst[7], a[3], b[3]
	s := &signValues[signs]
	for i := range 4 {
		dst[i] = scale * a[i] * s[i]
		dst[4+i] = scale * b[i] * s[4+i]
	}
}

// sevenSigns packs four times seven of eight signs, whose number of minuses is
// even, into 28 bits.
func sevenSigns(signs *[4]uint8) uint32 {
	return uint32(signs[0]&127) | uint32(signs[1]&127)<<7 | uint32(signs[2]&127)<<14 | uint32(signs[3]&127)<<21
}
