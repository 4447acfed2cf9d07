package quant

import (
	"context"
	"math"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// Measure takes every weight of t through s: exact figures, the same for any
// number of cores. It streams the tensor in parallel and keeps a few hundred
// KiB per core besides two words per channel. It stops soon after ctx is done.
// progress, which may be nil, hears the share done.
func Measure(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme, progress func(float64)) (*Measurement, error) {
	return measurement(ctx, t, sum, s, sum.N, progress)
}

// measurement measures t under s by a sample of size weights, all if there are no
// more.
func measurement(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme, size int, progress func(float64)) (*Measurement, error) {
	q, err := newQuantizer(ctx, t, sum, s)
	if err != nil {
		return nil, err
	}
	tally, f, err := q.take(ctx, t, sum, size, pass{cores: workers(), pictures: true}, progress)
	if err != nil {
		return nil, err
	}
	return tally.measurement(q, t, sum, f), nil
}

// figures is measurement on a given number of cores, without what only pictures
// need.
func figures(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme, size, cores int, progress func(float64)) (*Figures, error) {
	q, err := newQuantizer(ctx, t, sum, s)
	if err != nil {
		return nil, err
	}
	_, f, err := q.take(ctx, t, sum, size, pass{cores: cores}, progress)
	return &f, err
}

// take takes a sample of size weights of t through q, or all of them, and returns
// what was counted and what it says of the tensor.
func (q *quantizer) take(ctx context.Context, t *model.Tensor, sum *Summary, size int, p pass, progress func(float64)) (*tally, Figures, error) {
	spans, loud := q.layout.chunks(), []bool(nil)
	if sum.N > size {
		spans, loud = q.sample(sum, size)
	}
	tally, err := q.run(ctx, t, sum, spans, p, progress)
	if err != nil {
		return nil, Figures{}, err
	}
	f := Figures{Bytes: q.scheme.Bytes(t.Shape, t.Bytes())}
	if loud != nil {
		f.estimate(tally, sum, loud)
	} else {
		f.add(tally)
	}
	return tally, f, nil
}

// pass is how weights are gone through.
type pass struct {
	cores    int
	pictures bool // count what histograms show
}

// tally is what a run over some spans of a tensor has counted.
type tally struct {
	parts               []kernels.Sums // by span
	weighted            []weighted     // by span; nil where all weights count alike
	channels            []Channel
	original, quantized Histogram
	errors              *kernels.Spectrum
}

// run takes the weights of the spans through q.
func (q *quantizer) run(ctx context.Context, t *model.Tensor, sum *Summary, spans []span, p pass, progress func(float64)) (*tally, error) {
	lo, hi := axis(float64(sum.Lo), float64(sum.Hi))
	scratch := make([]scratch, p.cores)
	total := &tally{parts: make([]kernels.Sums, len(spans))}
	if q.guide != nil {
		total.weighted = make([]weighted, len(spans))
	}
	partChannels := make([][]Channel, len(spans))
	err := streamOn(ctx, p.cores, t, spans, progress, func(worker, i int, x []float32) error {
		w := &scratch[worker]
		if w.errors == nil && p.pictures {
			w.original, w.quantized = kernels.NewBinCounter(lo, hi), kernels.NewBinCounter(lo, hi)
			w.errors = new(kernels.Spectrum)
		}
		total.parts[i], partChannels[i] = w.measure(q, x, spans[i].first)
		if q.guide != nil {
			total.weighted[i] = q.guide.sums(x, w.y, spans[i].first)
		}
		return nil
	})
	if err != nil || !p.pictures {
		return total, err
	}
	total.channels = make([]Channel, q.layout.channels())
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
	if w.errors != nil {
		w.original.Count(x)
		w.quantized.Count(y)
		w.errors.CountDifferences(x, y)
	}
	return sums, channels
}

// add adds up, in order, the parts that are the whole tensor.
func (m *Figures) add(t *tally) {
	for _, p := range t.parts {
		m.Add(p)
	}
	m.Exact = true
	m.SQNRLo, m.SQNRHi = m.SQNR(), m.SQNR()
	m.Weighted = Weighted{m.E2, m.X2, m.SQNRLo, m.SQNRHi}
	if t.weighted != nil {
		m.Weighted = Weighted{}
		for _, p := range t.weighted {
			m.Weighted.E2 += p.e2
			m.Weighted.X2 += p.x2
		}
		m.Weighted.SQNRLo, m.Weighted.SQNRHi = m.Weighted.SQNR(), m.Weighted.SQNR()
	}
}

// measurement returns f and what pictures show of it.
func (t *tally) measurement(q *quantizer, tensor *model.Tensor, sum *Summary, f Figures) *Measurement {
	m := &Measurement{
		Tensor: tensor, Scheme: q.scheme, Figures: f,
		Original: t.original, Quantized: t.quantized, Channels: t.channels,
	}
	lo, hi := axis(float64(sum.Lo), float64(sum.Hi))
	var errors kernels.Distribution
	if t.errors != nil { // there were weights
		errors = t.errors.Distribution()
	}
	m.Error = spread(errors, lo, hi)
	reach := m.MaxAbs * 1.03
	if reach == 0 || math.IsInf(reach, 0) { // what comes back may be beyond float32
		reach = hi
	}
	m.Close = spread(errors, -reach, reach)
	m.ClipLo, m.ClipHi = q.clipRange()
	m.Levels = q.levels()
	return m
}

// clipRange returns the widest range that can come back, over all units whose
// maps are known; both are 0 where each group has its own.
func (q *quantizer) clipRange() (lo, hi float64) {
	widen := func(l, h float32) { lo, hi = min(lo, float64(l)), max(hi, float64(h)) }
	for _, a := range q.affine {
		widen(a.Range())
	}
	for _, m := range q.maps {
		widen(m.Range())
	}
	return lo, hi
}

// levels returns the values that can come back, ascending: of the only unit,
// else those of a unit as wide as the whole tensor. It is nil where there are
// too many to list.
func (q *quantizer) levels() []float32 {
	if len(q.maps) == 1 {
		return q.maps[0].Values()
	}
	if len(q.affine) == 1 && q.scheme.Format.Bits <= 8 {
		return q.affine[0].Values()
	}
	if q.scheme.Keep() {
		return nil
	}
	levels := q.scheme.Format.Levels()
	for i := range levels {
		levels[i] *= q.top
	}
	return levels
}
