package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant/net"
)

// runView is where the user is on the page that runs the network.
type runView struct {
	set int // of the tests

	strip strip

	prompt int // the input that texts begin with
	draws  int // how they are continued, an index into seeds
	shown  *net.Score
}

// nextRun returns what the page needs first: quick answers, what its inputs
// look like or continue as, exact answers, times.
func (a *app) nextRun() (errand, bool) {
	task := a.run.task()
	if len(task.Tests) == 0 {
		return errand{}, false
	}
	if e, ok := a.nextScore(false); ok {
		return e, true
	}
	if task.Classes == nil {
		if e, ok := a.nextText(firstTokens); ok {
			return e, true
		}
	} else if e, ok := a.nextLook(); ok {
		return e, true
	}
	if e, ok := a.nextScore(true); ok {
		return e, true
	}
	e := errand{kind: timeLayers, plan: a.planSum(), set: a.view.set}
	if !a.training.busy() && !a.run.timing.has(e) && a.run.failed[e] == nil {
		return e, true
	}
	if task.Classes == nil && a.work.fill == len(a.model.Tensors) { // the first row's figures come before long texts
		return a.nextText(mostTokens)
	}
	return errand{}, false
}

// toRun shows the page.
func (a *app) toRun() tea.Cmd { return a.turnTo(pageRun) }

// nextTest shows the next test.
func (a *app) nextTest() tea.Cmd {
	if task := a.run.task(); task != nil {
		return a.showTest((a.view.set + 1) % max(1, len(task.Tests)))
	}
	return nil
}

func (a *app) showTest(n int) tea.Cmd {
	a.view.set, a.view.strip, a.view.shown = n, strip{}, nil
	return nil
}

// scored returns what to show of the plan: the best that is known, or what was
// shown before until that is there.
func (a *app) scored() (s *net.Score, exact bool) {
	s, exact = a.run.known(a.view.set, a.planSum())
	if s == nil {
		return a.view.shown, false
	}
	a.view.shown = s
	return s, exact
}

// whyNoRun returns why the model cannot be run, or "".
func (a *app) whyNoRun() string {
	switch {
	case a.run.bench != nil && len(a.run.task().Tests) > 0:
		return ""
	case net.HasGraph(a.model):
		return "The model has a graph, but no inputs are at hand to run it on: it runs where it is opened as a sample. Its weights can be looked at."
	}
	why := []rune(net.ErrNoGraph.Error())
	return string(slices.Concat([]rune{why[0] - 'a' + 'A'}, why[1:])) + "."
}

// runParts are the areas of the page within its frame: the tests, two rows of
// figures and two of facts, and below a rule what the network answers, side by
// side.
type runParts struct{ top, figures, facts, rule, left, right rect }

func (a *app) runLayout(frame rect) (p runParts) {
	in := frame.inset(1)
	_, in = in.cutLeft(1)
	_, in = in.cutRight(1)
	p.top, in = in.cutTop(1)
	p.figures, in = in.cutTop(2)
	p.facts, in = in.cutTop(2)
	p.rule, in = in.cutTop(1)
	p.rule.x, p.rule.w = frame.x, frame.w
	width := in.w / 2
	if a.run.task().Classes != nil {
		name := a.className()
		width = min(in.w, clamp(in.w*3/10, name+14, name+36))
	}
	p.left, p.right = in.cutLeft(width)
	return p
}

// drawRun draws the page.
func (a *app) drawRun(r rect) {
	if why := a.whyNoRun(); why != "" {
		a.paragraphs(r.inset(2), fg(colDim), why)
		return
	}
	p := a.runLayout(r)
	a.drawTests(p.top)
	e := a.run.score(a.view.set, a.planSum(), false)
	if err := a.run.failed[e]; err != nil {
		in := r.inset(2)
		_, in = in.cutTop(2)
		a.paragraphs(in, fg(colFail), err.Error())
		return
	}
	now, exact := a.scored()
	was, wasExact := a.run.known(a.view.set, "")
	if a.run.task().Classes != nil {
		a.drawScores(p.figures, accuracyRow, was, now, wasExact, exact)
	} else {
		a.drawScores(p.figures, bitsRow(was, now), was, now, wasExact, exact)
	}
	facts, time := p.facts.cutTop(1)
	a.drawScoreFacts(facts, was, now, exact)
	a.drawTiming(time)
	a.screen.hrule(r, p.rule.y, fg(colFaint), "")
	a.screen.vrule(rect{r.x, p.rule.y, r.w, r.y + r.h - p.rule.y}, p.right.x, fg(colFaint))
	if a.run.task().Classes != nil {
		a.drawAnswers(&p, was, now)
	} else {
		a.drawTexts(&p)
	}
}

