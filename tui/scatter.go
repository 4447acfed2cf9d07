package tui

import "math"

// scatterView is a number of things as points on two logarithmic axes.
type scatterView struct {
	x, y         []float64
	selected     int // the point that stands out, -1 for none
	nameX, nameY string
}

// scatterDecades is how far down an axis goes at most: what is smaller, zero or
// negative stands at its foot.
const scatterDecades = 6

// logAxis returns where logarithms of values begin and end.
func logAxis(values []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v > 0 {
			lo, hi = min(lo, math.Log10(v)), max(hi, math.Log10(v))
		}
	}
	if lo > hi {
		return -1, 0
	}
	return max(math.Floor(lo), math.Ceil(hi)-scatterDecades), max(math.Ceil(hi), math.Floor(lo)+1)
}

// logColumn returns the place of v among n on an axis from lo to hi.
func logColumn(v, lo, hi float64, n int) int {
	if !(v > 0) {
		return 0
	}
	return clamp(int((math.Log10(v)-lo)/(hi-lo)*float64(n-1)+0.5), 0, n-1)
}

// paintScatter draws v into r, if that is large enough to tell anything.
func paintScatter(s *screen, r rect, v scatterView) {
	if r.h < 5 || r.w < 16 {
		return
	}
	head, r := r.cutTop(1)
	s.text(head, head.x, head.y, fg(colDim), cutEnd(v.nameY, head.w))
	foot, plot := r.cutBottom(2)
	for x := range plot.w {
		s.put(plot.x+x, foot.y, '─', fg(colFaint))
	}
	for y := range plot.h {
		s.put(plot.x, plot.y+y, '│', fg(colFaint))
	}
	s.put(plot.x, foot.y, '└', fg(colFaint))
	loX, hiX := logAxis(v.x)
	loY, hiY := logAxis(v.y)
	l := labels{s: s, r: rect{foot.x, foot.y + 1, foot.w, 1}}
	l.put(0, 1, valueText(math.Pow(10, loX)), fg(colDim))
	l.put(foot.w-1, -1, valueText(math.Pow(10, hiX)), fg(colDim))
	l.put(foot.w/2, 0, v.nameX, fg(colDim))
	s.textRight(head, head.y, fg(colDim), valueText(math.Pow(10, loY))+" to "+valueText(math.Pow(10, hiY)))
	_, plot = plot.cutLeft(1)
	put := func(k int, glyph rune, st style) {
		x, y := logColumn(v.x[k], loX, hiX, plot.w), logColumn(v.y[k], loY, hiY, plot.h)
		s.put(plot.x+x, plot.y+plot.h-1-y, glyph, st)
	}
	for k := range v.x {
		if k != v.selected {
			put(k, '•', fg(colError))
		}
	}
	if v.selected >= 0 {
		put(v.selected, '◆', fg(colAccent).with(bold))
	}
}
