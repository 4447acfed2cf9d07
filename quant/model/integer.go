package model

import (
	"encoding/binary"
	"math"
)

func decode8[T int8 | uint8](dst []float32, src []byte) {
	for i := range dst {
		dst[i] = float32(T(src[i]))
	}
}

func decode16[T int16 | uint16](dst []float32, src []byte) {
	for i := range dst {
		dst[i] = float32(T(binary.LittleEndian.Uint16(src[2*i:])))
	}
}

func decode32[T int32 | uint32](dst []float32, src []byte) {
	for i := range dst {
		dst[i] = float32(T(binary.LittleEndian.Uint32(src[4*i:])))
	}
}

func decode64[T int64 | uint64](dst []float32, src []byte) {
	for i := range dst {
		dst[i] = float32(T(binary.LittleEndian.Uint64(src[8*i:])))
	}
}

func decodeBool(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = 0
		if src[i] != 0 {
			dst[i] = 1
		}
	}
}

func encode8[T int8 | uint8](lo, hi T) func([]byte, []float32) {
	return func(dst []byte, src []float32) {
		for i, x := range src {
			dst[i] = byte(nearest(x, lo, hi))
		}
	}
}

func encode16[T int16 | uint16](lo, hi T) func([]byte, []float32) {
	return func(dst []byte, src []float32) {
		for i, x := range src {
			binary.LittleEndian.PutUint16(dst[2*i:], uint16(nearest(x, lo, hi)))
		}
	}
}

func encode32[T int32 | uint32](lo, hi T) func([]byte, []float32) {
	return func(dst []byte, src []float32) {
		for i, x := range src {
			binary.LittleEndian.PutUint32(dst[4*i:], uint32(nearest(x, lo, hi)))
		}
	}
}

func encode64[T int64 | uint64](lo, hi T) func([]byte, []float32) {
	return func(dst []byte, src []float32) {
		for i, x := range src {
			binary.LittleEndian.PutUint64(dst[8*i:], uint64(nearest(x, lo, hi)))
		}
	}
}

func encodeBool(dst []byte, src []float32) {
	for i, x := range src {
		dst[i] = 0
		if x != 0 {
			dst[i] = 1
		}
	}
}

type integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

// nearest returns the integer of [lo, hi] nearest to x, ties to even, and 0
// for NaN. Where float64(hi) rounds up, to 2⁶³ or 2⁶⁴, every x below it is
// still representable.
func nearest[T integer](x float32, lo, hi T) T {
	r := math.RoundToEven(float64(x))
	switch {
	case math.IsNaN(r):
		return 0
	case r <= float64(lo):
		return lo
	case r >= float64(hi):
		return hi
	}
	return T(r)
}
