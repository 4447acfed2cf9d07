package tui

import (
	"strings"
	"unicode/utf8"
)

// cell is one position of the screen. Its glyph is a rune, wideTail for the
// second column of a wide one, or -2-i for screen.clusters[i].
type cell struct {
	glyph rune
	style style
}

const wideTail rune = -1

// A screen is the picture of one frame: a grid of cells that the pages draw
// into and that String writes out. It is reused from frame to frame, so that
// drawing allocates nothing but the final string.
type screen struct {
	w, h     int
	cells    []cell
	clusters []string // glyphs of more than one rune
	out      []byte
	scratch  []float64

	// mono says that the terminal shows no colour (NO_COLOR, a dumb terminal):
	// painters then tell things apart by their glyphs, and no colour is written.
	mono bool
}

func newScreen(w, h int) *screen {
	s := &screen{}
	s.resize(w, h)
	return s
}

// resize gives the screen another size and clears it.
func (s *screen) resize(w, h int) {
	s.w, s.h = max(0, w), max(0, h)
	if n := s.w * s.h; cap(s.cells) < n {
		s.cells = make([]cell, n)
	} else {
		s.cells = s.cells[:n]
	}
	s.clear()
}

// clear blanks every cell.
func (s *screen) clear() {
	for i := range s.cells {
		s.cells[i] = cell{glyph: ' '}
	}
	s.clusters = s.clusters[:0]
}

// area returns the whole screen.
func (s *screen) area() rect { return rect{0, 0, s.w, s.h} }

// parts returns the first row, what the pages fill with their frame, and the
// last row.
func (s *screen) parts() (head, body, foot rect) {
	head, body = s.area().cutTop(1)
	foot, body = body.cutBottom(1)
	return head, body, foot
}

// put writes one glyph that is one column wide. Outside the screen it does nothing.
func (s *screen) put(x, y int, glyph rune, st style) {
	if uint(x) >= uint(s.w) || uint(y) >= uint(s.h) {
		return
	}
	i := y*s.w + x
	s.unpair(i, x)
	s.cells[i] = cell{glyph, st}
}

// unpair blanks the other half of a wide glyph that cell i in column x is part of.
func (s *screen) unpair(i, x int) {
	if s.cells[i].glyph == wideTail && x > 0 {
		s.cells[i-1].glyph = ' '
	}
	if x+1 < s.w && s.cells[i+1].glyph == wideTail {
		s.cells[i+1].glyph = ' '
	}
}

// glyphAt returns the rune shown at (x, y): 0 outside the screen and in the
// second column of a wide glyph.
func (s *screen) glyphAt(x, y int) rune {
	if uint(x) >= uint(s.w) || uint(y) >= uint(s.h) {
		return 0
	}
	switch g := s.cells[y*s.w+x].glyph; {
	case g >= 0:
		return g
	case g == wideTail:
		return 0
	default:
		r, _ := utf8.DecodeRuneInString(s.clusters[-2-g])
		return r
	}
}

// styleAt returns the style at (x, y), the plain one outside the screen.
func (s *screen) styleAt(x, y int) style {
	if uint(x) >= uint(s.w) || uint(y) >= uint(s.h) {
		return style{}
	}
	return s.cells[y*s.w+x].style
}

// text writes one line starting at (x, y) and returns the column after it,
// at most the right edge of r. Nothing is written outside r; a wide glyph
// that r cuts in two leaves a blank.
func (s *screen) text(r rect, x, y int, st style, str string) int {
	right := r.x + r.w
	clip := r.intersect(s.area())
	for g := glyphsOf(str); x < right && g.next(); x += g.at.width {
		if g.at.width == 1 {
			if clip.contains(x, y) {
				s.put(x, y, s.code(g.at), st)
			}
			continue
		}
		if clip.contains(x, y) && clip.contains(x+1, y) {
			s.put(x, y, s.code(g.at), st)
			s.put(x+1, y, ' ', st)
			s.cells[y*s.w+x+1].glyph = wideTail
			continue
		}
		for half := x; half < x+2; half++ {
			if clip.contains(half, y) {
				s.put(half, y, ' ', st)
			}
		}
	}
	return min(x, right)
}

// code returns what a cell holds for g.
func (s *screen) code(g glyph) rune {
	if g.text == "" {
		return g.base
	}
	s.clusters = append(s.clusters, g.text)
	return rune(-1 - len(s.clusters))
}

// textRight writes str so that it ends at the right edge of r, shortened if
// need be, and returns the column where it starts.
func (s *screen) textRight(r rect, y int, st style, str string) int {
	str = cutEnd(str, r.w)
	x := r.x + r.w - textWidth(str)
	s.text(r, x, y, st, str)
	return x
}

// textCenter writes str in the middle of r, shortened if need be, and returns
// the column where it starts.
func (s *screen) textCenter(r rect, y int, st style, str string) int {
	str = cutEnd(str, r.w)
	x := r.x + (r.w-textWidth(str))/2
	s.text(r, x, y, st, str)
	return x
}

// fill blanks r in the given style.
func (s *screen) fill(r rect, st style) {
	r = r.intersect(s.area())
	for y := r.y; y < r.y+r.h; y++ {
		for x := r.x; x < r.x+r.w; x++ {
			s.put(x, y, ' ', st)
		}
	}
}

// restyle gives each cell of r the style that change makes of its own.
func (s *screen) restyle(r rect, change func(style) style) {
	r = r.intersect(s.area())
	for y := r.y; y < r.y+r.h; y++ {
		row := s.cells[y*s.w+r.x:][:r.w]
		for i := range row {
			row[i].style = change(row[i].style)
		}
	}
}

// floats returns a slice of n zeros to compute with until the next call.
func (s *screen) floats(n int) []float64 {
	if cap(s.scratch) < n {
		s.scratch = make([]float64, n)
	}
	f := s.scratch[:n]
	clear(f)
	return f
}

// String returns the picture as lines of text with escape sequences in the
// colours of th. Every line is as wide as the screen and ends in the
// terminal's plain style.
func (s *screen) String(th *theme) string {
	out := s.out[:0]
	for y := range s.h {
		if y > 0 {
			out = append(out, '\n')
		}
		var now style
		for _, c := range s.cells[y*s.w:][:s.w] {
			if c.glyph == wideTail {
				continue
			}
			if c.style != now {
				out = th.change(out, now, c.style, s.mono)
				now = c.style
			}
			switch {
			case c.glyph >= 0 && c.glyph < utf8.RuneSelf:
				out = append(out, byte(c.glyph))
			case c.glyph >= 0:
				out = utf8.AppendRune(out, c.glyph)
			default:
				out = append(out, s.clusters[-2-c.glyph]...)
			}
		}
		if now != (style{}) {
			out = append(out, reset...)
		}
	}
	s.out = out
	return string(out)
}

// plain returns the picture's glyphs alone, as lines.
func (s *screen) plain() string {
	var b strings.Builder
	for y := range s.h {
		if y > 0 {
			b.WriteByte('\n')
		}
		for x, c := range s.cells[y*s.w:][:s.w] {
			switch {
			case c.glyph == wideTail:
			case c.glyph < 0:
				b.WriteString(s.clusters[-2-c.glyph])
			default:
				b.WriteRune(s.glyphAt(x, y))
			}
		}
	}
	return b.String()
}