// drawTests names the tests, and the layer and the dial that + and − turn.
func (a *app) drawTests(r rect) {
	s := a.screen
	x := r.x
	for n, test := range a.run.task().Tests {
		st := fg(colDim)
		if n == a.view.set {
			st = fg(colAccent).with(bold)
		}
		from := x
		x = s.text(r, x, r.y, st, test.Name)
		a.hots = append(a.hots, hot{area: rect{from, r.y, x - from, 1}, click: (*app).showTest, n: n})
		x += 2
	}
	inputs := "texts"
	if a.run.task().Classes != nil {
		inputs = "pictures"
	}
	x = s.text(r, x, r.y, fg(colFaint), fmt.Sprintf("%s %s", countText(int64(a.run.task().Tests[a.view.set].Len())), inputs))
	if a.kept.network != nil {
		label := "  trained"
		if !a.kept.saved {
			label += ", not written"
		}
		x = s.text(r, x, r.y, fg(colWarn), label)
	}
	t, scheme := a.selected()
	if t == nil {
		return
	}
	right := rect{x + 2, r.y, max(0, r.x+r.w-x-2), 1}
	text := " " + schemeText(t, scheme)
	name := cutMiddle(t.Name, min(32, max(0, right.w-textWidth(text))))
	at := right.x + right.w - textWidth(name) - textWidth(text)
	if at < right.x {
		return
	}
	at = s.text(right, at, r.y, fg(colDim), name)
	s.text(right, at, r.y, fg(colQuantized).with(bold), text)
	a.hots = append(a.hots, hot{area: right, wheel: func(a *app, _, steps int) tea.Cmd { return a.turn(a.dial, -steps) }})
}

// planName names the plan in few words: what weights and, after a cross, what
// inputs have by default, its remedies, and how many rules differ.
func (a *app) planName() string {
	plan := a.history.Plan()
	name := plan.Default.String()
	if !plan.DefaultActivation.Keep() {
		name += " × " + plan.DefaultActivation.String()
	}
	if text := plan.Remedies.String(); text != "" {
		name += " · " + text
	}
	if n := len(plan.Rules) + len(plan.ActivationRules); n == 1 {
		name += " +1 rule"
	} else if n > 1 {
		name += fmt.Sprintf(" +%d rules", n)
	}
	return name
}

// labelWidth is that of the names on the left of the figures.
const labelWidth = 22

// scoreRow is how a score is told in a row.
type scoreRow struct {
	valueWidth, overWidth int
	value                 func(s *net.Score) (number, unit string)
	over                  func(s *net.Score) string
	bar                   func(s *net.Score) (solid, shaded float64) // shares of the width
}

// accuracyRow tells the share of right answers, as a bar that is solid up to the
// lower end of the 95 % interval and shaded up to the upper.
var accuracyRow = scoreRow{
	9, 24,
	func(s *net.Score) (string, string) { return percentText(s.Accuracy()), "" },
	func(s *net.Score) string {
		lo, hi := net.Interval(s.Top1, s.N)
		return fmt.Sprintf("%.1f–%.1f %% of %s", 100*lo, 100*hi, countText(int64(s.N)))
	},
	func(s *net.Score) (float64, float64) { return net.Interval(s.Top1, s.N) },
}

