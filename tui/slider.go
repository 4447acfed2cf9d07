package tui

// sliderView is a number between two ends, and lines to watch.
type sliderView struct {
	lo, hi, at float64
	lines      []float64
}

// column returns where in n columns v stands.
func (v *sliderView) column(x float64, n int) int {
	if !(v.hi > v.lo) || n < 2 {
		return 0
	}
	return clamp(int((x-v.lo)/(v.hi-v.lo)*float64(n-1)+0.5), 0, n-1)
}

// value returns what a column of n stands for.
func (v *sliderView) value(column, n int) float64 {
	return v.lo + (v.hi-v.lo)*float64(clamp(column, 0, n-1))/float64(max(1, n-1))
}

// paintSlider draws v into the first row of r, between two arrows, and returns the
// area in which it can be dragged.
func paintSlider(s *screen, r rect, v sliderView, st style) rect {
	if r.w < 6 || r.h < 1 {
		return rect{}
	}
	s.put(r.x, r.y, '◂', fg(colAccent))
	s.put(r.x+r.w-1, r.y, '▸', fg(colAccent))
	track := rect{r.x + 1, r.y, r.w - 2, 1}
	at := v.column(v.at, track.w)
	for x := range track.w {
		if x <= at {
			s.put(track.x+x, r.y, '━', st)
		} else {
			s.put(track.x+x, r.y, '─', fg(colFaint))
		}
	}
	for _, line := range v.lines {
		if line > v.lo && line < v.hi {
			s.put(track.x+v.column(line, track.w), r.y, '┿', fg(colClip))
		}
	}
	s.put(track.x+at, r.y, '●', st.with(bold))
	return track
}
