package quant

import (
	"context"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// Measure takes every weight of t through s: exact figures, the same for any
// number of cores. It streams the tensor in parallel and keeps a few hundred
// KiB per core besides two words per channel. It stops soon after ctx is done.
// progress, which may be nil, hears the share done.
func Measure(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme, progress func(float64)) (*Measurement, error) {
	q, err := newQuantizer(ctx, t, sum, s)
	if err != nil {
		return nil, err
	}
	tally, err := q.run(ctx, t, sum, q.layout.chunks(), progress)
	if err != nil {
		return nil, err
	}
	m := tally.measurement(q, t, sum)
	m.Exact = true
	m.SQNRLo, m.SQNRHi = m.SQNR(), m.SQNR()
	return m, nil
}

// tally is what a run over some spans of a tensor has counted.
type tally struct {
	parts               []kernels.Sums // by span
	channels            []Channel
	original, quantized Histogram
	errors              *kernels.Spectrum
}

// run takes the weights of the spans through q.
func (q *quantizer) run(ctx context.Context, t *model.Tensor, sum *Summary, spans []span, progress func(float64)) (*tally, error) {
	lo, hi := axis(float64(sum.Lo), float64(sum.Hi))
	scratch := make([]scratch, workers())
	parts := make([]kernels.Sums, len(spans))
	partChannels := make([][]Channel, len(spans))
	err := stream(ctx, t, spans, progress, func(worker, i int, x []float32) error {
		w := &scratch[worker]
		if w.errors == nil {
			w.original, w.quantized = kernels.NewBinCounter(lo, hi), kernels.NewBinCounter(lo, hi)
			w.errors = new(kernels.Spectrum)
		}
		parts[i], partChannels[i] = w.measure(q, x, spans[i].first)
		return nil
	})
	if err != nil {
		return nil, err
	}
	total := &tally{parts: parts, channels: make([]Channel, q.layout.channels())}
	for i, list := range partChannels {
		first := spans[i].first / q.layout.channelLen
		for j, c := range list {
			sum := &total.channels[first+j]
			sum.N += c.N
			sum.E2 += c.E2
			sum.X2 += c.X2
		}
	}
	total.original, total.quantized = newHistogram(lo, hi), newHistogram(lo, hi)
	for _, w := range scratch {
		if w.errors == nil { // had no share in the work
			continue
		}
		w.original.AddTo(total.original.Bins)
		w.quantized.AddTo(total.quantized.Bins)
		if total.errors == nil {
			total.errors = w.errors
		} else {
			total.errors.Merge(w.errors)
		}
	}
	return total, nil
}

// scratch is one worker's own.
type scratch struct {
	y                   []float32
	fitter              fitter
	original, quantized *kernels.BinCounter
	errors              *kernels.Spectrum
}

// measure takes x, the weights from index at on, through q and returns their
// sums, also by channel from the first one touched.
func (w *scratch) measure(q *quantizer, x []float32, at int) (kernels.Sums, []Channel) {
	if len(w.y) < len(x) {
		w.y = make([]float32, len(x))
	}
	y := w.y[:len(x)]
	clipped := q.roundTrip(y, x, at, &w.fitter)
	var sums kernels.Sums
	size := q.layout.channelLen
	channels := make([]Channel, 0, (at+len(x)-1)/size-at/size+1)
	for i := 0; i < len(x); {
		end := min(len(x), (at+i)/size*size+size-at)
		part := kernels.Compare(x[i:end], y[i:end], at+i)
		sums.Add(part)
		channels = append(channels, Channel{part.N, part.E2, part.X2})
		i = end
	}
	sums.Clipped = clipped
	w.original.Count(x)
	w.quantized.Count(y)
	w.errors.CountDifferences(x, y)
	return sums, channels
}

// measurement adds the parts up in order.
func (t *tally) measurement(q *quantizer, tensor *model.Tensor, sum *Summary) *Measurement {
	m := &Measurement{
		Tensor: tensor, Scheme: q.scheme,
		Original: t.original, Quantized: t.quantized, Channels: t.channels,
	}
	m.Bytes = q.scheme.Bytes(tensor.Shape, tensor.Bytes())
	for _, p := range t.parts {
		m.Add(p)
	}
	lo, hi := axis(float64(sum.Lo), float64(sum.Hi))
	var errors kernels.Distribution
	if t.errors != nil { // there were weights
		errors = t.errors.Distribution()
	}
	m.Error = spread(errors, lo, hi)
	reach := m.MaxAbs * 1.03
	if reach == 0 {
		reach = hi
	}
	m.Close = spread(errors, -reach, reach)
	if q.scheme.Scaled() {
		m.ClipLo, m.ClipHi = q.clipRange(sum)
	}
	return m
}

// clipRange returns the widest range that codes can express, over all units
// whose maps are known; groups have as many ranges as there are groups, and
// the tensor's extremes stand for them.
func (q *quantizer) clipRange(sum *Summary) (lo, hi float64) {
	if q.known == nil {
		return float64(sum.Lo), float64(sum.Hi)
	}
	for _, a := range q.known {
		l, h := a.Range()
		lo, hi = min(lo, float64(l)), max(hi, float64(h))
	}
	return lo, hi
}
