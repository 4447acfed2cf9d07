package tui

import (
	"fmt"
	"math"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant/net"
)

// A value takes so many columns at least, and one more where there is room, for
// a glyph that stands for its colour.
const measureCell = 9

// layOutMeasures divides a row of the table: names, schemes, values.
func (a *app) layOutMeasures(r rect) (names, schemes, grid rect) {
	name, scheme := 8, 6
	for row := range r.h {
		if i, ok := a.layers.at(a.layers.top + row); ok {
			name = max(name, textWidth(a.model.Tensors[i].Name))
			scheme = max(scheme, textWidth(a.bothSchemes(i)))
		}
	}
	n := len(measureColumns)
	a.measures.cell = measureCell
	if r.w >= 20+n*(measureCell+1) {
		a.measures.cell++
	}
	room := max(12, r.w-a.measures.cell*n-3)
	scheme = clamp(scheme, 6, max(6, min(room/2, room-18)))
	names, r = r.cutLeft(min(name, room-scheme))
	_, r = r.cutLeft(1)
	schemes, r = r.cutLeft(scheme)
	_, grid = r.cutLeft(1)
	return names, schemes, grid
}

// drawMeasures draws the table.
func (a *app) drawMeasures(r rect) {
	s := a.screen
	if a.run.bench == nil {
		_, in := r.inset(1).cutLeft(1)
		a.paragraphs(in, fg(colDim), "The model cannot be run here: only its weights can be measured.")
		return
	}
	top, body, words := a.viewParts(r, viewShape{wide: 110, words: 64, rest: 84, rows: 3})
	s.text(top, top.x, top.y, fg(colDim), cutEnd(a.measuresTitle(), top.w))
	head, body := body.cutTop(2)
	a.layers.scroll(body.h)
	names, schemes, grid := a.layOutMeasures(body)
	s.text(head, schemes.x, head.y+1, fg(colDim), "scheme")
	a.drawMeasureHeads(rect{grid.x, head.y, grid.w, 2})
	a.hots = append(a.hots, hot{area: body, click: (*app).clickMeasure, wheel: (*app).wheelList, n: grid.x})
	for row := range body.h {
		i, ok := a.layers.at(a.layers.top + row)
		if !ok {
			break
		}
		y, st := body.y+row, style{}
		if a.layers.top+row == a.layers.cursor {
			s.put(names.x-1, y, '▸', fg(colAccent).with(bold))
			st = st.with(bold)
		}
		if !a.measured(i) {
			st.fg = colFaint
		}
		s.text(names, names.x, y, st, a.layers.names.short(a.model.Tensors[i].Name, names.w))
		s.text(schemes, schemes.x, y, st, cutEnd(a.bothSchemes(i), schemes.w))
	}
	for c := range measureColumns {
		a.drawMeasureColumn(rect{grid.x + c*a.measures.cell, body.y, a.measures.cell, body.h}.intersect(grid), c)
	}
	a.drawScrollbar(body)
	if words.y == top.y { // beside it
		a.explainMeasure(words)
		return
	}
	about := a.correlationText()
	line, foot := words.cutTop(1)
	s.text(line, line.x, line.y, fg(colDim), cutEnd(measureColumns[a.measures.column].about, line.w))
	a.paragraphs(foot, style{}, about)
}

// bothSchemes names the schemes of a layer: of its weights and, if it has one,
// of what flows in.
func (a *app) bothSchemes(i int) string {
	t := a.model.Tensors[i]
	text := schemeText(t, a.planned.schemes[i])
	if a.run.inputs[t.Name] != nil {
		if f := a.activation(t.Name); !f.Keep() {
			text += " × " + f.String()
		}
	}
	return text
}

func (a *app) measuresTitle() string {
	known, all, left := a.measureProgress()
	title := fmt.Sprintf("what each layer does to the answers · %d inputs", a.run.bench.scored())
	switch {
	case all == 0:
		title += " · the plan quantizes nothing"
	case known < all && a.measures.stopped:
		title += fmt.Sprintf(" · %d/%d, stopped: x goes on", known, all)
	case known < all:
		title += fmt.Sprintf(" · %d/%d", known, all)
		if left > 0 {
			seconds := int(math.Ceil(left.Seconds()))
			title += fmt.Sprintf(" · %d:%02d left", seconds/60, seconds%60)
		}
	}
	if a.layers.filter != "" {
		title += " · /" + a.layers.filter
	}
	return title
}

