package tui

import (
	"fmt"
	"math"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// heatMap is layers × formats, coloured by estimated SQNR.
type heatMap struct {
	set    int       // index of the columns in heatSets
	column int       // under the cursor, an index into the set's formats
	first  int       // column that is the first on the screen
	shown  int       // columns on the screen
	values []float64 // of the cells on the screen, by row
}

// heatSet is a set of columns.
type heatSet struct {
	name    string
	formats []*kernels.Format
}

// heatSets are what people choose between: integers by their bits, then every
// family by its members.
var heatSets = func() []heatSet {
	bits := heatSet{name: "bits"}
	for _, name := range []string{"f16", "int8", "int7", "int6", "int5", "int4", "int3", "int2"} {
		bits.formats = append(bits.formats, kernels.FormatOf(name))
	}
	sets := []heatSet{bits}
	for _, family := range kernels.Families {
		set := heatSet{name: family}
		for _, f := range kernels.Formats {
			if f.Family == family {
				set.formats = append(set.formats, f)
			}
		}
		sets = append(sets, set)
	}
	return sets
}()

// formats returns the columns.
func (h *heatMap) formats() []*kernels.Format { return heatSets[h.set].formats }

// nextSet shows the next set of columns.
func (a *app) nextSet() tea.Cmd {
	a.heat.set = (a.heat.set + 1) % len(heatSets)
	a.heat.column, a.heat.first, a.heat.shown = 0, 0, 0
	a.grid.column = min(a.grid.column, 0)
	return nil
}

// heatScheme returns the scheme of a column for tensor i: its present dials
// at another format. Where it has none of an integer's, the default's serve.
func (a *app) heatScheme(i, column int) quant.Scheme {
	f := a.heat.formats()[column]
	s := a.planned.schemes[i]
	if s.Format == f {
		return s
	}
	if !s.Has(kernels.Granular) {
		s = a.history.Plan().Default.Scheme
	}
	return s.As(f)
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
		if r, ok := a.missingFormat(i); ok {
			return r, true
		}
	}
	return request{}, false
}

// missingFormat returns a format in the columns that is not known of tensor i.
func (a *app) missingFormat(i int) (request, bool) {
	t := a.model.Tensors[i]
	for c := a.heat.first; c < a.heat.first+max(1, a.heat.shown); c++ { // before the first frame none is shown
		if s := a.heatScheme(i, c); s.WhyNot(t.Shape) == "" && a.work.missing(t, s) {
			return request{fact: fact{t, s}, i: i}, true
		}
	}
	return request{}, false
}

func (a *app) moveFormat(steps int) tea.Cmd {
	a.heat.column = clamp(a.heat.column+steps, 0, len(a.heat.formats())-1)
	return nil
}

// takeFormat gives the layer under the cursor the format under the cursor.
func (a *app) takeFormat() tea.Cmd {
	i := a.layers.selected()
	if i < 0 || !quant.Quantizable(a.model.Tensors[i]) {
		a.notice = a.whyNot(0)
		return nil
	}
	scheme := a.heatScheme(i, a.heat.column)
	if why := scheme.WhyNot(a.model.Tensors[i].Shape); why != "" {
		a.notice = why
		return nil
	}
	return a.setScheme(scheme)
}

// layOut chooses the columns that a map of w columns of the screen has room
// for, the cursor's among them, and returns the width of a cell.
func (h *heatMap) layOut(w int) (cell int) {
	cell = 7
	for _, f := range h.formats() {
		cell = max(cell, len(f.Name)+1)
	}
	h.shown = clamp(w/cell, 1, len(h.formats()))
	h.first = clamp(h.first, h.column-h.shown+1, h.column)
	h.first = clamp(h.first, 0, len(h.formats())-h.shown)
	return min(cell, max(1, w))
}

// drawSensitivity draws the second page.
func (a *app) drawSensitivity(r rect) {
	s := a.screen
	top, body, words := a.viewParts(r, viewShape{wide: 100, words: 46, rest: 84, rows: 2})
	cell := a.heat.layOut(body.w - 13)
	title := "SQNR dB by format" + a.weighedBy() + " · " + heatSets[a.heat.set].name
	title += a.progressText(a.heatProgress())
	if a.layers.filter != "" {
		title += " · /" + a.layers.filter
	}
	x := s.text(top, top.x, top.y, fg(colDim), title)
	if legend := (rect{top.x + top.w - 34, top.y, 34, 1}); legend.x > x+1 {
		paintLegend(s, legend, sqnrScale, "dB")
	}
	head, body := body.cutTop(1)
	a.layers.scroll(body.h)
	names, grid := body.cutLeft(max(12, body.w-cell*a.heat.shown-1))
	for c := range a.heat.shown {
		st := fg(colDim)
		if a.heat.first+c == a.heat.column {
			st = fg(colAccent).with(bold)
		}
		s.textCenter(rect{grid.x + c*cell, head.y, cell, 1}, head.y, st, a.heat.formats()[a.heat.first+c].Name)
	}
	if a.heat.first > 0 {
		s.put(grid.x-1, head.y, '‹', fg(colAccent))
	}
	if a.heat.first+a.heat.shown < len(a.heat.formats()) {
		s.put(grid.x+cell*a.heat.shown, head.y, '›', fg(colAccent))
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
		s.text(names, names.x, names.y+row, st, a.layers.names.short(t.Name, names.w-1))
		for c := range a.heat.shown {
			a.heat.values = append(a.heat.values, a.heatValue(i, a.heat.first+c))
		}
	}
	paintHeat(s, rect{grid.x, grid.y, cell * a.heat.shown, min(grid.h, rows)}, heatView{
		values: a.heat.values, rows: rows, cols: a.heat.shown, cell: cell, scale: sqnrScale,
		cursorRow: a.layers.cursor - a.layers.top, cursorCol: a.heat.column - a.heat.first,
	})
	a.drawScrollbar(body)
	a.explainCell(words)
}

