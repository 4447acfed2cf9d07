package kernels

import (
	"math"
	"slices"
)

// Range is a way to choose the clipping range of a unit, the weights that
// share a scale.
type Range struct {
	Name  string // as schemes write it
	Title string // as the screen writes it
	About string // what it does, in a sentence
	// SymmetricOnly says that the estimator means nothing with a zero point.
	SymmetricOnly bool
}

// Of reports whether r is a choice for the format f.
func (r *Range) Of(f *Format) bool {
	switch r {
	case OptimalScale:
		return f.Has(Searched)
	case Full:
		return f.Integer() && f.Bits > 1
	}
	return f.Has(Ranged)
}

// The range estimators, in the order of their table.
var (
	MinMax       = &Range{Name: "minmax", Title: "min–max", About: "the whole range of the weights: nothing is clipped"}
	Full         = &Range{Name: "full", Title: "full codes", About: "the whole range over all 2^b codes, as torch's symmetric observers have it", SymmetricOnly: true}
	Percentile   = &Range{Name: "p", Title: "percentile", About: "pNN.N: the NN.N-th percentile of |x|, linear between order statistics"}
	Entropy      = &Range{Name: "entropy", Title: "entropy", About: "the clipping whose histogram loses the least information, as TensorRT calibrates (Kullback–Leibler)"}
	OptimalScale = &Range{Name: "optimal", Title: "optimal scale", About: "search=optimal: of all scales and codes those of least squared error", SymmetricOnly: true}
	MSE          = &Range{Name: "mse", Title: "least error", About: "the clipping that minimises the squared error of nearest rounding"}

	// Ranges is the table of range estimators; the first is the default.
	Ranges = []*Range{MinMax, Full, Percentile, MSE, Entropy, OptimalScale}
)

// Extent is the least and the greatest of some values. The assembly knows the
// order of the fields.
type Extent struct{ Lo, Hi float32 }

// Extremes returns the least and the greatest finite value of x, −0 taken as
// 0, or 0, 0 if there is none.
func Extremes(x []float32) (lo, hi float32) {
	var ends [1]Extent
	extremes(ends[:], x, max(1, len(x)))
	return ends[0].Lo, ends[0].Hi
}

// ExtremesOfUnits sets each of ends to the [Extremes] of the next run of unit
// weights of x, the last one maybe shorter.
func ExtremesOfUnits(ends []Extent, x []float32, unit int) {
	extremes(ends[:units(len(x), unit)], x, unit)
}

