package tui

import (
	"math"

	"github.com/bitdial/bitdial/quant"
)

// A histogramView is the picture of a tensor before and after: the original as
// a quiet silhouette, the quantized standing in front of it. See
// [quant.Density] for what their heights mean.
type histogramView struct {
	axis
	original, quantized []int64 // equal bins over the axis
	log                 bool    // heights are logarithms, so that tails show
}

// column returns what column col of r, counted from its left edge, covers:
// values from lo to hi, and how many weights lie there before and after. Over
// all columns the counts add up to those of the bins.
func (h *histogramView) column(r rect, col int) (lo, hi float64, original, quantized int64) {
	lo, hi = h.values(r, col)
	return lo, hi, countIn(h.original, col, r.w), countIn(h.quantized, col, r.w)
}

func countIn(bins []int64, col, n int) (sum int64) {
	if n <= 0 {
		return 0
	}
	from, to := binsOf(len(bins), col, n)
	for _, b := range bins[from:to] {
		sum += b
	}
	return sum
}

// paintHistogram draws h into r: bars, and an axis where there is room.
func paintHistogram(s *screen, r rect, h *histogramView) {
	plot, below := h.split(r)
	if plot.w <= 0 || plot.h <= 0 {
		return
	}
	columns := s.floats(2 * plot.w)
	original, quantized := columns[:plot.w], columns[plot.w:]
	quant.Density(original, h.original)
	quant.Density(quantized, h.quantized)
	top := ceiling(original, quantized)
	clipLo, clipHi := h.clips(plot)
	for col := range plot.w {
		o := height(original[col], top, plot.h, h.log)
		q := height(quantized[col], top, plot.h, h.log)
		clip := col == clipLo || col == clipHi
		for row := range plot.h {
			y := plot.y + plot.h - 1 - row
			paintOverlay(s, plot.x+col, y, clamp(o-8*row, 0, 8), clamp(q-8*row, 0, 8), clip)
		}
		if max(original[col], quantized[col]) > top {
			st := fg(colQuantized)
			if original[col] > quantized[col] {
				st = fg(colOriginal)
			}
			s.put(plot.x+col, plot.y, '▲', st)
		}
	}
	h.paint(s, below)
}

// ceiling returns the density that fills the height of the plot: the peak of
// the original, or of the quantized up to 1½ times that, so that piles of
// clipped weights show without flattening the rest. One column that holds far
// more than those beside it, such as the zeros of a pruned tensor, does not
// set the scale either. Bars that are cut get a tip.
func ceiling(original, quantized []float64) float64 {
	peak, second := peaks(original)
	if second > 0 && peak > 4*second {
		peak = 1.5 * second
	}
	q, _ := peaks(quantized)
	if peak == 0 {
		return q
	}
	return max(peak, min(q, 1.5*peak))
}

// peaks returns the largest value and the largest that is not next to it.
func peaks(v []float64) (first, second float64) {
	at := 0
	for i, x := range v {
		if x > v[at] {
			at = i
		}
	}
	for i, x := range v {
		if i < at-1 || i > at+1 {
			second = max(second, x)
		}
	}
	if len(v) > 0 {
		first = v[at]
	}
	return first, second
}

// height returns the height of a bar in eighths of n rows. What is there at
// all shows.
func height(v, top float64, n int, log bool) int {
	if !(v > 0) || !(top > 0) {
		return 0
	}
	f := v / top
	if log {
		f = math.Log1p(v) / math.Log1p(top)
	}
	return clamp(int(math.Round(f*float64(8*n))), 1, 8*n)
}

// paintOverlay draws one cell in which the original reaches o eighths and the
// quantized, in front of it, q. A cell has two colours, enough for the
// quantized over the original and for either over nothing; where all three
// meet, the smaller error is drawn. Without colour the original is a shade.
func paintOverlay(s *screen, x, y, o, q int, clip bool) {
	switch {
	case o == 0 && q == 0:
		if clip {
			s.put(x, y, '┊', fg(colClip))
		}
	case q >= o:
		s.put(x, y, blocks[q], fg(colQuantized))
	case s.mono && 2*q < o:
		s.put(x, y, shadeOf(o), style{})
	case s.mono:
		s.put(x, y, blocks[q], style{})
	case o == 8 && q == 0 && clip:
		s.put(x, y, '┊', fg(colClip).on(colOriginal))
	case o == 8 && q == 0:
		s.put(x, y, '█', fg(colOriginal))
	case o == 8:
		s.put(x, y, blocks[q], fg(colQuantized).on(colOriginal))
	case 2*q < o:
		s.put(x, y, blocks[o], fg(colOriginal))
	default:
		s.put(x, y, blocks[q], fg(colQuantized))
	}
}

// shadeOf returns the glyph of the original's silhouette without colour.
func shadeOf(eighths int) rune {
	if eighths < 4 {
		return '.'
	}
	return '░'
}

// paintColumnCursor marks the column of r at x, counted from its left edge.
func paintColumnCursor(s *screen, r rect, x int) {
	s.restyle(rect{r.x + x, r.y, 1, r.h}.intersect(r), func(st style) style {
		if st.bg == colText {
			st.bg = colSelectBg
		}
		return st.with(bold)
	})
}

// An errorView is the histogram of the differences between quantized and
// original weights.
type errorView struct {
	axis
	bins []int64
	log  bool
}

// paintErrorHistogram draws h into r as paintHistogram does.
func paintErrorHistogram(s *screen, r rect, h *errorView) {
	plot, below := h.split(r)
	if plot.w <= 0 || plot.h <= 0 {
		return
	}
	columns := s.floats(plot.w)
	quant.Density(columns, h.bins)
	top := ceiling(columns, nil)
	for col, v := range columns {
		e := height(v, top, plot.h, h.log)
		for row := 0; 8*row < e; row++ {
			s.put(plot.x+col, plot.y+plot.h-1-row, blocks[min(e-8*row, 8)], fg(colError))
		}
		if v > top {
			s.put(plot.x+col, plot.y, '▲', fg(colError))
		}
	}
	h.paint(s, below)
}

// binsOf returns the range of bins whose centres lie in column col of n, so
// that every bin belongs to exactly one column.
func binsOf(bins, col, n int) (from, to int) {
	edge := func(col int) int { // the first bin i with (i+½)/bins ≥ col/n
		return clamp((2*col*bins-n+2*n-1)/(2*n), 0, bins)
	}
	return edge(col), edge(col + 1)
}
