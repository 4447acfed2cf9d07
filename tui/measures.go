package tui

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant/net"
)

// measures is the side of the sensitivity page that runs the model: layers ×
// measures of what each does to the answers.
type measures struct {
	column  int  // under the cursor, an index into measureColumns
	stopped bool // nothing is run until the user says so
	cell    int  // columns that a value takes
	values  []float64
}

// measureColumn is one measure of a layer's harm.
type measureColumn struct {
	group, unit string
	about       string
	kind        errandKind
	// change returns the measure from the score of the errand and the one that
	// it is held against: of the float network, or of the plan.
	change func(s, base *net.Score) float64
	sign   float64 // of a change that is harm by this layer
	bad    float64 // harm from here on has the worst colour, unless a layer does more
	text   func(float64) string
}

func lossChange(s, base *net.Score) float64 { return s.MeanLoss() - base.MeanLoss() }

func pointsChange(s, base *net.Score) float64 { return 100 * (s.Accuracy() - base.Accuracy()) }

// measureColumns is the table of measures.
var measureColumns = []measureColumn{
	{"forecast", "loss", "Forecast: ½·Σ g²·Δw², the squared gradients of the float network's loss times the squared errors of the weights. One backward pass serves every scheme; of what flows in it knows nothing.", forecast, nil, 1, 0.02, lossText},
	{"alone", "loss", "Alone: how the loss changes, in nats, if this layer is quantized and all else stays in float.", scoreAlone, lossChange, 1, 0.02, lossText},
	{"alone", "KLD", "Alone: how far the answers move from the float network's, in nats, if this layer is quantized and all else stays in float. It needs fewer inputs than loss and accuracy to tell layers apart.", scoreAlone, func(s, _ *net.Score) float64 { return s.MeanKLD() }, 1, 0.02, lossText},
	{"alone", "points", "Alone: how the share of right answers changes, in percentage points, if this layer is quantized and all else stays in float.", scoreAlone, pointsChange, -1, 2, pointsText},
	{"spared", "loss", "Spared: how the loss changes, in nats, if of all that the plan quantizes this layer alone goes back to float.", scoreAllBut, lossChange, -1, 0.02, lossText},
	{"spared", "points", "Spared: how the share of right answers changes, in percentage points, if of all that the plan quantizes this layer alone goes back to float.", scoreAllBut, pointsChange, 1, 2, pointsText},
}

// The columns that forecasts are held against by default, and their own.
const (
	columnForecast = iota
	columnAlone
)

func lossText(v float64) string {
	switch a := math.Abs(v); {
	case a < 0.00005:
		return "0"
	case a < 10:
		return fmt.Sprintf("%+.4f", v)
	}
	return fmt.Sprintf("%+.1f", v)
}

func pointsText(v float64) string {
	if math.Abs(v) < 0.05 {
		return "0"
	}
	return fmt.Sprintf("%+.1f", v)
}

// toMeasures turns the sensitivity page over.
func (a *app) toMeasures() tea.Cmd {
	switch {
	case a.page == pageMeasures:
		return a.toSensitivity()
	case a.run.bench == nil:
		a.notice = "the model cannot be run here: only its weights can be measured"
		return nil
	}
	if a.measures.column == columnForecast {
		a.measures.column = columnAlone
	}
	return a.turnTo(pageMeasures)
}

func (a *app) moveMeasure(steps int) tea.Cmd {
	a.measures.column = clamp(a.measures.column+steps, 0, len(measureColumns)-1)
	return nil
}

// stopMeasures stops the runs, or goes on with them.
func (a *app) stopMeasures() tea.Cmd {
	a.measures.stopped = !a.measures.stopped
	return nil
}

// sortByMeasure sorts the layers by the measure under the cursor, the most
// harmful first.
func (a *app) sortByMeasure() tea.Cmd {
	l := &a.layers
	at := l.selected()
	l.sort, l.down = -1, false
	harm := func(i int) float64 {
		if h := a.harm(i, a.measures.column); !math.IsNaN(h) {
			return h
		}
		return math.Inf(-1)
	}
	slices.SortStableFunc(l.order, func(i, j int) int { return cmp.Compare(harm(j), harm(i)) })
	l.cursor = max(0, slices.Index(l.order, at))
	a.notice = "sorted by " + measureColumns[a.measures.column].name()
	return nil
}

func (m *measureColumn) name() string { return m.group + ": " + m.unit }

// measured reports whether the plan does anything to tensor i of the network.
func (a *app) measured(i int) bool {
	t := a.model.Tensors[i]
	if a.run.bench == nil || a.run.bench.task.Network.Weight[t.Name] == nil {
		return false
	}
	return !a.planned.schemes[i].Keep() || a.run.inputs[t.Name] != nil && !a.activation(t.Name).Keep()
}

// measureErrand returns what a measure of tensor i takes. Its fields are what
// the answer depends on, so that it is kept while those stay the same.
func (a *app) measureErrand(i int, kind errandKind) errand {
	t, s := a.model.Tensors[i], a.planned.schemes[i]
	switch kind {
	case forecast:
		return errand{kind: kind, tensor: t, scheme: s}
	case scoreAllBut:
		return errand{kind: kind, tensor: t, plan: a.planSum()}
	}
	return errand{kind: kind, tensor: t, scheme: s, flow: a.activation(t.Name), plan: a.history.Plan().Remedies.String()}
}

