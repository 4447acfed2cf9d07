package tui

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// gridLayout says where on the screen the map stands.
type gridLayout struct {
	names, grid rect
	cell, shown int // columns of the screen that a cell takes; kinds shown
}

// layOutGrid divides r and scrolls the cursor's cell into view.
func (a *app) layOutGrid(r rect) (l gridLayout) {
	g := &a.grid
	l.cell = 7
	for k := range g.kinds {
		l.cell = max(l.cell, textWidth(g.kindName(k))+2)
	}
	l.cell = min(l.cell, max(7, min(12, (r.w-12)/max(1, len(g.kinds)))))
	width := clamp(g.names, 5, max(12, r.w-1-l.cell*len(g.kinds)))
	l.names, l.grid = r.cutLeft(min(width, r.w/2))
	_, l.grid = l.grid.cutLeft(1)
	l.shown = clamp(l.grid.w/l.cell, 1, max(1, len(g.kinds)))
	at, ok := g.where[a.layers.selected()]
	if !ok {
		at = [2]int{g.top, g.left}
	}
	g.left = clamp(g.left, at[1]-l.shown+1, at[1])
	g.left = clamp(g.left, 0, max(0, len(g.kinds)-l.shown))
	g.top = clamp(g.top, at[0]-l.grid.h+1, at[0])
	g.top = clamp(g.top, 0, max(0, len(g.rows)-l.grid.h))
	return l
}

// rowName returns the name of a row without what most names begin with.
func (a *app) rowName(row *gridRow) string {
	return strings.TrimPrefix(row.name, a.layers.names.prefix)
}

// kindName returns the last part of a kind's name, or more of it where another
// kind ends alike.
func (g *gridMap) kindName(k int) string {
	parts := strings.Split(strings.ReplaceAll(g.kinds[k], "*.", ""), ".")
	for n := len(parts) - 1; n > 0; n-- {
		name := strings.Join(parts[n:], ".")
		if !slices.ContainsFunc(g.kinds, func(o string) bool { return o != g.kinds[k] && strings.HasSuffix("."+o, "."+name) }) {
			return strings.TrimSuffix(name, "_proj") // which most have, or none
		}
	}
	return strings.Join(parts, ".")
}

// drawGrid draws the map of the whole model.
func (a *app) drawGrid(r rect) {
	s, g := a.screen, &a.grid
	a.arrangeGrid()
	a.heat.first, a.heat.shown = 0, len(a.heat.formats())
	top, body, words := a.viewParts(r, viewShape{wide: 100, words: 46, rest: 70, rows: 2})
	if len(g.rows) == 0 {
		s.text(body, body.x, body.y, fg(colDim), cutEnd("no weights to show: the map has floats of two axes or more", body.w))
		return
	}
	a.addUpGrid()
	all := &g.all
	m, sc := &gridMeasures[g.measure], sqnrScale
	if m.unit != "dB" {
		sc = scale{good: 0, bad: a.gridWorst(all)}
	}
	x := s.text(top, top.x, top.y, fg(colDim), cutEnd(a.gridTitle(g.known, g.total), top.w))
	if legend := (rect{top.x + top.w - 34, top.y, 34, 1}); legend.x > x+1 {
		paintLegend(s, legend, sc, m.unit)
	}
	head, body := body.cutTop(1)
	l := a.layOutGrid(body)
	at, selected := g.where[a.layers.selected()]
	for c := range min(l.shown, len(g.kinds)-g.left) {
		st := fg(colDim)
		if selected && g.left+c == at[1] {
			st = fg(colAccent).with(bold)
		}
		s.textCenter(rect{l.grid.x + c*l.cell, head.y, l.cell - 1, 1}, head.y, st, cutMiddle(g.kindName(g.left+c), l.cell-1))
	}
	if g.left > 0 {
		s.put(l.grid.x-1, head.y, '‹', fg(colAccent))
	}
	if g.left+l.shown < len(g.kinds) {
		s.put(l.grid.x+l.cell*l.shown, head.y, '›', fg(colAccent))
	}
	values := s.floats(len(g.rows) * l.shown)[:0]
	rows := min(l.grid.h, len(g.rows)-g.top)
	for row := range rows {
		st := fg(colDim)
		if selected && g.top+row == at[0] {
			st = style{}.with(bold)
			s.put(l.names.x-1, l.names.y+row, '▸', fg(colAccent).with(bold))
		}
		s.text(l.names, l.names.x, l.names.y+row, st, cutMiddle(a.rowName(&g.rows[g.top+row]), l.names.w))
		for c := range l.shown {
			values = append(values, m.of(&g.cells[g.top+row][g.left+c], all))
		}
	}
	view := heatView{values: values, rows: rows, cols: l.shown, cell: l.cell, scale: sc, text: m.text, cursorRow: -1, blank: func(row, col int) bool { return g.cells[g.top+row][g.left+col].empty }}
	if selected {
		view.cursorRow, view.cursorCol = at[0]-g.top, at[1]-g.left
	}
	paintHeat(s, rect{l.grid.x, l.grid.y, l.cell * l.shown, rows}, view)
	a.hots = append(a.hots, hot{area: rect{body.x, body.y, body.w, rows}, click: (*app).clickGrid, wheel: func(a *app, _, steps int) tea.Cmd { return a.moveInGrid(steps, 0) }, n: l.grid.x<<16 | l.cell})
	s.scrollbar(body, g.top, len(g.rows))
	if _, room := body.cutTop(rows + 1); room.h >= 9 { // a small model leaves room for the curves too
		a.layers.scroll(len(a.layers.order))
		title, room := room.cutTop(1)
		s.text(title, title.x, title.y, fg(colDim), cutEnd(a.curvesTitle(), title.w))
		a.paintCurves(room)
	}
	a.explainGrid(words, all)
}

