package quant

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// Summary is what clipping ranges come from: the extremes, moments and
// distribution of a tensor's finite weights. It is computed once, at the speed of
// memory, and serves every scheme.
type Summary struct {
	N         int // weights
	NonFinite int // of them NaN or ±Inf
	Lo, Hi    float32
	X, X2     float64 // Σx, Σx²

	Distribution kernels.Distribution
	channels     []extremes

	doubled atomic.Pointer[doubledScales]

	guide      *guide  // nil: all weights count alike
	weightedX2 float64 // Σ w·x²

	cellLen int   // the tensor in equal cells, the last one shorter
	loud    []int // cells of more than twice the mean energy, loudest first
}

const (
	minCell  = 256
	maxCells = 1 << 17
	maxLoud  = 1 << 10
)

type extremes struct{ lo, hi float32 }

func (e extremes) join(o extremes) extremes { return extremes{min(e.lo, o.lo), max(e.hi, o.hi)} }

// Mean returns the mean of the finite weights.
func (s *Summary) Mean() float64 {
	if s.N == s.NonFinite {
		return 0
	}
	return s.X / float64(s.N-s.NonFinite)
}

// Summarize reads t once, in parallel. progress may be nil.
func Summarize(ctx context.Context, t *model.Tensor, progress func(float64)) (*Summary, error) {
	return SummarizeWith(ctx, t, nil, progress)
}

// SummarizeWith is Summarize where importance says how much the squared error of
// each weight of a row matters, as in [Pack]: whatever is measured with the
// summary then is quantized as that would, and has its error weighted too.
func SummarizeWith(ctx context.Context, t *model.Tensor, importance []float32, progress func(float64)) (*Summary, error) {
	guide, err := newGuide(t, importance)
	if err != nil {
		return nil, err
	}
	l := layoutOf(t.Shape, PerTensor)
	cellLen := minCell
	for l.n/cellLen >= maxCells {
		cellLen *= 2
	}
	energy := make([]float64, (l.n+cellLen-1)/cellLen)
	var weightedEnergy []float64
	if guide != nil {
		weightedEnergy = make([]float64, len(energy))
	}
	var spans []span // of whole cells
	for first, step := 0, max(chunkLen, cellLen); first < l.n; first += step {
		spans = append(spans, span{first, min(l.n, first+step)})
	}
	type part struct {
		channels []extremes // of the channels the span touches
		finite   int
		x, x2    float64
	}
	parts := make([]part, len(spans))
	spectra := make([]*kernels.Spectrum, workers())
	err = stream(ctx, t, spans, progress, func(worker, i int, x []float32) error {
		if spectra[worker] == nil {
			spectra[worker] = new(kernels.Spectrum)
		}
		spectra[worker].Count(x)
		p := &parts[i]
		first := spans[i].first
		p.channels = make([]extremes, (spans[i].end-1)/l.channelLen-first/l.channelLen+1)
		for at := first; at < spans[i].end; { // runs of one channel and one cell
			channel, cell := at/l.channelLen, at/cellLen
			end := min(spans[i].end, (channel+1)*l.channelLen, (cell+1)*cellLen)
			lo, hi, finite, sum, sum2 := kernels.Moments(x[at-first : end-first])
			e := &p.channels[channel-first/l.channelLen]
			*e = e.join(extremes{lo, hi})
			p.finite += finite
			p.x += sum
			p.x2 += sum2
			energy[cell] += sum2
			at = end
		}
		if guide == nil {
			return nil
		}
		for at := first; at < spans[i].end; { // runs of one row and one cell
			cell := at / cellLen
			end := min(spans[i].end, guide.rowEnd(at), (cell+1)*cellLen)
			weightedEnergy[cell] += kernels.WeightedEnergy(x[at-first:end-first], guide.weights(at, end-at))
			at = end
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s := &Summary{N: l.n, NonFinite: l.n, channels: make([]extremes, l.channels())}
	for i, p := range parts {
		first := spans[i].first / l.channelLen
		for j, e := range p.channels {
			s.channels[first+j] = s.channels[first+j].join(e) // zero is in every range that is quantized
		}
		s.NonFinite -= p.finite
		s.X += p.x
		s.X2 += p.x2
	}
	for _, e := range s.channels {
		s.Lo, s.Hi = min(s.Lo, e.lo), max(s.Hi, e.hi)
	}
	all := new(kernels.Spectrum)
	for _, spectrum := range spectra {
		if spectrum != nil {
			all.Merge(spectrum)
		}
	}
	s.Distribution = all.Distribution()
	total := s.X2
	if s.guide = guide; guide != nil {
		for _, e := range weightedEnergy {
			s.weightedX2 += e
		}
		total = joinShares(energy, s.X2, weightedEnergy, s.weightedX2)
	}
	s.cellLen, s.loud = cellLen, loudest(energy, total)
	return s, nil
}

// joinShares sets each cell's energy to the larger of its shares in energy and in
// weighted energy, and returns the sum.
func joinShares(energy []float64, x2 float64, weighted []float64, weightedX2 float64) (sum float64) {
	for i := range energy {
		energy[i] = max(ratio(energy[i], x2), ratio(weighted[i], weightedX2))
		sum += energy[i]
	}
	return sum
}

// loudest returns the cells of more than twice the mean energy, up to maxLoud
// of them, the loudest first.
func loudest(energy []float64, total float64) []int {
	var loud []int
	for cell, e := range energy {
		if e > 2*total/float64(len(energy)) {
			loud = append(loud, cell)
		}
	}
	slices.SortStableFunc(loud, func(a, b int) int { return cmp.Compare(energy[b], energy[a]) })
	return slices.Clone(loud[:min(len(loud), maxLoud)])
}
