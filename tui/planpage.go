package tui

import (
	"fmt"
	"math"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
)

// planView is where the last frame has drawn what can be dragged.
type planView struct {
	track, plot rect
	lo, hi      int64 // bytes at their ends
	y0, y1      float64
}

// wideBPW is where slider and curve end if plans of more bits than that are of little
// interest: beyond, all errors are small.
const wideBPW = 9

// drawPlan draws the page of budgets.
func (a *app) drawPlan(r rect) {
	s, b := a.screen, &a.budget
	in := r.inset(1)
	_, in = in.cutLeft(1)
	a.addUp()
	c := a.choose()
	b.view = planView{}
	top, body := in.cutTop(2)
	if len(c.rows) == 0 {
		a.layers.scroll(body.h)
		s.text(top, top.x, top.y, fg(colDim), cutEnd(a.whyNoChoice()+a.sweepText(), top.w))
		a.drawBits(body)
		return
	}
	v := &b.view
	v.lo, v.hi = c.least, c.most
	if a.bpwOf(c.most) > wideBPW && a.bpwOf(c.least) < wideBPW-2 {
		v.hi = a.bytesOf(wideBPW)
	}
	a.drawSlider(top)
	end := s.text(top, top.x, top.y+1, fg(colDim), cutEnd(a.choiceText(), top.w))
	a.hots = append(a.hots, hot{area: rect{top.x, top.y + 1, end - top.x, 1}, click: func(a *app, _ int) tea.Cmd { return a.askFormats() }})
	foot, body := body.cutBottom(min(2, body.h/8))
	if in.w >= 100 {
		plot, list := body.cutLeft(in.w / 2)
		for y := range body.h {
			s.put(list.x, body.y+y, '│', fg(colFaint))
		}
		_, list = list.cutLeft(2)
		a.drawPareto(rect{plot.x, plot.y, plot.w - 1, plot.h})
		a.drawBits(list)
	} else {
		plot, list := body.cutTop(body.h * 3 / 5)
		a.drawPareto(plot)
		a.drawBits(list)
	}
	a.explainPlan(foot)
}

// drawSlider draws the budget, its slider, and what it fits.
func (a *app) drawSlider(r rect) {
	s, v := a.screen, &a.budget.view
	bytes := a.budgetBytes()
	x := s.text(r, r.x, r.y, fg(colDim), "budget ")
	x = s.text(r, x, r.y, fg(colAccent).with(bold), fmt.Sprintf("%.2f bpw ", a.bpwOf(bytes)))
	a.hots = append(a.hots, hot{area: rect{r.x, r.y, x - r.x, 1}, click: func(a *app, _ int) tea.Cmd { return a.askBudget() }})
	size := " " + sizeText(bytes)
	fits := a.fitText(bytes, r.w-(x-r.x)-20-textWidth(size))
	area := rect{x, r.y, r.x + r.w - x - textWidth(size) - textWidth(fits), 1}
	slider := sliderView{lo: float64(v.lo), hi: float64(v.hi), at: float64(bytes)}
	for n := range a.budget.devices {
		slider.lines = append(slider.lines, float64(a.budget.room(n).Weights))
	}
	v.track = paintSlider(s, area, slider, fg(colAccent))
	a.hots = append(
		a.hots,
		hot{area: area, click: (*app).grabSlider, wheel: (*app).wheelBudget},
		hot{area: rect{area.x, area.y, 1, 1}, click: func(a *app, _ int) tea.Cmd { return a.stepBudget(-1) }},
		hot{area: rect{area.x + area.w - 1, area.y, 1, 1}, click: func(a *app, _ int) tea.Cmd { return a.stepBudget(1) }},
	)
	x = s.text(r, area.x+area.w, r.y, style{}.with(bold), size)
	from := x
	x = s.text(r, x, r.y, fg(colDim), fits)
	a.hots = append(a.hots, hot{area: rect{from, r.y, x - from, 1}, click: func(a *app, _ int) tea.Cmd { return a.nextDevice() }})
}

func (a *app) wheelBudget(_, steps int) tea.Cmd { return a.stepBudget(-steps) }

// grabSlider goes where the mouse is, and on with it.
func (a *app) grabSlider(int) tea.Cmd {
	track := a.budget.view.track
	v := sliderView{lo: float64(a.budget.view.lo), hi: float64(a.budget.view.hi)}
	to := func(a *app, goesOn bool) tea.Cmd {
		return a.replan(int64(v.value(a.mouse.x-track.x, track.w)), goesOn)
	}
	a.drag = func(a *app) tea.Cmd { return to(a, true) }
	return to(a, false)
}

