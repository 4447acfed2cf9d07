package quant

import (
	"context"
	"sync"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// doubledScales are the scales of a tensor's units as they come back from being
// quantized themselves, for the scheme that asked last. They depend on all
// weights: finding them takes a pass over the tensor, so they are kept.
type doubledScales struct {
	mu     sync.Mutex
	scheme Scheme
	scales []float32 // by unit
}

// find returns the scales of t under s.
func (d *doubledScales) find(ctx context.Context, t *model.Tensor, s Scheme) ([]float32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.scheme == s && d.scales != nil {
		return d.scales, nil
	}
	l := s.layout(t.Shape)
	scales := make([]float32, l.units())
	spans := l.chunks()
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
	var sum float64
	for _, scale := range scales {
		sum += float64(scale)
	}
	back := make([]float32, len(scales))
	kernels.DoubleQuantize(back, scales, float32(sum/float64(max(1, len(scales)))))
	d.scheme, d.scales = s, back
	return back, nil
}
