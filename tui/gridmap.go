package tui

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// gridMap is the side of the sensitivity page that shows the whole model: its
// layers × the kinds of weights in them, coloured by what the plan does there.
type gridMap struct {
	of      []int // the list that it was made from: the tensors shown, by address
	kinds   []string
	rows    []gridRow
	where   map[int][2]int // row and column of a tensor
	top     int            // first row on the screen
	left    int            // first column
	measure int            // index into gridMeasures
	column  int            // of the formats, one for all; -1: the plan's schemes
	sorted  bool           // rows by what they lose
	names   int            // columns of the screen that the longest name of a row takes

	cells        [][]gridValue // by row and column
	all          gridValue     // their sum
	known, total int           // cells
	sums         gridState     // what these were found of
	made         time.Time
	took         time.Duration
	full         gridState // in rows before this one, counted from the first on the
	next         int       // screen, nothing is missing
}

// gridState stands for what the map shows. The counts only grow.
type gridState struct {
	model                *model.Model // nil: of nothing yet
	edits, forgotten     int
	column, set, measure int
	found, failed        int // what comes in while the map fills
	top                  int
}

func (a *app) gridState() gridState {
	return gridState{a.model, a.planned.edits, a.work.forgotten, a.grid.column, a.heat.set, a.grid.measure, a.work.found, len(a.work.failed), 0}
}

// gridRow is a layer, or a tensor outside of all layers.
type gridRow struct {
	name  string
	cells [][]int // tensors by kind: none, one, or the experts of a layer
}

// gridValue is what is known of a cell.
type gridValue struct {
	n               float64 // weights that are measured
	relative, sse   float64 // Σ n·Σe²/Σx², Σe²
	weighted        float64 // Σ n·Σw·e²/Σw·x²
	missing, failed int     // tensors that are not known yet, or never
	empty           bool
}

// db returns the SQNR of all weights of the cell, counting alike.
func (v *gridValue) db() float64 { return v.dbOf(v.relative) }

// dbOf returns an error of the cell, relative or weighted, in dB.
func (v *gridValue) dbOf(e float64) float64 {
	switch {
	case v.empty || v.failed > 0:
		return math.Inf(-1)
	case v.missing > 0:
		return math.NaN()
	case e == 0:
		return math.Inf(1)
	}
	return -10 * math.Log10(e/v.n)
}

// error returns the error of a cell that the map's measure is about.
func (g *gridMap) error(v *gridValue) float64 {
	if gridMeasures[g.measure].weighted {
		return v.weighted
	}
	return v.relative
}

// db returns the same in dB.
func (g *gridMap) db(v *gridValue) float64 { return v.dbOf(g.error(v)) }

// gridMeasure is what the cells show.
type gridMeasure struct {
	name, unit, about string
	of                func(v, all *gridValue) float64
	text              func(float64) string
	weighted          bool // by importance: only where that is in use
}

var gridMeasures = []gridMeasure{
	{"SQNR", "dB", "how far the error lies below the weights", func(v, _ *gridValue) float64 { return v.db() }, dbText, false},
	{"share of relative error", "%", "its part of what the plan's SQNR is made of: the errors relative to each tensor's energy, every weight counting alike", func(v, all *gridValue) float64 { return v.share(v.relative, all.relative) }, partText, false},
	{"share of squared error", "%", "its part of Σe² of the model: large weights count more", func(v, all *gridValue) float64 { return v.share(v.sse, all.sse) }, partText, false},
	{"SQNR", "dB", "how far the error lies below the weights, each counting for its importance", func(v, _ *gridValue) float64 { return v.dbOf(v.weighted) }, dbText, true},
	{"share of error", "%", "its part of what a plan for the objective imatrix makes small: the errors relative to each tensor's energy, each weight counting for its importance", func(v, all *gridValue) float64 { return v.share(v.weighted, all.weighted) }, partText, true},
}

// weightedError is what plans for importance make small.
var weightedError = quant.ObjectiveOf("imatrix").Error

func (v *gridValue) share(part, all float64) float64 {
	if db := v.db(); math.IsNaN(db) || math.IsInf(db, -1) {
		return db
	}
	if all == 0 {
		return 0
	}
	return 100 * part / all
}

