package tui

import (
	"fmt"
	"math"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// heatMap is layers × formats, coloured by estimated SQNR.
type heatMap struct {
	column int       // under the cursor
	values []float64 // of the cells on the screen, by row
}

// heatFormats are the columns: what people choose between.
var heatFormats = func() []*kernels.Format {
	var list []*kernels.Format
	for _, name := range []string{"f16", "int8", "int7", "int6", "int5", "int4", "int3", "int2"} {
		list = append(list, kernels.FormatOf(name))
	}
	return list
}()

// heatScheme returns the scheme of a column for tensor i: its present dials
// at another format. Where it has none of an integer's, the default's serve.
func (a *app) heatScheme(i, column int) quant.Scheme {
	s := a.planned.schemes[i]
	if !s.Has(kernels.Granular) {
		s = a.history.Plan().Default.Scheme
	}
	return s.As(heatFormats[column])
}

// heatRow returns the tensor in a row of the map, counted from the first on the
// screen, and whether it can be quantized.
func (a *app) heatRow(row int) (i int, ok bool) {
	i, ok = a.layers.at(a.layers.top + row)
	return i, ok && quant.Quantizable(a.model.Tensors[i])
}

// missingCell returns a cell of the map on the screen that is not known, row by
// row, so that each tensor is read once.
func (a *app) missingCell() (request, bool) {
	for row := range a.layers.rows {
		i, ok := a.heatRow(row)
		if !ok {
			continue
		}
		t := a.model.Tensors[i]
		for c := range heatFormats {
			if s := a.heatScheme(i, c); a.work.missing(t, s) {
				return request{fact: fact{t, s}, i: i}, true
			}
		}
	}
	return request{}, false
}

// toSensitivity shows the map, with the cursor at the layer's present format.
func (a *app) toSensitivity() tea.Cmd {
	_, s := a.selected()
	if c := slices.Index(heatFormats, s.Format); c >= 0 {
		a.heat.column = c
	}
	return a.turnTo(pageSensitivity)
}

func (a *app) moveFormat(steps int) tea.Cmd {
	a.heat.column = clamp(a.heat.column+steps, 0, len(heatFormats)-1)
	return nil
}

// takeFormat gives the layer under the cursor the format under the cursor.
func (a *app) takeFormat() tea.Cmd {
	i := a.layers.selected()
	if i < 0 || !quant.Quantizable(a.model.Tensors[i]) {
		a.notice = a.whyNot(0)
		return nil
	}
	return a.setScheme(a.heatScheme(i, a.heat.column))
}

const heatCell = 7

// drawSensitivity draws the second page.
func (a *app) drawSensitivity(r rect) {
	s := a.screen
	in := r.inset(1)
	_, in = in.cutLeft(1)
	side := rect{}
	if in.w >= 100 {
		side, in = in.cutRight(min(46, in.w-84))
		s.vrule(r, side.x, fg(colFaint))
		_, side = side.cutLeft(2)
	}
	top, body := in.cutTop(1)
	foot := rect{}
	if side.w == 0 {
		foot, body = body.cutBottom(2)
	}
	title := "SQNR dB by format"
	known, all := a.heatProgress()
	if known < all {
		title += fmt.Sprintf(" · %d/%d ≈", known, all)
	}
	if a.layers.filter != "" {
		title += " · /" + a.layers.filter
	}
	x := s.text(top, top.x, top.y, fg(colDim), title)
	if legend := (rect{top.x + top.w - 34, top.y, 34, 1}); legend.x > x+1 {
		paintLegend(s, legend, sqnrScale, "dB")
	}
	head, body := body.cutTop(1)
	a.layers.scroll(body.h)
	names, grid := body.cutLeft(max(12, body.w-heatCell*len(heatFormats)-1))
	cell := min(heatCell, max(1, grid.w/len(heatFormats)))
	for c, f := range heatFormats {
		st := fg(colDim)
		if c == a.heat.column {
			st = fg(colAccent).with(bold)
		}
		s.textCenter(rect{grid.x + c*cell, head.y, cell, 1}, head.y, st, f.Name)
	}
	a.hots = append(a.hots, hot{area: body, click: (*app).clickHeat, wheel: (*app).wheelList, n: grid.x<<16 | cell})
	a.heat.values = a.heat.values[:0]
	rows := 0
	for row := range body.h {
		i, ok := a.layers.at(a.layers.top + row)
		if !ok {
			break
		}
		rows++
		t := a.model.Tensors[i]
		st := style{}
		if a.layers.top+row == a.layers.cursor {
			s.put(names.x-1, names.y+row, '▸', fg(colAccent).with(bold))
			st = st.with(bold)
		}
		if !quant.Quantizable(t) {
			st.fg = colFaint
		}
		s.text(names, names.x, names.y+row, st, cutMiddle(t.Name, names.w-1))
		for c := range heatFormats {
			a.heat.values = append(a.heat.values, a.heatValue(i, c))
		}
	}
	paintHeat(s, rect{grid.x, grid.y, cell * len(heatFormats), min(grid.h, rows)}, heatView{
		values: a.heat.values, rows: rows, cols: len(heatFormats), cell: cell, scale: sqnrScale,
		cursorRow: a.layers.cursor - a.layers.top, cursorCol: a.heat.column,
	})
	a.drawScrollbar(rect{in.x, body.y, in.w, body.h})
	if side.w > 0 {
		a.explainCell(side)
	} else {
		a.explainCell(foot)
	}
}

// heatValue returns the SQNR of a cell, NaN while it is not known.
func (a *app) heatValue(i, column int) float64 {
	t := a.model.Tensors[i]
	if f := a.work.figures[fact{t, a.heatScheme(i, column)}]; f != nil {
		return f.SQNR()
	}
	return math.NaN()
}

// heatProgress returns how many cells on the screen are known.
func (a *app) heatProgress() (known, all int) {
	for row := range a.layers.rows {
		if i, ok := a.heatRow(row); ok {
			for c := range heatFormats {
				all++
				if !math.IsNaN(a.heatValue(i, c)) {
					known++
				}
			}
		}
	}
	return known, all
}

func (a *app) clickHeat(n int) tea.Cmd {
	x, cell := n>>16, n&0xffff
	for _, h := range a.hots {
		if h.wheel == nil || !h.area.contains(a.mouse.x, a.mouse.y) {
			continue
		}
		row, column := a.layers.top+a.mouse.y-h.area.y, (a.mouse.x-x)/cell
		again := row == a.layers.cursor && column == a.heat.column && a.mouse.x >= x
		if a.mouse.x >= x && column < len(heatFormats) {
			a.heat.column = column
		}
		if again {
			return a.turnTo(pageLayers)
		}
		return a.moveLayer(row - a.layers.cursor)
	}
	return nil
}

// explainCell says in words what the cell under the cursor means.
func (a *app) explainCell(r rect) {
	s := a.screen
	i := a.layers.selected()
	if i < 0 || r.h < 1 {
		return
	}
	t := a.model.Tensors[i]
	if !quant.Quantizable(t) {
		s.text(r, r.x, r.y, fg(colDim), cutEnd(a.whyNot(0), r.w))
		return
	}
	scheme := a.heatScheme(i, a.heat.column)
	db := a.heatValue(i, a.heat.column)
	if r.h < 4 {
		s.text(r, r.x, r.y, style{}.with(bold), cutMiddle(t.Name, r.w))
		s.text(r, r.x, r.y+1, fg(colDim), cutEnd(fmt.Sprintf("%s: %s dB, %s", scheme, dbText(db), qualityText(db)), r.w))
		return
	}
	y := r.y
	line := func(st style, text string) {
		y += a.paragraphs(rect{r.x, y, r.w, max(0, r.y+r.h-y)}, st, text)
	}
	line(style{}.with(bold), cutMiddle(t.Name, r.w))
	line(fg(colDim), fmt.Sprintf("%s · %s weights", shapeText(t.Shape), countText(int64(t.Len()))))
	y++
	line(fg(colQuantized).with(bold), scheme.String())
	if !math.IsNaN(db) {
		line(style{}, fmt.Sprintf("SQNR %s dB — %s.", dbText(db), qualityText(db)))
		if below, all := a.heatRank(i); all > 1 {
			line(fg(colDim), fmt.Sprintf("%d of the %d layers on the screen lose more at this format.", below, all-1))
		}
	}
	y++
	for c, f := range heatFormats {
		if y >= r.y+r.h-1 {
			break
		}
		v := a.heatValue(i, c)
		st := style{}
		if c == a.heat.column {
			st = fg(colAccent).with(bold)
		}
		s.text(r, r.x, y, st, f.Name)
		if !math.IsNaN(v) {
			w := max(4, r.w-26)
			s.text(r, r.x+6, y, sqnrScale.style(v), bar(v/80, w))
			s.textRight(rect{r.x + 6 + w, y, 6, 1}, y, st, dbText(v))
			delta := a.heatScheme(i, c).Bytes(t.Shape, t.Bytes()) - a.planned.schemes[i].Bytes(t.Shape, t.Bytes())
			sign := "+"
			if delta < 0 {
				sign, delta = "−", -delta
			}
			s.textRight(rect{r.x, y, r.w - 1, 1}, y, fg(colDim), sign+sizeText(delta))
		} else {
			s.text(r, r.x+6, y, fg(colDim), "…")
		}
		y++
	}
	y++
	line(fg(colDim), "⏎ to its dials · space take this format")
}

// heatRank counts the layers on the screen that have less SQNR than layer i in
// the column under the cursor.
func (a *app) heatRank(i int) (below, all int) {
	mine := a.heatValue(i, a.heat.column)
	for row := range a.layers.rows {
		if j, ok := a.heatRow(row); ok {
			if v := a.heatValue(j, a.heat.column); !math.IsNaN(v) {
				all++
				if v < mine {
					below++
				}
			}
		}
	}
	return below, all
}

// qualityText says what an SQNR means, by the share of the signal's amplitude
// that the error has.
func qualityText(db float64) string {
	switch {
	case math.IsNaN(db):
		return "not known yet"
	case math.IsInf(db, 1):
		return "no error at all"
	}
	percent := 100 * math.Pow(10, -db/20)
	return fmt.Sprintf("the error is %s %% of the weights, root mean square", valueDigits(percent, 2))
}