func extremesGo(ends []Extent, x []float32, unit int) {
	for i := range ends {
		n := min(unit, len(x))
		lo, hi := float32(math.MaxFloat32), float32(-math.MaxFloat32)
		for _, v := range x[:n] {
			if Finite(v) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
		if lo > hi {
			lo, hi = 0, 0
		}
		ends[i] = Extent{lo + 0, hi + 0}
		x = x[n:]
	}
}

// AbsPercentile returns the pct-th percentile, 0 to 100, of the magnitudes of
// the finite values of x, linear between order statistics, or 0 if there is
// none. scratch has at least len(x) elements and is overwritten.
func AbsPercentile(x []float32, pct float64, scratch []float32) float32 {
	a := scratch[:0]
	for _, v := range x {
		if Finite(v) {
			a = append(a, float32(math.Abs(float64(v))))
		}
	}
	if len(a) == 0 {
		return 0
	}
	rank := pct / 100 * float64(len(a)-1)
	k := int(rank)
	lower := selectKth(a, k)
	if k+1 == len(a) {
		return lower
	}
	upper := slices.Min(a[k+1:])
	return float32(float64(lower) + (rank-float64(k))*(float64(upper)-float64(lower)))
}

// selectKth returns the k-th smallest of a, reordering a so that nothing
// before index k is larger and nothing after it smaller (Hoare's selection).
func selectKth(a []float32, k int) float32 {
	lo, hi := 0, len(a)-1
	for lo < hi {
		pivot := a[lo+(hi-lo)/2]
		i, j := lo, hi
		for i <= j {
			for a[i] < pivot {
				i++
			}
			for a[j] > pivot {
				j--
			}
			if i <= j {
				a[i], a[j] = a[j], a[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return a[k]
		}
	}
	return a[k]
}

// Fit is what turns a clipping range into a map: the dials of an integer
// scheme that the scale depends on.
type Fit struct {
	Bits       int
	Asymmetric bool
	Full       bool // all 2^Bits codes without a zero point; see [Symmetric]
	Store      *Store
}

// Affine returns the map of the clipping range [lo, hi]; without a zero point
// the range is ±max(|lo|, |hi|).
func (f Fit) Affine(lo, hi float32) Affine {
	if f.Asymmetric {
		return Asymmetric(lo, hi, f.Bits, f.Store)
	}
	return Symmetric(max(-lo, hi), f.Bits, f.Full, f.Store)
}

// Clip returns the map of [lo, hi] limited to ±bound.
func (f Fit) Clip(lo, hi, bound float32) Affine {
	return f.Affine(max(lo, -bound), min(hi, bound))
}

// Search is the space that [Fit.SearchMSE] works in, kept between calls.
type Search struct {
	maps [searchBatch]Affine
	loss [searchBatch]float64
}

// searchBatch is how many fractions are tried together.
const searchBatch = 8

// coarse are the fractions of a range that a search tries first: 0.9^k down to
// 1/100.
var coarse = func() (fractions []float64) {
	for f := 1.0; f > 0.01; f *= 0.9 {
		fractions = append(fractions, f)
	}
	return fractions
}()

// SearchMSE returns the map of least squared error under nearest rounding
// among those of [lo, hi] shrunk about 0, where losses sets every out[k] to
// the squared error under maps[k], or to anything above limit or an earlier
// out if it exceeds that. The fractions tried are 0.9^k down to 1/100, then eight
// around the best.
func (f Fit) SearchMSE(lo, hi float32, s *Search, losses func(out []float64, maps []Affine, limit float64)) Affine {
	best, at, least := f.Affine(lo, hi), 1.0, math.Inf(1)
	for i := 0; i < len(coarse); i += searchBatch {
		if i > 0 && f.hopeless(lo, hi, coarse[i], least) {
			break
		}
		a, fraction, loss := f.try(lo, hi, coarse[i:min(i+searchBatch, len(coarse))], least, s, losses)
		if loss < least {
			best, at, least = a, fraction, loss
		}
	}
	if best.Scale == 0 {
		return best
	}
	var fine [searchBatch]float64
	n := 0
	for k := -4; k <= 4; k++ {
		if fraction := at * (1 + 0.024*float64(k)); k != 0 && fraction <= 1 {
			fine[n] = fraction
			n++
		}
	}
	if a, _, loss := f.try(lo, hi, fine[:n], least, s, losses); loss < least {
		return a
	}
	return best
}

// shrink returns the map of [lo, hi] times fraction.
func (f Fit) shrink(lo, hi float32, fraction float64) Affine {
	return f.Affine(float32(float64(lo)*fraction), float32(float64(hi)*fraction))
}

// hopeless reports whether shrinking [lo, hi] to fraction or less costs more
// than least by the clipping of its ends alone, which are weights. A step is
// allowed for what rounding scale and zero point does to the codes' range.
func (f Fit) hopeless(lo, hi float32, fraction, least float64) bool {
	a := f.shrink(lo, hi, fraction)
	l, h := a.Range()
	beyond := max(float64(l)-float64(lo), float64(hi)-float64(h)) - float64(a.Scale)
	return beyond > 0 && beyond*beyond > least
}

// try returns the best map of [lo, hi] shrunk to any of the fractions, that
// fraction and its loss; fractions that leave no scale end the list.
func (f Fit) try(lo, hi float32, fractions []float64, limit float64, s *Search, losses func(out []float64, maps []Affine, limit float64)) (best Affine, at, least float64) {
	n := 0
	for _, fraction := range fractions {
		s.maps[n] = f.shrink(lo, hi, fraction)
		if s.maps[n].Scale == 0 {
			break
		}
		n++
	}
	least = math.Inf(1)
	losses(s.loss[:n], s.maps[:n], limit)
	for k, loss := range s.loss[:n] {
		if loss < least {
			best, at, least = s.maps[k], fractions[k], loss
		}
	}
	return best, at, least
}

// Losses sets every out[k] to the loss of x under maps[k] as [Fit.SearchMSE]
// asks for it.
func Losses(out []float64, x []float32, maps []Affine, limit float64) {
	if len(x) <= lossBlock {
		losses(out, x, maps)
		return
	}
	for k, a := range maps {
		out[k] = a.Loss(x, limit)
		limit = min(limit, out[k])
	}
}

// Loss returns the squared error of the finite weights of x under a with
// nearest-even rounding, or a partial sum once that exceeds limit.
func (a Affine) Loss(x []float32, limit float64) float64 {
	maps, part := [1]Affine{a}, [1]float64{}
	var sum float64
	for len(x) > 0 && sum <= limit {
		n := min(len(x), lossBlock)
		losses(part[:], x[:n], maps[:])
		sum += part[0]
		x = x[n:]
	}
	return sum
}

// lossBlock is how many weights are taken between looks at the limit.
const lossBlock = 512

// lossesGo sets out[k] to the squared error of the finite weights of x under
// maps[k], in the order of [fold].
func lossesGo(out []float64, x []float32, maps []Affine) {
	const magic = 3 << 22
	for k, a := range maps {
		var sum [8]float64
		inv := a.inverse()
		lo, hi := float32(a.Min-a.Zero), float32(a.Max-a.Zero)
		for i, v := range x {
			if math.Float32bits(v)&expMask == expMask {
				continue
			}
			q := max(lo, min(hi, v*inv)) // lo and hi are integers: clamping first changes nothing
			t := q + magic
			q = t - magic
			y := q * a.Scale
			e := float64(v) - float64(y)
			sum[i%8] += float64(e * e)
		}
		out[k] = fold(&sum)
	}
}

// Moments returns the extremes of the finite values of x, joined with 0, how
// many there are, their sum and the sum of their squares, both in the order of
// [fold].
func Moments(x []float32) (lo, hi float32, finite int, sum, sum2 float64) {
	var l momentLanes
	moments(&l, x)
	return l.lo, l.hi, len(x) - l.nonFinite, fold(&l.x), fold(&l.x2)
}

// momentLanes are sums by lanes, as in [errorLanes]. The assembly knows the
// order of the fields.
type momentLanes struct {
	x, x2     [8]float64
	nonFinite int
	lo, hi    float32
}

func momentsGo(s *momentLanes, x []float32) {
	for i, v := range x {
		if math.Float32bits(v)&expMask == expMask {
			s.nonFinite++
			continue
		}
		s.lo, s.hi = min(s.lo, v+0), max(s.hi, v+0)
		f := float64(v)
		s.x[i%8] += f
		s.x2[i%8] += float64(f * f)
	}
}