// drawMeasureHeads names the columns: the group over its first column, the
// unit below.
func (a *app) drawMeasureHeads(r rect) {
	s := a.screen
	for c := range measureColumns {
		m := &measureColumns[c]
		cell := rect{r.x + c*a.measures.cell, r.y, a.measures.cell, 2}
		st := fg(colDim)
		if c == a.measures.column {
			st = fg(colAccent).with(bold)
		}
		switch {
		case c == 0 || measureColumns[c-1].group != m.group:
			x := s.text(cell, cell.x, cell.y, fg(colDim), m.group+" ")
			for ; x < cell.x+cell.w; x++ {
				s.put(x, cell.y, '─', fg(colFaint))
			}
		default:
			for x := range cell.w {
				s.put(cell.x+x, cell.y, '─', fg(colFaint))
			}
		}
		if c+1 == len(measureColumns) || measureColumns[c+1].group != m.group {
			s.put(cell.x+cell.w-1, cell.y, ' ', style{})
		}
		s.textRight(rect{cell.x, cell.y, cell.w - 1, 2}, cell.y+1, st, m.unit)
		a.hots = append(a.hots, hot{area: cell, n: c, click: func(a *app, n int) tea.Cmd {
			a.measures.column = n
			return nil
		}})
	}
}

// drawMeasureColumn draws the values of one measure, coloured from no harm to
// the most that a layer does.
func (a *app) drawMeasureColumn(r rect, column int) {
	m := &measureColumns[column]
	worst := m.bad
	for _, i := range a.layers.order {
		if h := a.harm(i, column); h > worst {
			worst = h
		}
	}
	sc := scale{good: 0, bad: m.sign * worst}
	values := a.measures.values[:0]
	for row := range r.h {
		i, ok := a.layers.at(a.layers.top + row)
		if !ok {
			break
		}
		values = append(values, a.measure(i, column))
	}
	a.measures.values = values
	cursor := -1
	if column == a.measures.column {
		cursor = a.layers.cursor - a.layers.top
	}
	paintHeat(a.screen, r, heatView{values: values, rows: len(values), cols: 1, cell: r.w, scale: sc, text: m.text, cursorRow: cursor})
}

func (a *app) clickMeasure(n int) tea.Cmd {
	for _, h := range a.hots {
		if h.wheel == nil || !h.area.contains(a.mouse.x, a.mouse.y) {
			continue
		}
		row, column := a.layers.top+a.mouse.y-h.area.y, a.measures.column
		if a.mouse.x >= n {
			column = clamp((a.mouse.x-n)/max(1, a.measures.cell), 0, len(measureColumns)-1)
		}
		again := row == a.layers.cursor && column == a.measures.column && a.mouse.x >= n
		a.measures.column = column
		if again {
			return a.turnTo(pageLayers)
		}
		return a.moveLayer(row - a.layers.cursor)
	}
	return nil
}

// explainMeasure says in words what the cell under the cursor means, and draws
// forecasts against what came true.
func (a *app) explainMeasure(r rect) {
	s := a.screen
	i := a.layers.selected()
	if i < 0 || r.h < 4 {
		return
	}
	t := a.model.Tensors[i]
	y := r.y
	line := func(st style, text string) {
		y += a.paragraphs(rect{r.x, y, r.w, max(0, r.y+r.h-y)}, st, text)
	}
	line(style{}.with(bold), cutMiddle(t.Name, r.w))
	line(fg(colQuantized), a.bothSchemes(i))
	y++
	line(fg(colDim), measureColumns[a.measures.column].about)
	y++
	if !a.measured(i) {
		line(fg(colDim), "The plan leaves this layer in float.")
	}
	said := ""
	for _, e := range []struct {
		name string
		errand
	}{
		{"float", errand{kind: scoreFloat}},
		{"alone", a.measureErrand(i, scoreAlone)},
		{"the plan", errand{kind: scorePlan, plan: a.planSum()}},
		{"spared", a.measureErrand(i, scoreAllBut)},
	} {
		if err := a.run.failed[e.errand]; err != nil && err.Error() != said {
			said = err.Error()
			line(fg(colWarn), said)
		}
		if sc := a.run.harms[e.errand]; sc != nil && y < r.y+r.h {
			x := s.text(r, r.x, y, fg(colDim), e.name+strings.Repeat(" ", 9-len(e.name)))
			lo, hi := net.Interval(sc.Top1, sc.N)
			text := fmt.Sprintf("loss %.4f  %.1f %%", sc.MeanLoss(), 100*sc.Accuracy())
			for _, more := range []string{" right", fmt.Sprintf(", ≈ %.1f to %.1f", 100*lo, 100*hi)} {
				if x+textWidth(text+more) <= r.x+r.w {
					text += more
				}
			}
			s.text(r, x, y, style{}, cutEnd(text, r.x+r.w-x))
			y++
		}
	}
	y++
	if text := a.correlationText(); text != "" {
		line(style{}, text)
		a.drawForecasts(rect{r.x, y + 1, r.w - 1, max(0, min(16, r.y+r.h-y-3))}, i)
	}
	_, hint := r.cutTop(r.h - 1)
	s.text(hint, hint.x, hint.y, fg(colDim), cutEnd("⏎ to its dials · space sort · v next view", hint.w))
}

// drawForecasts draws each layer's forecast against its harm, on logarithmic
// axes.
func (a *app) drawForecasts(r rect, selected int) {
	x, y, layers := a.pairs()
	paintScatter(a.screen, r, scatterView{
		x: x, y: y, selected: slices.Index(layers, selected),
		nameX: "forecast →", nameY: "↑ " + measureColumns[a.comparedColumn()].name(),
	})
}
