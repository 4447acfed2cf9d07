package tui

// paintLevels marks the representable values on the axis above: a tick where a
// column has one of them, thicker where it has more.
func paintLevels(s *screen, r rect, a axis, levels []float32) {
	counts := s.floats(r.w)
	for _, v := range levels {
		if c := a.column(r, float64(v)); c >= 0 {
			counts[c]++
		}
	}
	for c, n := range counts {
		switch {
		case n == 0:
			continue
		case n == 1:
			s.put(r.x+c, r.y, '╵', fg(colQuantized))
		case n <= 3:
			s.put(r.x+c, r.y, '│', fg(colQuantized))
		default:
			s.put(r.x+c, r.y, '┃', fg(colQuantized))
		}
	}
}
