package model

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// littleEndian reports whether this machine stores float32 as files do.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// floatBytes returns the memory of x, for copies without conversion. Bytes
// have no alignment, so the other side of the copy may start anywhere.
func floatBytes(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

func decodeF32(dst []float32, src []byte) {
	if littleEndian {
		copy(floatBytes(dst), src)
		return
	}
	decodeF32Anywhere(dst, src)
}

func encodeF32(dst []byte, src []float32) {
	if littleEndian {
		copy(dst, floatBytes(src))
		return
	}
	encodeF32Anywhere(dst, src)
}

func decodeF32Anywhere(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func encodeF32Anywhere(dst []byte, src []float32) {
	for i, x := range src {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(x))
	}
}

func decodeF64(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
	}
}

func encodeF64(dst []byte, src []float32) {
	for i, x := range src {
		binary.LittleEndian.PutUint64(dst[8*i:], math.Float64bits(float64(x)))
	}
}
