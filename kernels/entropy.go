package kernels

import "math"

// entropyBins is the number of bins of the histogram of magnitudes, and
// entropyStart the number of them that is kept at least.
const (
	entropyBins  = 2048
	entropyStart = 128
)

// EntropyBound returns the clipping bound of the finite weights of x whose
// quantized distribution says the most about that of the weights: the least
// Kullback–Leibler divergence of a histogram of 2048 bins of |x| up to the
// largest, clipped at some bin, from itself reduced to the 2^(bits−1) levels
// of symmetric integers. It is 0 if all weights are.
//
// Source: "8-bit Inference with TensorRT" (Migacz 2017), with the details of
// TensorRT's calibrator: the lowest bin counts as the next, so that a peak at
// 0 has no say; what is clipped joins the last bin kept; a level spreads
// evenly over its bins that are not empty; of equal divergences the widest
// range wins.
func EntropyBound(x []float32, bits int) float32 {
	top := maxMagnitude(x)
	var counts [entropyBins]float64
	perBin := entropyBins / float64(top)
	for _, v := range x {
		if Finite(v) && top > 0 {
			counts[min(int(math.Abs(float64(v))*perBin), entropyBins-1)]++
		}
	}
	return entropyBound(&counts, top, bits)
}

// EntropyBound is the function [EntropyBound] for the counted values, taken as
// evenly spread inside each bucket.
func (d Distribution) EntropyBound(bits int) float32 {
	top := 0.
	if len(d) > 0 {
		top = min(max(-d[0].Lo, d[len(d)-1].Hi), math.MaxFloat32)
	}
	if top == 0 {
		return 0
	}
	var counts [entropyBins]float64
	perBin := entropyBins / top
	for _, b := range d {
		lo, hi := b.Lo*perBin, b.Hi*perBin
		if lo < 0 {
			lo, hi = -hi, -lo
		}
		from, to := int(lo), min(int(hi), entropyBins-1)
		if from >= to {
			counts[min(from, entropyBins-1)] += float64(b.N)
			continue
		}
		for i := from; i <= to; i++ {
			inside := min(hi, float64(i+1)) - max(lo, float64(i))
			counts[i] += float64(b.N) * inside / (hi - lo)
		}
	}
	return entropyBound(&counts, float32(top), bits)
}

// entropyBound is EntropyBound for the counts of evenly wide bins up to top.
func entropyBound(counts *[entropyBins]float64, top float32, bits int) float32 {
	counts[0] = counts[1]
	levels := 1 << (bits - 1)
	var sum, filled, plogp [entropyBins + 1]float64 // of the bins before
	for i, n := range counts {
		sum[i+1], filled[i+1], plogp[i+1] = sum[i]+n, filled[i], plogp[i]
		if n > 0 {
			filled[i+1]++
			plogp[i+1] += float64(n * math.Log(n))
		}
	}
	best, least := entropyBins, math.Inf(1)
	for kept := max(entropyStart, levels); kept <= entropyBins; kept++ {
		if d := divergence(counts, &sum, &filled, &plogp, kept, levels); d <= least {
			best, least = kept, d
		}
	}
	return float32(float64(top) * float64(best) / entropyBins)
}

// divergence returns Σ P·ln(P/Q) for the histogram p of the bins kept, what is
// clipped in the last, and q, the same in so many levels without what is
// clipped, both normalized: (Σ p·ln p − Σ p·ln q)/Σp + ln(Σq/Σp). The running
// sums give it by level instead of bin.
func divergence(counts *[entropyBins]float64, sum, filled, plogp *[entropyBins + 1]float64, kept, levels int) float64 {
	total, inside := sum[entropyBins], sum[kept]
	clipped := total - inside
	last := counts[kept-1]
	switch {
	case total == 0:
		return 0
	case last == 0 && clipped > 0:
		return math.Inf(1) // q has nothing where p has what is clipped
	}
	pq := plogp[kept]
	if last > 0 {
		pq += float64((last+clipped)*math.Log(last+clipped)) - float64(last*math.Log(last))
	}
	from := 0
	for level := range levels {
		to := ((level+1)*kept + levels - 1) / levels // bin i is of level i·levels/kept
		if n := sum[to] - sum[from]; n > 0 {
			if bins := filled[to] - filled[from]; level == levels-1 {
				pq -= float64((n + clipped) * math.Log(n/bins))
			} else {
				pq -= float64(n * math.Log(n/bins))
			}
		}
		from = to
	}
	return pq/total + math.Log(inside/total)
}