// heatValue returns the SQNR of a cell, weighted where importance is in use, NaN while it is not known, −∞ where the
// format does not fit.
func (a *app) heatValue(i, column int) float64 {
	t := a.model.Tensors[i]
	if a.heatScheme(i, column).WhyNot(t.Shape) != "" {
		return math.Inf(-1)
	}
	if f := a.work.figures[fact{t, a.heatScheme(i, column)}]; f != nil {
		return a.db(f)
	}
	return math.NaN()
}

// heatProgress returns how many cells on the screen are known.
func (a *app) heatProgress() (known, all int) {
	for row := range a.layers.rows {
		if i, ok := a.heatRow(row); ok {
			for c := range a.heat.shown {
				all++
				if !math.IsNaN(a.heatValue(i, a.heat.first+c)) {
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
		row, column := a.layers.top+a.mouse.y-h.area.y, a.heat.first+(a.mouse.x-x)/cell
		again := row == a.layers.cursor && column == a.heat.column && a.mouse.x >= x
		if a.mouse.x >= x && column < a.heat.first+a.heat.shown {
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
	why := scheme.WhyNot(t.Shape)
	kind := ""
	if a.weighs(t) {
		kind = "weighted "
	}
	if r.h < 4 {
		s.text(r, r.x, r.y, style{}.with(bold), cutMiddle(t.Name, r.w))
		text := fmt.Sprintf("%s: %s dB, %s", scheme, dbText(db), qualityText(kind, db))
		if why != "" {
			text = why
		}
		s.text(r, r.x, r.y+1, fg(colDim), cutEnd(text, r.w))
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
	if why != "" {
		line(fg(colWarn), why)
	} else if !math.IsNaN(db) {
		line(style{}, fmt.Sprintf("%sSQNR %s dB — %s.", kind, dbText(db), qualityText(kind, db)))
		if below, all := a.heatRank(i); all > 1 {
			line(fg(colDim), fmt.Sprintf("%d of the %d layers on the screen lose more at this format.", below, all-1))
		}
	}
	y++
	y = a.drawFormats(rect{r.x, y, r.w, max(0, r.y+r.h-1-y)}, i)
	y++
	line(fg(colDim), "⏎ to its dials · space take this format · f other formats")
}

// drawFormats draws how well tensor i does in the formats of the columns, and what
// they weigh more than the present one, and returns the row after it.
func (a *app) drawFormats(r rect, i int) int {
	s, t, y := a.screen, a.model.Tensors[i], r.y
	for c := a.heat.first; c < a.heat.first+a.heat.shown; c++ {
		if y >= r.y+r.h {
			break
		}
		f, v := a.heat.formats()[c], a.heatValue(i, c)
		st := style{}
		if c == a.heat.column {
			st = fg(colAccent).with(bold)
		}
		name := max(6, a.heatNames()+1)
		s.text(r, r.x, y, st, f.Name)
		switch {
		case math.IsInf(v, -1):
			s.text(r, r.x+name, y, fg(colDim), "does not fit")
		case math.IsNaN(v):
			s.text(r, r.x+name, y, fg(colDim), "…")
		default:
			w := max(4, r.w-20-name)
			s.text(r, r.x+name, y, sqnrScale.style(v), bar(v/80, w))
			s.textRight(rect{r.x + name + w, y, 6, 1}, y, st, dbText(v))
			delta := a.heatScheme(i, c).Bytes(t.Shape, t.Bytes()) - a.planned.schemes[i].Bytes(t.Shape, t.Bytes())
			sign := "+"
			if delta < 0 {
				sign, delta = "−", -delta
			}
			s.textRight(rect{r.x, y, r.w - 1, 1}, y, fg(colDim), sign+sizeText(delta))
		}
		y++
	}
	return y
}

// heatNames returns the width of the widest name of a format in the columns.
func (a *app) heatNames() (w int) {
	for _, f := range a.heat.formats() {
		w = max(w, len(f.Name))
	}
	return w
}

// heatRank counts the layers on the screen that have less SQNR than layer i in
// the column under the cursor.
func (a *app) heatRank(i int) (below, all int) {
	mine := a.heatValue(i, a.heat.column)
	for row := range a.layers.rows {
		if j, ok := a.heatRow(row); ok {
			if v := a.heatValue(j, a.heat.column); !math.IsNaN(v) && !math.IsInf(v, -1) {
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
// that the error has; kind goes before the word error.
func qualityText(kind string, db float64) string {
	switch {
	case math.IsNaN(db):
		return "not known yet"
	case math.IsInf(db, 1):
		return "no error at all"
	}
	return fmt.Sprintf("the %serror is %s of the weights, root mean square", kind, errorShare(db))
}
