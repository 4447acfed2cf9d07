package quant

import (
	"context"
	"fmt"
	"slices"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// quantizer takes weights of one tensor through one scheme. It is made once
// per measurement and shared by its workers.
type quantizer struct {
	scheme Scheme
	layout layout
	affine []kernels.Affine // of integers, by unit, where the summary or a first pass has told; else nil
	maps   []kernels.Map    // of other formats, likewise
	top    float32          // the largest magnitude of the tensor
	scales []float32        // by unit, if they are quantized themselves
	guide  *guide           // nil: all weights count alike
}

// newQuantizer prepares s for t. Units that the summary describes, a single
// one, and those too long for a chunk get their maps now; the others when
// their weights come by.
func newQuantizer(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme) (*quantizer, error) {
	if why := s.WhyNot(t.Shape); why != "" {
		return nil, fmt.Errorf("%s: %s", t.Name, why)
	}
	q := &quantizer{scheme: s, layout: s.layout(t.Shape), top: max(-sum.Lo, sum.Hi), guide: sum.guide}
	if s.guides(q.guide) {
		q.layout.rowLen, q.layout.unit, q.layout.unitsPerRow, q.layout.entire = q.guide.row, q.guide.row, 1, true
	}
	l := q.layout
	if s.Keep() || l.n == 0 || s.Format.Cast != nil || s.Format.Block() > 0 {
		return q, nil
	}
	if s.Store == kernels.DoubleQuantized {
		var err error
		q.scales, err = sum.doubledScales(ctx, t, s)
		return q, err
	}
	byExtremes := s.Format.Integer() && (s.Range == kernels.MinMax || s.Range == kernels.Full)
	switch {
	case byExtremes && s.Granularity == PerTensor:
		q.affine = []kernels.Affine{s.fit().Affine(sum.Lo, sum.Hi)}
	case byExtremes && s.Granularity == PerChannel:
		for _, e := range sum.channels {
			q.affine = append(q.affine, s.fit().Affine(e.lo, e.hi))
		}
	case s.Granularity == Unscaled:
		q.maps = []kernels.Map{s.Format.Grid.Unit()}
	case l.units() == 1 || l.unit > chunkLen:
		for u := range l.units() {
			m, err := chooseMap(ctx, t, sum, s, span{l.start(u), l.start(u + 1)})
			if err != nil {
				return nil, err
			}
			if a, ok := m.(kernels.Affine); ok {
				q.affine = append(q.affine, a)
			} else {
				q.maps = append(q.maps, m)
			}
		}
	}
	return q, nil
}

// wholeUnits reports whether roundTrip must be given whole units, since their
// maps follow from all their weights.
func (q *quantizer) wholeUnits() bool {
	return q.affine == nil && q.maps == nil && !q.scheme.Keep() && q.scheme.Format.Cast == nil
}

// roundTrip sets y to what comes back of x, the weights from index at on, which
// must begin and end between units if they must be whole. It returns how many
// were clipped.
func (q *quantizer) roundTrip(y, x []float32, at int, f *fitter) (clipped int) {
	s, l := q.scheme, q.layout
	switch {
	case s.Keep():
		copy(y, x)
		return 0
	case s.Format.Cast != nil:
		return s.Format.Cast.All(y, x)
	case s.Format.Packing != nil:
		return q.block(y, x, uint64(at), f)
	}
	for i := 0; i < len(x); {
		u, end := l.unitOf(at+i), min(len(x), l.runEnd(at+i)-at)
		seed, index := uint64(s.Seed), uint64(at+i)
		switch {
		case s.Format.Micro != nil:
			clipped += q.block(y[i:end], x[i:end], index, f)
		case q.affine != nil:
			clipped += kernels.RoundTripUnits(y[i:end], x[i:end], l.unit, q.affine[u:], s.Rounding, seed, index)
		case s.Format.Integer():
			clipped += kernels.RoundTripUnits(y[i:end], x[i:end], l.unit, f.integers(s, x[i:end], l.unit), s.Rounding, seed, index)
		default:
			end = min(end, l.start(u+1)-at)
			var m kernels.Map
			if q.maps != nil {
				m = q.maps[u]
			} else {
				m = f.unit(s, x[i:end])
			}
			if q.scales != nil {
				f.grid.Scale = q.scales[u]
			}
			clipped += m.RoundTrip(y[i:end], x[i:end], s.Rounding, seed, index)
		}
		i = end
	}
	return clipped
}

// block is roundTrip for a run of a row, or for whole rows, in a format that has
// blocks of its own.
func (q *quantizer) block(y, x []float32, at uint64, f *fitter) (clipped int) {
	s := q.scheme
	switch {
	case s.guides(q.guide):
		for i := 0; i < len(x); i += q.guide.row {
			end := i + q.guide.row
			clipped += f.pack(s, y[i:end], x[i:end], q.guide.weights(int(at)+i, q.guide.row))
		}
		return clipped
	case s.Format.Packing != nil:
		return f.pack(s, y, x, nil)
	}
	return s.Format.Micro.RoundTrip(y, x, q.top, s.Rounding, uint64(s.Seed), at)
}

// fitter chooses the maps of units from their weights. It is one worker's own,
// for the space that it keeps.
type fitter struct {
	extents []kernels.Extent
	maps    []kernels.Affine
	grid    kernels.GridMap
	book    kernels.Codebook
	spare   []float32
	alike   []float32 // ones
	packed  []byte
	search  kernels.Search
	optimal kernels.Optimal
}

// integers returns the maps of the units of unit weights in x, the last one maybe
// shorter, valid until the next call.
func (f *fitter) integers(s Scheme, x []float32, unit int) []kernels.Affine {
	n := (len(x) + unit - 1) / unit
	f.extents = slices.Grow(f.extents[:0], n)[:n]
	f.maps = slices.Grow(f.maps[:0], n)[:n]
	kernels.ExtremesOfUnits(f.extents, x, unit)
	fit := s.fit()
	for u, e := range f.extents {
		part := x[u*unit : min(len(x), (u+1)*unit)]
		switch s.Range {
		case kernels.MSE:
			f.maps[u] = fit.SearchMSE(e.Lo, e.Hi, &f.search, func(out []float64, maps []kernels.Affine, limit float64) {
				kernels.Losses(out, part, maps, limit)
			})
		case kernels.OptimalScale:
			codes := 1<<(s.Format.Bits-1) - 1
			bound := f.optimal.Scale(part, nil, codes) * float32(codes)
			f.maps[u] = fit.Affine(-bound, bound)
		case kernels.Percentile, kernels.Entropy:
			f.maps[u] = fit.Clip(e.Lo, e.Hi, f.bound(s, part))
		default:
			f.maps[u] = fit.Affine(e.Lo, e.Hi)
		}
	}
	return f.maps
}

// bound returns the clipping bound of one unit by its weights, for ranges that
// do not depend on the format's codes.
func (f *fitter) bound(s Scheme, x []float32) float32 {
	switch s.Range {
	case kernels.Percentile:
		f.spare = slices.Grow(f.spare[:0], len(x))
		return kernels.AbsPercentile(x, float64(s.Percentile)/100, f.spare[:len(x)])
	case kernels.Entropy:
		return kernels.EntropyBound(x, s.Format.Bits)
	}
	lo, hi := kernels.Extremes(x)
	return max(-lo, hi)
}

// unit returns the map of the unit x of a format other than integers, valid
// until the next call.
func (f *fitter) unit(s Scheme, x []float32) kernels.Map {
	switch g := s.Format.Grid; {
	case g == nil:
		f.book = kernels.KMeans(x, nil, s.Format.Bits, s.Store)
		return &f.book
	case s.Range == kernels.MSE:
		f.grid = g.SearchMSE(f.bound(s, x), s.Store, func(m kernels.GridMap, limit float64) float64 { return m.Loss(x, limit) })
	default:
		f.grid = g.Fit(x, f.bound(s, x), s.Store)
	}
	return &f.grid
}

// pack sets y to the weights x, whole blocks, as they come back from being
// packed. importance is nil or as long as x, which is a row then; where a format
// needs it and there is none, all weights matter alike. Weights that are not finite are measured as if packed as
// 0, and stay as they are. Where the weights are too large for the block's
// float16 scale, what comes back is no number: it counts as clipped, and as 0.
func (f *fitter) pack(s Scheme, y, x, importance []float32) (clipped int) {
	p := s.Format.Packing
	n := len(x)
	finite, clean := x, allFinite(x)
	if !clean {
		f.spare = append(f.spare[:0], x...)
		finite = f.spare
		for i, v := range finite {
			if !kernels.Finite(v) {
				finite[i] = 0
			}
		}
	}
	if importance == nil && p.NeedsImportance {
		for len(f.alike) < n {
			f.alike = append(f.alike, 1)
		}
		importance = f.alike[:n]
	}
	f.packed = slices.Grow(f.packed[:0], n/p.Block*p.Bytes)[:n/p.Block*p.Bytes]
	if s.Range == kernels.OptimalScale {
		p.QuantizeOptimal(f.packed, finite, importance, &f.optimal)
	} else {
		p.Quantize(f.packed, finite, importance)
	}
	p.Dequantize(y[:n], f.packed)
	if clean && allFinite(y[:n]) {
		return 0
	}
	for i, v := range x {
		switch {
		case !kernels.Finite(v):
			y[i] = v
		case !kernels.Finite(y[i]):
			y[i] = 0
			clipped++
		}
	}
	return clipped
}

// allFinite reports whether no value is NaN or ±Inf, as fast as memory is read.
func allFinite(x []float32) bool {
	_, _, finite, _, _ := kernels.Moments(x)
	return finite == len(x)
}

// chooseMap chooses the map of one unit: a short one by its weights, a long
// one by their distribution, which for a whole tensor is that of its summary.
func chooseMap(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme, unit span) (kernels.Map, error) {
	n := unit.end - unit.first
	switch {
	case n <= chunkLen:
		x := make([]float32, n)
		if err := t.Read(x, unit.first); err != nil {
			return nil, err
		}
		if f := new(fitter); s.Format.Integer() {
			return f.integers(s, x, n)[0], nil
		} else {
			return f.unit(s, x), nil
		}
	case n == sum.N:
		return chooseByDistribution(s, sum.Distribution, sum.Lo, sum.Hi), nil
	}
	d, lo, hi, err := readUnit(ctx, t, unit)
	if err != nil {
		return nil, err
	}
	return chooseByDistribution(s, d, lo, hi), nil
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

// chooseByDistribution chooses the map of a unit that is known by its
// distribution.
func chooseByDistribution(s Scheme, d kernels.Distribution, lo, hi float32) kernels.Map {
	bound := max(-lo, hi)
	switch s.Range {
	case kernels.Percentile:
		bound = d.AbsPercentile(float64(s.Percentile) / 100)
	case kernels.Entropy:
		bound = d.EntropyBound(s.Format.Bits)
	}
	fit, g := s.fit(), s.Format.Grid
	switch {
	case s.Format.Integer() && s.Range == kernels.MSE:
		return fit.SearchMSE(lo, hi, new(kernels.Search), d.Losses)
	case s.Format.Integer():
		return fit.Clip(lo, hi, bound)
	case g == nil:
		book := d.KMeans(s.Format.Bits, s.Store)
		return &book
	case s.Range == kernels.MSE:
		m := g.SearchMSE(bound, s.Store, d.GridLoss)
		return &m
	default:
		m := g.FitDistribution(d, bound, s.Store)
		return &m
	}
}
