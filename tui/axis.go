package tui

// axis is the horizontal axis of values that a plot stands on.
type axis struct {
	lo, hi         float64
	clipLo, clipHi float64 // drawn when inside the axis and not both zero
}

// column returns the column of r, counted from its left edge, that v falls
// into, or -1 if none.
func (a axis) column(r rect, v float64) int {
	f := (v - a.lo) / (a.hi - a.lo)
	if !(f >= 0 && f <= 1) || r.w <= 0 {
		return -1
	}
	return min(int(f*float64(r.w)), r.w-1)
}

// values returns the range of values that a column of r covers.
func (a axis) values(r rect, col int) (from, to float64) {
	at := func(col int) float64 {
		t := float64(col) / float64(max(1, r.w))
		return a.lo*(1-t) + a.hi*t
	}
	return at(col), at(col + 1)
}

// clips returns the columns of the clipping range, -1 where there is none.
func (a axis) clips(r rect) (lo, hi int) {
	if a.clipLo == 0 && a.clipHi == 0 {
		return -1, -1
	}
	return a.column(r, a.clipLo), a.column(r, a.clipHi)
}

// split returns the part of r for the bars and that for the axis below them: a
// line and labels, only labels in a low plot, nothing in a very low one.
func (a axis) split(r rect) (plot, axis rect) {
	switch {
	case r.h >= 6:
		axis, plot = r.cutBottom(2)
	case r.h >= 3:
		axis, plot = r.cutBottom(1)
	default:
		return r, rect{r.x, r.y + r.h, r.w, 0}
	}
	return plot, axis
}

// paint draws the axis into r: a line if there are two rows, and labels at
// zero, at the clipping range and at both ends, as far as they have room, in
// this order.
func (a axis) paint(s *screen, r rect) {
	if r.h == 0 || r.w == 0 {
		return
	}
	zero := a.column(r, 0)
	clipLo, clipHi := a.clips(r)
	if r.h >= 2 {
		for x := range r.w {
			s.put(r.x+x, r.y, '─', fg(colFaint))
		}
		for _, x := range [...]int{0, r.w - 1, zero} {
			if x >= 0 {
				s.put(r.x+x, r.y, '┴', fg(colFaint))
			}
		}
		for _, x := range [...]int{clipLo, clipHi} {
			if x >= 0 {
				s.put(r.x+x, r.y, '┴', fg(colClip))
			}
		}
	}
	l := labels{s: s, r: rect{r.x, r.y + r.h - 1, r.w, 1}}
	if zero >= 0 {
		l.put(zero, 0, "0", fg(colDim))
	}
	if clipLo >= 0 {
		l.put(clipLo, 0, valueText(a.clipLo), fg(colClip))
	}
	if clipHi >= 0 {
		l.put(clipHi, 0, valueText(a.clipHi), fg(colClip))
	}
	l.put(0, 1, valueText(a.lo), fg(colDim))
	l.put(r.w-1, -1, valueText(a.hi), fg(colDim))
}

// labels sets texts into one row so that none touches another.
type labels struct {
	s    *screen
	r    rect
	used [8][2]int
	n    int
}

// put writes text at column x of the row: around it (align 0), starting at it
// (1) or ending at it (-1), moved inside the row. It reports whether the text
// had room.
func (l *labels) put(x, align int, text string, st style) bool {
	w := textWidth(text)
	from := x
	switch align {
	case 0:
		from -= (w - 1) / 2
	case -1:
		from -= w - 1
	}
	from = min(max(from, 0), l.r.w-w)
	if from < 0 || l.n == len(l.used) || l.r.h == 0 {
		return false
	}
	for _, u := range l.used[:l.n] {
		if from <= u[1] && from+w >= u[0] {
			return false
		}
	}
	l.used[l.n] = [2]int{from, from + w}
	l.n++
	l.s.text(l.r, l.r.x+from, l.r.y, st, text)
	return true
}
