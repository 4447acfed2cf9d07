//go:build !amd64

package kernels

func orderInLanes([]uint8, []float32) bool { return false }

func (s *splitLanes) split32([]float32, *[32]float32, *[32]uint8) (best iq1Split, found, done bool) {
	return best, false, false
}

func (s *splitLanes) split16([]float32, []float32, *[16]uint8) (best iq1Split, found, done bool) {
	return best, false, false
}

func (l *lattice) closestInLanes(int32, []float32, []float32, float32, *[8]float32) (int, bool) {
	return 0, false
}
