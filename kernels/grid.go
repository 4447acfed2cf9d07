package kernels

import (
	"math"
	"slices"
)

// Grid is a set of values that a scale is multiplied onto.
type Grid struct {
	Name   string  // as schemes write it
	Family string  // grids of one family differ in their bits alone
	About  string  // what it is, in a sentence
	Bits   int     // of a code
	Max    float32 // the value that a range's bound is mapped onto: the largest, save of posits

	// Rounds says that the rounding is a dial. A grid without it has a choice
	// of value of its own.
	Rounds bool
	// Measured says that the scale follows from all weights of the unit: its
	// range is no dial.
	Measured bool

	float *Minifloat // the values, or
	book  *codebook
	// threshold is the share of the mean magnitude up to which weights become
	// 0; the scale is the mean magnitude of the others.
	threshold float64
}

// Grids is the table of grids.
var Grids = []*Grid{
	floatGrid("fp8_e4m3", E4M3, "OCP's 8-bit float of 4 exponent bits: up to 448, no infinity"),
	floatGrid("fp8_e5m2", E5M2, "OCP's 8-bit float of 5 exponent bits: up to 57344"),
	floatGrid("fp8_e4m3fnuz", E4M3FNUZ, "8-bit float of 4 exponent bits without infinity and negative zero: up to 240"),
	floatGrid("fp8_e5m2fnuz", E5M2FNUZ, "8-bit float of 5 exponent bits without infinity and negative zero: up to 57344"),
	floatGrid("fp6_e3m2", E3M2, "6-bit float of 3 exponent bits: up to 28"),
	floatGrid("fp6_e2m3", E2M3, "6-bit float of 2 exponent bits: up to 7.5"),
	floatGrid("fp4_e2m1", E2M1, "4-bit float: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives"),
	{
		Name: "nf4", Family: "nf4", Bits: 4, Max: 1, book: nf4(),
		About: "QLoRA's NormalFloat: 16 quantiles of a normal distribution, as in bitsandbytes",
	},
	{
		Name: "fp4_bnb", Family: "fp4_bnb", Bits: 4, Max: 1, book: bitsandbytesFP4(),
		About: "bitsandbytes' own 4-bit float: 15 values, one very near 0",
	},
	{
		Name: "binary", Family: "binary", Bits: 1, Max: 1, Measured: true, book: signs(),
		About: "the sign times the mean magnitude (XNOR-Net)",
	},
	{
		Name: "ternary", Family: "ternary", Bits: 2, Max: 1, Rounds: true, Measured: true, book: newCodebook([]float32{-1, 0, 1}, nil),
		About: "-1, 0, 1 times the mean magnitude (BitNet b1.58)",
	},
	{
		Name: "twn", Family: "twn", Bits: 2, Max: 1, Measured: true, threshold: 0.7, book: newCodebook([]float32{-1, 0, 1}, nil),
		About: "-1, 0, 1 with 0 up to 0.7 of the mean magnitude, the scale the mean of the rest (Ternary Weight Networks)",
	},
	powerGrid("pot3", 3), powerGrid("pot4", 4), powerGrid("pot5", 5), powerGrid("pot6", 6),
	{
		Name: "apot4", Family: "apot", Bits: 4, Max: 1, Rounds: true, book: sums(apot4Terms[0], apot4Terms[1]),
		About: "additive powers of two: 8 magnitudes, each the sum of two powers",
	},
	{
		Name: "apot5", Family: "apot", Bits: 5, Max: 1, Rounds: true, book: sums(apot5Terms[0], apot5Terms[1]),
		About: "additive powers of two: 16 magnitudes, each the sum of two powers",
	},
	{
		// 16 is where the posits that have three bits of fraction end.
		Name: "posit8", Family: "posit", Bits: 8, Max: 16, book: posit8(),
		About: "8-bit posits of the 2022 standard: finest in the four octaves below the bound, coarser away from it",
	},
}

func floatGrid(name string, f *Minifloat, about string) *Grid {
	return &Grid{Name: name, Family: name, About: about, Bits: f.Bits(), Max: f.Max, Rounds: true, float: f}
}

func powerGrid(name string, bits int) *Grid {
	return &Grid{
		Name: name, Family: "pot", Bits: bits, Max: 1, Rounds: true, book: powers(bits),
		About: "powers of two from 1 down, and 0: multiplying is shifting",
	}
}

// signs are ±1, where 0 counts as positive.
func signs() *codebook {
	c := newCodebook([]float32{-1, 1}, []float32{below(0, true)})
	c.lo, c.hi = float32(math.Inf(-1)), float32(math.Inf(1))
	return c
}

// Values returns the values of the grid, ascending.
func (g *Grid) Values() []float32 {
	if g.float != nil {
		return g.float.Values()
	}
	return slices.Clone(g.book.values)
}

// Unit returns the map of g without a scale.
func (g *Grid) Unit() GridMap { return GridMap{Grid: g, Scale: 1, Inverse: 1} }

// Exponent returns the exponent bits of a code of g, 0 if its codes are not
// floats.
func (g *Grid) Exponent() int {
	if g.float == nil {
		return 0
	}
	return g.float.Exponent
}

