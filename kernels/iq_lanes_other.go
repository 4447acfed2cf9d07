//go:build !amd64

package kernels

func (b *gridBlock) takeInLanes([]float32, []float32, float32, float32, bool) bool { return false }

func (s *gridSearch) runInLanes(*lattice, *gridBlocks, int) (done uint16) { return 0 }
