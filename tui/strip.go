package tui

import "math"

// stripChannels returns the channels, from first to end (exclusive), that
// column x of a strip of w columns and n channels stands for. Channels are as
// wide as they can all be; where there are more of them than columns, a column
// stands for several.
func stripChannels(w, n, x int) (first, end int) {
	switch {
	case n == 0 || x < 0 || x >= w:
		return 0, 0
	case n > w:
		return binsOf(n, x, w)
	}
	i := x / (w / n)
	if i >= n {
		return n, n
	}
	return i, i + 1
}

// stripColumn returns the first column that stands for channel i.
func stripColumn(w, n, i int) int {
	if n > w {
		return min((2*i+1)*w/(2*n), w-1)
	}
	return i * (w / n)
}

// worstOf returns the index of the worst value, -1 if none is known.
func worstOf(values []float64, sc scale) int {
	at := -1
	for i, v := range values {
		if !math.IsNaN(v) && (at < 0 || sc.worse(v, values[at])) {
			at = i
		}
	}
	return at
}

// paintStrip draws values, one per channel, into r, and marks the column
// cursor, -1 for none. A column shows the worst of its channels; NaN is a
// channel of which nothing is known.
func paintStrip(s *screen, r rect, values []float64, sc scale, cursor int) {
	for x := range r.w {
		first, end := stripChannels(r.w, len(values), x)
		if first == end {
			continue
		}
		glyph, st := '·', fg(colFaint)
		if at := worstOf(values[first:end], sc); at >= 0 {
			worst := values[first+at]
			glyph, st = sc.shade(worst), sc.style(worst)
		}
		if x == cursor {
			st = st.with(reverse)
		}
		for y := range r.h {
			s.put(r.x+x, r.y+y, glyph, st)
		}
	}
}
