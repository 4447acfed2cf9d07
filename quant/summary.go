package quant

import (
	"context"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// Summary is what clipping ranges come from: the extremes, moments and
// spectrum of a tensor's finite weights. It is computed once, at the speed of
// memory, and serves every scheme.
type Summary struct {
	N         int // weights
	NonFinite int // of them NaN or ±Inf
	Lo, Hi    float32
	X, X2     float64 // Σx, Σx²

	Spectrum *kernels.Spectrum
	channels []extremes
}

type extremes struct{ lo, hi float32 }

func (e extremes) join(o extremes) extremes { return extremes{min(e.lo, o.lo), max(e.hi, o.hi)} }

// Mean returns the mean of the finite weights.
func (s *Summary) Mean() float64 {
	if s.N == s.NonFinite {
		return 0
	}
	return s.X / float64(s.N-s.NonFinite)
}

// Summarize reads t once, in parallel. progress may be nil.
func Summarize(ctx context.Context, t *model.Tensor, progress func(float64)) (*Summary, error) {
	l := layoutOf(t.Shape, PerTensor)
	spans := l.chunks()
	type part struct {
		channels []extremes // of the channels the span touches
		finite   int
		x, x2    float64
	}
	parts := make([]part, len(spans))
	spectra := make([]*kernels.Spectrum, workers())
	err := stream(ctx, t, spans, progress, func(worker, i int, x []float32) error {
		if spectra[worker] == nil {
			spectra[worker] = new(kernels.Spectrum)
		}
		spectra[worker].Count(x)
		p := &parts[i]
		for at := spans[i].first; at < spans[i].end; {
			end := min(spans[i].end, (at/l.channelLen+1)*l.channelLen)
			lo, hi, finite, sum, sum2 := kernels.Moments(x[at-spans[i].first : end-spans[i].first])
			p.channels = append(p.channels, extremes{lo, hi})
			p.finite += finite
			p.x += sum
			p.x2 += sum2
			at = end
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s := &Summary{N: l.n, NonFinite: l.n, Spectrum: new(kernels.Spectrum), channels: make([]extremes, l.channels())}
	for i, p := range parts {
		first := spans[i].first / l.channelLen
		for j, e := range p.channels {
			s.channels[first+j] = s.channels[first+j].join(e) // zero is in every range that is quantized
		}
		s.NonFinite -= p.finite
		s.X += p.x
		s.X2 += p.x2
	}
	for _, e := range s.channels {
		s.Lo, s.Hi = min(s.Lo, e.lo), max(s.Hi, e.hi)
	}
	for _, spectrum := range spectra {
		if spectrum != nil {
			s.Spectrum.Merge(spectrum)
		}
	}
	s.Spectrum.Buckets() // sorted now, so that readers may share it
	return s, nil
}
