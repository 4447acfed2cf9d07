package tui

import "strings"

// Arms of a line in a cell. Where lines meet, their arms add up.
const (
	armUp = 1 << iota
	armDown
	armLeft
	armRight
)

// lineGlyphs is indexed by arms. Corners are round, a single arm is drawn
// as a whole line.
var lineGlyphs = [16]rune{
	' ', '│', '│', '│',
	'─', '╯', '╮', '┤',
	'─', '╰', '╭', '├',
	'─', '┴', '┬', '┼',
}

// armsOf returns the arms of a glyph that line drew, 0 for any other.
func armsOf(glyph rune) int {
	switch glyph {
	case '│':
		return armUp | armDown
	case '─':
		return armLeft | armRight
	}
	for arms, g := range lineGlyphs {
		if g == glyph && arms != 0 {
			return arms
		}
	}
	return 0
}

// line draws arms at (x, y), joined with a line that is there already.
func (s *screen) line(x, y, arms int, st style) {
	s.put(x, y, lineGlyphs[arms|armsOf(s.glyphAt(x, y))], st)
}

// box draws a frame along the inside of r, with the titles set into its upper
// edge. Nothing is drawn where there is no room for a frame.
func (s *screen) box(r rect, st style, titles ...string) {
	if r.w < 2 || r.h < 2 {
		return
	}
	right, bottom := r.x+r.w-1, r.y+r.h-1
	s.put(r.x, r.y, '╭', st)
	s.put(right, r.y, '╮', st)
	s.put(r.x, bottom, '╰', st)
	s.put(right, bottom, '╯', st)
	for x := r.x + 1; x < right; x++ {
		s.put(x, r.y, '─', st)
		s.put(x, bottom, '─', st)
	}
	for y := r.y + 1; y < bottom; y++ {
		s.put(r.x, y, '│', st)
		s.put(right, y, '│', st)
	}
	s.title(r, r.y, strings.Join(titles, " ─ "))
}

// hrule divides the box r by a line along row y, with a title set into it.
func (s *screen) hrule(r rect, y int, st style, title string) {
	if r.w < 2 || y <= r.y || y >= r.y+r.h-1 {
		return
	}
	s.line(r.x, y, armRight, st)
	for x := r.x + 1; x < r.x+r.w-1; x++ {
		s.line(x, y, armLeft|armRight, st)
	}
	s.line(r.x+r.w-1, y, armLeft, st)
	s.title(r, y, title)
}

// vrule divides the box r by a line along column x. Titles in the frame stay whole.
func (s *screen) vrule(r rect, x int, st style) {
	if r.h < 2 || x <= r.x || x >= r.x+r.w-1 {
		return
	}
	if armsOf(s.glyphAt(x, r.y)) != 0 {
		s.line(x, r.y, armDown, st)
	}
	for y := r.y + 1; y < r.y+r.h-1; y++ {
		s.line(x, y, armUp|armDown, st)
	}
	s.line(x, r.y+r.h-1, armUp, st)
}

// title sets a title into the horizontal line of r in row y.
func (s *screen) title(r rect, y int, title string) {
	room := rect{r.x + 1, y, r.w - 2, 1}
	if title = cutEnd(title, room.w-2); title != "" {
		s.text(room, room.x, y, style{}, " "+title+" ")
	}
}
