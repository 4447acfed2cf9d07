package quant

import (
	"math"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// Figures are what one scheme costs one tensor.
type Figures struct {
	Bytes int64 // every code, scale and zero point counted

	// Sums are over the whole tensor. Unless Exact, the error sums are
	// estimates scaled up from a sample, and MaxAbs is the sample's.
	kernels.Sums
	Exact          bool
	SQNRLo, SQNRHi float64 // confidence interval of SQNR in dB; both SQNR if Exact

	Weighted Weighted
}

// Weighted are error and energy in which each weight counts for its importance
// w: the mean square of what it is multiplied with, so that E2 is the squared
// error of what the layer computes, as far as its inputs do not depend on each
// other. Where importance is not known, all weights count alike.
type Weighted struct {
	E2, X2         float64 // Σ w·e², Σ w·x²
	SQNRLo, SQNRHi float64 // confidence interval of SQNR in dB
}

// SQNR returns 10·log10(Σw·x²/Σw·e²) in dB, +Inf where there is no error.
func (w *Weighted) SQNR() float64 { return decibel(w.X2, w.E2) }

// Measurement is what one scheme does to one tensor.
type Measurement struct {
	Tensor *model.Tensor
	Scheme Scheme
	Figures

	// Original, Quantized and Error share one axis; Close is the error again
	// on an axis of its own, ±MaxAbs.
	Original, Quantized, Error, Close Histogram

	Channels       []Channel // along the first axis
	ClipLo, ClipHi float64   // the widest clipping range of any unit; both 0 without one
	Levels         []float32 // the values that can come back, of the widest unit; nil where they are too many
}

// Channel is the error of one channel: Σe² and Σx² over the N finite weights
// of it that were measured.
type Channel struct {
	N      int
	E2, X2 float64
}

// SQNR returns 10·log10(Σx²/Σe²) in dB, +Inf where there is no error.
func (c Channel) SQNR() float64 { return decibel(c.X2, c.E2) }

// SQNR returns the signal-to-quantization-noise ratio 10·log10(Σx²/Σe²) in dB;
// it is +Inf if there is no error.
func (m *Figures) SQNR() float64 { return decibel(m.X2, m.E2) }

// MSE returns the mean squared error over the finite weights.
func (m *Figures) MSE() float64 { return ratio(m.E2, float64(m.N)) }

// BPW returns bits per weight, every scale and zero point counted.
func (m *Figures) BPW() float64 { return bpw(m.Bytes, m.N+m.NonFinite) }

// Cosine returns Σx·y / √(Σx²·Σy²), 1 if both are all zero.
func (m *Figures) Cosine() float64 {
	if m.X2 == m.Y2 && m.E2 == 0 {
		return 1
	}
	if m.X2 == 0 || m.Y2 == 0 {
		return 0
	}
	return max(-1, min(1, m.XY/(math.Sqrt(m.X2)*math.Sqrt(m.Y2))))
}

// ClippedShare returns the share of the finite weights that were clipped.
func (m *Figures) ClippedShare() float64 { return ratio(float64(m.Clipped), float64(m.N)) }

// ZeroShare returns the share of the finite weights that became zero.
func (m *Figures) ZeroShare() float64 { return ratio(float64(m.Zeros), float64(m.N)) }

func decibel(x2, e2 float64) float64 {
	switch {
	case e2 == 0:
		return math.Inf(1)
	case x2 == 0:
		return math.Inf(-1)
	}
	return 10 * math.Log10(x2/e2)
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func bpw(bytes int64, n int) float64 { return ratio(8*float64(bytes), float64(n)) }
