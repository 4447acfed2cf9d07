package tui

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant/net"
)

// strip is the pictures of a test, those whose answer the plan has changed
// first.
type strip struct {
	of       [2]*net.Score // that the order follows from: float's and the plan's
	order    []int         // inputs
	changed  int           // of them, answers that are not float's
	worse    int           // of them, answers that were right
	top      int           // first row on the screen
	per      int           // pictures of a row
	rows     int           // on the screen
	size     int           // index into looks
	ordering []rank
}

// rank is where a picture stands: the kinds in order, then as in the test.
type rank struct{ kind, i int }

const (
	nowWrong = iota // it was right
	nowRight
	otherwiseWrong
	stillWrong
	stillRight
)

// kindOf returns how the answer to input i has changed.
func kindOf(was, now *net.Score, i int) int {
	label, before, after := was.Labels[i], was.Said[i], now.Said[i]
	switch {
	case before == after && after == label:
		return stillRight
	case before == after:
		return stillWrong
	case before == label:
		return nowWrong
	case after == label:
		return nowRight
	}
	return otherwiseWrong
}

// follow puts the pictures in order, if that is another one than before. The
// first so many are known while the plan's answer is a quick one.
func (p *strip) follow(was, now *net.Score) {
	if was == nil || now == nil || p.of == [2]*net.Score{was, now} {
		return
	}
	p.of = [2]*net.Score{was, now}
	p.order, p.ordering, p.changed, p.worse = p.order[:0], p.ordering[:0], 0, 0
	for i := range min(len(was.Said), len(now.Said)) {
		kind := kindOf(was, now, i)
		p.ordering = append(p.ordering, rank{kind, i})
		if kind < stillWrong {
			p.changed++
		}
		if kind == nowWrong {
			p.worse++
		}
	}
	slices.SortFunc(p.ordering, func(a, b rank) int {
		if a.kind != b.kind {
			return a.kind - b.kind
		}
		return a.i - b.i
	})
	for _, r := range p.ordering {
		p.order = append(p.order, r.i)
	}
}

// shown returns the inputs on the screen.
func (p *strip) shown() []int {
	from := min(p.top*p.per, len(p.order))
	return p.order[from:min(len(p.order), from+p.per*p.rows)]
}

// missingLooks returns the inputs on the screen that have not been looked at.
func (a *app) missingLooks() (missing []int) {
	for _, i := range a.view.strip.shown() {
		if !a.run.looks.has(lookOf{a.view.set, i}) {
			missing = append(missing, i)
		}
	}
	return missing
}

// nextLook returns the errand that looks at them.
func (a *app) nextLook() (errand, bool) {
	if a.run.task().Picture == nil {
		return errand{}, false
	}
	was, _ := a.run.known(a.view.set, "")
	now, _ := a.scored()
	a.view.strip.follow(was, now)
	_, body, _ := a.screen.parts()
	parts := a.runLayout(body)
	a.layOutStrip(&parts)
	missing := a.missingLooks()
	if len(missing) == 0 {
		return errand{}, false
	}
	e := errand{kind: lookAtInputs, set: a.view.set, from: missing[0], n: len(missing)}
	return e, a.run.failed[e] == nil
}

// moveStrip scrolls the pictures, or continues another text.
func (a *app) moveStrip(rows int) tea.Cmd {
	if task := a.run.task(); task != nil && task.Classes == nil {
		a.view.prompt += rows
		return nil
	}
	a.view.strip.top += rows
	return nil
}

func (a *app) wheelStrip(_, steps int) tea.Cmd { return a.moveStrip(steps) }

// className returns how wide the names of classes are.
func (a *app) className() (w int) {
	for _, c := range a.run.task().Classes {
		w = max(w, textWidth(c))
	}
	return min(w, 14)
}

// drawAnswers draws what became of each class, and the pictures.
func (a *app) drawAnswers(p *runParts, was, now *net.Score) {
	s, task, strip := a.screen, a.run.task(), &a.view.strip
	s.text(p.rule, p.left.x, p.rule.y, fg(colDim), " by class ")
	if was == nil || now == nil {
		return
	}
	a.drawClasses(p.left, was, now)
	if task.Picture == nil {
		return
	}
	title := fmt.Sprintf(" %d answers changed, %d from right to wrong ", strip.changed, strip.worse)
	if len(strip.order) < task.Tests[a.view.set].Len() {
		title = fmt.Sprintf(" of the first %d:%s", len(strip.order), title)
	}
	s.text(p.rule, p.right.x+1, p.rule.y, fg(colDim), cutEnd(title, p.right.w-1))
	a.drawStripOf(p, was, now)
}

