package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant/net"
)

// bitsRow tells bits per byte, as a bar that is as long as the larger of the two
// scores, either of which may be nil: longer is worse.
func bitsRow(was, now *net.Score) scoreRow {
	most := 0.0
	for _, s := range []*net.Score{was, now} {
		if s != nil {
			most = max(most, s.BitsPerToken())
		}
	}
	return scoreRow{
		20, 18,
		func(s *net.Score) (string, string) { return fmt.Sprintf("%.3f", s.BitsPerToken()), " bits/byte" },
		func(s *net.Score) string { return "of " + countText(int64(s.N)) + " bytes" },
		func(s *net.Score) (float64, float64) { return s.BitsPerToken() / most, 0 },
	}
}

// drawTexts draws how both networks continue the same text with the same
// random numbers, side by side.
func (a *app) drawTexts(p *runParts) {
	s := a.screen
	left, right := p.left, p.right
	left.w = max(0, left.w-1)
	_, right = right.cutLeft(2)
	left.w = min(left.w, right.w)
	right.w = left.w
	how := fmt.Sprintf("draws of seed %d", seeds[a.view.draws])
	if seeds[a.view.draws] == 0 {
		how = "the likeliest letters"
	}
	was, known := a.run.texts.get(a.run.text(&a.view, ""))
	now, both := a.run.texts.get(a.run.text(&a.view, a.planSum()))
	first := -1
	if known && both {
		first = firstDifference(was.tokens, now.tokens)
	}
	title := " as " + a.planName() + " continues it "
	switch {
	case first < 0:
	case first == now.prompt+1:
		title += "· other after one letter "
	case first > now.prompt:
		title += fmt.Sprintf("· other after %d letters ", first-now.prompt)
	default:
		title += "· other from the first letter on "
	}
	s.text(p.rule, left.x, p.rule.y, fg(colDim), cutEnd(" float, "+how+" ", left.w))
	s.text(p.rule, right.x-1, p.rule.y, fg(colDim), cutEnd(title, right.w))
	for i, side := range []struct {
		area rect
		text *written
		st   style
	}{{left, was, fg(colOriginal)}, {right, now, fg(colQuantized)}} {
		if side.text == nil {
			text := "…"
			if err := a.run.failed[a.run.text(&a.view, [...]string{"", a.planSum()}[i])]; err != nil {
				text = err.Error()
			}
			a.paragraphs(side.area, fg(colDim), text)
			continue
		}
		drawWritten(s, side.area, side.text, first, side.st)
	}
}

// firstDifference returns where two texts differ first, as far as both go, or
// −1.
func firstDifference(a, b []int) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}

// drawWritten draws a text into r, broken between words: the prompt dim, what
// follows the first difference in the given style.
func drawWritten(s *screen, r rect, t *written, first int, st style) {
	x, y := r.x, r.y
	for i, token := range t.tokens {
		c := rune(token)
		if c == '\n' || x >= r.x+r.w || x > r.x && wordFrom(t.tokens, i) > r.x+r.w-x && wordFrom(t.tokens, i) <= r.w {
			x, y = r.x, y+1
		}
		if y >= r.y+r.h {
			return
		}
		if c == '\n' || c == ' ' && x == r.x {
			continue
		}
		if c < ' ' || c > '~' {
			c = hiddenGlyph
		}
		look := style{}
		switch {
		case i < t.prompt:
			look = fg(colDim)
		case i == first:
			look = st.with(reverse).with(bold)
		case first >= 0 && i > first:
			look = st
		}
		s.put(x, y, c, look)
		x++
	}
}

// wordFrom returns the length of the word that begins with token i, 0 if none
// does.
func wordFrom(tokens []int, i int) (n int) {
	if i > 0 && tokens[i-1] > ' ' {
		return 0
	}
	for i+n < len(tokens) && tokens[i+n] > ' ' {
		n++
	}
	return n
}

// nextDraws continues the text by other random numbers.
func (a *app) nextDraws() tea.Cmd {
	if task := a.run.task(); task == nil || task.Classes != nil {
		a.notice = "only what a network of texts writes is drawn by lot"
		return nil
	}
	a.view.draws = (a.view.draws + 1) % len(seeds)
	return nil
}
