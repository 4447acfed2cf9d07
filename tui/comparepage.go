package tui

import (
	"fmt"
	"math"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
)

// drawCompare draws the page that holds the plan, or the model, against another.
func (a *app) drawCompare(r rect) {
	s, g := a.screen, a.compared()
	in := r.inset(1)
	_, in = in.cutLeft(1)
	if g.none() {
		a.paragraphs(in, fg(colDim), "Nothing to compare with yet. C chooses it: another plan — a file, a mix of llama-quantize, one scheme for all weights — or another model file, such as a release of this one.")
		a.layers.scroll(1)
		return
	}
	side := rect{}
	if in.w >= 110 {
		side, in = in.cutRight(max(34, min(60, in.w-100)))
		s.vrule(r, side.x, fg(colFaint))
		_, side = side.cutLeft(2)
	}
	top, body := in.cutTop(3)
	a.drawSides(top)
	foot := rect{}
	if side.w == 0 {
		foot, body = body.cutBottom(min(5, body.h/3))
	}
	a.drawDifferences(body)
	if side.w > 0 {
		a.explainDifference(side)
	} else {
		a.explainDifference(foot)
	}
}

// drawSides says what is compared, and what it amounts to.
func (a *app) drawSides(r rect) {
	s, g := a.screen, &a.against
	a.addUp()
	bytes, params := g.bytes, g.params
	names, sqnr := [2]string{"this plan, " + a.planName(), g.name}, [2]string{}
	if g.plan != nil {
		g.under.addUp(a)
		for side, t := range [...]*quant.Totals{&a.planned.totals, &g.under.totals} {
			bytes[side], params[side], sqnr[side] = t.Then, t.Params, "SQNR "+totalText(t)+" dB"
		}
	} else {
		names[0] = a.model.Name
		sqnr[1] = "SQNR " + dbText(g.totals.SQNR()) + " dB against A"
		if g.totals.Measured == 0 {
			sqnr[1] = "SQNR … dB against A"
		}
	}
	bits := func(side int) float64 { return 8 * float64(bytes[side]) / float64(max(1, params[side])) }
	room := 40
	var lines [2]string
	for side := range lines {
		lines[side] = fmt.Sprintf("%9s  %5.2f bpw  %s", sizeText(bytes[side]), bits(side), sqnr[side])
		room = clamp(r.w-textWidth(lines[side])-4, 8, room)
	}
	for side, line := range lines {
		y := r.y + side
		x := s.text(r, r.x, y, fg(colAccent).with(bold), sideLetters[side]+" ")
		s.text(r, x, y, style{}.with(bold), cutEnd(names[side], room))
		s.text(r, x+room+1, y, style{}, line)
	}
	text := fmt.Sprintf("B − A: %s (%s), %s bpw", moreText(bytes[1]-bytes[0]), percentMore(bytes[0], bytes[1]), signed(bits(1)-bits(0), 2))
	if g.plan != nil {
		if d := g.under.totals.SQNR() - a.planned.totals.SQNR(); !math.IsNaN(d) && a.planned.totals.Measured > 0 && g.under.totals.Measured > 0 {
			text += fmt.Sprintf(", %s dB", signed(d, 1))
		}
		text += fmt.Sprintf(" · %d of %d layers differ%s", g.all/2, len(a.model.Tensors), a.layersWeighed())
	} else {
		text += " · " + plural(len(g.pairs), "pair", "pairs")
		if len(g.lone) > 0 {
			text += fmt.Sprintf(", %d without partner", len(g.lone))
		}
	}
	text += a.progressText(g.known, g.all)
	s.text(r, r.x, r.y+2, fg(colDim), cutEnd(text, r.w))
}

// layersWeighed says that the list shows weighted error, if it does.
func (a *app) layersWeighed() string {
	if !a.weighted() {
		return ""
	}
	return ", SQNR by layer" + a.weighedBy()
}

// totalText returns the SQNR of a plan, with what is not sure of it.
func totalText(t *quant.Totals) string {
	switch {
	case t.Quantized > 0 && t.Measured == 0:
		return "…"
	case t.Measured < t.Quantized:
		return "…" + dbText(t.SQNR())
	case !t.Exact():
		return "≈" + dbText(t.SQNR())
	}
	return dbText(t.SQNR())
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return countText(int64(n)) + " " + many
}

