package tui

import (
	"fmt"
	"math"

	"github.com/bitdial/bitdial/quant"
)

// drawPareto draws the error of the best plans against their size, and other plans as
// points.
func (a *app) drawPareto(r rect) {
	s, b := a.screen, &a.budget
	c, v := &b.choice, &b.view
	if r.h < 5 || r.w < 30 {
		return
	}
	foot, plot := r.cutBottom(2)
	side, plot := plot.cutLeft(7)
	here := a.here()
	v.plot = plot
	a.errorSpan(here)
	for y := range plot.h {
		s.put(side.x+6, plot.y+y, '│', fg(colFaint))
	}
	s.put(side.x+6, foot.y, '└', fg(colFaint))
	for x := range plot.w {
		s.put(plot.x+x, foot.y, '─', fg(colFaint))
	}
	d := dotted{s: s, r: plot, x0: float64(v.lo), x1: float64(v.hi), y0: v.y0, y1: v.y1}
	a.labelErrors(side, &d)
	l := labels{s: s, r: rect{plot.x, foot.y + 1, plot.w, 1}}
	l.put(plot.w-1, -1, "bpw", fg(colDim))
	for _, bits := range ticks(a.bpwOf(v.lo), a.bpwOf(v.hi), min(7, plot.w/6)) {
		x, _ := d.cell(float64(a.bytesOf(bits)), v.y0)
		if l.put(x-plot.x, 0, valueText(bits), fg(colDim)) {
			s.put(x, foot.y, '┬', fg(colFaint))
		}
	}
	a.drawDevices(plot, &d)
	ink := fg(colQuantized)
	if !c.complete {
		ink = fg(colDim)
	}
	for n := 1; n < len(c.hull); n++ {
		p, q := c.hull[n-1], c.hull[n]
		if p.bytes >= v.hi {
			break
		}
		if q.bytes > v.hi { // a mixture of two neighbours
			q.error += (p.error - q.error) * float64(q.bytes-v.hi) / float64(q.bytes-p.bytes)
			q.bytes = v.hi
		}
		d.line(float64(p.bytes), logError(p.error, v.y0), float64(q.bytes), logError(q.error, v.y0), ink)
	}
	a.hots = append(a.hots, hot{area: plot, click: (*app).grabCurve, wheel: (*app).wheelBudget})
	a.drawMarks(&d, here)
	title := "relative error"
	if quant.Objectives[b.objective].Name == "sse" {
		title = "Σe²"
	}
	if quant.Objectives[b.objective].Weighted() {
		title += a.weighedBy()
	}
	if !c.complete {
		title += fmt.Sprintf(" ≈ of %d %% of the weights", int(100/c.scale))
	}
	s.textRight(rect{plot.x, plot.y, plot.w, 1}, plot.y, fg(colDim), title)
}

// logError returns where an error stands on the logarithmic axis, its foot if there is
// none.
func logError(e, foot float64) float64 {
	if !(e > 0) {
		return foot
	}
	return math.Log10(e)
}

// errorSpan chooses the ends of the error axis, which hold the curve and most points.
func (a *app) errorSpan(here spot) {
	v, c := &a.budget.view, &a.budget.choice
	v.y0, v.y1 = math.Inf(1), math.Inf(-1)
	add := func(p spot) {
		if p.error > 0 && !math.IsInf(p.error, 1) && p.bytes <= v.hi {
			v.y0, v.y1 = min(v.y0, math.Log10(p.error)), max(v.y1, math.Log10(p.error))
		}
	}
	for _, p := range c.hull {
		add(p) // the one beyond the end is left out: it may have next to no error
	}
	for _, m := range c.marks {
		add(m.spot)
	}
	if here.ok {
		add(here)
	}
	if v.y0 > v.y1 {
		v.y0, v.y1 = -1, 0
	}
	pad := max(0.05, (v.y1-v.y0)/12)
	v.y0, v.y1 = v.y0-pad, v.y1+pad
}

