package kernels

import "unsafe"

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
	room  [2][unsafe.Sizeof(fitLanes{}) + cacheLine - 1]byte
}

const cacheLine = 64

// space returns the i-th space, at the first line of the cache in its room: rows
// that lie across two make a search a seventh slower. A stack moves by whole
// lines, so that it stays at its place in the room.
func (f *fits) space(i int) *fitLanes {
	return (*fitLanes)(firstLine(unsafe.Pointer(&f.room[i])))
}

// firstLine returns where the first line of the cache begins in room.
func firstLine(room unsafe.Pointer) unsafe.Pointer {
	return unsafe.Add(room, -uintptr(room)%cacheLine)
}

// fitLanes is the space of a search in vectors: row j of x, w, codes and trial
// holds the j-th weight of every sub-block. The assembly knows the order of the
// fields. The gap keeps what is read and what is written from being 4096 bytes
// apart: at some addresses that made a search take almost three times as long.
type fitLanes struct {
	x, w         [32 * maxFits]float32 //nolint:unused // w is the assembly's
	_            [16 * maxFits]float32
	codes, trial [32 * maxFits]float32 //nolint:unused // trial is the assembly's

	scale, offset, sum [maxFits]float32
}

const maxFits = 16

// weighting says how errors are weighed inside a sub-block.
type weighting int

const (
	byGiven          weighting = iota // by given weights
	byRootMeanSquare                  // by the root mean square of the sub-block plus |x|
	byMagnitude                       // by |x|
	bySquare                          // by x²
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
		u := by.weights(own[:n], v, w, k)
		f.scales[k], f.offsets[k] = a.fit(f.codes[n*k:][:n], v, u)
		f.sums[k] = sum(u)
	}
}

// fitPair fits the sub-blocks of n weights that x consists of: sixteen for the
// first of f, the others, if there are, for the second.
func fitPair(f *[2]fits, a *affineFit, x, w []float32, n int, by weighting) {
	if fitPairInLanes(f, a, x, w, n, by) {
		return
	}
	first := min(len(x), maxFits*n)
	if by != byGiven {
		w = x // not looked at
	}
	f[0].fit(a, x[:first], w[:first], n, by)
	if first < len(x) {
		f[1].fit(a, x[first:], w[first:], n, by)
	}
}

// fitSymmetric fits the sub-blocks of n weights that x consists of without an
// offset, as the function fitSymmetric.
func (f *fits) fitSymmetric(levels int32, x, w []float32, n int, by weighting) {
	f.n = n
	if f.fitSymmetricInLanes(levels, x, w, n, by) {
		return
	}
	f.lanes = 0
	var own [32]float32
	for k := range len(x) / n {
		v := x[n*k:][:n]
		u := by.weights(own[:n], v, w, k)
		f.scales[k] = fitSymmetric(f.codes[n*k:][:n], v, u, levels)
		f.sums[k] = sum(u)
	}
}

// weights returns how errors weigh in sub-block k, whose weights are x: a part
// of given ones, or own, filled.
func (by weighting) weights(own, x, given []float32, k int) []float32 {
	switch by {
	case byGiven:
		return given[len(x)*k:][:len(x)]
	case byRootMeanSquare:
		rms := sqrt(sumSquares(x) / float32(len(x)))
		for j, v := range x {
			own[j] = rms + abs(v)
		}
	case byMagnitude:
		for j, v := range x {
			own[j] = abs(v)
		}
	case bySquare:
		weighBySquare(own, x)
	}
	return own
}

// recode sets codes to those of the sub-blocks from first on with
// x ≈ scale·c − offset, c in low…high, less low, after scales and offsets were
// rounded; where a scale became 0 they are those of the search.
func (f *fits) recode(codes []uint8, x []float32, first int, scales, offsets []float32, low, high int32) {
	recode(codes, x, scales, offsets, low, high)
	for k, scale := range scales {
		if scale == 0 {
			f.take(codes[f.n*k:][:f.n], first+k)
		}
	}
}

// take sets codes to those that the search found for sub-block k.
func (f *fits) take(codes []uint8, k int) {
	if f.lanes == 0 {
		copy(codes, f.codes[f.n*k:])
		return
	}
	found := f.space(k / f.lanes).codes[k%f.lanes:]
	for j := range codes {
		codes[j] = uint8(found[f.lanes*j])
	}
}
