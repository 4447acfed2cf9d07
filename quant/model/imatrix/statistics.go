package imatrix

import (
	"math"

	"github.com/bitdial/bitdial/quant/model"
)

// Statistics say how importance is spread over the columns of a tensor, those of
// all its experts that had inputs. They are what llama-imatrix --show-statistics
// tells of mean squares.
type Statistics struct {
	N         int     // columns
	Sum, Mean float64 // of the mean squares of what weights are multiplied with
	Share     float64 // of Sum in that of all tensors that were asked for; 0 where one was
	Min, Max  float64
	Variation float64 // standard deviation over mean: 0 where all columns matter alike
	Entropy   float64 // of the columns' shares, over that of equal ones: 1 where all matter alike, 0 where one matters
	Outliers  float64 // share of columns more than a standard deviation from the mean: the ZD score (arXiv 2406.17415, 3.1)
}

// Statistics returns those of the tensor called name, which m knows.
func (m *Matrix) Statistics(name string) (Statistics, error) {
	values, err := m.Importance(name)
	if err != nil {
		return Statistics{}, err
	}
	counts, err := m.entries[name].inputs()
	if err != nil {
		return Statistics{}, err
	}
	used := values[:0]
	row := len(values) / len(counts)
	for i, count := range counts {
		if count > 0 || m.entries[name].counts == nil {
			used = append(used, values[i*row:][:row]...)
		}
	}
	return statistics(used), nil
}

// StatisticsOf returns those of each of tensors, which say nothing, with N = 0, of one
// that m does not have.
func (m *Matrix) StatisticsOf(tensors []*model.Tensor) ([]Statistics, error) {
	list := make([]Statistics, len(tensors))
	sum := 0.0
	for i, t := range tensors {
		has, err := m.Has(t.Name, t.Shape)
		if err == nil && has {
			list[i], err = m.Statistics(t.Name)
		}
		if err != nil {
			return nil, err
		}
		sum += list[i].Sum
	}
	for i := range list {
		if sum > 0 {
			list[i].Share = list[i].Sum / sum
		}
	}
	return list, nil
}

func statistics(values []float32) Statistics {
	s := Statistics{N: len(values)}
	if s.N == 0 {
		return s
	}
	s.Min = math.Inf(1)
	for _, v := range values {
		x := float64(v)
		s.Sum += x
		s.Min, s.Max = min(s.Min, x), max(s.Max, x)
	}
	n := float64(s.N)
	s.Mean = s.Sum / n
	if s.Sum == 0 {
		return s
	}
	var squares, entropy float64
	for _, v := range values {
		d := float64(v) - s.Mean
		squares += d * d
		if share := float64(v) / s.Sum; share > 0 {
			entropy -= share * math.Log2(share)
		}
	}
	if s.N == 1 {
		return s
	}
	deviation := math.Sqrt(squares / (n - 1))
	s.Variation = deviation / s.Mean
	s.Entropy = entropy / math.Log2(n)
	for _, v := range values {
		if deviation > 0 && math.Abs(float64(v)-s.Mean) > deviation {
			s.Outliers++
		}
	}
	s.Outliers /= n
	return s
}