// drawClasses draws a bar for each class: what is right now, and behind it what
// was. Where not all have room, those that have lost most are shown.
func (a *app) drawClasses(r rect, was, now *net.Score) {
	s, name := a.screen, a.className()
	classes := a.run.task().Classes
	list := make([]int, 0, len(classes))
	for c := range classes {
		if c < len(now.Classes) && c < len(was.Classes) {
			list = append(list, c)
		}
	}
	lost := func(c int) float64 { return share(was.Classes[c]) - share(now.Classes[c]) }
	if len(list) > r.h {
		slices.SortStableFunc(list, func(a, b int) int {
			if lost(a) > lost(b) {
				return -1
			}
			return 1
		})
		list = list[:r.h]
		slices.Sort(list)
	}
	for row, c := range list {
		line := rect{r.x, r.y + row, r.w - 1, 1}
		s.text(line, line.x, line.y, style{}, cutEnd(classes[c], name))
		_, line = line.cutLeft(name + 1)
		values, line := line.cutRight(10)
		paintBeforeAfter(s, line, share(was.Classes[c]), share(now.Classes[c]))
		text := "–"
		if now.Classes[c].N > 0 && was.Classes[c].N > 0 {
			text = fmt.Sprintf("%3.0f→%.0f %%", 100*share(was.Classes[c]), 100*share(now.Classes[c]))
		}
		s.textRight(values, line.y, fg(colDim), text)
	}
}

func share(c net.Class) float64 { return float64(c.Right) / float64(max(1, c.N)) }

// paintBeforeAfter draws a line over the first row of r for a share as it is
// now, and beyond it one, dashed, for what was.
func paintBeforeAfter(s *screen, r rect, was, now float64) {
	o, q := int(was*float64(2*r.w)+0.5), int(now*float64(2*r.w)+0.5) // in halves of a column
	for x := range r.w {
		switch at := 2*x + 1; {
		case at < q:
			s.put(r.x+x, r.y, '━', fg(colQuantized))
		case at == q:
			s.put(r.x+x, r.y, '╸', fg(colQuantized))
		case at <= o:
			s.put(r.x+x, r.y, '╌', fg(colOriginal))
		default:
			s.put(r.x+x, r.y, '·', fg(colFaint))
		}
	}
}

// Sizes of the strip: a caption needs captionWidth columns, and takes two rows.
const (
	captionWidth = 11
	captionRows  = 2
)

// fewPictures is how many a size must leave room for, so that a smaller one is
// not taken.
var fewPictures = [len(look{})]int{6, 2, 0}

// layOutStrip chooses the largest size at which some pictures fit, and returns
// where they are and what one takes. Before the first picture is known its
// place is one cell.
func (a *app) layOutStrip(parts *runParts) (area, cell rect) {
	p := &a.view.strip
	_, area = parts.right.cutLeft(2)
	for p.size = 0; ; p.size++ {
		by := 1 << p.size
		w, h := (a.run.picture.w+by-1)/by, (a.run.picture.h+by-1)/by
		cell = rect{w: max(captionWidth, w) + 1, h: (h+1)/2 + captionRows + 1}
		p.per, p.rows = max(1, (area.w+1)/cell.w), max(1, (area.h+1)/cell.h)
		if fits := area.w+1 >= cell.w && area.h+1 >= cell.h; p.size == len(look{})-1 || fits && p.per*p.rows >= fewPictures[p.size] {
			break
		}
	}
	if a.run.picture.w == 0 {
		p.per, p.rows = 1, 1
	}
	p.top = clamp(p.top, 0, max(0, (len(p.order)+p.per-1)/p.per-p.rows))
	return area, cell
}

// drawStripOf draws the pictures and what both networks say of them.
func (a *app) drawStripOf(parts *runParts, was, now *net.Score) {
	s, p := a.screen, &a.view.strip
	area, cell := a.layOutStrip(parts)
	a.hots = append(a.hots, hot{area: area, wheel: (*app).wheelStrip})
	for k, i := range p.shown() {
		at := rect{area.x + k%p.per*cell.w, area.y + k/p.per*cell.h, cell.w - 1, cell.h - 1}.intersect(area)
		if at.w == 0 || at.h == 0 {
			continue
		}
		picture, caption := at.cutTop(cell.h - 1 - captionRows)
		if l, ok := a.run.looks.get(lookOf{a.view.set, i}); ok {
			paintPixels(s, picture, &l[p.size], a.theme.dark)
		}
		if i < len(was.Said) && i < len(now.Said) {
			a.drawCaption(caption, was, now, i)
		}
	}
}

// drawCaption names what the picture shows, and what the networks say: once if
// they agree.
func (a *app) drawCaption(r rect, was, now *net.Score, i int) {
	classes := a.run.task().Classes
	s := a.screen
	class := func(said int32) string {
		if said == was.Labels[i] {
			return "✓"
		}
		return classes[said]
	}
	s.text(r, r.x, r.y, style{}, cutEnd(classes[was.Labels[i]], r.w))
	if r.h < captionRows {
		return
	}
	kind := kindOf(was, now, i)
	st := [...]style{
		nowWrong: fg(colFail).with(bold), nowRight: fg(colGood).with(bold), otherwiseWrong: fg(colWarn),
		stillWrong: fg(colDim), stillRight: fg(colDim),
	}[kind]
	text := class(was.Said[i]) + "→" + class(now.Said[i])
	switch kind {
	case stillRight:
		text = "✓"
	case stillWrong:
		text = "✗ " + class(now.Said[i])
	}
	s.text(r, r.x, r.y+1, st, cutEnd(text, r.w))
}
