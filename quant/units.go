package quant

import (
	"context"
	"slices"

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
	case l.units() == 1 && l.n > chunkLen:
		q.known = []kernels.Affine{clipAll(s, sum.Distribution, sum.Lo, sum.Hi)}
	case l.units() == 1:
		x := make([]float32, l.n)
		if err := t.Read(x, 0); err != nil {
			return nil, err
		}
		q.known = new(fitter).fit(s, x, l.n)
	case l.unit > chunkLen:
		for u := range l.units() {
			d, lo, hi, err := readUnit(ctx, t, span{l.start(u), l.start(u + 1)})
			if err != nil {
				return nil, err
			}
			q.known = append(q.known, clipAll(s, d, lo, hi))
		}
	}
	return q, nil
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
		return fit.SearchMSE(lo, hi, new(kernels.Search), d.Losses)
	}
	return fit.Affine(lo, hi)
}

// fitter chooses the maps of units from their weights. It is one worker's own,
// for the space that it keeps.
type fitter struct {
	extents []kernels.Extent
	maps    []kernels.Affine
	spare   []float32
	search  kernels.Search
}

// fit returns the maps of the units of unit weights in x, the last one maybe
// shorter, valid until the next call.
func (f *fitter) fit(s Scheme, x []float32, unit int) []kernels.Affine {
	n := (len(x) + unit - 1) / unit
	f.extents = slices.Grow(f.extents[:0], n)[:n]
	f.maps = slices.Grow(f.maps[:0], n)[:n]
	kernels.ExtremesOfUnits(f.extents, x, unit)
	fit := s.fit()
	for u, e := range f.extents {
		part := x[u*unit : min(len(x), (u+1)*unit)]
		switch s.Range {
		case kernels.Percentile:
			f.spare = slices.Grow(f.spare[:0], len(part))
			bound := kernels.AbsPercentile(part, float64(s.Percentile)/100, f.spare[:len(part)])
			f.maps[u] = fit.Clip(e.Lo, e.Hi, bound)
		case kernels.MSE:
			f.maps[u] = fit.SearchMSE(e.Lo, e.Hi, &f.search, func(out []float64, maps []kernels.Affine, limit float64) {
				kernels.Losses(out, part, maps, limit)
			})
		default:
			f.maps[u] = fit.Affine(e.Lo, e.Hi)
		}
	}
	return f.maps
}

// roundTrip sets y to what comes back of x, the weights from index at on, which
// must begin and end between units unless the units' maps are known. It
// returns how many were clipped.
func (q *quantizer) roundTrip(y, x []float32, at int, f *fitter) (clipped int) {
	s, l := q.scheme, q.layout
	switch {
	case s.Keep():
		copy(y, x)
		return 0
	case !s.Scaled():
		return s.Format.CastAll(y, x)
	}
	for i := 0; i < len(x); {
		u := l.unitOf(at + i)
		end := min(len(x), l.runEnd(at+i)-at)
		var maps []kernels.Affine
		if q.known != nil {
			maps = q.known[u:]
		} else {
			maps = f.fit(s, x[i:end], l.unit)
		}
		clipped += kernels.RoundTripUnits(y[i:end], x[i:end], l.unit, maps, s.Rounding, uint64(s.Seed), uint64(at+i))
		i = end
	}
	return clipped
}
