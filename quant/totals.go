package quant

import (
	"math"

	"github.com/bitdial/bitdial/quant/model"
)

// Totals is what a plan amounts to over a model.
type Totals struct {
	Params      int
	Now, Then   int64 // bytes as stored, and under the plan
	Quantized   int   // tensors that the plan changes
	Measured    int   // of them, those whose error is known
	exact       int   // of them, those whose error is known exactly
	SSE, energy float64
	relative    float64 // Σ n·(Σe²/Σx²)
	weights     float64 // Σ n over tensors whose error is known
}

// Exact reports whether the errors of all tensors are known and none is an
// estimate.
func (t *Totals) Exact() bool { return t.exact == t.Quantized }

// Ratio returns how many times smaller the model becomes.
func (t *Totals) Ratio() float64 { return ratio(float64(t.Now), float64(t.Then)) }

// BPW returns bits per weight under the plan.
func (t *Totals) BPW() float64 { return bpw(t.Then, t.Params) }

// NowBPW returns bits per weight as stored.
func (t *Totals) NowBPW() float64 { return bpw(t.Now, t.Params) }

// SQNR returns the plan's SQNR in dB from the mean relative error Σe²/Σx² over
// all weights whose error is known; +Inf if there is none.
func (t *Totals) SQNR() float64 {
	if t.relative == 0 {
		return math.Inf(1)
	}
	return 0 - 10*math.Log10(t.relative/t.weights) // 0, not −0, where all is lost
}

// Add adds a tensor under s. m are its figures under s, or nil while they
// are not known; a tensor that is kept needs none.
func (t *Totals) Add(tensor *model.Tensor, s Scheme, m *Figures) {
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
		return
	}
	t.Quantized++
	t.Measured++
	if m.Exact {
		t.exact++
	}
	t.SSE += m.E2
	t.energy += m.X2
	t.weights += float64(m.N)
	if m.E2 > 0 {
		t.relative += float64(m.N) * ratio(m.E2, m.X2)
	}
}

// Join adds the tensors that o has added up.
func (t *Totals) Join(o *Totals) {
	t.Params += o.Params
	t.Now += o.Now
	t.Then += o.Then
	t.Quantized += o.Quantized
	t.Measured += o.Measured
	t.exact += o.exact
	t.SSE += o.SSE
	t.energy += o.energy
	t.relative += o.relative
	t.weights += o.weights
}
