package tui

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"
)

func TestTextIsClippedOnBothSides(t *testing.T) {
	s := newScreen(12, 1)
	next := s.text(rect{3, 0, 5, 1}, 1, 0, style{}, "abcdefghij")
	if got := s.plain(); got != "   cdefg    " || next != 8 {
		t.Errorf("got %q, next column %d", got, next)
	}
}

func TestAWideGlyphThatIsCutBecomesABlank(t *testing.T) {
	s := newScreen(6, 1)
	s.text(rect{1, 0, 4, 1}, 0, 0, style{}, "世界人")
	if got := s.plain(); got != "  界  " {
		t.Errorf("got %q", got)
	}
	s.put(3, 0, 'x', style{}) // on the second half of 界
	if got := s.plain(); got != "   x  " {
		t.Errorf("got %q", got)
	}
}

func TestHostileTextCannotReachTheTerminal(t *testing.T) {
	for in, want := range map[string]string{
		"a\x1b[2Jb":                       "a·[2Jb",
		"a\r\nb":                          "a··b",
		"right\u202eleft":                 "right·left",
		"zero\u200bwidth":                 "zero·width",
		"bad\xffbyte":                     "bad\uFFFDbyte",
		"e\u0301\u0301\u0301\u0301\u0301": "e\u0301\u0301\u0301",
		"\u0301":                          "·",
		"👨\u200d👩\u200d👧":                 "👨",
		"❤\ufe0f":                         "❤",
		"🇩🇪":                              "\uFFFD",
		"\u3000":                          "·",
	} {
		s := newScreen(20, 1)
		s.text(s.area(), 0, 0, style{}, in)
		if got := strings.TrimRight(s.plain(), " "); got != want {
			t.Errorf("%q is drawn as %q, want %q", in, got, want)
		}
	}
}

func TestEveryLineIsAsWideAsTheScreenOnAnyTerminal(t *testing.T) {
	th := newTheme(true)
	rapid.Check(t, func(t *rapid.T) {
		s := newScreen(rapid.IntRange(0, 40).Draw(t, "w"), rapid.IntRange(0, 4).Draw(t, "h"))
		for range rapid.IntRange(0, 6).Draw(t, "texts") {
			r := drawRect(t)
			st := style{colour(rapid.IntRange(0, int(colCount)-1).Draw(t, "fg")), colour(rapid.IntRange(0, int(colCount)-1).Draw(t, "bg")), attr(rapid.IntRange(0, 15).Draw(t, "attr"))}
			str := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
			before := snapshot(s)
			s.text(r, rapid.IntRange(-5, 45).Draw(t, "x"), rapid.IntRange(-1, 5).Draw(t, "y"), st, str)
			requireOnlyInside(t, s, before, r)
		}
		out := s.String(th)
		if s.h == 0 {
			return
		}
		lines := strings.Split(out, "\n")
		if len(lines) != s.h {
			t.Fatalf("%d lines on a screen of %d", len(lines), s.h)
		}
		for _, line := range lines {
			if w := ansi.StringWidth(line); w != s.w {
				t.Fatalf("%q is %d columns wide by graphemes, want %d", line, w, s.w)
			}
			if w := ansi.StringWidthWc(line); w != s.w {
				t.Fatalf("%q is %d columns wide by characters, want %d", line, w, s.w)
			}
			if !utf8.ValidString(line) || strings.ContainsFunc(ansi.Strip(line), func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Fatalf("%q has control characters", line)
			}
			if i := strings.LastIndex(line, "\x1b["); i >= 0 && !strings.HasPrefix(line[i:], reset) {
				t.Fatalf("%q does not end in the plain style", line)
			}
		}
	})
}

func TestWithoutColourOnlyAttributesAreWritten(t *testing.T) {
	s := newScreen(3, 1)
	s.mono = true
	s.put(0, 0, 'a', fg(colError).on(colSelectBg))
	s.put(1, 0, 'b', fg(colError).with(bold))
	if got, want := s.String(newTheme(true)), "a\x1b[1mb\x1b[m "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestStylesAreWrittenInStandardForm(t *testing.T) {
	th := newTheme(true)
	s := newScreen(4, 1)
	s.put(0, 0, 'a', style{colQuantized, colOriginal, bold})
	s.put(1, 0, 'b', style{colText, colOriginal, bold})
	s.put(2, 0, 'c', style{})
	s.put(3, 0, 'd', style{attr: underline | reverse})
	want := "\x1b[1;38;2;255;180;84;48;2;108;135;168ma\x1b[39mb\x1b[mc\x1b[4;7md\x1b[m"
	if got := s.String(th); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestCutTextNeverExceedsItsWidth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		str := rapid.String().Draw(t, "s")
		w := rapid.IntRange(-1, 30).Draw(t, "w")
		for name, cut := range map[string]string{"cutMiddle": cutMiddle(str, w), "cutEnd": cutEnd(str, w)} {
			if got := textWidth(cut); got > max(w, 0) {
				t.Fatalf("%s(%q, %d) = %q is %d wide", name, str, w, cut, got)
			}
		}
		if textWidth(str) <= w && (cutMiddle(str, w) != str || cutEnd(str, w) != str) {
			t.Fatalf("%q fits %d columns and was cut", str, w)
		}
	})
}

