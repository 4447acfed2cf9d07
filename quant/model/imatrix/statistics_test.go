package imatrix

import (
	"math"
	"testing"
)

func TestStatisticsOfKnownColumns(t *testing.T) {
	for _, c := range []struct {
		values []float32
		want   Statistics
	}{
		{[]float32{2, 2, 2, 2}, Statistics{N: 4, Sum: 8, Mean: 2, Min: 2, Max: 2, Entropy: 1}},
		{[]float32{8, 0, 0, 0}, Statistics{N: 4, Sum: 8, Mean: 2, Max: 8, Variation: 2, Outliers: 0.25}},
		{[]float32{0, 0}, Statistics{N: 2}},
		{[]float32{1, 1, 2, 4}, Statistics{N: 4, Sum: 8, Mean: 2, Min: 1, Max: 4, Variation: math.Sqrt2 / 2, Entropy: 0.875, Outliers: 0.25}},
		{[]float32{3}, Statistics{N: 1, Sum: 3, Mean: 3, Min: 3, Max: 3}},
	} {
		if got := statistics(c.values); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.values, got, c.want)
		}
	}
}

// TestExpertsWithoutInputsAreLeftOut counts the columns of the others.
func TestExpertsWithoutInputsAreLeftOut(t *testing.T) {
	m, err := Parse("m", present(t, f32("b.in_sum2", []int{2, 2}, 3, 6, 7, 9), f32("b.counts", []int{2, 1}, 3, 0)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Statistics("b")
	if err != nil || s.N != 2 || s.Sum != 3 || s.Max != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}
