package net

import (
	"fmt"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// Range returns a range that the weights called name, as they are at this step,
// fill but for a margin.
func (t *Trainer) Range(name string) (lo, hi float64, err error) {
	for _, w := range t.weights {
		if w.name == name {
			l, h := kernels.Extremes(w.x)
			margin := 0.03*float64(h-l) + 1e-12
			return float64(l) - margin, float64(h) + margin, nil
		}
	}
	return 0, 0, fmt.Errorf("the weight %q is not one of this network", name)
}

// Histograms returns how the weights called name are spread at this step of the
// training, as they are and as they come back, over the range from lo to hi.
func (t *Trainer) Histograms(name string, lo, hi float64) (original, quantized quant.Histogram, err error) {
	for _, w := range t.weights {
		if w.name != name {
			continue
		}
		back := w.x
		if w.fake != nil {
			back = w.value.data
			w.fake.RoundTrip(back, w.x)
		}
		return binned(w.x, lo, hi), binned(back, lo, hi), nil
	}
	return original, quantized, fmt.Errorf("the weight %q is not one of this network", name)
}

func binned(x []float32, lo, hi float64) quant.Histogram {
	c := kernels.NewBinCounter(lo, hi)
	c.Count(x)
	h := quant.Histogram{Lo: lo, Hi: hi, Bins: make([]int64, kernels.BinCount)}
	c.AddTo(h.Bins)
	return h
}

// InputLen returns how many numbers an input has.
func (g *Graph) InputLen() int {
	n, err := numbers(g.Input.Shape)
	if err != nil {
		return 0
	}
	return n
}

// Model returns the network's weights as a model that otherwise is m: its
// tensors are those of m where the network has none.
func (n *Network) Model(m *model.Model) *model.Model {
	out := *m
	out.Tensors = nil
	for _, t := range m.Tensors {
		if own := n.tensors[t.Name]; own != nil {
			t = own
		}
		out.Tensors = append(out.Tensors, t)
	}
	return &out
}