// signed returns v with its sign and so many digits after the point.
func signed(v float64, after int) string {
	text := fmt.Sprintf("%.*f", after, math.Abs(v))
	switch {
	case strings.Trim(text, "0.") == "":
		return text
	case math.IsInf(v, 0):
		text = "∞"
	}
	if v < 0 {
		return "−" + text
	}
	return "+" + text
}

// percentMore returns by how many percent b is more than a.
func percentMore(a, b int64) string {
	if a == 0 {
		return "from nothing"
	}
	v := 100 * (float64(b)/float64(a) - 1)
	if math.Abs(v) < 9.95 {
		return signed(v, 1) + " %"
	}
	return signed(v, 0) + " %"
}

// differenceAreas lays the columns out over the width of r; one that does not fit has
// no width.
func (a *app) differenceAreas(r rect) []rect {
	g := &a.against
	areas := make([]rect, len(differences))
	_, room := r.cutLeft(1)
	for c := len(differences) - 1; c > 0; c-- {
		d := &differences[c]
		if r.w < d.room || d.less > 0 && r.w >= d.less || d.when != nil && !d.when(g) {
			continue
		}
		w := d.width
		if w == 0 {
			for row := range r.h {
				if k, ok := g.at(g.top + row); ok {
					w = max(w, textWidth(d.text(a, k)))
				}
			}
			w = clamp(w, 6, max(12, r.w/6))
		}
		areas[c], room = room.cutRight(w)
		_, room = room.cutRight(1)
	}
	areas[0] = room
	return areas
}

// drawDifferences draws the list.
func (a *app) drawDifferences(r rect) {
	s, g := a.screen, &a.against
	head, body := r.cutTop(1)
	a.layers.scroll(body.h)
	g.rows = body.h
	g.top = clamp(g.top, max(0, g.cursor-max(1, g.rows)+1), g.cursor)
	g.top = clamp(g.top, 0, max(0, len(g.order)-max(1, g.rows)))
	areas := a.differenceAreas(body)
	for c, area := range areas {
		if area.w == 0 {
			continue
		}
		d := &differences[c]
		cell, st, title := rect{area.x, head.y, area.w, 1}, fg(colDim), d.name
		if d.text == nil && g.model != nil {
			title = "" // it is the SQNR again
		}
		if c == g.column {
			st = fg(colAccent)
			title += map[bool]string{false: "↓", true: "↑"}[g.down]
		}
		if c == 0 && g.filter != "" {
			title += fmt.Sprintf(" /%s (%d)", g.filter, len(g.order))
		}
		if d.right {
			s.textRight(cell, cell.y, st, title)
		} else {
			s.text(cell, cell.x, cell.y, st, cutEnd(title, cell.w))
		}
		a.hots = append(a.hots, hot{area: cell, click: (*app).sortDifferences, n: c})
	}
	a.hots = append(a.hots, hot{area: body, click: (*app).clickDifference, wheel: func(a *app, _, steps int) tea.Cmd { return a.moveDifference(3 * steps) }})
	if len(g.order) == 0 {
		a.paragraphs(body, fg(colDim), a.whyNoDifference())
	}
	for row := range body.h {
		k, ok := g.at(g.top + row)
		if !ok {
			break
		}
		y, st := body.y+row, style{}
		if _, alone := g.alone(k); alone {
			st = fg(colDim)
		}
		for c, area := range areas {
			cell := rect{area.x, y, area.w, 1}
			switch d := &differences[c]; {
			case area.w == 0:
			case c == 0:
				s.text(cell, cell.x, y, st, a.layers.names.short(d.text(a, k), cell.w))
			case d.text == nil:
				d.paint(a, cell, k)
			case d.right:
				s.textRight(cell, y, st, d.text(a, k))
			default:
				s.text(cell, cell.x, y, st, cutEnd(d.text(a, k), cell.w))
			}
		}
		if g.top+row == g.cursor {
			s.put(body.x-1, y, '▸', fg(colAccent).with(bold))
			s.restyle(rect{body.x, y, body.w, 1}, func(st style) style { return st.on(colSelectBg).with(bold) })
		}
	}
	s.scrollbar(body, g.top, len(g.order))
}

// whyNoDifference says why the list is empty.
func (a *app) whyNoDifference() string {
	g := &a.against
	switch {
	case g.filter != "" && (g.plan == nil || g.all > 0):
		return "nothing that differs has “" + g.filter + "” in its name — / changes the filter"
	case len(a.model.Tensors) == 0:
		return "the model has no tensors"
	}
	return "The plans agree: no layer has another scheme in " + g.name + ". u undoes what was taken, C compares with something else."
}
