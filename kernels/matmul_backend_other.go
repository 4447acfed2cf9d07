//go:build !amd64

package kernels

func multiplyTiles(c Matrix, left []float32, leftStep int, right panels, depth int, add bool, _ *MatMulSpace) {
	multiplyTilesGo(c, left, leftStep, right, depth, add)
}

func packPanels(dst []float32, b Matrix) { packPanelsGo(dst, b) }

func multiplyTilesInt8(c View[int32], left []uint8, right panelsInt8, depth int, add bool, _ *int8Space) {
	multiplyTilesInt8Go(c, left, right, depth, add)
}

func packSteps(dst []uint8, a View[uint8], flip uint8) { packStepsGo(dst, a, flip) }
