//go:build !amd64

package kernels

// Backends lists what this machine runs, the fastest last.
func Backends() []Backend { return []Backend{Portable} }

func read(x []float32) uint32 { return readGo(x) }

func roundTrip(dst, src []float32, unit int, maps []Affine, r *Rounding, seed, at uint64) (clipped int) {
	return roundTripGo(dst, src, unit, maps, r, seed, at)
}

func compare(s *errorLanes, x, y []float32) { compareGo(s, x, y) }

func indexOfError(x, y []float32, e float64) int { return indexOfErrorGo(x, y, e) }

func extremes(ends []Extent, x []float32, unit int) { extremesGo(ends, x, unit) }

func moments(s *momentLanes, x []float32) { momentsGo(s, x) }

func losses(out []float64, x []float32, maps []Affine) { lossesGo(out, x, maps) }

func encodeF16(dst []byte, src []float32) { encodeF16Go(dst, src) }

func decodeF16(dst []float32, src []byte) { decodeF16Go(dst, src) }

func castF16(dst, src []float32) (clipped int) { return castF16Go(dst, src) }

func encodeBF16(dst []byte, src []float32) { encodeBF16Go(dst, src) }

func decodeBF16(dst []float32, src []byte) { decodeBF16Go(dst, src) }

func castBF16(dst, src []float32) (clipped int) { return castBF16Go(dst, src) }

func bins(dst []uint16, x []float32, lo, scale float64) { binsGo(dst, x, lo, scale) }

func keys(dst []uint16, x []float32) (low uint32) { return keysGo(dst, x) }

func differenceKeys(dst []uint16, x, y []float32) (low uint32) { return differenceKeysGo(dst, x, y) }

func weigh(w, x, importance []float32, square float32) { weighGo(w, x, importance, square) }

func (f *fits) fitInLanes(*affineFit, []float32, []float32, int, weighting) bool { return false }

func fitPairInLanes(*[2]fits, *affineFit, []float32, []float32, int, weighting) bool { return false }

func (f *fits) fitSymmetricInLanes(int32, []float32, []float32, int, weighting) bool { return false }

func fitDescendingAll(scales, x []float32) { fitDescendingAllGo(scales, x) }

func packQ3K(dst []byte, x, scales []float32) { packQ3KGo(dst, x, scales) }

func (f *fits) fitNonlinearInLanes([]float32, []float32, weighting) bool { return false }

func recode(codes []uint8, x, scales, offsets []float32, low, high int32) {
	recodeGo(codes, x, scales, offsets, low, high)
}

func (f *Minifloat) nearestEven(dst, src []float32, unit int, scales []twoWay, last float32) (clipped int) {
	return f.nearestEvenGo(dst, src, unit, scales, last)
}

func (t *trials) project(x, w []float32, levels int32) { t.projectGo(x, w, levels) }

func stretch(trials, losses *[8]float32, x, w []float32, high float32, levels int32) {
	stretchGo(trials, losses, x, w, high, levels)
}

func unpackBytes(y []float32, codes []uint8, scales, offsets []float32) {
	unpackBytesGo(y, codes, scales, offsets)
}
