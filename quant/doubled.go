package quant

import (
	"context"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// doubledScales are the scales of a tensor's units as they come back from being
// quantized themselves, see [kernels.DoubleQuantized].
type doubledScales struct {
	scheme Scheme
	scales []float32 // by unit
}

// doubledScales returns the scales of t under s. They depend on all weights:
// finding them takes a pass over the tensor, so those of the scheme that asked
// last are kept.
func (sum *Summary) doubledScales(ctx context.Context, t *model.Tensor, s Scheme) ([]float32, error) {
	if d := sum.doubled.Load(); d != nil && d.scheme == s {
		return d.scales, nil
	}
	l := s.layout(t.Shape)
	scales := make([]float32, l.units())
	spans := l.chunks() // of whole units: groups are shorter than a chunk
	fitters := make([]fitter, workers())
	err := stream(ctx, t, spans, nil, func(worker, i int, x []float32) error {
		first := spans[i].first
		for at := first; at < spans[i].end; {
			u := l.unitOf(at)
			end := l.start(u + 1)
			scales[u] = fitters[worker].unit(s, x[at-first:end-first]).(*kernels.GridMap).Scale
			at = end
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var total float64
	for _, scale := range scales {
		total += float64(scale)
	}
	back := make([]float32, len(scales))
	kernels.DoubleQuantize(back, scales, float32(total/float64(max(1, len(scales)))))
	sum.doubled.Store(&doubledScales{s, back})
	return back, nil
}
