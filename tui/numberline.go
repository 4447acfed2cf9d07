package tui

import (
	"math"
	"slices"
)

// A numberLine is a weight between the representable values around it.
type numberLine struct {
	grid []float64 // representable values, ascending
	x, y float64   // the weight, and the one it became
}

// numberLineRows is the height that paintNumberLine makes use of.
const numberLineRows = 6

// paintNumberLine draws l into r: the weight above the line, the grid points
// on it, and below it the way from the weight to what it became.
func paintNumberLine(s *screen, r rect, l numberLine) {
	if r.h < numberLineRows || r.w < 24 || len(l.grid) == 0 {
		return
	}
	finite := func(v float64) float64 { return max(-math.MaxFloat32, min(math.MaxFloat32, v)) } // what is beyond stands at the end
	lo, hi := finite(min(l.x, slices.Min(l.grid))), finite(max(l.x, slices.Max(l.grid)))
	if lo == hi {
		lo, hi = lo-1, hi+1
	}
	const margin = 6 // labels at the ends have room around their points
	column := func(v float64) int {
		return clamp(r.x+margin+int((finite(v)-lo)/(hi-lo)*float64(r.w-2*margin-1)+0.5), r.x, r.x+r.w-1)
	}
	x, y := column(l.x), column(l.y)
	line := r.y + 2

	above := labels{s: s, r: rect{r.x, r.y, r.w, 1}}
	above.put(x-r.x, 0, "weight "+valueDigits(l.x, 7), fg(colOriginal).with(bold))
	s.put(x, r.y+1, '▼', fg(colOriginal).with(bold))

	for c := r.x; c < r.x+r.w; c++ {
		s.put(c, line, '─', fg(colFaint))
	}
	below := labels{s: s, r: rect{r.x, r.y + 5, r.w, 1}}
	below.put(y-r.x, 0, valueDigits(l.y, 6), fg(colQuantized).with(bold))
	for _, g := range l.grid {
		c := column(g)
		st := fg(colDim)
		if g == l.y {
			st = fg(colQuantized).with(bold)
		}
		s.put(c, line, '┼', st)
		below.put(c-r.x, 0, valueDigits(g, 6), fg(colDim))
	}

	for c := min(x, y); c <= max(x, y); c++ {
		s.put(c, line+1, '━', fg(colError))
	}
	s.put(y, line+1, '▲', fg(colQuantized).with(bold))
	text := "no error"
	if l.x != l.y {
		text = "error " + valueDigits(l.x-l.y, 6)
	}
	under := labels{s: s, r: rect{r.x, line + 2, r.w, 1}}
	under.put((x+y)/2-r.x, 0, text, fg(colError))
}
