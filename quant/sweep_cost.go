package quant

import (
	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// Costs are nanoseconds of one core, about: they order work, divide it and
// foretell its end, and nothing depends on their being right.

// cost returns what measuring t under s takes.
func (s Scheme) cost(t *model.Tensor, exact bool) float64 {
	n := t.Len()
	if !exact {
		n = min(n, s.sampleLen())
	}
	return 1e4 + float64(n)*s.weightCost()
}

// weightCost returns what each weight takes.
func (s Scheme) weightCost() float64 {
	if s.Keep() {
		return 0
	}
	f := s.Format
	switch {
	case s.Range == kernels.OptimalScale && f.Packing != nil:
		return 1000
	case s.Range == kernels.OptimalScale:
		return 100
	case f.Packing != nil && f.Packing.Slow():
		return 60
	case f.Packing != nil && f.Packing.UsesImportance:
		return 8
	case f.Packing != nil || f.Cast != nil || f.Micro != nil:
		return 1
	case s.Range == kernels.Entropy:
		return 500
	case f.Grid == nil && !f.Integer(): // k-means
		return 150
	case s.Range == kernels.MSE && !f.Integer():
		return 400
	case s.Range == kernels.MSE || s.Range == kernels.Percentile:
		return 12
	case f.Integer():
		return 1
	}
	return 7
}

// summaryCost returns what reading a tensor for its digest and summary takes.
func summaryCost(t *model.Tensor) float64 { return float64(t.Len()) + 0.6*float64(t.Bytes()) }

// cost returns what the whole task takes.
func (t Task) cost() float64 {
	sum := summaryCost(t.Tensor)
	for _, s := range t.Schemes {
		sum += s.cost(t.Tensor, t.Exact)
	}
	return sum
}