// GridMap is the map of one unit, the weights that share a scale, to values of
// a grid and back: y = choose(x·Inverse)·Scale.
type GridMap struct {
	Grid  *Grid
	Scale float32
	// Inverse is 1/Scale, or 0 for a scale of 0, which sends every weight to
	// 0. It stays when Scale alone is quantized once more, as [DoubleQuantize]
	// does.
	Inverse float32
	// Threshold is the magnitude up to which weights become 0, if the grid
	// has one.
	Threshold float32
}

// Fit returns the map of the unit x in the clipping range ±bound, which a
// Measured grid does not heed. The scale is stored as store.
func (g *Grid) Fit(x []float32, bound float32, store *Store) GridMap {
	return g.fit(bound, store, func(above float32) float32 { return meanMagnitude(x, above) })
}

// FitDistribution is [Grid.Fit] for a unit of which only the distribution is
// at hand: a mean is within 2^-8 of the exact one.
func (g *Grid) FitDistribution(d Distribution, bound float32, store *Store) GridMap {
	return g.fit(bound, store, d.meanMagnitude)
}

// fit is Fit, given the mean of the magnitudes above a threshold.
func (g *Grid) fit(bound float32, store *Store, mean func(above float32) float32) GridMap {
	switch {
	case !g.Measured:
		return g.scaled(bound/g.Max, store)
	case g.threshold == 0:
		return g.scaled(mean(-1), store)
	}
	threshold := float32(g.threshold * float64(mean(-1)))
	m := g.scaled(mean(threshold), store)
	m.Threshold = threshold
	return m
}

func (g *Grid) scaled(scale float32, store *Store) GridMap {
	m := GridMap{Grid: g, Scale: store.cast(scale)}
	if m.Scale > 0 {
		m.Inverse = 1 / m.Scale
	}
	return m
}

// meanMagnitude returns the mean of the finite magnitudes of x above a
// threshold, 0 if there is none.
func meanMagnitude(x []float32, above float32) float32 {
	var sum float64
	n := 0
	for _, v := range x {
		if a := float32(math.Abs(float64(v))); a > above && a <= math.MaxFloat32 {
			sum += float64(a)
			n++
		}
	}
	return float32(sum / float64(max(n, 1)))
}

// meanMagnitude is the mean of the counted magnitudes above a threshold, each
// taken to be in the middle of its bucket.
func (d Distribution) meanMagnitude(above float32) float32 {
	var sum float64
	n := 0
	for _, b := range d {
		if a := math.Abs(b.Lo+b.Hi) / 2; a > float64(above) {
			sum += float64(a * float64(b.N))
			n += b.N
		}
	}
	return float32(sum / float64(max(n, 1)))
}

// RoundTrip sets every dst[i] to what comes back of src[i]; the slices have
// the same length and do not overlap. NaN and ±Inf stay as they are. r counts
// only if the grid Rounds; at is the index of src[0] in its tensor. It returns
// how many weights were clipped: those beyond an end of the grid by more than
// half the gap before it.
func (m GridMap) RoundTrip(dst, src []float32, r *Rounding, seed, at uint64) (clipped int) {
	switch g := m.Grid; {
	case !g.Rounds || r == Roundings[0] || m.Inverse == 0:
		return m.nearest(dst, src)
	case g.float != nil:
		return g.float.roundTrip(dst, src, m.Inverse, m.Scale, r, seed, at)
	default:
		return g.book.rounded(dst, src, m.Inverse, m.Scale, r, seed, at)
	}
}

// nearest is RoundTrip with the grid's own choice, or nearest even.
func (m GridMap) nearest(dst, src []float32) (clipped int) {
	switch g := m.Grid; {
	case m.Inverse == 0:
		return zeroFinite(dst, src)
	case g.float != nil:
		return g.float.nearest(dst, src, twoWay{m.Inverse, m.Scale})
	case g.threshold > 0:
		return thresholded(dst, src, m.Threshold, m.Scale)
	default:
		return g.book.nearest(dst, src, m.Inverse, m.Scale)
	}
}

// Trace takes the finite weight x, at index at of its tensor, through m:
// Rounded is the value of the grid, Code its code or, where a format has none
// of its own, its index among the ascending values.
func (m GridMap) Trace(x float32, r *Rounding, seed, at uint64) Step {
	if m.Inverse == 0 {
		return Step{}
	}
	s := Step{Scaled: x * m.Inverse}
	unit := m
	unit.Scale = 1
	var y [1]float32
	s.Clipped = unit.RoundTrip(y[:], []float32{x}, r, seed, at) > 0
	s.Rounded = y[0]
	s.Value = s.Rounded * m.Scale
	if f := m.Grid.float; f != nil {
		s.Code = int32(f.code(s.Rounded))
	} else {
		s.Code = int32(slices.Index(m.Grid.book.values, s.Rounded))
	}
	return s
}

// thresholded sets dst to ±scale where a finite src is beyond ±threshold, to 0
// where it is not.
func thresholded(dst, src []float32, threshold, scale float32) (clipped int) {
	dst = dst[:len(src)]
	for i, x := range src {
		var y float32
		if x > threshold {
			y = scale
		}
		if x < -threshold {
			y = -scale
		}
		if math.Float32bits(x)&expMask == expMask {
			y = x
		}
		dst[i] = y
	}
	return 0
}
