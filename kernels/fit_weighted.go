package kernels

import "encoding/binary"

// quantizeWeighted packs blocks of 32 into so many bytes each, with importance:
// q4_0 and q5_0 by the search of [fitSymmetric] for so many levels, q4_1 and q5_1
// by the search a, which never puts the offset of a block above 0. A weight counts by
// importance·√(row + x²), row being the mean square of its row.
func quantizeWeighted(dst []byte, bytes int, x, importance []float32, levels int32, a *affineFit) {
	var f fits
	var w [32 * maxFits]float32
	var codes [32]uint8
	row := sumSquares(x) / float32(len(x))
	for len(x) > 0 {
		n := min(len(x), len(w))
		weigh(w[:n], x[:n], importance[:n], row)
		if a == nil {
			f.fitSymmetric(levels, x[:n], w[:n], 32, byGiven)
		} else {
			f.fit(a, x[:n], w[:n], 32, byGiven)
		}
		for k := range n / 32 {
			b := dst[:bytes]
			putHalf(b, f.scales[k])
			b = b[2:]
			if a != nil {
				putHalf(b, -f.offsets[k])
				b = b[2:]
			}
			f.take(codes[:], k)
			putCodes(b, &codes)
			dst = dst[bytes:]
		}
		x, importance = x[n:], importance[n:]
	}
}

// putCodes packs 32 codes of four bits, or of five if b has room for the fifth
// ones before the others.
func putCodes(b []byte, codes *[32]uint8) {
	if len(b) > 16 {
		binary.LittleEndian.PutUint32(b, fifthBits(codes[:]))
		b = b[4:]
	}
	packNibbles(b, codes[:])
}