// gridTitle says what the cells show and how far they are known.
func (a *app) gridTitle(known, total int) string {
	g := &a.grid
	m := &gridMeasures[g.measure]
	title := m.name + " " + m.unit + " "
	if m.weighted {
		title = m.name + " " + m.unit + a.weighedBy() + " "
	}
	if g.column < 0 {
		title += "as planned"
	} else {
		title += "if all were " + a.heat.formats()[g.column].Name
	}
	return title + a.progressText(known, total)
}

// gridWorst returns the largest share of a cell.
func (a *app) gridWorst(all *gridValue) (worst float64) {
	for _, row := range a.grid.cells {
		for c := range row {
			if v := gridMeasures[a.grid.measure].of(&row[c], all); v > worst {
				worst = v
			}
		}
	}
	return worst
}

// sort puts the rows in order: as in the file, or what loses most first.
func (g *gridMap) sort() {
	if !g.sorted {
		return
	}
	loss := func(row int) (worst float64) {
		for c := range g.cells[row] {
			if v := &g.cells[row][c]; v.n > 0 {
				worst = max(worst, g.error(v)/v.n)
			}
		}
		return worst
	}
	order := make([]int, len(g.rows))
	losses := make([]float64, len(g.rows))
	for i := range order {
		order[i], losses[i] = i, loss(i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(losses[b], losses[a]) })
	rows, cells := make([]gridRow, len(order)), make([][]gridValue, len(order))
	for to, from := range order {
		rows[to], cells[to] = g.rows[from], g.cells[from]
	}
	g.rows, g.cells, g.next = rows, cells, 0
	g.locate()
}

// locate notes where each tensor stands.
func (g *gridMap) locate() {
	clear(g.where)
	for r, row := range g.rows {
		for k, cell := range row.cells {
			for _, i := range cell {
				g.where[i] = [2]int{r, k}
			}
		}
	}
}

// moveInGrid moves the cursor to the next cell that holds something.
func (a *app) moveInGrid(rows, cols int) tea.Cmd {
	g := &a.grid
	a.arrangeGrid()
	at, ok := g.where[a.layers.selected()]
	if !ok {
		return a.pickInGrid(0, 0)
	}
	row, col := clamp(at[0]+rows, 0, len(g.rows)-1), at[1]
	for col += cols; cols != 0 && col >= 0 && col < len(g.kinds); col += cols {
		if cells := g.rows[row].cells; col < len(cells) && len(cells[col]) > 0 {
			return a.pickInGrid(row, col)
		}
	}
	if cols != 0 {
		return nil
	}
	return a.pickInGrid(row, col)
}

// pickInGrid puts the cursor on a cell, or on the nearest of its row that holds
// something: there on the tensor that loses most.
func (a *app) pickInGrid(row, col int) tea.Cmd {
	g := &a.grid
	if row >= len(g.rows) {
		return nil
	}
	best, far := -1, math.MaxInt
	for k, cell := range g.rows[row].cells {
		if d := max(k-col, col-k); len(cell) > 0 && d < far {
			best, far = k, d
		}
	}
	pick, worst := -1, math.Inf(1)
	for _, i := range g.rows[row].cells[best] {
		db := math.Inf(1)
		if f := a.work.figures[fact{a.model.Tensors[i], a.gridScheme(i)}]; f != nil {
			if db = f.SQNR(); gridMeasures[g.measure].weighted {
				db = f.Weighted.SQNR()
			}
		}
		if pick < 0 || db < worst {
			pick, worst = i, db
		}
	}
	return a.moveLayer(slices.Index(a.layers.order, pick) - a.layers.cursor)
}

func (a *app) clickGrid(n int) tea.Cmd {
	x, cell := n>>16, n&0xffff
	for _, h := range a.hots {
		if h.wheel == nil || !h.area.contains(a.mouse.x, a.mouse.y) {
			continue
		}
		before := a.layers.cursor
		row, col := a.grid.top+a.mouse.y-h.area.y, 0
		if a.mouse.x >= x {
			col = a.grid.left + (a.mouse.x-x)/cell
		}
		cmd := a.pickInGrid(row, col)
		if a.layers.cursor == before && a.mouse.x >= x {
			return a.turnTo(pageLayers)
		}
		return cmd
	}
	return nil
}