// grabCurve does the same along the curve.
func (a *app) grabCurve(int) tea.Cmd {
	plot := a.budget.view.plot
	v := sliderView{lo: float64(a.budget.view.lo), hi: float64(a.budget.view.hi)}
	to := func(a *app, goesOn bool) tea.Cmd {
		return a.replan(int64(v.value(a.mouse.x-plot.x, plot.w)), goesOn)
	}
	a.drag = func(a *app) tea.Cmd { return to(a, true) }
	if m, ok := a.markAt(a.mouse.x, a.mouse.y); ok { // a point is its bytes, not its column's
		return a.replan(m.bytes, false)
	}
	return to(a, false)
}

// fitText names the largest device that so many bytes do not fit, and the smallest
// that they do, in at most w columns.
func (a *app) fitText(bytes int64, w int) string {
	b := &a.budget
	small, large := -1, -1
	for n := range b.devices {
		if b.room(n).Weights >= bytes {
			if small < 0 {
				small = n
			}
		} else {
			large = n
		}
	}
	text := ""
	if small >= 0 {
		text = "  fits: " + b.devices[small].Name + " ✓"
	}
	if large >= 0 && small >= 0 && textWidth(text)+textWidth(b.devices[large].Name)+3 <= w {
		text += " " + b.devices[large].Name + " ✗"
	}
	context := fmt.Sprintf(" (%dk context)", b.context/1024)
	if b.context < 1024 {
		context = fmt.Sprintf(" (%d tokens)", b.context)
	}
	if b.facts.Unknown == "" && text != "" && textWidth(text)+textWidth(context) <= w {
		text += context
	}
	if textWidth(text) > w {
		return ""
	}
	return text
}

// choiceText says what plans are chosen from, and by what.
func (a *app) choiceText() string {
	b := &a.budget
	set := &candidateSets[b.set]
	text := fmt.Sprintf("%s: %d formats", set.name, len(b.sweep.schemes))
	if off := len(set.schemes) - len(b.sweep.schemes); off > 0 {
		text += fmt.Sprintf(", %d off", off)
	}
	if n := len(b.pinned); n > 0 {
		text += fmt.Sprintf(" · %d pinned", n)
	}
	if b.sweep.left > 0 {
		text += fmt.Sprintf(" · the smallest %s weights stay as they are", countText(int64(b.sweep.left)))
	}
	measure := quant.Objectives[b.objective].Name
	if quant.Objectives[b.objective].Weighted() {
		measure = "error" + a.weighedBy()
	}
	return text + " · " + measure + a.sweepText()
}

// sweepText says how far the figures are.
func (a *app) sweepText() string {
	sw := &a.budget.sweep
	return a.progressText(min(sw.have, sw.all), sw.all)
}

// explainPlan says what the mouse is over, or the layer under the cursor.
func (a *app) explainPlan(r rect) {
	if r.h == 0 {
		return
	}
	b := &a.budget
	if x, y, ok := a.over(b.view.plot); ok {
		a.explainSpot(r, b.view.plot.x+x, b.view.plot.y+y)
		return
	}
	i := a.layers.selected()
	if i < 0 {
		return
	}
	s, t, scheme := a.screen, a.model.Tensors[i], a.planned.schemes[i]
	head := fmt.Sprintf("%s  %.2f bpw  SQNR %s dB", schemeText(t, scheme), a.bpw(i), a.sqnrText(i))
	if a.weighs(t) && !scheme.Keep() {
		head += fmt.Sprintf("  weighted %s dB", a.weightedText(i))
	}
	name := cutMiddle(t.Name, max(12, r.w-textWidth(head)-2))
	x := s.text(r, r.x, r.y, style{}.with(bold), name)
	s.text(r, x+2, r.y, fg(colDim), cutEnd(head, r.x+r.w-x-2))
	if r.h < 2 {
		return
	}
	text := "stays as it is: a plan is of weights of two axes or more"
	if why, ok := a.why(i); ok {
		text = why.String()
		if b.pinned[t.Name] {
			text = "pinned; " + text
		}
	} else if quant.IsWeight(t) {
		text = "not measured yet"
	}
	s.text(r, r.x, r.y+1, fg(colDim), cutEnd(text, r.w))
}

// why returns what else there is for tensor i.
func (a *app) why(i int) (quant.Why, bool) {
	b := &a.budget
	n, ok := b.choice.row[i]
	if !ok {
		return quant.Why{}, false
	}
	if a.here(); b.whys[n].Pick.Bytes > 0 {
		return b.whys[n], true
	}
	row := &b.choice.space.Rows[n]
	pick := quant.Candidate{Scheme: a.planned.schemes[i]}
	for _, t := range row.Tensors {
		pick.Bytes += pick.Scheme.Bytes(t.Shape, t.Bytes())
		f := a.figuresOf(t, pick.Scheme)
		switch {
		case pick.Scheme.Keep():
		case f == nil:
			return quant.Why{}, false
		default:
			pick.Error += quant.Objectives[b.objective].Error(f)
		}
	}
	b.whys[n] = row.Why(pick, b.price)
	return b.whys[n], true
}

