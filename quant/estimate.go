package quant

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// sampleLen is how many weights an estimate looks at; a tensor no larger is
// measured exactly.
const sampleLen = 1 << 15

// Estimate measures a fixed sample of whole blocks spread over t: a few
// milliseconds, whatever its size. Clipping ranges come from sum, the whole
// tensor, wherever it knows them. Counts are scaled up; NonFinite and Σx² are
// exact, and SQNRLo, SQNRHi hold the exact SQNR in at least 95 of 100 cases.
// A tensor no larger than the sample is measured exactly.
func Estimate(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme) (*Measurement, error) {
	return estimate(ctx, t, sum, s, sampleLen)
}

func estimate(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme, size int) (*Measurement, error) {
	if sum.N <= size {
		return Measure(ctx, t, sum, s, nil)
	}
	q, err := newQuantizer(ctx, t, sum, s)
	if err != nil {
		return nil, err
	}
	spans := q.sample(size)
	tally, err := q.run(ctx, t, sum, spans, nil)
	if err != nil {
		return nil, err
	}
	m := tally.measurement(q, t, sum)
	e2, spread := totalError(tally.parts, sum)
	scale := ratio(float64(sum.N-sum.NonFinite), float64(m.N))
	m.E *= scale
	m.E2, m.X2 = e2, sum.X2
	m.Y2, m.XY = m.Y2*scale, m.XY*scale
	m.Clipped, m.Zeros = int(math.Round(float64(m.Clipped)*scale)), int(math.Round(float64(m.Zeros)*scale))
	m.N, m.NonFinite = sum.N-sum.NonFinite, sum.NonFinite
	m.SQNRLo, m.SQNRHi = m.SQNR(), m.SQNR()
	if m.E2 > 0 {
		m.SQNRLo -= spread
		m.SQNRHi += spread
	}
	return m, nil
}

// sample returns spans of about size weights in all: the tensor is cut into
// equal strata, and each gives one block from a place drawn once and for all,
// so that no period of the tensor can hide from the sample. Blocks end between
// units unless the units' maps are known.
func (q *quantizer) sample(size int) []span {
	l := q.layout
	block := 256
	if q.known == nil && q.scheme.Scaled() {
		block = max(block, l.unit)
	}
	strata := max(16, size/block)
	draw := rand.New(rand.NewPCG(1, uint64(l.n)))
	var spans []span
	last := 0
	for i := range strata {
		from, to := l.n/strata*i, l.n/strata*(i+1)
		first := max(last, from+int(draw.Float64()*float64(max(1, to-from-block))))
		end := min(l.n, first+block)
		if block > 256 || (q.known == nil && q.scheme.Scaled()) {
			first = l.start(l.unitOf(first))
			for end = first; end-first < block && end < l.n; {
				end = l.start(l.unitOf(end) + 1)
			}
		}
		if first = max(first, last); first < end {
			spans = append(spans, span{first, end})
			last = end
		}
	}
	return spans
}

// totalError estimates Σe² of the whole tensor from the sums of sampled
// blocks, and how far off it may be, in dB.
//
// Two estimators are at hand: error per weight times the number of weights,
// good where every weight has the same step, and error per signal energy times
// the known Σx², good where steps follow the weights. The one whose blocks
// agree better is taken: by the jackknife, leaving out one block at a time.
func totalError(parts []kernels.Sums, sum *Summary) (e2, spread float64) {
	var all kernels.Sums
	for _, p := range parts {
		all.Add(p)
	}
	if all.E2 == 0 || all.X2 == 0 {
		return all.E2 * ratio(float64(sum.N-sum.NonFinite), float64(all.N)), 0
	}
	perWeight := func(s kernels.Sums) float64 { return s.E2 / float64(s.N) * float64(sum.N-sum.NonFinite) }
	perEnergy := func(s kernels.Sums) float64 { return s.E2 / s.X2 * sum.X2 }
	e2, spread = perWeight(all), jackknife(parts, all, perWeight)
	if d := jackknife(parts, all, perEnergy); d < spread {
		e2, spread = perEnergy(all), d
	}
	// Three standard errors, and a little for the choice between two.
	return e2, 3*spread + 0.02
}

// jackknife returns the standard error in dB of an estimator over blocks.
func jackknife(parts []kernels.Sums, all kernels.Sums, estimator func(kernels.Sums) float64) float64 {
	centre := math.Log(estimator(all))
	var sum, sum2, n float64
	for _, p := range parts {
		rest := all
		rest.N, rest.E2, rest.X2 = all.N-p.N, all.E2-p.E2, all.X2-p.X2
		if rest.N <= 0 || rest.E2 <= 0 || rest.X2 <= 0 {
			continue
		}
		d := math.Log(estimator(rest)) - centre
		sum += d
		sum2 += d * d
		n++
	}
	if n < 2 {
		return math.Inf(1)
	}
	variance := (n - 1) / n * (sum2 - sum*sum/n)
	return 10 / math.Ln10 * math.Sqrt(max(0, variance))
}
