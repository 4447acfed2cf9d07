package quant

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// sampleLen is how many weights an estimate looks at; a tensor no larger is
// measured exactly. Where every weight takes microseconds it looks at fewer,
// and is less sure.
func (s Scheme) sampleLen() int {
	switch {
	case s.Range == kernels.OptimalScale && s.Format.Packing != nil:
		return 1 << 11
	case s.Range == kernels.OptimalScale:
		return 1 << 13
	case s.Format != nil && s.Format.Packing != nil && s.Format.Packing.Slow():
		return 1 << 14
	}
	return 1 << 15
}

// Estimate measures a fixed sample of whole blocks spread over t: a few
// milliseconds, whatever its size. Clipping ranges come from sum, the whole
// tensor, wherever it knows them. Counts are scaled up; NonFinite and Σx² are
// exact, and SQNRLo, SQNRHi hold the exact SQNR in at least 95 of 100 cases.
// A tensor no larger than the sample is measured exactly.
func Estimate(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme) (*Measurement, error) {
	return measurement(ctx, t, sum, s, s.sampleLen(), nil)
}

// EstimateFigures is [Estimate] without what only pictures need, on one core: for
// many tensors side by side.
func EstimateFigures(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme) (*Figures, error) {
	return figures(ctx, t, sum, s, s.sampleLen(), 1, nil)
}

// estimate infers the figures of the whole tensor from a sample.
func (m *Figures) estimate(tally *tally, sum *Summary, loud []bool) {
	for _, p := range tally.parts {
		m.Add(p)
	}
	known, rest, quiet := divide(tally.parts, loud)
	m.N, m.NonFinite = sum.N-sum.NonFinite, sum.NonFinite
	e2, spread := totalError(known, rest, quiet, m.N, sum.X2)
	scale := ratio(float64(m.N-known.N), float64(rest.N))
	m.E2, m.X2 = e2, sum.X2
	m.E = known.E + rest.E*scale
	m.Y2, m.XY = known.Y2+rest.Y2*scale, known.XY+rest.XY*scale
	m.Clipped = known.Clipped + int(math.Round(float64(rest.Clipped)*scale))
	m.Zeros = known.Zeros + int(math.Round(float64(rest.Zeros)*scale))
	m.SQNRLo, m.SQNRHi = m.SQNR(), m.SQNR()
	if m.E2 > 0 {
		m.SQNRLo -= spread
		m.SQNRHi += spread
	}
	m.Weighted = Weighted{m.E2, m.X2, m.SQNRLo, m.SQNRHi}
	if tally.weighted == nil {
		return
	}
	parts := slices.Clone(tally.parts)
	for i, p := range tally.weighted {
		parts[i].E2, parts[i].X2 = p.e2, p.x2
	}
	w := &m.Weighted
	known, rest, quiet = divide(parts, loud)
	w.E2, spread = totalError(known, rest, quiet, m.N, sum.weightedX2)
	w.X2 = sum.weightedX2
	w.SQNRLo, w.SQNRHi = w.SQNR(), w.SQNR()
	if w.E2 > 0 {
		w.SQNRLo -= spread
		w.SQNRHi += spread
	}
}

// sample returns spans of about size weights in all, ascending, and which of
// them are loud. Loud spans hold the cells of much more than the mean energy:
// few blocks may make most of the error, so they are looked at for themselves,
// up to half of the sample. For the rest the tensor is cut into equal strata,
// and each gives one block from a place drawn once and for all, so that no
// period of the tensor can hide from the sample. Blocks end between units
// unless the units' maps are known.
func (q *quantizer) sample(sum *Summary, size int) (spans []span, loud []bool) {
	l := q.layout
	block, whole := minCell, q.wholeUnits()
	if whole {
		block = max(block, l.unit)
	}
	widen := func(first, end int) span {
		if whole {
			first = l.start(l.unitOf(first))
			end = l.start(l.unitOf(end-1) + 1)
		}
		return span{first, end}
	}
	var set []span
	for taken, i := 0, 0; i < len(sum.loud) && taken < size/2; i++ {
		first := sum.loud[i] * sum.cellLen
		s := widen(first, min(l.n, first+sum.cellLen))
		set = append(set, s)
		taken += s.end - s.first
	}
	set = union(set)

	strata := max(8, size/block)
	draw := rand.New(rand.NewPCG(1, uint64(l.n)))
	last := 0
	for i := range strata {
		from, to := int(float64(l.n)*float64(i)/float64(strata)), int(float64(l.n)*float64(i+1)/float64(strata))
		first := from + int(draw.Float64()*float64(max(1, to-from-block)))
		s := widen(first, min(l.n, first+block))
		for ; len(set) > 0 && set[0].first < s.end; set = set[1:] {
			spans, loud = append(spans, set[0]), append(loud, true)
			last = set[0].end
		}
		if s.first = max(s.first, last); s.first < s.end {
			spans, loud = append(spans, s), append(loud, false)
			last = s.end
		}
	}
	for _, s := range set {
		spans, loud = append(spans, s), append(loud, true)
	}
	return spans, loud
}

// union returns the spans sorted, those that touch or overlap joined.
func union(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return a.first - b.first })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && s.first <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, s.end)
			continue
		}
		out = append(out, s)
	}
	return out
}

// divide adds up the loud parts and the others, and lists the others.
func divide(parts []kernels.Sums, loud []bool) (known, rest kernels.Sums, quiet []kernels.Sums) {
	for i, p := range parts {
		if loud[i] {
			known.Add(p)
		} else {
			rest.Add(p)
			quiet = append(quiet, p)
		}
	}
	return known, rest, quiet
}

// totalError estimates Σe² of a tensor of n finite weights whose Σx² is x2, and
// how far off it may be, in dB. The known spans count as they are; the quiet
// ones, rest in all, stand for everything else.
//
// Two estimators of that are at hand: error per weight times the number of
// weights, good where every weight has the same step, and error per signal
// energy times the known Σx², good where steps follow the weights. The one
// whose spans agree better is taken: by the jackknife, leaving out one at a
// time.
func totalError(known, rest kernels.Sums, quiet []kernels.Sums, n int, x2 float64) (e2, spread float64) {
	restN, restX2 := float64(n-known.N), max(0, x2-known.X2)
	perWeight := func(s kernels.Sums) float64 { return known.E2 + ratio(s.E2, float64(s.N))*restN }
	perEnergy := func(s kernels.Sums) float64 { return known.E2 + ratio(s.E2, s.X2)*restX2 }
	e2, spread = perWeight(rest), jackknife(quiet, rest, perWeight)
	if d := jackknife(quiet, rest, perEnergy); d < spread {
		e2, spread = perEnergy(rest), d
	}
	return e2, 3*spread + 0.02 // three standard errors, and a little for the choice between two
}

// jackknife returns the standard error in dB of an estimator over spans.
func jackknife(parts []kernels.Sums, all kernels.Sums, estimator func(kernels.Sums) float64) float64 {
	centre := math.Log(estimator(all))
	var sum, sum2, n float64
	for _, p := range parts {
		rest := all
		rest.N, rest.E2, rest.X2 = all.N-p.N, all.E2-p.E2, all.X2-p.X2
		if e := estimator(rest); e > 0 {
			d := math.Log(e) - centre
			sum += d
			sum2 += d * d
			n++
		}
	}
	if n < 2 {
		return math.Inf(1)
	}
	variance := (n - 1) / n * (sum2 - sum*sum/n)
	return 10 / math.Ln10 * math.Sqrt(max(0, variance))
}
