package tui

import (
	"fmt"
	"strconv"

	"github.com/lucasb-eyer/go-colorful"
)

// A colour is what something means; the theme decides how that looks. From
// colRGB on it is a colour itself, of a pixel of a picture.
type colour uint32

const (
	colText      colour = iota // the terminal's own: text as foreground, nothing as background
	colDim                     // text of second rank
	colFaint                   // borders, axes
	colOriginal                // the weights as they are in the file
	colQuantized               // the weights as they come back
	colError                   // the difference of the two
	colClip                    // the clipping range
	colAccent                  // what has the focus
	colGood                    // within its bound
	colWarn                    // worth a look
	colFail                    // out of bound, did not work
	colSelectBg                // background of the line under the cursor
	colHoverBg                 // background of what the mouse is over

	// colRamp0 to colRamp0+rampSteps-1 rise from no error to the worst;
	// colOnRamp0 and up are legible on them.
	colRamp0
	colOnRamp0 = colRamp0 + rampSteps
	colCount   = colOnRamp0 + rampSteps
)

const colRGB colour = 1 << 24

// rgb returns a colour that looks the same in every theme.
func rgb(r, g, b byte) colour { return colRGB | colour(r)<<16 | colour(g)<<8 | colour(b) }

// rampSteps stays under the sixteen shades that 256-colour terminals can
// still tell apart.
const rampSteps = 12

// attr is a set of text attributes, which survive on terminals without colour.
type attr uint8

const (
	bold attr = 1 << iota
	faint
	underline
	reverse
)

// style is how a cell looks. The zero style is the terminal's own.
type style struct {
	fg, bg colour
	attr   attr
}

// fg returns the style of text in colour c.
func fg(c colour) style { return style{fg: c} }

// on returns the style on another background.
func (s style) on(bg colour) style { s.bg = bg; return s }

// with returns the style with more attributes.
func (s style) with(a attr) style { s.attr |= a; return s }

// palette holds the fixed colours for dark and for light terminals. The
// original is a calm blue-grey and the quantized a warm orange: they stay apart
// in lightness and along the blue-yellow axis, which every common kind of
// colour blindness keeps. The error is violet, the hue its ramp starts from.
var palette = [colRamp0]struct{ dark, light string }{
	colDim:       {"#a3a8b0", "#5f6266"},
	colFaint:     {"#5c6067", "#b2b4b8"},
	colOriginal:  {"#6c87a8", "#6b89ad"},
	colQuantized: {"#ffb454", "#a84700"},
	colError:     {"#cb88f0", "#7f2590"},
	colClip:      {"#7fd4c1", "#00705f"},
	colAccent:    {"#79c0ff", "#0958b8"},
	colGood:      {"#7fd4a0", "#1a6e35"},
	colWarn:      {"#e8cf6a", "#7a5a00"},
	colFail:      {"#ff8b80", "#b3261e"},
	colSelectBg:  {"#303a4a", "#e2e5ea"},
	colHoverBg:   {"#303134", "#eeeeee"},
}

// theme turns colours into what the terminal is sent.
type theme struct {
	dark   bool
	colour [colCount]colorful.Color
	fg, bg [colCount]string // SGR parameters
}

// newTheme returns the theme for terminals with a dark or a light background.
func newTheme(dark bool) *theme {
	th := &theme{dark: dark}
	for c := colDim; c < colRamp0; c++ {
		hex := palette[c].light
		if dark {
			hex = palette[c].dark
		}
		th.colour[c] = mustHex(hex)
	}
	for i, c := range ramp(dark) {
		th.colour[colRamp0+colour(i)] = c
		th.colour[colOnRamp0+colour(i)] = legibleOn(c)
	}
	th.fg[colText], th.bg[colText] = "39", "49"
	for c := colDim; c < colCount; c++ {
		r, g, b := th.colour[c].RGB255()
		th.fg[c] = fmt.Sprintf("38;2;%d;%d;%d", r, g, b)
		th.bg[c] = fmt.Sprintf("48;2;%d;%d;%d", r, g, b)
	}
	return th
}

const reset = "\x1b[m"

// attrSGR is indexed by attr.
var attrSGR = func() (sgr [16]string) {
	for a := range sgr {
		for bit, code := range []string{"1", "2", "4", "7"} {
			if a>>bit&1 != 0 {
				sgr[a] += ";" + code
			}
		}
	}
	return sgr
}()

// change appends the sequence that leads from one style to another, without
// colours if mono. Between styles of equal attributes it names only the colours
// that differ: neighbouring cells of a plot share one of the two, and a
// terminal pays for every byte.
func (th *theme) change(out []byte, from, to style, mono bool) []byte {
	if mono {
		if from.attr == to.attr {
			return out
		}
		from.fg, from.bg, to.fg, to.bg = 0, 0, 0, 0
	}
	if to == (style{}) {
		return append(out, reset...)
	}
	if from.attr != to.attr {
		if from != (style{}) {
			out = append(out, reset...)
		}
		from = style{attr: to.attr}
		out = append(out, "\x1b["...)
		if sgr := attrSGR[to.attr]; sgr != "" {
			out = append(out, sgr[1:]...)
			out = append(out, ';')
		}
	} else {
		out = append(out, "\x1b["...)
	}
	if from.fg != to.fg {
		out = appendColour(out, to.fg, &th.fg, "38;2;")
	}
	if from.bg != to.bg {
		out = appendColour(out, to.bg, &th.bg, "48;2;")
	}
	out[len(out)-1] = 'm'
	return out
}

// appendColour appends the parameters of c: those of the theme's table, or its
// own numbers after prefix.
func appendColour(out []byte, c colour, table *[colCount]string, prefix string) []byte {
	if c < colRGB {
		return append(append(out, table[c]...), ';')
	}
	out = append(out, prefix...)
	for shift := 16; shift >= 0; shift -= 8 {
		out = strconv.AppendUint(out, uint64(c>>shift&0xff), 10)
		out = append(out, ';')
	}
	return out
}

func mustHex(s string) colorful.Color {
	c, err := colorful.Hex(s)
	if err != nil {
		panic(err)
	}
	return c
}
