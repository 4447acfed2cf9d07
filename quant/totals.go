package quant

import (
	"math"

	"github.com/bitdial/bitdial/quant/model"
)

// Totals is what a plan amounts to over a model.
type Totals struct {
	Params      int
	Now, Then   int64 // bytes as stored, and under the plan
	Exact       bool  // every figure below is
	Measured    int   // quantized tensors whose error is known
	Quantized   int   // tensors that the plan changes
	SSE, energy float64
	relative    float64 // Σ n·(Σe²/Σx²)
	weights     float64 // Σ n over tensors whose error is known
}

// Ratio returns how many times smaller the model becomes.
func (t *Totals) Ratio() float64 { return ratio(float64(t.Now), float64(t.Then)) }

// BPW returns bits per weight under the plan.
func (t *Totals) BPW() float64 { return bpw(t.Then, t.Params) }

// SQNR returns the plan's SQNR in dB from the mean relative error Σe²/Σx² over
// all weights whose error is known; +Inf if there is none.
func (t *Totals) SQNR() float64 {
	if t.relative == 0 {
		return math.Inf(1)
	}
	return -10 * math.Log10(t.relative/t.weights)
}

// Add adds a tensor under s. m are its figures under s, or nil while they
// are not known; a tensor that is kept needs none.
func (t *Totals) Add(tensor *model.Tensor, s Scheme, m *Figures) {
	if t.Params == 0 {
		t.Exact = true
	}
	n := tensor.Len()
	t.Params += n
	t.Now += tensor.Bytes()
	t.Then += s.Bytes(tensor.Shape, tensor.Bytes())
	switch {
	case s.Keep():
		if Quantizable(tensor) {
			t.weights += float64(n)
		}
		return
	case m == nil:
		t.Quantized++
		t.Exact = false
		return
	}
	t.Quantized++
	t.Measured++
	t.Exact = t.Exact && m.Exact
	t.SSE += m.E2
	t.energy += m.X2
	t.weights += float64(m.N)
	if m.E2 > 0 {
		t.relative += float64(m.N) * ratio(m.E2, m.X2)
	}
}