// The list of the page has bars of bits, up to barBits.
const barBits = 8

// drawBits draws the list of layers: how many bits each has, and what more would buy.
func (a *app) drawBits(r rect) {
	s, l, b := a.screen, &a.layers, &a.budget
	head, body := r.cutTop(1)
	l.scroll(body.h)
	unit, per := int64(1<<20), "dB/MiB"
	if a.planned.totals.Now < 256<<20 {
		unit, per = 1<<10, "dB/KiB"
	}
	right := 9
	scheme := 6
	for row := range body.h {
		if i, ok := l.at(l.top + row); ok {
			scheme = max(scheme, textWidth(schemeText(a.model.Tensors[i], a.planned.schemes[i])))
		}
	}
	scheme = min(scheme, max(8, r.w/4))
	names := clamp(r.w*43/100, 10, 44)
	bars := max(0, r.w-names-scheme-right-4)
	if bars < 6 {
		names, bars = max(8, names+bars-6), 6
	}
	area := rect{r.x + names + 1, head.y, bars, 1}
	title := "layer"
	if l.filter != "" {
		title += fmt.Sprintf(" /%s (%d)", l.filter, len(l.order))
	}
	s.text(rect{head.x, head.y, names, 1}, head.x, head.y, fg(colDim), cutEnd(title, names))
	lab := labels{s: s, r: area}
	for _, bits := range [...]int{8, 4, 2, 6, 3, 5} {
		lab.put(bits*bars/barBits-1, -1, fmt.Sprint(bits), fg(colDim))
	}
	lab.put(0, 1, "bits", fg(colDim))
	s.textRight(rect{head.x, head.y, head.w - 2, 1}, head.y, fg(colDim), per)
	a.hots = append(a.hots, hot{area: body, click: (*app).clickBits, wheel: (*app).wheelList})
	if len(l.order) == 0 {
		s.text(body, body.x, body.y, fg(colDim), cutEnd("no layer to show", body.w))
	}
	for row := range body.h {
		i, ok := l.at(l.top + row)
		if !ok {
			break
		}
		y := body.y + row
		t := a.model.Tensors[i]
		st, ink := style{}, fg(colQuantized)
		if !quant.IsWeight(t) {
			st, ink = fg(colDim), fg(colFaint)
		}
		s.text(rect{body.x, y, names, 1}, body.x, y, st, l.names.short(t.Name, names))
		bits := a.bpw(i)
		s.text(rect{area.x, y, bars, 1}, area.x, y, ink, bitsBar(bits, bars))
		x := area.x + bars + 1
		s.text(rect{x, y, scheme, 1}, x, y, st, cutEnd(schemeText(t, a.planned.schemes[i]), scheme))
		if why, ok := a.why(i); ok && why.Better != nil && why.Better.DB > 0 {
			text := "all"
			if !math.IsInf(why.Better.DB, 1) {
				text = valueDigits(why.Better.DB*float64(unit)/float64(why.Better.Bytes), 2)
			}
			s.textRight(rect{body.x, y, body.w - 2, 1}, y, fg(colDim), text)
		}
		if b.pinned[t.Name] {
			s.put(body.x+body.w-1, y, '■', fg(colWarn))
		}
		if l.top+row == l.cursor {
			s.put(body.x-1, y, '▸', fg(colAccent).with(bold))
			s.restyle(rect{body.x, y, body.w, 1}, func(st style) style { return st.on(colSelectBg).with(bold) })
		}
	}
	a.drawScrollbar(body)
}

// bitsBar returns a bar of bits in w columns; an arrow says that there are more than
// it has room for.
func bitsBar(bits float64, w int) string {
	n := clamp(int(bits/barBits*float64(w)+0.5), 0, w)
	bar := make([]rune, n)
	for i := range bar {
		bar[i] = '━'
	}
	if bits > barBits+1 && n > 0 {
		bar[n-1] = '▸'
	}
	return string(bar)
}

// clickBits goes to a layer; on the mark of a pin it pins.
func (a *app) clickBits(n int) tea.Cmd {
	cmd := a.clickRow(n)
	for _, h := range a.hots {
		if h.wheel != nil && h.area.contains(a.mouse.x, a.mouse.y) && a.mouse.x >= h.area.x+h.area.w-2 {
			return a.pin()
		}
	}
	return cmd
}