func TestNamesAreCutInTheMiddle(t *testing.T) {
	const name = "model.layers.11.self_attn.q_proj.weight"
	for w, want := range map[int]string{
		60: name, 27: "model.layers.…q_proj.weight", 8: "mod…ight", 2: "…t", 1: "…", 0: "",
	} {
		if got := cutMiddle(name, w); got != want {
			t.Errorf("to %d columns: %q, want %q", w, got, want)
		}
	}
	if got := cutEnd(name, 13); got != "model.layers…" {
		t.Errorf("cutEnd: %q", got)
	}
}

func TestLinesJoinTheBoxTheyDivide(t *testing.T) {
	s := newScreen(15, 6)
	s.box(s.area(), style{}, "Layers", "Plan")
	s.vrule(s.area(), 7, style{})
	s.hrule(rect{7, 0, 8, 6}, 3, style{}, "dials")
	want := strings.Join([]string{
		"╭ Layers ─ P… ╮",
		"│      │      │",
		"│      │      │",
		"│      ├ dia… ┤",
		"│      │      │",
		"╰──────┴──────╯",
	}, "\n")
	if got := s.plain(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCutsOfARectCoverIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, n := drawRect(t), rapid.IntRange(-3, 50).Draw(t, "n")
		for name, cut := range map[string]func(int) (rect, rect){
			"top": r.cutTop, "bottom": r.cutBottom, "left": r.cutLeft, "right": r.cutRight,
		} {
			a, b := cut(n)
			if a.w < 0 || a.h < 0 || b.w < 0 || b.h < 0 || a.w*a.h+b.w*b.h != r.w*r.h {
				t.Fatalf("%s %d of %v: %v and %v", name, n, r, a, b)
			}
			if a.intersect(r) != a && a.w*a.h > 0 || b.intersect(r) != b && b.w*b.h > 0 {
				t.Fatalf("%s %d of %v leaves it: %v and %v", name, n, r, a, b)
			}
		}
		if in := r.inset(n); n >= 0 && in.w*in.h > 0 && in.intersect(r) != in || in.w < 0 || in.h < 0 {
			t.Fatalf("inset %d of %v: %v", n, r, in)
		}
	})
}

func TestWritingAFrameAllocatesOnlyTheFrame(t *testing.T) {
	s, th := busyScreen(), newTheme(true)
	_ = s.String(th)
	if n := testing.AllocsPerRun(20, func() { _ = s.String(th) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestDrawingTextAllocatesNothing(t *testing.T) {
	s := newScreen(80, 2)
	if n := testing.AllocsPerRun(20, func() {
		s.clear()
		s.text(s.area(), 0, 0, style{}, "blk.1.ffn_down 4096×14336")
		s.text(s.area(), 0, 1, style{}, "– 世界 ▸ é")
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// busyScreen is 200×60, every cell drawn, its style changing every third column.
func busyScreen() *screen {
	s := newScreen(200, 60)
	for y := range s.h {
		for x := range s.w {
			s.put(x, y, blocks[1+(x+y)%8], fg(colRamp0+colour((x/3+y)%rampSteps)).on(colOriginal))
		}
	}
	return s
}

func BenchmarkWriteAFrame(b *testing.B) {
	th := newTheme(true)
	list := newScreen(200, 60)
	for y := range list.h {
		list.text(list.area(), 0, y, style{}, "blk.1.ffn_down   4096×14336")
		list.text(list.area(), 40, y, fg(colAccent), "int4:g32:asym:round=stochastic")
	}
	for _, bm := range []struct {
		name string
		s    *screen
	}{{"list", list}, {"busy", busyScreen()}} {
		b.Run(bm.name, func(b *testing.B) {
			b.SetBytes(int64(len(bm.s.String(th))))
			b.ReportAllocs()
			for b.Loop() {
				_ = bm.s.String(th)
			}
		})
	}
}

func drawRect(t *rapid.T) rect {
	return rect{
		rapid.IntRange(-3, 30).Draw(t, "rx"), rapid.IntRange(-3, 5).Draw(t, "ry"),
		rapid.IntRange(0, 45).Draw(t, "rw"), rapid.IntRange(0, 8).Draw(t, "rh"),
	}
}

func snapshot(s *screen) []cell { return append([]cell(nil), s.cells...) }

// requireOnlyInside fails if a cell outside r differs from before. The half of
// a wide glyph that r cut in two may become a blank of the same style.
func requireOnlyInside(t interface{ Fatalf(string, ...any) }, s *screen, before []cell, r rect) {
	for y := range s.h {
		for x := range s.w {
			now, was := s.cells[y*s.w+x], before[y*s.w+x]
			if now != was && !r.contains(x, y) && (now.glyph != ' ' || now.style != was.style) {
				t.Fatalf("drawing in %v changed (%d, %d) from %v to %v", r, x, y, was, now)
			}
		}
	}
}