func partText(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

// arrangeGrid makes the map of the tensors in the list, if that has changed.
func (a *app) arrangeGrid() {
	g := &a.grid
	if slices.Equal(g.of, a.layers.order) && g.where != nil {
		return
	}
	*g = gridMap{of: slices.Clone(a.layers.order), where: map[int][2]int{}, measure: g.measure, column: g.column, sorted: g.sorted}
	shown := slices.Clone(a.layers.order)
	slices.Sort(shown) // as in the file, however the list is sorted
	var tensors []*model.Tensor
	at := map[*model.Tensor]int{}
	for _, i := range shown {
		if t := a.model.Tensors[i]; quant.IsWeight(t) {
			tensors = append(tensors, t)
			at[t] = i
		}
	}
	grid := quant.NewGrid(tensors)
	apart := 0
	if len(grid.Outside) > 0 { // what is in no layer has rows of its own, and a column
		g.kinds, apart = []string{"–"}, 1
	}
	g.kinds = append(g.kinds, grid.Columns...)
	for _, t := range grid.Outside {
		g.rows = append(g.rows, gridRow{t.Name, [][]int{{at[t]}}})
	}
	for _, r := range grid.Rows {
		row := gridRow{r.Name, make([][]int, apart+len(r.Cells))}
		for k, cell := range r.Cells {
			for _, t := range cell {
				row.cells[apart+k] = append(row.cells[apart+k], at[t])
			}
		}
		g.rows = append(g.rows, row)
	}
	for r := range g.rows {
		g.names = max(g.names, textWidth(a.rowName(&g.rows[r])))
	}
	g.locate()
}

// gridScheme returns the scheme that the map shows tensor i under.
func (a *app) gridScheme(i int) quant.Scheme {
	if a.grid.column < 0 {
		return a.planned.schemes[i]
	}
	return a.heatScheme(i, a.grid.column)
}

// gridCell adds up what is known of a cell.
func (a *app) gridCell(row, kind int) (v gridValue) {
	cells := a.grid.rows[row].cells
	if kind >= len(cells) || len(cells[kind]) == 0 {
		v.empty = true
		return v
	}
	for _, i := range cells[kind] {
		t, s := a.model.Tensors[i], a.gridScheme(i)
		switch f := a.work.figures[fact{t, s}]; {
		case s.WhyNot(t.Shape) != "", a.work.failed[t] != nil:
			v.failed++
		case s.Keep():
			v.n += float64(t.Len())
		case f == nil:
			v.missing++
		default:
			v.n += float64(f.N)
			v.sse += f.E2
			v.weighted += weightedError(f)
			if f.E2 > 0 {
				v.relative += float64(f.N) * f.E2 / f.X2
			}
		}
	}
	return v
}

// addUpGrid brings all cells and their sum up to date, or leaves them for a moment
// while facts come in faster than it can follow.
func (a *app) addUpGrid() {
	g, now := &a.grid, a.gridState()
	same := g.sums
	same.found, same.failed = now.found, now.failed
	if g.sums == now || same == now && a.work.job != nil && time.Since(g.made) < max(100*time.Millisecond, 10*g.took) {
		return
	}
	start := time.Now()
	g.sums, g.all, g.known, g.total = now, gridValue{}, 0, 0
	g.cells = g.cells[:0]
	for r := range g.rows {
		var row []gridValue
		if r < cap(g.cells) {
			row = g.cells[:r+1][r][:0]
		}
		for k := range g.kinds {
			v := a.gridCell(r, k)
			row = append(row, v)
			if v.empty {
				continue
			}
			g.total++
			if v.missing == 0 {
				g.known++
			}
			g.all.n += v.n
			g.all.relative += v.relative
			g.all.sse += v.sse
			g.all.weighted += v.weighted
		}
		g.cells = append(g.cells, row)
	}
	g.sort()
	g.made = time.Now()
	g.took = g.made.Sub(start)
}

// missingInGrid returns what the map has still to learn: tensors under the scheme
// that it shows, those on the screen first, then the formats of the one under the
// cursor, then of others.
func (a *app) missingInGrid() (request, bool) {
	a.arrangeGrid()
	g := &a.grid
	now := a.gridState()
	now.found, now.failed, now.top = 0, 0, g.top
	if g.full != now {
		g.full, g.next = now, 0
	}
	for ; g.next < len(g.rows); g.next++ {
		for _, cell := range g.rows[(g.top+g.next)%len(g.rows)].cells {
			for _, i := range cell {
				if t, s := a.model.Tensors[i], a.gridScheme(i); s.WhyNot(t.Shape) == "" && a.work.missing(t, s) {
					return request{fact: fact{t, s}, i: i}, true
				}
			}
		}
	}
	if i := a.layers.selected(); i >= 0 && quant.IsWeight(a.model.Tensors[i]) {
		if r, ok := a.missingFormat(i); ok {
			return r, true
		}
	}
	return a.missingCell()
}
