package quant

import (
	"context"
	"fmt"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// waveLen is how many chunks are quantized side by side before they are given
// out in order: 8 MiB of float32.
const waveLen = 64

// Dequantize gives the weights of t as they come back from s to emit, in order
// and in chunks that are valid for the call. Its memory does not depend on the
// tensor's size. progress, which may be nil, hears the share done. Packings have
// no code for NaN and ±Inf: for them a weight that is not finite is an error.
func Dequantize(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme, progress func(float64), emit func(y []float32) error) error {
	q, err := newQuantizer(ctx, t, sum, s)
	if err != nil {
		return err
	}
	spans := q.layout.chunks()
	if !s.Keep() && s.Format.Packing != nil && sum.NonFinite > 0 {
		return whereNotFinite(t, s, spans)
	}
	var y []float32
	fitters := make([]fitter, workers())
	for i := 0; i < len(spans); i += waveLen {
		wave := spans[i:min(len(spans), i+waveLen)]
		first, end := wave[0].first, wave[len(wave)-1].end
		if len(y) < end-first {
			y = make([]float32, end-first)
		}
		err := stream(ctx, t, wave, nil, func(worker, j int, x []float32) error {
			q.roundTrip(y[wave[j].first-first:wave[j].end-first], x, wave[j].first, &fitters[worker])
			return nil
		})
		if err != nil {
			return err
		}
		if err := emit(y[:end-first]); err != nil {
			return err
		}
		if progress != nil {
			progress(float64(end) / float64(q.layout.n))
		}
	}
	return nil
}

// whereNotFinite returns an error that names the first weight of t that is not
// finite, of which there is one at least.
func whereNotFinite(t *model.Tensor, s Scheme, spans []span) error {
	for _, span := range spans {
		x := make([]float32, span.end-span.first)
		if err := t.Read(x, span.first); err != nil {
			return err
		}
		for i, v := range x {
			if !kernels.Finite(v) {
				return fmt.Errorf("%s: weight %d is %g: %s has no code for it", t.Name, span.first+i, v, s.Format.Name)
			}
		}
	}
	return nil
}
