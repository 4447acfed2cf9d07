package tui

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// A glyph is what one grapheme cluster of a text becomes on the screen.
//
// Names come from other people's files and are shown on terminals that do not
// agree with each other, so a glyph is only what all of them measure alike: a
// base character with its combining marks. A mark without a base, which would
// join what stands in the cell before, is replaced, and so is what would move the
// cursor, turn the writing direction or end an escape sequence; what some
// terminals join into one picture and others do not (emoji sequences,
// variation selectors, flags) is reduced to its first character.
type glyph struct {
	base  rune
	text  string // base with its marks when there are any, else ""
	width int    // 1 or 2 columns
}

const (
	hiddenGlyph  = '·' // stands for a character that must not reach a terminal
	invalidGlyph = '\uFFFD'

	// maxMarks bounds the combining marks kept in one cell, so that a hostile
	// name cannot smear itself over the rows above and below.
	maxMarks = 3
)

// asciiGlyph returns the glyph of an ASCII byte.
func asciiGlyph(b byte) glyph {
	if b < ' ' || b == 0x7f {
		return glyph{base: hiddenGlyph, width: 1}
	}
	return glyph{base: rune(b), width: 1}
}

// clusterGlyph returns the glyph of one grapheme cluster.
func clusterGlyph(cluster string) glyph {
	base, size := utf8.DecodeRuneInString(cluster)
	if base < utf8.RuneSelf {
		if size == len(cluster) {
			return asciiGlyph(byte(base))
		}
		if base < ' ' || base == 0x7f {
			return glyph{base: hiddenGlyph, width: 1}
		}
	}
	switch {
	case base == utf8.RuneError && size <= 1, regionalIndicator(base), emojiModifier(base):
		return glyph{base: invalidGlyph, width: 1}
	case !unicode.IsGraphic(base), unicode.Is(unicode.M, base), unicode.Is(unicode.Zs, base) && base != ' ':
		return glyph{base: hiddenGlyph, width: 1}
	}
	g := glyph{base: base, width: displaywidth.Rune(base)}
	if g.width < 1 {
		return glyph{base: hiddenGlyph, width: 1}
	}
	end, marks := size, 0
	for end < len(cluster) && marks < maxMarks {
		r, n := utf8.DecodeRuneInString(cluster[end:])
		if !combining(r) {
			break
		}
		end += n
		marks++
	}
	if marks > 0 {
		g.text = cluster[:end]
	}
	return g
}

// combining reports whether r takes no column on any terminal. Variation
// selectors change the width of what they follow on some.
func combining(r rune) bool {
	return unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Variation_Selector, r)
}

func regionalIndicator(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

func emojiModifier(r rune) bool { return r >= 0x1F3FB && r <= 0x1F3FF }

// alone reports whether r forms a cluster by itself next to others of its
// kind: Latin, punctuation, arrows, box drawing, symbols, CJK.
func alone(r rune) bool {
	return r < 0x300 || r >= 0x2010 && r < 0x20D0 || r >= 0x2100 && r < 0x2C00 ||
		r >= 0x3040 && r < 0x3099 || r >= 0x4E00 && r < 0xA000 || r >= 0xAC00 && r < 0xD7A4
}

// glyphs walks over the glyphs of a text.
type glyphs struct {
	rest     string
	clusters *displaywidth.Graphemes[string] // nil if every rune is a cluster
	at       glyph
	size     int // bytes of the text that at stands for
}

func glyphsOf(s string) glyphs {
	for _, r := range s {
		if !alone(r) {
			clusters := displaywidth.StringGraphemes(s)
			return glyphs{clusters: &clusters}
		}
	}
	// Nearly every text: finding the clusters would allocate.
	return glyphs{rest: s}
}

// next moves on to the next glyph and reports whether there is one.
func (g *glyphs) next() bool {
	if g.clusters == nil {
		if g.rest == "" {
			return false
		}
		if b := g.rest[0]; b < utf8.RuneSelf {
			g.at, g.size = asciiGlyph(b), 1
		} else {
			_, g.size = utf8.DecodeRuneInString(g.rest)
			g.at = clusterGlyph(g.rest[:g.size])
		}
		g.rest = g.rest[g.size:]
		return true
	}
	if !g.clusters.Next() {
		return false
	}
	cluster := g.clusters.Value()
	g.at, g.size = clusterGlyph(cluster), len(cluster)
	return true
}

// textWidth returns how many columns text draws s in.
func textWidth(s string) int {
	w := 0
	for g := glyphsOf(s); g.next(); {
		w += g.at.width
	}
	return w
}

const ellipsis = "…"

// cutEnd returns s, shortened to w columns by an ellipsis at its end: between words
// where the last that would be cut is not a long one.
func cutEnd(s string, w int) string {
	if textWidth(s) <= w {
		return s
	}
	if w <= 0 {
		return ""
	}
	n := bytesWithin(s, w-1)
	if at := strings.LastIndexByte(s[:n+1], ' '); at > max(n-longWord, longWord) {
		return strings.TrimRight(s[:at], " ,;:·") + ellipsis
	}
	return s[:n] + ellipsis
}

// longWord is how much of a word is worth more than its absence, in bytes.
const longWord = 12

// cutMiddle returns s, shortened to w columns by an ellipsis in its middle:
// what tells the tensors of a model apart is at both ends of their names.
func cutMiddle(s string, w int) string {
	total := textWidth(s)
	if total <= w {
		return s
	}
	if w <= 0 {
		return ""
	}
	head := (w - 1) / 2
	tail := w - 1 - head
	skip, width := 0, 0
	for g := glyphsOf(s); width < total-tail && g.next(); {
		width += g.at.width
		skip += g.size
	}
	return s[:bytesWithin(s, head)] + ellipsis + s[skip:]
}

// bytesWithin returns the length of the longest prefix of s that fits w columns.
func bytesWithin(s string, w int) int {
	n := 0
	for g := glyphsOf(s); g.next(); {
		if w -= g.at.width; w < 0 {
			break
		}
		n += g.size
	}
	return n
}
