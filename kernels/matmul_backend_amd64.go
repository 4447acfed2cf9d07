package kernels

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// hasVNNI: bytes have an instruction of their own, which not all of AVX-512 has.
var hasVNNI = cpu.X86.HasAVX512VNNI

// multiplyTiles is multiplyTilesGo.
func multiplyTiles(c Matrix, left []float32, leftStep int, right panels, depth int, add bool, space *MatMulSpace) {
	switch backend {
	case AVX512:
		multiplyTilesAVX512(&c.Data[0], 4*c.RowStride, &left[0], 4*leftStep, &right.data[0], 4*right.step, 4*right.panel, depth, c.Rows, c.Cols, add)
	case AVX2:
		inPanels(c, &space.edge, add, func(c Matrix, j int) {
			for i := 0; i < c.Rows; i += 6 {
				multiplyTilesAVX2(&c.Data[i*c.RowStride], 4*c.RowStride, &left[i], 4*leftStep, &right.data[j/panelLanes*right.panel], 4*right.step, 4*right.panel,
					depth, min(6, c.Rows-i), c.Cols, add)
			}
		})
	default:
		multiplyTilesGo(c, left, leftStep, right, depth, add)
	}
}

// multiplyTilesInt8 is multiplyTilesInt8Go.
func multiplyTilesInt8(c View[int32], left []uint8, right panelsInt8, depth int, add bool, space *int8Space) {
	switch {
	case backend == AVX512 && hasVNNI:
		multiplyTilesInt8AVX512(&c.Data[0], 4*c.RowStride, &left[0], &right.data[0], right.panel, &right.start[0], depth, c.Rows, c.Cols, add)
	case backend != Portable:
		inPanels(c, &space.edge, add, func(c View[int32], j int) {
			for i := 0; i < c.Rows; i += 6 {
				multiplyTilesInt8AVX2(&c.Data[i*c.RowStride], 4*c.RowStride, &left[group*i], &right.data[j/panelLanes*right.panel], right.panel, &right.start[j],
					depth, min(6, c.Rows-i), c.Cols, add)
			}
		})
	default:
		multiplyTilesInt8Go(c, left, right, depth, add)
	}
}

// inPanels calls multiply for the columns of c that fill panels, and for a copy
// of the last ones that is as wide as a panel, with the number of the first.
func inPanels[T any](c View[T], edge *[tileRows * panelLanes]T, add bool, multiply func(c View[T], j int)) {
	whole := c.Cols / panelLanes * panelLanes
	if whole > 0 {
		multiply(c.Slice(0, c.Rows, 0, whole), 0)
	}
	if whole == c.Cols {
		return
	}
	rest, wide := c.Slice(0, c.Rows, whole, c.Cols), Dense(c.Rows, panelLanes, edge[:])
	part := wide.Slice(0, c.Rows, 0, rest.Cols)
	if add {
		part.set(rest)
	}
	multiply(wide, whole)
	rest.set(part)
}

// packPanels is packPanelsGo, but for lanes beside the last columns, which may
// hold anything.
func packPanels(dst []float32, b Matrix) {
	switch {
	case backend == Portable || b.Rows == 0 || b.Cols == 0:
		packPanelsGo(dst, b)
	case b.ColStride == 1 && backend == AVX512:
		spreadRowsAVX512(&dst[0], &b.Data[0], 4*b.RowStride, b.Rows, b.Cols)
	case b.ColStride == 1:
		spreadRowsAVX2(&dst[0], &b.Data[0], 4*b.RowStride, b.Rows, b.Cols)
	case b.RowStride == 1:
		for j := 0; j < b.Cols; j += panelLanes {
			transposeAVX2(&dst[j*b.Rows], &b.Data[j*b.ColStride], 4*b.ColStride, b.Rows, min(panelLanes, b.Cols-j), 0)
		}
	default:
		packPanelsGo(dst, b)
	}
}

// packSteps is packStepsGo, but for bytes past the last step, which may hold
// anything.
func packSteps(dst []uint8, a View[uint8], flip uint8) {
	steps := groups(a.Cols)
	switch {
	case backend == Portable || a.ColStride != 1:
		packStepsGo(dst, a, flip)
	case len(a.Data) < (a.Rows-1)*a.RowStride+steps*group: // steps would read on past the end
		if steps--; steps > 0 {
			transposeBytes(dst, a, steps, flip)
		}
		packStepsGo(dst[steps*group*panelLanes:], a.Slice(0, a.Rows, steps*group, a.Cols), flip)
	default:
		transposeBytes(dst, a, steps, flip)
	}
}

func transposeBytes(dst []uint8, a View[uint8], steps int, flip uint8) {
	transposeAVX2((*float32)(unsafe.Pointer(&dst[0])), (*float32)(unsafe.Pointer(&a.Data[0])), a.RowStride, steps, a.Rows, 0x01010101*uint32(flip))
}
