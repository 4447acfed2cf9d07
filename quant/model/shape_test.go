package model_test

import (
	"math"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

func TestCountMultipliesAndRefusesWhatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		shape []int
		n     int
		ok    bool
	}{
		{nil, 1, true},
		{[]int{2, 3, 4}, 24, true},
		{[]int{5, 0, 7}, 0, true},
		{[]int{math.MaxInt}, math.MaxInt, true},
		{[]int{math.MaxInt, 2}, 0, false},
		{[]int{math.MaxInt, math.MaxInt, math.MaxInt}, 0, false},
		{[]int{0, math.MaxInt, 2}, 0, false},
		{[]int{-1}, 0, false},
		{[]int{-1, -1}, 0, false},
	} {
		if n, ok := model.Count(c.shape); ok != c.ok || ok && n != c.n {
			t.Errorf("%v: %d, %t; want %d, %t", c.shape, n, ok, c.n, c.ok)
		}
	}
}
