package quant

import (
	"context"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// quantizer takes weights of one tensor through one scheme. It is made once
// per measurement and shared by its workers.
type quantizer struct {
	scheme Scheme
	layout layout
	known  []kernels.Affine // by unit, where the summary or a first pass has told; else nil
}

// newQuantizer prepares s for t. Units that the summary describes, a single
// one, and those too long for a chunk get their maps now; the others when
// their weights come by.
func newQuantizer(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme) (*quantizer, error) {
	q := &quantizer{scheme: s, layout: layoutOf(t.Shape, s.Granularity)}
	l := q.layout
	if !s.Scaled() || l.n == 0 {
		return q, nil
	}
	fit := s.fit()
	byExtremes := s.Range == kernels.MinMax || s.Range == kernels.Full
	switch {
	case byExtremes && s.Granularity == PerTensor:
		q.known = []kernels.Affine{fit.Affine(sum.Lo, sum.Hi)}
	case byExtremes && s.Granularity == PerChannel:
		for _, e := range sum.channels {
			q.known = append(q.known, fit.Affine(e.lo, e.hi))
		}
	case l.units() == 1 || l.unit > chunkLen:
		for u := range l.units() {
			a, err := chooseMap(ctx, t, sum, s, span{l.start(u), l.start(u + 1)})
			if err != nil {
				return nil, err
			}
			q.known = append(q.known, a)
		}
	}
	return q, nil
}

// chooseMap chooses the map of one unit: a short one by its weights, a long
// one by their distribution, which for a whole tensor is that of its summary.
func chooseMap(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme, unit span) (kernels.Affine, error) {
	n := unit.end - unit.first
	switch {
	case n <= chunkLen:
		x := make([]float32, n)
		if err := t.Read(x, unit.first); err != nil {
			return kernels.Affine{}, err
		}
		return clip(s, x, make([]float32, n)), nil
	case n == sum.N:
		return clipAll(s, sum.Distribution, sum.Lo, sum.Hi), nil
	}
	d, lo, hi, err := readUnit(ctx, t, unit)
	return clipAll(s, d, lo, hi), err
}

// readUnit counts the weights of one long unit.
func readUnit(ctx context.Context, t *model.Tensor, unit span) (kernels.Distribution, float32, float32, error) {
	spectrum := new(kernels.Spectrum)
	var lo, hi float32
	buf := make([]float32, chunkLen)
	for at := unit.first; at < unit.end; at += chunkLen {
		if err := context.Cause(ctx); err != nil {
			return nil, 0, 0, err
		}
		x := buf[:min(chunkLen, unit.end-at)]
		if err := t.Read(x, at); err != nil {
			return nil, 0, 0, err
		}
		spectrum.Count(x)
		a, b := kernels.Extremes(x)
		lo, hi = min(lo, a), max(hi, b)
	}
	return spectrum.Distribution(), lo, hi, nil
}

// clipAll chooses the map of a unit that is known by its distribution.
func clipAll(s Scheme, d kernels.Distribution, lo, hi float32) kernels.Affine {
	fit := s.fit()
	switch s.Range {
	case kernels.Percentile:
		return fit.Clip(lo, hi, d.AbsPercentile(float64(s.Percentile)/100))
	case kernels.MSE:
		return fit.SearchMSE(lo, hi, d.Loss)
	}
	return fit.Affine(lo, hi)
}

// clip chooses the map of a unit from its weights. scratch is as long as x.
func clip(s Scheme, x, scratch []float32) kernels.Affine {
	fit := s.fit()
	lo, hi := kernels.Extremes(x)
	switch s.Range {
	case kernels.Percentile:
		return fit.Clip(lo, hi, kernels.AbsPercentile(x, float64(s.Percentile)/100, scratch))
	case kernels.MSE:
		return fit.SearchMSE(lo, hi, func(a kernels.Affine, limit float64) float64 { return a.Loss(x, limit) })
	}
	return fit.Affine(lo, hi)
}

// roundTrip sets y to what comes back of x, the weights from index at on, which
// must begin and end between units unless the units' maps are known. It
// returns how many were clipped. scratch is as long as x.
func (q *quantizer) roundTrip(y, x []float32, at int, scratch []float32) (clipped int) {
	s, l := q.scheme, q.layout
	switch {
	case s.Keep():
		copy(y, x)
		return 0
	case !s.Scaled():
		return s.Format.CastAll(y, x)
	}
	for i, u := 0, l.unitOf(at); i < len(x); u++ {
		end := min(len(x), l.start(u+1)-at)
		var a kernels.Affine
		if q.known != nil {
			a = q.known[u]
		} else {
			a = clip(s, x[i:end], scratch[i:end])
		}
		clipped += a.RoundTrip(y[i:end], x[i:end], s.Rounding, uint64(s.Seed), uint64(at+i))
		i = end
	}
	return clipped
}
