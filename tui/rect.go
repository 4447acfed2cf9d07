package tui

// rect is an area of the screen in cells: its upper left corner and its size,
// which is never negative.
type rect struct{ x, y, w, h int }

// contains reports whether the cell (x, y) lies inside.
func (r rect) contains(x, y int) bool {
	return x >= r.x && x < r.x+r.w && y >= r.y && y < r.y+r.h
}

// inset returns r without a margin of n cells on every side. A margin that
// eats the whole area leaves an empty one in its middle.
func (r rect) inset(n int) rect {
	dx, dy := clamp(n, 0, r.w/2), clamp(n, 0, r.h/2)
	in := rect{r.x + dx, r.y + dy, r.w - 2*dx, r.h - 2*dy}
	if n > dx {
		in.w = 0
	}
	if n > dy {
		in.h = 0
	}
	return in
}

// cutTop splits off the first n rows, or as many as there are.
func (r rect) cutTop(n int) (cut, rest rect) {
	n = clamp(n, 0, r.h)
	return rect{r.x, r.y, r.w, n}, rect{r.x, r.y + n, r.w, r.h - n}
}

// cutBottom splits off the last n rows, or as many as there are.
func (r rect) cutBottom(n int) (cut, rest rect) {
	n = clamp(n, 0, r.h)
	return rect{r.x, r.y + r.h - n, r.w, n}, rect{r.x, r.y, r.w, r.h - n}
}

// cutLeft splits off the first n columns, or as many as there are.
func (r rect) cutLeft(n int) (cut, rest rect) {
	n = clamp(n, 0, r.w)
	return rect{r.x, r.y, n, r.h}, rect{r.x + n, r.y, r.w - n, r.h}
}

// cutRight splits off the last n columns, or as many as there are.
func (r rect) cutRight(n int) (cut, rest rect) {
	n = clamp(n, 0, r.w)
	return rect{r.x + r.w - n, r.y, n, r.h}, rect{r.x, r.y, r.w - n, r.h}
}

// intersect returns the part of r that lies inside o.
func (r rect) intersect(o rect) rect {
	x, y := max(r.x, o.x), max(r.y, o.y)
	w, h := min(r.x+r.w, o.x+o.w)-x, min(r.y+r.h, o.y+o.h)-y
	if w <= 0 || h <= 0 {
		return rect{x, y, 0, 0}
	}
	return rect{x, y, w, h}
}

// clamp returns the number nearest to v from lo to hi.
func clamp(v, lo, hi int) int { return max(lo, min(v, hi)) }
