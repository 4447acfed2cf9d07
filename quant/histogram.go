package quant

import (
	"math"

	"github.com/bitdial/bitdial/kernels"
)

// Histogram counts values in equal bins over [Lo, Hi]. Values outside land in
// the end bins.
type Histogram struct {
	Lo, Hi float64
	Bins   []int64
}

func newHistogram(lo, hi float64) Histogram {
	return Histogram{lo, hi, make([]int64, kernels.BinCount)}
}

// HistogramOf returns what was counted, from lo to hi, over the axis that
// measurements have.
func HistogramOf(counted kernels.Distribution, lo, hi float32) Histogram {
	from, to := axis(float64(lo), float64(hi))
	return spread(counted, from, to)
}

// spread returns the buckets as a histogram over [lo, hi], each bucket evenly
// spread over the bins that it touches, counts kept whole.
func spread(buckets kernels.Distribution, lo, hi float64) Histogram {
	h := newHistogram(lo, hi)
	scale := float64(len(h.Bins)) / (hi - lo)
	last := len(h.Bins) - 1
	bin := func(x float64) float64 { return max(0, min(float64(last), (x-lo)*scale)) }
	for _, b := range buckets {
		from, to := bin(b.Lo), bin(b.Hi)
		first, end := int(from), int(to)
		if end == first || to-from < 1e-9 {
			h.Bins[first] += int64(b.N)
			continue
		}
		given := int64(0)
		for i := first; i <= end; i++ {
			upTo := (min(to, float64(i+1)) - from) / (to - from)
			share := int64(math.Round(upTo * float64(b.N)))
			h.Bins[i] += share - given
			given = share
		}
	}
	return h
}

// axis returns the range that a histogram of values from lo to hi is drawn
// over: it contains zero and leaves a margin for what rounds outwards.
func axis(lo, hi float64) (float64, float64) {
	lo, hi = min(lo, 0), max(hi, 0)
	margin := (hi - lo) * 0.03
	if margin == 0 {
		margin = 1
	}
	return lo - margin, hi + margin
}
