package tui

import (
	"context"
	"errors"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"pgregory.net/rapid"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/net"
)

func TestTheRunPageShowsWhatThePlanDoesToTheAnswers(t *testing.T) {
	s := sitWithShapes(t, 120, 34)
	s.press("r")
	s.shows("plain  other  400 pictures", "float  ", "int8  ", "% of 400", "agree with float", "KLD", "loss 0.0", "float32",
		"no layer runs in integers: what flows into it", "lying ", "99→99 %", "0 answers changed", "▀▀▀▀▀▀▀▀", "✗ ", "conv1.weight int8", "right 9")
	s.hides("≈", "time …", "float  …")
	was, _ := s.run.known(0, "")
	s.press("2 a 3 enter")
	now, exact := s.scored()
	if !exact || now.N != 400 || was.Accuracy() < 0.95 || now.Accuracy() > 0.8 {
		t.Fatalf("at two bits %.2f of %d answers are right, in float %.2f", now.Accuracy(), now.N, was.Accuracy())
	}
	s.shows("int2  ", percentText(now.Accuracy()), "from right to wrong", "✓→", "answers changed")
	s.press("d")
	s.shows("300 pictures", "% of 300")
	if _, exact := s.scored(); !exact {
		t.Error("the other test is not answered")
	}
}

func TestThoseThatWereRightComeFirstAndTheStripScrolls(t *testing.T) {
	s := sitWithShapes(t, 80, 24)
	s.press("r 3 a 3 enter")
	p := &s.view.strip
	was, _ := s.run.known(0, "")
	now, _ := s.scored()
	last := -1
	for _, i := range p.order {
		kind := kindOf(was, now, i)
		if kind < last {
			t.Fatalf("input %d, of kind %d, comes after one of kind %d", i, kind, last)
		}
		last = kind
	}
	if len(p.order) != 400 || p.worse == 0 {
		t.Errorf("%d pictures, %d of them now wrong", len(p.order), p.worse)
	}
	first := p.shown()[0]
	s.press("right right")
	if p.top != 2 || p.shown()[0] == first {
		t.Errorf("the strip is at row %d", p.top)
	}
	s.press("left left left left")
	x, y := s.find("▀▀▀▀▀▀▀▀")
	s.wheel(x, y, 1)
	if p.top != 1 {
		t.Errorf("the wheel leads to row %d", p.top)
	}
	s.wheel(x, y, -9)
	for range 500 {
		s.moveStrip(9)
	}
	s.send(tea.FocusMsg{})
	if len(p.shown()) == 0 {
		t.Error("the strip ends in nothing")
	}
}

func TestTheFirstAnswerIsOverAFewPicturesAndSaysSo(t *testing.T) {
	s := sitWithShapes(t, 120, 34)
	s.press("r")
	s.Update(keyPress("2")) // and nothing that follows
	s.takeNext()
	now, exact := s.scored()
	if exact || now == nil || now.N != quickPictures {
		t.Fatalf("the first answer is %+v", now)
	}
	s.next()
	s.View()
	s.shows("≈", "% of 100", "of the first 100:")
	s.send(tea.FocusMsg{})
	s.hides("≈")
}

func TestWhatWasAnsweredIsKept(t *testing.T) {
	s := sitWithShapes(t, 120, 34)
	s.press("r 4 3 4")
	if e, more := s.nextScore(true); more {
		t.Errorf("%+v is asked again", e)
	}
	s.Update(keyPress("u"))
	s.View()
	s.hides("≈")
	s.press("l 5") // from another page too
	if _, exact := s.scored(); !exact {
		t.Error("away from the page nothing is answered")
	}
	s.shows("right ")
}

func TestALayerWithIntegersOnBothSidesRunsInThem(t *testing.T) {
	s := sitWithShapes(t, 120, 34)
	plan := s.history.Plan()
	a, err := quant.ParseActivation("int8:asym:static")
	if err != nil {
		t.Fatal(err)
	}
	s.press("r")
	s.send(noticeMsg("")) // as a key would
	s.change(plan.WithActivation("fc.weight", a))
	s.send(tea.FocusMsg{})
	s.shows("1 of 3 layers run in integers", "int8", "what flows into it")
}

