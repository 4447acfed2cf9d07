package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/adrg/xdg"

	"github.com/bitdial/bitdial/quant"
)

// bpw returns the bits per weight of the present plan.
func (s *sitting) planBPW() float64 {
	s.addUp()
	return s.planned.totals.BPW()
}

func (s *sitting) drag(x, y int) {
	s.t.Helper()
	s.send(tea.MouseMotionMsg{X: x, Y: y, Button: tea.MouseLeft})
}

func TestABudgetIsTypedAndThePlanKeepsToIt(t *testing.T) {
	s := sit(t, apart(t, blockModel(t, 6)), 120, 34)
	s.press("b")
	s.shows("Budget", "8.02bpw")
	for range 10 {
		s.press("backspace")
	}
	s.write("4.5")
	s.press("enter")
	s.shows("budget 4.50 bpw", "this plan", "int4:g32", "any runtime: 8 formats")
	if b := s.planBPW(); b > 4.5 || b < 4.3 {
		t.Errorf("the plan has %.3f bits per weight", b)
	}
	s.press("u")
	if got := s.scheme("blk.3.attn_q.weight"); got != "int8" {
		t.Errorf("undone, the scheme is %s", got)
	}
	s.shows("budget 8.")
	s.press("b")
	for range 10 {
		s.press("backspace")
	}
	s.write("1 bpw")
	s.press("enter")
	s.shows("1 bpw is beyond what these formats allow", "32.00 bpw")
	s.press("3") // a digit begins a budget
	s.write(".5")
	s.press("enter")
	s.shows("budget 3.50 bpw")
	s.press("b")
	s.write("x")
	s.press("enter")
	s.shows("is not a budget")
}

func TestTheSliderMovesThePlanAndIsUndoneAsOne(t *testing.T) {
	s := sit(t, apart(t, blockModel(t, 6)), 120, 34)
	s.press("p")
	s.shows("int4:g128", "relative error", "blk.0.attn_q.weight")
	s.press("left left left")
	first := s.planBPW()
	s.press("[ [ [ left")
	if b := s.planBPW(); !(b < first-1.3) {
		t.Errorf("three large steps went from %.2f to %.2f bits", first, b)
	}
	s.press("u")
	if got := s.scheme("blk.3.attn_q.weight"); got != "int8" {
		t.Errorf("undone, the scheme is %s", got)
	}
	s.hides("memory*")

	s.press("right")
	track := s.budget.view.track
	s.click(track.x+30, track.y)
	steps := 0
	for x := 29; x > 8; x-- {
		s.drag(track.x+x, track.y)
		if s.planBPW() > s.bpwOf(s.budget.bytes)+1e-9 {
			t.Fatalf("%.3f bits are more than %.3f", s.planBPW(), s.bpwOf(s.budget.bytes))
		}
		steps++
	}
	s.send(tea.MouseReleaseMsg{X: track.x, Y: track.y})
	low := s.budget.bytes
	s.hover(track.x+50, track.y) // without a button nothing moves
	if s.budget.bytes != low {
		t.Error("the slider follows the mouse without its button")
	}
	s.press("u u")
	if got := s.scheme("blk.3.attn_q.weight"); got != "int8" {
		t.Errorf("a drag of %d steps is not undone at once: %s", steps, got)
	}

	plot := s.budget.view.plot
	s.click(plot.x+10, plot.y+5)
	at := s.planBPW()
	s.drag(plot.x+20, plot.y+5)
	if !(s.planBPW() > at) {
		t.Errorf("dragged along the curve, %.2f bits became %.2f", at, s.planBPW())
	}
}

func TestWhatThePageSaysOfPointsAndLayers(t *testing.T) {
	s := sit(t, apart(t, blockModel(t, 6)), 120, 34)
	s.press("p 4 enter")
	plot := s.budget.view.plot
	for i := range plot.w * plot.h {
		if m, ok := s.markAt(plot.x+i%plot.w, plot.y+i/plot.w); ok && m.name == "int4:g32" {
			s.hover(plot.x+i%plot.w, plot.y+i/plot.w)
			break
		}
	}
	s.shows("all int4:g32", "the best plan of its bytes")
	s.hover(s.budget.view.plot.x+25, s.budget.view.plot.y+1)
	s.shows("the best plan ", "click to plan it")
	s.hover(0, 0)
	s.shows("would add", "× the price a byte")
	s.press("enter")
	s.shows("─ dials ─", "▸ token_embd.weight")
}

func TestAPinnedLayerKeepsItsScheme(t *testing.T) {
	s := sit(t, apart(t, blockModel(t, 6)), 120, 34)
	s.press("p down down")
	pinned, _ := s.selected()
	s.press("space")
	s.shows("stays int8 whatever the budget", "1 pinned", "■")
	s.press("4 enter")
	if got := s.scheme(pinned.Name); got != "int8" {
		t.Errorf("pinned, the scheme is %s", got)
	}
	if b := s.planBPW(); b > 4 {
		t.Errorf("the plan has %.2f bits", b)
	}
	s.press("space")
	s.hides("pinned")
	if got := s.scheme(pinned.Name); got == "int8" {
		t.Error("let go, the layer keeps its scheme")
	}
	s.press("/")
	s.write("norm")
	s.press("enter space")
	s.shows("only weights of two axes or more")
}

