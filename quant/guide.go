package quant

import (
	"fmt"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// guide says how much the squared error of each weight of a tensor matters: a
// row of importance, or several of which each serves an equal part of the
// tensor, the experts of a layer. A nil guide has all weights count alike.
type guide struct {
	values []float32
	row    int // weights in a row
	part   int // weights that a row of importance serves
}

// newGuide returns what importance says of t; nil if that is nil.
func newGuide(t *model.Tensor, importance []float32) (*guide, error) {
	if importance == nil || t.Len() == 0 {
		return nil, nil
	}
	row := 1
	if len(t.Shape) > 0 {
		row = t.Shape[len(t.Shape)-1]
	}
	rows := len(importance) / row
	if rows == 0 || len(importance)%row != 0 || (t.Len()/row)%rows != 0 {
		return nil, fmt.Errorf("%s: %d importance weights for shape %v", t.Name, len(importance), t.Shape)
	}
	return &guide{importance, row, t.Len() / rows}, nil
}

// weights returns the importance of the n weights from index at on, which lie in
// one row.
func (g *guide) weights(at, n int) []float32 {
	return g.values[at/g.part*g.row+at%g.row:][:n]
}

// rowEnd returns where the row of weight i ends.
func (g *guide) rowEnd(i int) int { return (i/g.row + 1) * g.row }

// sums returns Σ w·e² and Σ w·x² of the weights x from index at on, and of what
// came back of them.
func (g *guide) sums(x, y []float32, at int) (s weighted) {
	for i := 0; i < len(x); {
		end := min(len(x), g.rowEnd(at+i)-at)
		e2, x2 := kernels.WeightedSums(x[i:end], y[i:end], g.weights(at+i, end-i))
		s.e2 += e2
		s.x2 += x2
		i = end
	}
	return s
}

// weighted are Σ w·e² and Σ w·x² of some weights.
type weighted struct{ e2, x2 float64 }

// guides reports whether importance changes what s makes of the weights, which
// then are taken by whole rows: searches weigh a weight against its row.
func (s Scheme) guides(g *guide) bool {
	return g != nil && !s.Keep() && s.Format.Packing != nil && s.Format.Packing.UsesImportance
}
