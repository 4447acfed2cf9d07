package tui

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/bitdial/bitdial/quant"
)

func TestEveryWeightIsCountedInExactlyOneColumn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histogramView{axis: axis{lo: -1, hi: 1}, original: drawBins(t)}
		r := rect{w: rapid.IntRange(1, 300).Draw(t, "w")}
		var total, sum int64
		for _, n := range h.original {
			total += n
		}
		for col := range r.w {
			_, _, n, _ := h.column(r, col)
			sum += n
		}
		if sum != total {
			t.Fatalf("columns hold %d of %d weights", sum, total)
		}
	})
}

func TestDensityKeepsTheMassOfContinuousWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bins := drawBins(t)
		total := 0.0
		for i := range bins {
			bins[i]++
			total += float64(bins[i])
		}
		d := make([]float64, rapid.IntRange(1, 300).Draw(t, "w"))
		quant.Density(d, bins)
		sum := 0.0
		for _, v := range d {
			sum += v
		}
		if math.Abs(sum-total) > 1e-9*total {
			t.Fatalf("columns hold %v of %v weights", sum, total)
		}
	})
}

func TestDensityIsNeverMoreThanTheMassNorNegative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bins := drawBins(t)
		var total int64
		for _, n := range bins {
			total += n
		}
		d := make([]float64, rapid.IntRange(0, 300).Draw(t, "w"))
		quant.Density(d, bins)
		sum := 0.0
		for _, v := range d {
			if !(v >= 0) {
				t.Fatalf("a column of %v", v)
			}
			sum += v
		}
		if sum > float64(total)*(1+1e-9) {
			t.Fatalf("columns hold %v of %d weights", sum, total)
		}
	})
}

func TestAFineGridHasNoComb(t *testing.T) {
	// A flat distribution on 256 points: by bins, columns would hold 4 or 5 points.
	bins := make([]int64, 1024)
	for i := range 256 {
		bins[4*i+2] = 100
	}
	for _, w := range []int{57, 100, 111} {
		d := make([]float64, w)
		quant.Density(d, bins)
		for col := 1; col < w-1; col++ {
			if even := 25600 / float64(w); math.Abs(d[col]-even) > 0.01*even {
				t.Fatalf("column %d of %d: %v, want %v", col, w, d[col], even)
			}
		}
	}
}

func TestACoarseGridStandsOnTheSilhouetteOneColumnWide(t *testing.T) {
	x := normal(200_000, 0.1, 0)
	clip := absMax(x)
	for _, bits := range []int{3, 4} {
		h, _ := viewOf(x, rounded(x, bits, clip), clip)
		r := rect{w: 100, h: 20}
		o, q := make([]float64, r.w), make([]float64, r.w)
		quant.Density(o, h.original)
		quant.Density(q, h.quantized)
		posts := 0
		for col := range r.w {
			if q[col] == 0 {
				continue
			}
			posts++
			if o[col] < 500 {
				continue
			}
			if col > 0 && q[col-1] > 0 {
				t.Errorf("int%d: columns %d and %d belong to one grid point", bits, col-1, col)
			}
			// A wide cell averages over the curvature of the outline.
			if k := q[col] / o[col]; k < 0.7 || k > 1.4 {
				t.Errorf("int%d: column %d is %.2f of the silhouette", bits, col, k)
			}
		}
		if most := 1<<bits - 1; posts > most {
			t.Errorf("int%d has %d posts", bits, posts)
		}
	}
}

func TestClippedWeightsPileUpAboveTheSilhouette(t *testing.T) {
	x := normal(200_000, 0.1, 0)
	h, _ := viewOf(x, rounded(x, 4, 0.15), 0.15)
	o, q := make([]float64, 100), make([]float64, 100)
	quant.Density(o, h.original)
	quant.Density(q, h.quantized)
	lo, hi := h.clips(rect{w: 100, h: 1})
	for _, end := range []int{lo, hi} {
		if q[end] < 2*o[end] {
			t.Errorf("the pile at column %d is %.0f high, the original there %.0f", end, q[end], o[end])
		}
	}
}

func TestUnchangedWeightsHideTheOriginal(t *testing.T) {
	x := normal(5000, 0.1, 50)
	h, _ := viewOf(x, x, 1)
	s := newScreen(80, 20)
	paintHistogram(s, s.area(), h)
	for i, c := range s.cells {
		if c.style.fg == colOriginal || c.style.bg == colOriginal {
			t.Fatalf("cell %d shows the original", i)
		}
	}
}