func TestTwoNetworksContinueTheSameText(t *testing.T) {
	s := sitWithVerses(t, 120, 34)
	s.press("r")
	s.shows("bits/byte", "float, draws of seed 1", "as int8 continues it", "of 1 600 bytes")
	was, _ := s.run.texts.get(s.run.text(&s.view, ""))
	prompt := was.tokens[:was.prompt]
	s.press("2 a 3 enter")
	was, _ = s.run.texts.get(s.run.text(&s.view, ""))
	now, _ := s.run.texts.get(s.run.text(&s.view, s.planSum()))
	at := firstDifference(was.tokens, now.tokens)
	if at < was.prompt || len(now.tokens) < 200 {
		t.Fatalf("%d tokens, the first difference at %d", len(now.tokens), at)
	}
	s.shows("· other after ")
	highlighted := 0
	for _, c := range s.screen.cells {
		if c.style.attr == reverse|bold {
			highlighted++
		}
	}
	if highlighted != 2 {
		t.Errorf("%d letters are highlighted", highlighted)
	}
	s.press("x")
	s.shows("draws of seed 2")
	s.press("x x x")
	s.shows("the likeliest letters")
	s.press("right")
	if other, _ := s.run.texts.get(s.run.text(&s.view, "")); firstDifference(other.tokens[:other.prompt], prompt) < 0 {
		t.Error("it is the same text")
	}
	s.press("left left left") // before the first comes the last
	s.shows("bits/byte")
}

func TestWithoutANetworkThePageSaysWhy(t *testing.T) {
	s := sit(t, modelOf(t, gaussian(64), map[string][]int{"w": {8, 8}}, "w"), 100, 30)
	s.press("r")
	s.shows("The model has no graph", "cannot be run")
	s.press("d t x left space right")
	s.shows("cannot be run")
	s.hides("right ")
	with := sitWithShapes(t, 100, 30)
	alone := &sitting{t, newApp(context.Background(), Options{Model: with.model, Plan: DefaultPlan()})}
	alone.send(tea.WindowSizeMsg{Width: 100, Height: 30})
	alone.press("r")
	alone.shows("The model has a graph, but no inputs")
}

func TestARunThatFailsIsSaidAndTheSittingGoesOn(t *testing.T) {
	s := sitWithShapes(t, 120, 34)
	s.press("r")
	e := s.run.score(0, s.planSum(), false)
	s.run.scores = newRecent[errand, *net.Score](64)
	s.run.failed[e] = errors.New("it overflows")
	s.send(tea.FocusMsg{})
	s.shows("it overflows")
	s.press("4")
	s.hides("it overflows")
	s.shows("int4")
}

func TestThePictureOfTheRunPage(t *testing.T) {
	for name, size := range map[string][2]int{"run-small": {80, 24}, "run-large": {160, 40}} {
		s := sitWithShapes(t, size[0], size[1])
		s.press("r 3 a 3 enter")
		s.notice = ""
		for e := range s.run.timing.values { // which differs from time to time
			known := s.run.timing.values[e]
			known.Timing = net.Timing{Batch: 16, Float: 1234567}
			s.run.timing.values[e] = known
		}
		s.View()
		requirePicture(t, name, s.screen)
	}
}

func TestPicturesAreSeenWithoutColour(t *testing.T) {
	s := sitWithShapes(t, 120, 34)
	s.send(tea.ColorProfileMsg{Profile: colorprofile.Ascii})
	s.press("r 2 a 3 enter")
	if strings.Contains(s.View().Content, "38;2") {
		t.Error("colours are written")
	}
	s.shows("░", "▒", "✓→", "━", "╌")
	s.hides("▀▀")
}

func TestEverySizeHoldsTheRunPages(t *testing.T) {
	pictures, texts := sitWithShapes(t, 80, 24), sitWithVerses(t, 80, 24)
	pictures.press("r 3 t")
	texts.press("r 3 t")
	rapid.Check(t, func(r *rapid.T) {
		for _, s := range []*sitting{pictures, texts} {
			s.page = rapid.SampledFrom([]int{pageRun, pageTraining}).Draw(r, "page")
			s.send(tea.WindowSizeMsg{Width: rapid.IntRange(0, 260).Draw(r, "w"), Height: rapid.IntRange(0, 80).Draw(r, "h")})
			s.press(rapid.SampledFrom([]string{"left", "right", "down", "+", "-", "d", "x", "6"}).Draw(r, "key"))
			s.hover(rapid.IntRange(0, 260).Draw(r, "x"), rapid.IntRange(0, 80).Draw(r, "y"))
		}
	})
}

func TestARemedyChangesThePlanAndItsAnswersAndIsUndone(t *testing.T) {
	s := sitWithShapes(t, 140, 34)
	s.press("r 3 a 3 enter")
	before, _ := s.scored()
	s.press("e")
	s.shows("remedy: equalize", "int3 · equalize")
	after, exact := s.scored()
	if !exact || s.history.Plan().Remedies != (quant.Remedies{Equalize: true}) {
		t.Fatalf("the plan has the remedies %q", s.history.Plan().Remedies)
	}
	if after.MeanKLD() == before.MeanKLD() {
		t.Error("the answers are those without it")
	}
	s.press("e e e")
	if s.history.Plan().Remedies != (quant.Remedies{}) {
		t.Errorf("after all of them there is %q", s.history.Plan().Remedies)
	}
	s.press("u")
	if s.history.Plan().Remedies != (quant.Remedies{Equalize: true, CorrectBias: true}) {
		t.Errorf("one step back there is %q", s.history.Plan().Remedies)
	}
}
