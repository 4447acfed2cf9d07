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