// baseErrand returns what a measure needs first: for a score that which it is
// held against.
func (a *app) baseErrand(kind errandKind) errand {
	switch kind {
	case forecast:
		return errand{kind: measureCurve}
	case scoreAllBut:
		return errand{kind: scorePlan, plan: a.planSum()}
	}
	return errand{kind: scoreFloat}
}

// measure returns a measure of tensor i: NaN while it is not known, −∞ where
// there is none.
func (a *app) measure(i, column int) float64 {
	c := &measureColumns[column]
	if !a.measured(i) || c.kind == forecast && a.planned.schemes[i].Keep() {
		return math.Inf(-1)
	}
	e := a.measureErrand(i, c.kind)
	if a.run.failed[e] != nil || a.run.failed[a.baseErrand(c.kind)] != nil {
		return math.Inf(-1)
	}
	if c.kind == forecast {
		return a.run.cost(e)
	}
	s, base := a.run.harms[e], a.run.harms[a.baseErrand(c.kind)]
	if s == nil || base == nil {
		return math.NaN()
	}
	return c.change(s, base)
}

// harm returns a measure so that more is worse; NaN where it is not known.
func (a *app) harm(i, column int) float64 {
	if v := a.measure(i, column); !math.IsInf(v, -1) {
		return v * measureColumns[column].sign
	}
	return math.NaN()
}

// measureKinds returns the kinds of errands in the order of their urgency: the
// cheap forecasts, then what the cursor is on.
func (a *app) measureKinds() []errandKind {
	if measureColumns[a.measures.column].kind == scoreAllBut {
		return []errandKind{forecast, scoreAllBut, scoreAlone}
	}
	return []errandKind{forecast, scoreAlone, scoreAllBut}
}

// nextMeasure returns the next errand of the table: kind by kind, the layers on
// the screen first.
func (a *app) nextMeasure() (errand, bool) {
	first := []errand{{kind: scoreFloat}}
	if a.history.Plan().NeedsCalibration() {
		first = slices.Insert(first, 0, errand{kind: calibrate})
	}
	if e, ok := a.run.firstUnknown(first...); ok {
		return e, true
	}
	for _, kind := range a.measureKinds() {
		for row := range len(a.layers.order) {
			i, _ := a.layers.at((a.layers.top + row) % len(a.layers.order))
			if !a.measured(i) || kind == forecast && a.planned.schemes[i].Keep() {
				continue
			}
			if e, ok := a.run.firstUnknown(a.baseErrand(kind), a.measureErrand(i, kind)); ok {
				return e, true
			}
		}
	}
	return errand{}, false
}

// measureProgress returns how many of the table's errands are done, and how
// long the others should take.
func (a *app) measureProgress() (known, all int, left time.Duration) {
	for _, i := range a.layers.order {
		if !a.measured(i) {
			continue
		}
		for _, kind := range a.measureKinds() {
			all++
			e := a.measureErrand(i, kind)
			if a.run.settled(e) || a.run.failed[a.baseErrand(kind)] != nil || kind == forecast && a.planned.schemes[i].Keep() {
				known++
				continue
			}
			took := a.run.took[kind]
			if took == 0 && kind != forecast { // the first of its kind: it runs the network as the float one ran
				took = a.run.took[scoreFloat]
			}
			left += took
		}
	}
	return known, all, left
}

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
	in := r.inset(1)
	_, in = in.cutLeft(1)
	if a.run.bench == nil {
		a.paragraphs(in, fg(colDim), "The model cannot be run here: only its weights can be measured.")
		return
	}
	side := rect{}
	if in.w >= 110 {
		side, in = in.cutRight(min(64, in.w-84))
		s.vrule(r, side.x, fg(colFaint))
		_, side = side.cutLeft(2)
	}
	top, body := in.cutTop(1)
	foot := rect{}
	if side.w == 0 {
		foot, body = body.cutBottom(3)
	}
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
	a.drawScrollbar(rect{in.x, body.y, in.w, body.h})
	if side.w > 0 {
		a.explainMeasure(side)
		return
	}
	about := a.correlationText()
	line, foot := foot.cutTop(1)
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

// comparedColumn is the measure that forecasts are held against: the one under
// the cursor.
func (a *app) comparedColumn() int {
	if a.measures.column == columnForecast {
		return columnAlone
	}
	return a.measures.column
}

// pairs returns the forecasts of the layers of which that and the compared
// measure are known, and the latter's harm.
func (a *app) pairs() (forecasts, harms []float64, layers []int) {
	for _, i := range a.layers.order {
		x, y := a.harm(i, columnForecast), a.harm(i, a.comparedColumn())
		if !math.IsNaN(x) && !math.IsNaN(y) {
			forecasts, harms, layers = append(forecasts, x), append(harms, y), append(layers, i)
		}
	}
	return forecasts, harms, layers
}

// correlationText says how good the forecast is, "" while there is too little to
// say so.
func (a *app) correlationText() string {
	x, y, _ := a.pairs()
	if len(x) < 3 {
		return ""
	}
	rho := net.RankCorrelation(x, y)
	if math.IsNaN(rho) {
		return ""
	}
	m := &measureColumns[a.comparedColumn()]
	return fmt.Sprintf("The forecast puts %d layers in the order of “%s” with a rank correlation of %.2f.", len(x), m.name(), rho)
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
	s.text(hint, hint.x, hint.y, fg(colDim), cutEnd("⏎ to its dials · space sort · v map of SQNR", hint.w))
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
