package kernels

import (
	"math/bits"
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:generate go -C _gen run . -out ../vector_amd64.s -stubs ../vector_amd64.go -pkg kernels
//go:generate go -C _gen run . -what products -out ../matmul_amd64.s -stubs ../matmul_amd64.go -pkg kernels

// Backends lists what this machine runs, the fastest last.
func Backends() []Backend {
	x := cpu.X86
	switch avx2 := x.HasAVX2 && x.HasF16C && x.HasFMA && x.HasBMI1 && x.HasBMI2 && x.HasPOPCNT; {
	case avx2 && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL:
		return []Backend{Portable, AVX2, AVX512}
	case avx2:
		return []Backend{Portable, AVX2}
	}
	return []Backend{Portable}
}

// Each function below runs one kernel on the backend in use.

func read(x []float32) uint32 {
	x = x[:len(x)&^63]
	switch {
	case len(x) == 0 || backend == Portable:
		return readGo(x)
	case backend == AVX2:
		return readAVX2(&x[0], len(x))
	default:
		return readAVX512(&x[0], len(x))
	}
}

func roundTrip(dst, src []float32, unit int, maps []Affine, r *Rounding, seed, at uint64) (clipped int) {
	if len(src) == 0 {
		return 0
	}
	d, s, n, m := &dst[0], &src[0], len(src), &maps[0].Scale
	switch backend {
	case AVX512:
		switch r.mode {
		case even:
			return roundTripEvenAVX512(d, s, n, unit, m)
		case away:
			return roundTripAwayAVX512(d, s, n, unit, m)
		case trunc:
			return roundTripTruncAVX512(d, s, n, unit, m)
		case floor:
			return roundTripFloorAVX512(d, s, n, unit, m)
		case ceil:
			return roundTripCeilAVX512(d, s, n, unit, m)
		case stochastic:
			return roundTripStochasticAVX512(d, s, n, unit, m, counter(seed, at))
		}
	case AVX2:
		switch r.mode {
		case even:
			return roundTripEvenAVX2(d, s, n, unit, m)
		case away:
			return roundTripAwayAVX2(d, s, n, unit, m)
		case trunc:
			return roundTripTruncAVX2(d, s, n, unit, m)
		case floor:
			return roundTripFloorAVX2(d, s, n, unit, m)
		case ceil:
			return roundTripCeilAVX2(d, s, n, unit, m)
		}
	}
	return roundTripGo(dst, src, unit, maps, r, seed, at)
}

func compare(s *errorLanes, x, y []float32) {
	switch {
	case len(x) == 0 || backend == Portable:
		compareGo(s, x, y)
	case backend == AVX2:
		compareAVX2(&x[0], &y[0], len(x), &s.e[0])
	default:
		compareAVX512(&x[0], &y[0], len(x), &s.e[0])
	}
}

func indexOfError(x, y []float32, e float64) int {
	switch backend {
	case AVX512:
		return indexOfErrorAVX512(&x[0], &y[0], len(x), e)
	case AVX2:
		return indexOfErrorAVX2(&x[0], &y[0], len(x), e)
	}
	return indexOfErrorGo(x, y, e)
}

func extremes(ends []Extent, x []float32, unit int) {
	if len(x) == 0 || backend == Portable {
		extremesGo(ends, x, unit)
	} else {
		extremesAVX2(&x[0], len(x), unit, &ends[0].Lo)
	}
}

func moments(s *momentLanes, x []float32) {
	if len(x) == 0 || backend == Portable {
		momentsGo(s, x)
	} else {
		momentsAVX2(&x[0], len(x), &s.x[0])
	}
}

func losses(out []float64, x []float32, maps []Affine) {
	switch {
	case len(x) == 0 || len(maps) == 0 || backend == Portable:
		lossesGo(out, x, maps)
	case backend == AVX2:
		lossesAVX2(&x[0], len(x), &maps[0].Scale, len(maps), &out[0])
	default:
		lossesAVX512(&x[0], len(x), &maps[0].Scale, len(maps), &out[0])
	}
}

// What follows takes whole vectors; Go does the rest.

func vectors(n int) int { return n &^ 15 }

func encodeF16(dst []byte, src []float32) {
	n := vectors(len(src))
	switch {
	case n == 0 || backend == Portable:
		n = 0
	case backend == AVX2:
		encodeF16AVX2(&dst[0], &src[0], n)
	default:
		encodeF16AVX512(&dst[0], &src[0], n)
	}
	encodeF16Go(dst[2*n:], src[n:])
}

func decodeF16(dst []float32, src []byte) {
	n := vectors(len(dst))
	switch {
	case n == 0 || backend == Portable:
		n = 0
	case backend == AVX2:
		decodeF16AVX2(&dst[0], &src[0], n)
	default:
		decodeF16AVX512(&dst[0], &src[0], n)
	}
	decodeF16Go(dst[n:], src[2*n:])
}

func castF16(dst, src []float32) (clipped int) {
	n := vectors(len(src))
	switch {
	case n == 0 || backend == Portable:
		n = 0
	case backend == AVX2:
		clipped = castF16AVX2(&dst[0], &src[0], n)
	default:
		clipped = castF16AVX512(&dst[0], &src[0], n)
	}
	return clipped + castF16Go(dst[n:], src[n:])
}

func encodeBF16(dst []byte, src []float32) {
	n := vectors(len(src))
	switch {
	case n == 0 || backend == Portable:
		n = 0
	case backend == AVX2:
		encodeBF16AVX2(&dst[0], &src[0], n)
	default:
		encodeBF16AVX512(&dst[0], &src[0], n)
	}
	encodeBF16Go(dst[2*n:], src[n:])
}

func decodeBF16(dst []float32, src []byte) {
	n := vectors(len(dst))
	switch {
	case n == 0 || backend == Portable:
		n = 0
	case backend == AVX2:
		decodeBF16AVX2(&dst[0], &src[0], n)
	default:
		decodeBF16AVX512(&dst[0], &src[0], n)
	}
	decodeBF16Go(dst[n:], src[2*n:])
}

func castBF16(dst, src []float32) (clipped int) {
	n := vectors(len(src))
	switch {
	case n == 0 || backend == Portable:
		n = 0
	case backend == AVX2:
		clipped = castBF16AVX2(&dst[0], &src[0], n)
	default:
		clipped = castBF16AVX512(&dst[0], &src[0], n)
	}
	return clipped + castBF16Go(dst[n:], src[n:])
}

func bins(dst []uint16, x []float32, lo, scale float64) {
	n := vectors(len(x))
	switch {
	case n == 0 || backend == Portable:
		n = 0
	case backend == AVX2:
		binsAVX2(&dst[0], &x[0], n, lo, scale)
	default:
		binsAVX512(&dst[0], &x[0], n, lo, scale)
	}
	binsGo(dst[n:], x[n:], lo, scale)
}

func keys(dst []uint16, x []float32) (low uint32) {
	n := vectors(len(x))
	switch {
	case n == 0 || backend == Portable:
		n = 0
	case backend == AVX2:
		low = keysAVX2(&dst[0], &x[0], n)
	default:
		low = keysAVX512(&dst[0], &x[0], n)
	}
	return low | keysGo(dst[n:], x[n:])
}

func differenceKeys(dst []uint16, x, y []float32) (low uint32) {
	n := vectors(len(x))
	switch {
	case n == 0 || backend == Portable:
		n = 0
	case backend == AVX2:
		low = differenceKeysAVX2(&dst[0], &x[0], &y[0], n)
	default:
		low = differenceKeysAVX512(&dst[0], &x[0], &y[0], n)
	}
	return low | differenceKeysGo(dst[n:], x[n:], y[n:])
}

func weigh(w, x, importance []float32, square float32) {
	w, importance = w[:len(x)], importance[:len(x)]
	n := vectors(len(x))
	switch {
	case n == 0 || backend == Portable:
		n = 0
	case backend == AVX2:
		weighAVX2(&w[0], &x[0], &importance[0], n, square)
	default:
		weighAVX512(&w[0], &x[0], &importance[0], n, square)
	}
	weighGo(w[n:], x[n:], importance[n:], square)
}

// lanesFor returns how many of count sub-blocks vectors take side by side, 0 if
// they do not fill the lanes.
func lanesFor(count int) int {
	switch {
	case backend == AVX512 && count%16 == 0:
		return 16
	case backend != Portable && count%8 == 0:
		return 8
	}
	return 0
}

// fitInLanes is fits.fit in vectors, if there are sub-blocks for all lanes.
func (f *fits) fitInLanes(a *affineFit, x, w []float32, n int, by weighting) bool {
	count := len(x) / n
	if f.lanes = lanesFor(count); f.lanes == 0 {
		return false
	}
	if by != byGiven {
		w = x // not looked at
	}
	a.fitGroups(f.space(0), f.space(1), count/f.lanes, f.lanes, x, w, n, by)
	for first := 0; first < count; first += f.lanes {
		f.found(f.space(first/f.lanes), first)
	}
	return true
}

// fitPairInLanes is fitPair in vectors, if those that are large take two groups
// of sub-blocks side by side.
func fitPairInLanes(f *[2]fits, a *affineFit, x, w []float32, n int, by weighting) bool {
	if backend != AVX512 || len(x) != 2*maxFits*n {
		return false
	}
	if by != byGiven {
		w = x // not looked at
	}
	a.fitGroups(f[0].space(0), f[1].space(0), 2, maxFits, x, w, n, by)
	for i := range f {
		f[i].n, f[i].lanes = n, maxFits
		f[i].found(f[i].space(0), 0)
	}
	return true
}

// fitGroups is fit for one group of as many sub-blocks as there are lanes or for
// two. While it is under way codes hold its state, and sixteen lanes keep a trial
// as bytes.
func (a *affineFit) fitGroups(space, second *fitLanes, groups, lanes int, x, w []float32, n int, by weighting) {
	apart := int(uintptr(unsafe.Pointer(second)) - uintptr(unsafe.Pointer(space)))
	numerators, tries := &a.numerators[0], len(a.numerators)-1
	switch {
	case lanes == 16 && a.absolute:
		fitAffineAbsoluteAVX512(&space.x[0], &x[0], &w[0], n, int(by), numerators, tries, a.levels, groups, apart)
	case lanes == 16:
		fitAffineAVX512(&space.x[0], &x[0], &w[0], n, int(by), numerators, tries, a.levels, groups, apart)
	case a.absolute:
		fitAffineAbsoluteAVX2(&space.x[0], &x[0], &w[0], n, int(by), numerators, tries, a.levels, groups, apart)
	default:
		fitAffineAVX2(&space.x[0], &x[0], &w[0], n, int(by), numerators, tries, a.levels, groups, apart)
	}
}

// fitSymmetricInLanes is fits.fitSymmetric in vectors, if there are sub-blocks
// for all lanes.
func (f *fits) fitSymmetricInLanes(levels int32, x, w []float32, n int, by weighting) bool {
	count := len(x) / n
	if f.lanes = lanesFor(count); f.lanes == 0 {
		return false
	}
	if by != byGiven {
		w = x // not looked at
	}
	numerators := symmetricNumerators(levels)
	for first := 0; first < count; first += f.lanes {
		space, x, w := f.space(first/f.lanes), &x[n*first], &w[n*first]
		if f.lanes == 16 {
			fitSymmetricAVX512(&space.x[0], x, w, n, int(by), &numerators[0], len(numerators)-1, levels)
		} else {
			fitSymmetricAVX2(&space.x[0], x, w, n, int(by), &numerators[0], len(numerators)-1, levels)
		}
		f.found(space, first)
	}
	return true
}

// fitNonlinearInLanes is fits.fitNonlinear in vectors, if there are sub-blocks
// for all lanes.
func (f *fits) fitNonlinearInLanes(x, w []float32, by weighting) bool {
	const n = 32
	count := len(x) / n
	if f.lanes = lanesFor(count); f.lanes == 0 {
		return false
	}
	if by != byGiven {
		w = x // not looked at
	}
	tables, numerators, tries := &nonlinearTables[0][0], &nonlinearNumerators[0], len(nonlinearNumerators)
	for first := 0; first < count; first += f.lanes {
		space, x, w := f.space(first/f.lanes), &x[n*first], &w[n*first]
		if f.lanes == 16 {
			fitNonlinearAVX512(&space.x[0], x, w, n, int(by), tables, numerators, tries)
		} else {
			fitNonlinearAVX2(&space.x[0], x, w, n, int(by), tables, numerators, tries)
		}
		f.found(space, first)
	}
	return true
}

// fitDescendingAll is fitDescendingAllGo for whole blocks of 256, at least one and
// at most descentBlocks. Sub-blocks whose first codes are not the last search in
// lanes of their own.
func fitDescendingAll(scales, x []float32) {
	if backend == Portable {
		fitDescendingAllGo(scales, x)
		return
	}
	const n = 16
	var room [unsafe.Sizeof([3]descentLanes{}) + cacheLine - 1]byte
	lanes := (*[3]descentLanes)(firstLine(unsafe.Pointer(&room)))
	var restless [descentBlocks]uint16
	space, blocks, width := &lanes[0].x[0], len(x)/256, 8
	if backend == AVX512 {
		width = 16
		settleAVX512(&scales[0], &restless[0], &x[0], blocks, space)
	} else {
		settleAVX2(&scales[0], &restless[0], &x[0], blocks, space)
	}
	var queue [len(lanes) * maxFits * n]float32
	var from [len(lanes) * maxFits]int
	waiting := 0
	descend := func() {
		width := width
		if waiting <= len(lanes)*8 { // the last ones need no more
			width = 8
		}
		if width == 16 {
			fitDescendingAVX512(space, &queue[0])
		} else {
			fitDescendingAVX2(space, &queue[0])
		}
		for i, k := range from[:waiting] {
			scales[k] = lanes[i/width].scale[i%width]
		}
		waiting = 0
	}
	for i, set := range restless[:blocks] {
		for ; set != 0; set &= set - 1 {
			k := 16*i + bits.TrailingZeros16(set)
			v := [n]float32(x[n*k:])
			*(*[n]float32)(queue[n*waiting:]) = v
			from[waiting] = k
			if waiting++; waiting == len(lanes)*width {
				descend()
			}
		}
	}
	if waiting > 0 {
		descend()
	}
}

// descentLanes is the space of a search in a group of lanes: in rows of lanes the
// weights, their squares and cubes and the codes of a sub-block each, then what is
// one of a sub-block. The assembly knows the order of the fields.
type descentLanes struct {
	x, xx, xxx, codes [16 * maxFits]float32 //nolint:unused // the assembly's
	xc, cc, loudest   [maxFits]float32      //nolint:unused // the assembly's
	scale             [maxFits]float32
}

// packQ3K is packQ3KGo for at least one block, which takes those that the vectors
// leave.
func packQ3K(dst []byte, x, scales []float32) {
	for len(x) > 0 {
		done := 0
		switch backend {
		case AVX512:
			done = packQ3KAVX512(&dst[0], &x[0], &scales[0], len(x)/256)
		case AVX2:
			done = packQ3KAVX2(&dst[0], &x[0], &scales[0], len(x)/256)
		}
		dst, x, scales = dst[110*done:], x[256*done:], scales[16*done:]
		if len(x) > 0 {
			packQ3KGo(dst[:110], x[:256], scales[:16])
			dst, x, scales = dst[110:], x[256:], scales[16:]
		}
	}
}

// project is projectGo for at least one weight.
func (t *trials) project(x, w []float32, levels int32) {
	if w = w[:len(x)]; backend == Portable {
		t.projectGo(x, w, levels)
	} else {
		projectAVX2(&t.inverse[0], &x[0], &w[0], len(x), levels)
	}
}

// stretch is stretchGo.
func stretch(trials, losses *[8]float32, x, w []float32, high float32, levels int32) {
	if w = w[:len(x)]; len(x) == 0 || backend == Portable {
		stretchGo(trials, losses, x, w, high, levels)
	} else {
		stretchAVX2(&trials[0], &losses[0], &tenths[0], &x[0], &w[0], len(x), high, levels)
	}
}

// found takes over what the lanes of space found for the sub-blocks from first
// on.
func (f *fits) found(space *fitLanes, first int) {
	copy(f.scales[first:], space.scale[:f.lanes])
	copy(f.offsets[first:], space.offset[:f.lanes])
	copy(f.sums[first:], space.sum[:f.lanes])
}

// recode is recodeGo for parts of a multiple of 16 weights.
func recode(codes []uint8, x, scales, offsets []float32, low, high int32) {
	codes, offsets = codes[:len(x)], offsets[:len(scales)]
	switch n := len(x) / len(scales); backend {
	case AVX512:
		recodeAVX512(&codes[0], &x[0], n, &scales[0], &offsets[0], len(scales), low, high)
	case AVX2:
		recodeAVX2(&codes[0], &x[0], n, &scales[0], &offsets[0], len(scales), low, high)
	default:
		recodeGo(codes, x, scales, offsets, low, high)
	}
}

func (f *Minifloat) nearestEven(dst, src []float32, unit int, scales []twoWay, last float32) (clipped int) {
	dst = dst[:len(src)]
	switch {
	case len(src) == 0 || backend == Portable:
		return f.nearestEvenGo(dst, src, unit, scales, last)
	case backend == AVX2:
		return minifloatAVX2(&dst[0], &src[0], len(src), unit, &scales[0].there, last, &f.words[0])
	}
	return minifloatAVX512(&dst[0], &src[0], len(src), unit, &scales[0].there, last, &f.words[0])
}

// unpackBytes is unpackBytesGo for parts of a multiple of 16 codes.
func unpackBytes(y []float32, codes []uint8, scales, offsets []float32) {
	y, offsets = y[:len(codes)], offsets[:len(scales)]
	switch n := len(codes) / len(scales); backend {
	case AVX512:
		unpackBytesAVX512(&y[0], &codes[0], n, &scales[0], &offsets[0], len(scales))
	case AVX2:
		unpackBytesAVX2(&y[0], &codes[0], n, &scales[0], &offsets[0], len(scales))
	default:
		unpackBytesGo(y, codes, scales, offsets)
	}
}