// drawScores draws a row for the float network and one for the plan's.
func (a *app) drawScores(r rect, how scoreRow, was, now *net.Score, wasExact, exact bool) {
	for row, line := range [...]struct {
		name  string
		score *net.Score
		exact bool
		st    style
	}{{"float", was, wasExact, fg(colOriginal)}, {a.planName(), now, exact, fg(colQuantized)}} {
		if row >= r.h {
			return
		}
		area := rect{r.x, r.y + row, r.w, 1}
		label, rest := area.cutLeft(min(labelWidth, r.w/4))
		a.screen.text(label, label.x, label.y, fg(colDim), cutEnd(line.name, label.w-1))
		value, rest := rest.cutLeft(how.valueWidth)
		if line.score == nil {
			a.screen.text(value, value.x, value.y, fg(colDim), "…")
			continue
		}
		approx := " "
		if !line.exact {
			approx = "≈"
		}
		number, unit := how.value(line.score)
		x := a.screen.text(value, value.x, value.y, style{}.with(bold), approx+number)
		a.screen.text(value, x, value.y, fg(colDim), unit)
		over, rest := rest.cutRight(how.overWidth)
		a.screen.text(over, over.x+1, over.y, fg(colDim), how.over(line.score))
		solid, shaded := how.bar(line.score)
		paintInterval(a.screen, rest, solid, shaded, line.st)
	}
}

// paintInterval draws a bar over the first row of r that is solid up to lo and
// shaded up to hi, both shares.
func paintInterval(s *screen, r rect, lo, hi float64, st style) {
	if r.h < 1 {
		return
	}
	from, to := int(lo*float64(r.w)+0.5), int(hi*float64(r.w)+0.5)
	for x := range r.w {
		switch {
		case x < from:
			s.put(r.x+x, r.y, '━', st)
		case x < to:
			s.put(r.x+x, r.y, '╌', st)
		default:
			s.put(r.x+x, r.y, '·', fg(colFaint))
		}
	}
}

// percentText returns a share as a percentage with one digit after the point.
func percentText(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// drawScoreFacts writes what else is known of the plan's answers.
func (a *app) drawScoreFacts(r rect, was, now *net.Score, exact bool) {
	if was == nil || now == nil {
		return
	}
	approx := ""
	if !exact {
		approx = "≈"
	}
	n := float64(max(1, now.N))
	facts := [][2]string{
		{"agree with float", approx + percentText(float64(now.Agree)/n)},
		{"KLD", approx + valueText(now.MeanKLD()) + " nats"},
		{"loss", valueText(was.MeanLoss()) + " → " + approx + valueText(now.MeanLoss())},
	}
	if a.run.task().Classes == nil {
		facts = facts[:2]
	} else if len(now.Classes) > 5 {
		facts = append(facts, [2]string{"top-5", percentText(float64(was.Top5)/float64(max(1, was.N))) + " → " + approx + percentText(float64(now.Top5)/n)})
	}
	a.drawFacts(r, facts)
}

// drawFacts writes names and values side by side, as many as fit.
func (a *app) drawFacts(r rect, facts [][2]string) {
	x := r.x
	for _, f := range facts {
		if x+textWidth(f[0])+1+textWidth(f[1]) > r.x+r.w {
			return
		}
		x = a.screen.text(r, x, r.y, fg(colDim), f[0]+" ")
		x = a.screen.text(r, x, r.y, style{}.with(bold), f[1]) + 3
	}
}

// drawTiming says how long an input takes here, and what runs in integers.
func (a *app) drawTiming(r rect) {
	if r.h < 1 {
		return
	}
	e := errand{kind: timeLayers, plan: a.planSum(), set: a.view.set}
	t, ok := a.run.timing.get(e)
	if !ok {
		text := "time …"
		if err := a.run.failed[e]; err != nil {
			text = err.Error()
		} else if a.training.busy() {
			text = "time: measured when nothing is being trained"
		}
		a.screen.text(r, r.x, r.y, fg(colDim), cutEnd(text, r.w))
		return
	}
	x := a.screen.text(r, r.x, r.y, fg(colDim), "time ")
	x = a.screen.text(r, x, r.y, style{}.with(bold), durationText(t.Float)+" float32")
	if t.integers > 0 {
		x = a.screen.text(r, x, r.y, style{}.with(bold), " → "+durationText(t.Integer)+" int8")
	}
	text := fmt.Sprintf("   %d of %d layers run in integers", t.integers, t.layers)
	switch {
	case t.integers == 0 && !strings.Contains(t.why, "; "):
		_, why, _ := strings.Cut(t.why, ": ")
		text = "   no layer runs in integers: " + why
	case t.why != "":
		text += "; " + t.why
	}
	a.screen.text(r, x, r.y, fg(colDim), cutEnd(text, r.x+r.w-x))
}
