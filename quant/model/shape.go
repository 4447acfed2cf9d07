package model

import "math/bits"

// Count returns the product of the dimensions of shape: the number of weights
// of such a tensor, 1 for a scalar (no dimensions), 0 where a dimension is 0.
// It reports false if a dimension is negative or if the product of the
// dimensions other than 0 does not fit an int, so that no stride can overflow
// either.
func Count(shape []int) (n int, ok bool) {
	product, empty := uint(1), false
	for _, d := range shape {
		switch {
		case d < 0:
			return 0, false
		case d == 0:
			empty = true
			continue
		}
		hi, lo := bits.Mul(product, uint(d))
		if hi != 0 || int(lo) < 0 {
			return 0, false
		}
		product = lo
	}
	if empty {
		return 0, true
	}
	return int(product), true
}

// rowLen returns the length of the last axis, along which weights are stored
// one after the other; 1 for a scalar.
func rowLen(shape []int) int {
	if len(shape) == 0 {
		return 1
	}
	return shape[len(shape)-1]
}
