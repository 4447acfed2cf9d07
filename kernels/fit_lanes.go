package kernels

// A search is sequential inside a sub-block and independent between
// sub-blocks: vectors run several of them side by side, one in each lane, and
// every lane performs the operations of the Go function in its order. So the
// results are the same bits.

// fits is what a search found for each of up to sixteen sub-blocks in a row.
type fits struct {
	scales, offsets, sums [maxFits]float32 // sums of the weights' own weights

	n     int // weights of a sub-block
	lanes int // of the spaces, 0 if codes has the codes
	codes [512]uint8
	space [2]fitLanes
}

// fitLanes is the space of a search in vectors: row j of x, w, codes and trial
// holds the j-th weight of every sub-block. The assembly knows the order of the
// fields.
type fitLanes struct {
	x, w, codes, trial [32 * maxFits]float32

	scale, offset, sum [maxFits]float32
}

const maxFits = 16

// weighting says how errors are weighed inside a sub-block.
type weighting int

const (
	byGiven          weighting = iota // by given weights
	byRootMeanSquare                  // by the root mean square of the sub-block plus |x|
	byMagnitude                       // by |x|
)

// fit fits the sub-blocks of n weights that x consists of.
func (f *fits) fit(a *affineFit, x, w []float32, n int, by weighting) {
	f.n = n
	if f.fitInLanes(a, x, w, n, by) {
		return
	}
	f.lanes = 0
	var own [32]float32
	for k := range len(x) / n {
		v := x[n*k:][:n]
		u := own[:n]
		switch by {
		case byGiven:
			u = w[n*k:][:n]
		case byRootMeanSquare:
			rms := sqrt(sumSquares(v) / float32(n))
			for j, v := range v {
				u[j] = rms + abs(v)
			}
		case byMagnitude:
			for j, v := range v {
				u[j] = abs(v)
			}
		}
		f.scales[k], f.offsets[k] = a.fit(f.codes[n*k:][:n], v, u)
		f.sums[k] = sum(u)
	}
}

// recode sets codes to those of sub-block k with x ≈ scale·c − offset, after
// scale and offset were rounded; if scale became 0 they are those of the search.
func (f *fits) recode(codes []uint8, x []float32, k int, scale, offset float32, levels int32) {
	switch {
	case scale != 0:
		recode(codes, x, scale, offset, levels)
	case f.lanes == 0:
		copy(codes, f.codes[f.n*k:])
	default:
		for j := range codes {
			codes[j] = uint8(f.space[k/f.lanes].codes[f.lanes*j+k%f.lanes])
		}
	}
}
