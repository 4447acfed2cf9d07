package tui

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/samples"
)

// TestThePicturesOfTheReadmeAreTheExplorer holds the pictures in the README to
// what the program draws. With -update it makes them again.
func TestThePicturesOfTheReadmeAreTheExplorer(t *testing.T) {
	for _, picture := range []struct{ name, sample, keys string }{
		{"explorer.svg", "animals", "down down 4"},
		{"plan.svg", "austen", "4 a down enter p left left left left"},
		{"sensitivity.svg", "austen", "4 a down enter s down down right right right right right right right"},
	} {
		m, err := samples.Open(picture.sample)
		if err != nil {
			t.Fatal(err)
		}
		s := sit(t, m, 120, 34)
		s.press(picture.keys)
		got := svg(s.screen, newTheme(true))
		path := filepath.Join("testdata", picture.name)
		if updating() {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is out of date; run with -update and look at it", path)
		}
	}
}

// svg draws the screen as a picture: text in runs of one style, block elements
// as rectangles so that they join in any font.
func svg(s *screen, th *theme) string {
	const w, h, pad = 8, 17, 12
	hex := func(c colour, terminal string) string {
		if c == colText {
			return terminal
		}
		if c >= colRGB {
			return fmt.Sprintf("#%06x", uint32(c-colRGB))
		}
		return th.colour[c].Hex()
	}
	var ground, blocks, text strings.Builder
	rectangle := func(b *strings.Builder, x, y, w, h float64, fill string) {
		fmt.Fprintf(b, `<rect x="%g" y="%g" width="%g" height="%g" fill="%s"/>`+"\n", x, y, w, h, fill)
	}
	for y := range s.h {
		top := float64(pad + y*h)
		for x := 0; x < s.w; {
			st := s.styleAt(x, y)
			fore, back := hex(st.fg, "#d4d4d4"), hex(st.bg, "")
			if st.attr&reverse != 0 {
				fore, back = hex(st.bg, "#16181d"), hex(st.fg, "#d4d4d4")
			}
			var run strings.Builder
			first := x
			for ; x < s.w && s.styleAt(x, y) == st; x++ {
				glyph, left := s.glyphAt(x, y), float64(pad+x*w)
				switch {
				case glyph >= '▁' && glyph <= '█':
					n := float64(glyph-'▁'+1) * h / 8
					rectangle(&blocks, left, top+h-n, w, n, fore)
					glyph = ' '
				case glyph >= '▉' && glyph <= '▏':
					rectangle(&blocks, left, top, float64('▏'-glyph+1)*w/8, h, fore)
					glyph = ' '
				}
				run.WriteRune(glyph)
			}
			if back != "" {
				rectangle(&ground, float64(pad+first*w), top, float64((x-first)*w), h, back)
			}
			line := strings.TrimRight(run.String(), " ")
			lead := len(line) - len(strings.TrimLeft(line, " "))
			if line = line[lead:]; line == "" {
				continue
			}
			weight := ""
			if st.attr&bold != 0 {
				weight = ` font-weight="bold"`
			}
			fmt.Fprintf(&text, `<text x="%d" y="%g" fill="%s"%s textLength="%d">%s</text>`+"\n",
				pad+(first+lead)*w, top+h-4, fore, weight, textWidth(line)*w, html.EscapeString(line))
		}
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" `+
		`font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="13.3" xml:space="preserve">
<rect width="100%%" height="100%%" rx="8" fill="#16181d"/>
%[3]s%[4]s%[5]s</svg>
`, s.w*w+2*pad, s.h*h+2*pad, ground.String(), blocks.String(), text.String())
}
