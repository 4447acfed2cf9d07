package kernels

// Bytes sets every dst[i] to the code of src[i], of the same length, less
// a.Min: codes of at most eight bits as unsigned bytes, with a.Zero−a.Min for
// 0. Rounding is to nearest even, as in [Affine.RoundTrip]; NaN becomes 0's.
func (a Affine) Bytes(dst []uint8, src []float32) { a.bytes(dst[:len(src)], src) }

func (a Affine) bytesGo(dst []uint8, src []float32) {
	const magic = 3 << 22
	inv := a.inverse()
	lo, hi := float32(a.Min-a.Zero), float32(a.Max-a.Zero)
	for i, v := range src {
		q := max(lo, min(hi, v*inv)) // lo and hi are integers: clamping first changes nothing
		if q != q || a.Scale == 0 {
			q = 0
		}
		t := q + magic
		dst[i] = uint8(int32(t-magic) - int32(lo))
	}
}
