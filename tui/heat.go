package tui

import "math"

// A heatView is a table of values, each a cell of colour with its number.
type heatView struct {
	values               []float64 // by row; NaN is not known yet, −∞ not to be had
	rows, cols, cell     int       // cell: columns that a value takes
	scale                scale
	text                 func(float64) string // writes a value; nil: in dB
	cursorRow, cursorCol int
	blank                func(row, col int) bool // there is no such cell; nil: there are all
}

// paintHeat draws h into r, which need not hold all of it. Without colour a
// glyph of growing weight precedes each number.
func paintHeat(s *screen, r rect, h heatView) {
	for row := range min(h.rows, r.h) {
		for col := range h.cols {
			c := rect{r.x + col*h.cell, r.y + row, h.cell, 1}.intersect(r)
			if c.w == 0 || h.blank != nil && h.blank(row, col) {
				continue
			}
			v := h.values[row*h.cols+col]
			st := h.scale.ground(v)
			if math.IsNaN(v) || math.IsInf(v, -1) {
				st = fg(colFaint)
			}
			selected := row == h.cursorRow && col == h.cursorCol
			if selected {
				st = st.with(bold)
			}
			s.fill(c, st)
			text := "·"
			if math.IsInf(v, -1) {
				text = "–"
			} else if !math.IsNaN(v) {
				text = dbText(v)
				if h.text != nil {
					text = h.text(v)
				}
				if s.mono && h.cell != measureCell {
					text = string(h.scale.shade(v)) + text
				}
			}
			in := rect{c.x + 1, c.y, max(0, c.w-2), 1}
			s.textRight(in, in.y, st, text)
			if selected {
				s.put(c.x, c.y, '[', st)
				s.put(c.x+c.w-1, c.y, ']', st)
			}
		}
	}
}