// labelErrors draws the error axis: decades, or halves of them.
func (a *app) labelErrors(r rect, d *dotted) {
	last := -2
	for k := math.Floor(d.y0); k <= d.y1; k++ {
		for _, m := range [...]float64{1, 2, 5} {
			at := k + math.Log10(m)
			if m > 1 && d.y1-d.y0 > 1.5 || at < d.y0 || at > d.y1 {
				continue
			}
			_, y := d.cell(d.x0, at)
			if last >= 0 && max(y-last, last-y) < 2 {
				continue
			}
			last = y
			a.screen.textRight(rect{r.x, y, 5, 1}, y, fg(colDim), fmt.Sprintf("%ge%d", m, int(k)))
			a.screen.put(r.x+6, y, '┤', fg(colFaint))
		}
	}
}

const deviceLine = '┊'

// drawDevices draws what devices have room for, as lines with their names.
func (a *app) drawDevices(plot rect, d *dotted) {
	s, b := a.screen, &a.budget
	row, before := 0, -100
	for n := range b.devices {
		room := b.room(n).Weights
		if room <= b.view.lo || room >= b.view.hi {
			continue
		}
		x, _ := d.cell(float64(room), d.y0)
		if x-before < 3 {
			continue
		}
		before = x
		for y := range plot.h {
			s.put(x, plot.y+y, deviceLine, fg(colClip))
		}
		name := b.devices[n].Name
		y := plot.y + plot.h - 1 - row%3
		at := x + 1
		if at+textWidth(name) > plot.x+plot.w {
			at = x - textWidth(name)
		}
		s.text(plot, at, y, fg(colClip), name)
		row++
	}
}

// drawMarks draws the known plans and the present one, and their names where they have
// room: the present one's first.
func (a *app) drawMarks(d *dotted, here spot) {
	s, c, v := a.screen, &a.budget.choice, &a.budget.view
	inside := func(p spot) bool { return p.bytes >= v.lo && p.bytes <= v.hi }
	cell := func(p spot) (int, int) { return d.cell(float64(p.bytes), logError(p.error, v.y0)) }
	for _, m := range c.marks {
		if inside(m.spot) {
			x, y := cell(m.spot)
			s.put(x, y, markGlyph(m), fg(colOriginal).with(bold))
		}
	}
	if here.ok {
		x, y := cell(here)
		glyph, ink := '●', fg(colAccent).with(bold)
		switch {
		case here.bytes > v.hi:
			glyph = '▸'
		case here.bytes < v.lo:
			glyph = '◂'
		}
		s.put(x, y, glyph, ink)
		if !a.label(x, y, ink, a.hereText(here), 2) {
			a.label(x, y, ink, "this plan", 8) // its colour says whose it is
		}
	}
	for _, mix := range [...]bool{true, false} {
		for _, m := range c.marks {
			if m.mix == mix && inside(m.spot) {
				x, y := cell(m.spot)
				a.label(x, y, fg(colOriginal), m.name, 1)
			}
		}
	}
}

func markGlyph(m mark) rune {
	if m.mix {
		return '◇'
	}
	return '∘'
}

// hereText names the present plan, and holds it against the best of the known ones
// that weigh as much.
func (a *app) hereText(here spot) string {
	best := mark{}
	for _, m := range a.budget.choice.marks {
		if m.bytes <= here.bytes+here.bytes/200 && m.bytes >= here.bytes-here.bytes/25 && (best.name == "" || m.error < best.error) {
			best = m
		}
	}
	if best.name == "" || !(here.error < best.error) {
		return "this plan"
	}
	percent := 100 * (1 - here.error/best.error)
	if percent < 1 {
		return "this plan"
	}
	return fmt.Sprintf("this plan, %.0f %% less error than %s", percent, best.name)
}