func TestFormatsAreForbiddenAndTargetsChosen(t *testing.T) {
	s := sit(t, apart(t, blockModel(t, 6)), 120, 34)
	s.press("p 4 enter F")
	s.shows("What a plan is chosen from", "any runtime", "[✓] int4:g32")
	s.press("down down down space")
	s.shows("[ ] int4:g32")
	s.press("esc")
	s.shows("7 formats, 1 off")
	for _, tensor := range s.model.Tensors {
		if s.scheme(tensor.Name) == "int4:g32" {
			t.Errorf("%s has a scheme that is off", tensor.Name)
		}
	}
	s.press("u") // as planned before
	s.press("f")
	s.shows(fmt.Sprintf("llama.cpp: %d formats", len(quant.TargetOf("llama.cpp").Candidates())))
	s.press("4 enter")
	target := quant.TargetOf("llama.cpp")
	for _, tensor := range s.model.Tensors {
		if why := target.WhyNot(s.history.Plan().For(tensor)); why != "" {
			t.Error(why)
		}
	}
	s.press("e")
	s.shows("Σe²", "sse")
	s.press("e F")
	n := len(candidateSets[s.budget.set].schemes)
	for range n {
		s.press("space down")
	}
	s.press("esc")
	s.shows("every format is off")
	s.press("right space d c e")
}

func TestDevicesAreLinesOnTheCurve(t *testing.T) {
	old := xdg.ConfigHome
	xdg.ConfigHome = t.TempDir()
	t.Cleanup(func() { xdg.ConfigHome = old })
	path := quant.DevicesPath()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	// The buffers of a model that says nothing of itself are none.
	text := "[[device]]\nname = \"toaster\"\nmemory = \"60KiB\"\nreserved = \"1KiB\"\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := sit(t, apart(t, blockModel(t, 6)), 120, 34)
	s.press("p")
	s.shows("toaster ✗", "4 GB board ✓", "┊", "┿")
	s.press("d")
	s.shows("toaster, 1 KiB of it reserved", "no keys and values counted")
	s.shows("fits: toaster ✓")
	s.addUp()
	if s.planned.totals.Then > 59<<10 {
		t.Errorf("the plan has %d bytes", s.planned.totals.Then)
	}
}

func TestFactsFillInAndThePlanFollows(t *testing.T) {
	s := sit(t, apart(t, blockModel(t, 40)), 120, 34)
	s.page = pagePlan
	s.beginSweep()
	s.work.job = &job{request: request{sweep: s.budget.sweep.turn}, cancel: func() {}}
	s.take(s.work.job.runBatch(t.Context(), s.nextBatch()[:20]))
	sw := &s.budget.sweep
	if sw.have == 0 || sw.have >= sw.all {
		t.Fatalf("%d of %d figures after a batch", sw.have, sw.all)
	}
	s.paused = true
	s.View()
	s.shows(fmt.Sprintf("%d/%d, paused", sw.have, sw.all), "% of the weights")
	s.stepBudget(-60)
	if s.scheme(s.model.Tensors[sw.order[0]].Name) == "int8" {
		t.Error("what is known is not planned")
	}
	s.press("x")
	s.hides("paused", "% of the weights", "≈ of")
	if sw.have != sw.all {
		t.Errorf("%d of %d figures", sw.have, sw.all)
	}
	if b := s.planBPW(); b > s.bpwOf(s.budget.bytes) || b < s.bpwOf(s.budget.bytes)-0.1 {
		t.Errorf("with all figures the plan has %.3f bits, the budget is %.3f", b, s.bpwOf(s.budget.bytes))
	}
	if s.press("u"); s.scheme("blk.30.attn_q.weight") != "int8" {
		t.Error("what followed the facts is not undone with the step")
	}
}

func TestPlansOfOddModels(t *testing.T) {
	keys := "p left right [ ] space f F esc e d c x x b enter 5 enter down u U p"
	s := sit(t, modelOf(t, nil, nil), 100, 30)
	s.press(keys)
	s.shows("no weights to plan")
	s = sit(t, modelOf(t, gaussian(16), map[string][]int{"bias": {16}}, "bias"), 80, 24)
	s.press(keys)
	s.shows("no weights to plan")
	s = sit(t, oneTensor(t, 64, 64), 80, 24)
	s.press("p 4 . 5 enter")
	if got := s.scheme("w"); got != "int4:g32" {
		t.Errorf("one tensor in 4.5 bits has %s", got)
	}
	s.press(keys)
	for _, size := range [][2]int{{80, 24}, {200, 60}, {30, 8}, {12, 5}, {1, 1}} {
		s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
	}
	weights := gaussian(64 * 64)
	clear(weights)
	s = sit(t, modelOf(t, weights, map[string][]int{"w": {64, 64}, "v": {64, 64}}, "w", "v"), 120, 34)
	s.press(keys) // nothing errs
}

func TestManyTensorsArePlanned(t *testing.T) {
	if testing.Short() {
		t.Skip("a second")
	}
	s := sit(t, apart(t, manyTensors(t, 600)), 120, 34)
	s.press("p 4 . 5 enter")
	if b := s.planBPW(); b > 4.5 || b < 4.4 {
		t.Errorf("the plan has %.3f bits", b)
	}
}