func TestWithoutColourTheTwoSeriesDifferInGlyphs(t *testing.T) {
	x := normal(5000, 0.1, 0)
	h, _ := viewOf(x, rounded(x, 3, 0.4), 0.4)
	s := newScreen(60, 12)
	s.mono = true
	paintHistogram(s, s.area(), h)
	shaded, solid := 0, 0
	for y := range s.h {
		for x := range s.w {
			switch s.glyphAt(x, y) {
			case '░':
				shaded++
			case '█':
				solid++
			}
		}
	}
	if shaded < 50 || solid < 5 {
		t.Errorf("%d shaded and %d solid cells\n%s", shaded, solid, s.plain())
	}
}

func TestPicturesOfHistograms(t *testing.T) {
	x, tailed := normal(50_000, 0.08, 0), normal(50_000, 0.05, 200)
	pruned := normal(50_000, 0.08, 0)
	for i := range len(pruned) / 2 {
		pruned[i] = 0
	}
	for _, c := range []struct {
		name string
		x    []float64
		bits int
		clip float64
		log  bool
		mono bool
		w, h int
	}{
		{"int8", x, 8, absMax(x), false, false, 60, 11},
		{"int4", x, 4, absMax(x), false, false, 60, 11},
		{"int4-mono", x, 4, absMax(x), false, true, 60, 11},
		{"int4-small", x, 4, absMax(x), false, false, 24, 4},
		{"int4-large", x, 4, absMax(x), false, false, 118, 24},
		{"int3-clipped-log", tailed, 3, 0.2, true, false, 60, 11},
		{"int2", x, 2, absMax(x), false, false, 60, 11},
		{"int4-pruned", pruned, 4, absMax(pruned), false, false, 60, 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, e := viewOf(c.x, rounded(c.x, c.bits, c.clip), c.clip)
			h.log = c.log
			s := newScreen(c.w, c.h)
			s.mono = c.mono
			paintHistogram(s, s.area(), h)
			requirePicture(t, "histogram-"+c.name, s)
			if c.name == "int4" {
				s := newScreen(60, 6)
				paintErrorHistogram(s, s.area(), e)
				requirePicture(t, "error-int4", s)
			}
		})
	}
}

func TestHistogramsStayInsideTheirRect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newScreen(40, 12)
		s.mono = rapid.Bool().Draw(t, "mono")
		a := axis{
			drawValue(t, "lo"), drawValue(t, "hi"),
			drawValue(t, "clipLo"), drawValue(t, "clipHi"),
		}
		h := &histogramView{
			axis: a, original: drawBins(t), quantized: drawBins(t),
			log: rapid.Bool().Draw(t, "log"),
		}
		r := drawRect(t)
		before := snapshot(s)
		paintHistogram(s, r, h)
		paintColumnCursor(s, r, rapid.IntRange(-2, 40).Draw(t, "cursor"))
		paintErrorHistogram(s, r, &errorView{axis: a, bins: h.original, log: h.log})
		requireOnlyInside(t, s, before, r)
	})
}

func TestPaintingAHistogramAllocatesNothing(t *testing.T) {
	x := normal(5000, 0.1, 0)
	h, e := viewOf(x, rounded(x, 4, 0.3), 0.3)
	s := newScreen(200, 60)
	paintHistogram(s, s.area(), h)
	// Labels are texts made from numbers.
	const labels = 12
	if n := testing.AllocsPerRun(20, func() {
		paintHistogram(s, rect{0, 0, 130, 30}, h)
		paintErrorHistogram(s, rect{0, 30, 130, 4}, e)
	}); n > labels {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPaintHistogram(b *testing.B) {
	x := normal(50_000, 0.1, 0)
	s := newScreen(200, 60)
	for _, bits := range []int{8, 4} {
		h, _ := viewOf(x, rounded(x, bits, 0.3), 0.3)
		b.Run(fmt.Sprintf("int%d", bits), func(b *testing.B) {
			b.SetBytes(int64(16 * len(h.original)))
			b.ReportAllocs()
			for b.Loop() {
				paintHistogram(s, rect{62, 1, 134, 29}, h)
			}
		})
	}
}

func drawBins(t *rapid.T) []int64 {
	bins := make([]int64, rapid.IntRange(0, 200).Draw(t, "bins"))
	every := rapid.IntRange(1, 60).Draw(t, "every")
	for i := 0; i < len(bins); i += every {
		bins[i] = rapid.Int64Range(0, 1<<40).Draw(t, "count")
	}
	return bins
}

// drawValue returns any float64, extremes and NaN included.
func drawValue(t *rapid.T, label string) float64 {
	return rapid.OneOf(
		rapid.Float64(), rapid.Float64Range(-1, 1),
		rapid.SampledFrom([]float64{0, math.Inf(1), math.Inf(-1), math.NaN(), 5e-324, -math.MaxFloat64}),
	).Draw(t, label)
}