// label writes a text beside the point at (x, y) if it has room there, at most so many
// rows away, and reports whether it has.
func (a *app) label(x, y int, st style, text string, rows int) bool {
	plot, w := a.budget.view.plot, textWidth(text)
	put := func(x0, y0 int) bool {
		room := rect{x0, y0, w, 1}
		if room.x < plot.x || room.x+w > plot.x+plot.w || room.y < plot.y+1 || room.y >= plot.y+plot.h || !a.empty(rect{x0 - 1, y0, w + 2, 1}, x, y) {
			return false
		}
		a.screen.text(plot, x0, y0, st, text)
		return true
	}
	if put(x+2, y) || put(x-1-w, y) {
		return true
	}
	for d := 1; d <= rows; d++ {
		if put(x+d, y-d) || put(x+1-w-d, y-d) || put(x+d, y+d) || put(x+1-w-d, y+d) {
			return true
		}
	}
	return false
}

// empty reports whether nothing is drawn in r but devices' lines and the point at
// (x, y).
func (a *app) empty(r rect, x, y int) bool {
	for c := r.x; c < r.x+r.w; c++ {
		if glyph := a.screen.glyphAt(c, r.y); glyph != ' ' && glyph != deviceLine && (c != x || r.y != y) {
			return false
		}
	}
	return true
}

// markAt returns the known plan that is drawn nearest to a cell, at most two columns
// and a row away.
func (a *app) markAt(x, y int) (mark, bool) {
	v := &a.budget.view
	d := dotted{r: v.plot, x0: float64(v.lo), x1: float64(v.hi), y0: v.y0, y1: v.y1}
	best, found := 100, mark{}
	for _, m := range a.budget.choice.marks {
		if m.bytes < v.lo || m.bytes > v.hi {
			continue
		}
		mx, my := d.cell(float64(m.bytes), logError(m.error, v.y0))
		dx, dy := max(mx-x, x-mx), max(my-y, y-my)
		if dx <= 2 && dy <= 1 && dx+2*dy < best {
			best, found = dx+2*dy, m
		}
	}
	return found, best < 100
}

// explainSpot says in words what is at a cell of the plot.
func (a *app) explainSpot(r rect, x, y int) {
	s, b := a.screen, &a.budget
	c, v := &b.choice, &b.view
	bytes := int64((&sliderView{lo: float64(v.lo), hi: float64(v.hi)}).value(x-v.plot.x, v.plot.w))
	m, known := a.markAt(x, y)
	if known {
		bytes = m.bytes
	}
	best := spot{}
	if sol, err := c.space.Solve(c.inner(max(bytes, c.least))); err == nil {
		best = c.whole(sol.Bytes, sol.Error)
	}
	head, text := "the best plan", "click to plan it, drag to go on"
	p := best
	if known {
		head, p = "all "+m.name, m.spot
		if m.mix {
			head = m.name + " of llama-quantize"
		}
		text = "no plan of its bytes errs less"
		if best.error < 0.995*p.error {
			text = fmt.Sprintf("the best plan of its bytes errs %.0f %% less: %s; click to plan it", 100*(1-best.error/p.error), a.errorText(best.error))
		}
	}
	for n := range b.devices {
		if room := b.room(n); !known && room.Weights > v.lo && room.Weights < v.hi {
			if at := (&sliderView{lo: float64(v.lo), hi: float64(v.hi)}).column(float64(room.Weights), v.plot.w); at == x-v.plot.x {
				text = fmt.Sprintf("%s for the weights: %s", sizeText(room.Weights), room.Assumed)
			}
		}
	}
	at := s.text(r, r.x, r.y, style{}.with(bold), cutEnd(head, r.w))
	s.text(r, at, r.y, fg(colDim), cutEnd(fmt.Sprintf("  %.2f bpw  %s  %s", a.bpwOf(p.bytes), sizeText(p.bytes), a.errorText(p.error)), r.x+r.w-at))
	if r.h > 1 {
		s.text(r, r.x, r.y+1, fg(colDim), cutEnd(text, r.w))
	}
}

// errorText says an error as people count it.
func (a *app) errorText(e float64) string {
	switch {
	case quant.Objectives[a.budget.objective].Name == "sse":
		return "Σe² " + valueText(e)
	case e == 0:
		return "no error"
	case quant.Objectives[a.budget.objective].Weighted():
		return "weighted SQNR " + dbText(-10*math.Log10(e)) + " dB"
	}
	return "SQNR " + dbText(-10*math.Log10(e)) + " dB"
}