func (a *app) nextGridMeasure() tea.Cmd {
	g := &a.grid
	for next := true; next; next = gridMeasures[g.measure].weighted && !a.weighted() {
		g.measure = (g.measure + 1) % len(gridMeasures)
	}
	return nil
}

func (a *app) sortGrid() tea.Cmd {
	g := &a.grid
	g.sorted = !g.sorted
	if !g.sorted {
		g.of, g.where = nil, nil // made anew, as in the file
		a.notice = "layers as in the file"
		return nil
	}
	g.sums = gridState{}
	a.notice = "layers sorted: what loses most first"
	return nil
}

// moveGridFormat shows the map as planned, or with all weights in one format.
func (a *app) moveGridFormat(steps int) tea.Cmd {
	a.grid.column = clamp(a.grid.column+steps, -1, len(a.heat.formats())-1)
	if a.grid.column >= 0 {
		a.heat.column = a.grid.column
	}
	return nil
}

// explainGrid says in words what the cell under the cursor means.
func (a *app) explainGrid(r rect, all *gridValue) {
	s, g := a.screen, &a.grid
	i := a.layers.selected()
	at, ok := g.where[i]
	if !ok || r.h < 1 {
		return
	}
	t, scheme := a.model.Tensors[i], a.gridScheme(i)
	v := &g.cells[at[0]][at[1]]
	db, kind := g.db(v), "SQNR"
	if gridMeasures[g.measure].weighted {
		kind = "weighted SQNR"
	}
	text := fmt.Sprintf("%s: %s %s dB", schemeText(t, scheme), kind, dbText(db))
	if math.IsInf(db, -1) {
		text = cmp.Or(scheme.WhyNot(t.Shape), "it could not be read")
	}
	rank := a.gridRank(at, v)
	if r.h < 4 {
		s.text(r, r.x, r.y, style{}.with(bold), cutMiddle(t.Name, r.w))
		s.text(r, r.x, r.y+1, fg(colDim), cutEnd(text+rank, r.w))
		return
	}
	y := r.y
	line := func(st style, text string) {
		y += a.paragraphs(rect{r.x, y, r.w, max(0, r.y+r.h-y)}, st, text)
	}
	line(style{}.with(bold), cutMiddle(t.Name, r.w))
	line(fg(colDim), fmt.Sprintf("%s · %s weights", shapeText(t.Shape), countText(int64(t.Len()))))
	if n := len(g.rows[at[0]].cells[at[1]]); n > 1 {
		line(fg(colDim), fmt.Sprintf("one of the %d that the cell adds up", n))
	}
	y++
	line(style{}, text+rank+".")
	if !math.IsNaN(db) && !math.IsInf(db, -1) {
		relative, squared := v.share(v.relative, all.relative), v.share(v.sse, all.sse)
		line(fg(colDim), fmt.Sprintf("%s %% of the model's relative error, %s %% of its squared error, %s %% of its weights.", partText(relative), partText(squared), partText(100*v.n/max(1, all.n))))
		if a.weighted() {
			line(fg(colDim), fmt.Sprintf("%s %% of its error%s.", partText(v.share(v.weighted, all.weighted)), a.weighedBy()))
		}
	}
	y++
	if a.weighted() {
		line(fg(colDim), "SQNR dB"+a.weighedBy())
	}
	y = a.drawFormats(rect{r.x, y, r.w, max(0, r.y+r.h-y-2)}, i)
	hint := rect{r.x, max(y+1, r.y+r.h-2), r.w, 2}
	a.paragraphs(hint, fg(colDim), "⏎ to its dials · [ ] if all were another format · e another measure · v curves")
}

// gridRank compares a cell with the others of its kind.
func (a *app) gridRank(at [2]int, v *gridValue) string {
	var others []float64
	for r := range a.grid.cells {
		if db := a.grid.db(&a.grid.cells[r][at[1]]); !math.IsNaN(db) && !math.IsInf(db, 0) {
			others = append(others, db)
		}
	}
	db := a.grid.db(v)
	if len(others) < 3 || math.IsNaN(db) || math.IsInf(db, 0) {
		return ""
	}
	slices.Sort(others)
	median := others[len(others)/2]
	switch {
	case db == others[0] && db < others[1]:
		return fmt.Sprintf(", the lowest of its kind; the median is %s", dbText(median))
	case db == others[len(others)-1] && db > others[len(others)-2]:
		return fmt.Sprintf(", the highest of its kind; the median is %s", dbText(median))
	}
	return fmt.Sprintf("; the median of its kind is %s", dbText(median))
}
