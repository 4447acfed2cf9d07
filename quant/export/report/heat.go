package report

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// heatMap is the map of the model: layers by places, coloured by SQNR, and what
// stands outside of layers under it.
type heatMap struct {
	W, H          float64
	Columns, Rows []label
	Cells         []cell
	Outside       []label
	Note          string // what was left out
}

// label is text at a place.
type label struct {
	X, Y  float64
	Text  string
	Title string
}

// cell is a square of the map, with its value.
type cell struct {
	X, Y, W, H  float64
	Step        int
	Kept        bool // nothing is lost, nothing saved
	Text, Title string
}

// Sizes of the map, in pixels, and how much of it is drawn at most: a page of more
// than that is no picture any longer.
const (
	cellW, cellH   = 38, 19
	letterW        = 5.8 // of a name, about
	maxName        = 30
	maxRows        = 256
	maxColumns     = 64
	maxOutside     = 240
	outsideW, left = 232, 8
)

func (r *Report) heat() heatMap {
	of := make(map[*model.Tensor]*Tensor, len(r.Tensors))
	var shown []*model.Tensor
	for i := range r.Tensors {
		t := &r.Tensors[i]
		of[t.Tensor] = t
		if quant.IsWeight(t.Tensor) || !t.Scheme.Keep() {
			shown = append(shown, t.Tensor)
		}
	}
	g, colours := quant.NewGrid(shown), r.ramp()
	var h heatMap
	rows, columns, outside := min(len(g.Rows), maxRows), min(len(g.Columns), maxColumns), min(len(g.Outside), maxOutside)
	if rows < len(g.Rows) || columns < len(g.Columns) || outside < len(g.Outside) {
		h.Note = fmt.Sprintf("The map shows %d of %d layers, %d of %d places and %d of %d other tensors; the table has all.", rows, len(g.Rows), columns, len(g.Columns), outside, len(g.Outside))
	}
	x0, y0 := float64(left), 0.0
	if rows > 0 {
		names, heads := 0, 0
		for _, row := range g.Rows[:rows] {
			names = max(names, utf8.RuneCountInString(short(row.Name)))
		}
		for _, c := range g.Columns[:columns] {
			heads = max(heads, utf8.RuneCountInString(short(c)))
		}
		x0 += float64(names)*letterW + 8
		y0 = float64(heads)*letterW*math.Sin(math.Pi/5) + 16
		h.W = x0 + float64(columns)*cellW + float64(heads)*letterW*math.Cos(math.Pi/5)
	}
	for c, name := range g.Columns[:columns] {
		h.Columns = append(h.Columns, label{x0 + (float64(c)+0.4)*cellW, y0 - 6, short(name), name})
	}
	for i, row := range g.Rows[:rows] {
		y := y0 + float64(i)*cellH
		h.Rows = append(h.Rows, label{x0 - 6, y + 13, short(row.Name), row.Name})
		for c, tensors := range row.Cells[:columns] {
			if len(tensors) > 0 {
				h.Cells = append(h.Cells, colours.cell(tensors, of, x0+float64(c)*cellW, y))
			}
		}
	}
	y := y0 + float64(rows)*cellH
	if rows > 0 {
		y += 14
	}
	perRow := max(3, int(h.W/outsideW))
	for i, t := range g.Outside[:outside] {
		x, y := float64(left)+float64(i%perRow)*outsideW, y+float64(i/perRow)*(cellH+3)
		h.Cells = append(h.Cells, colours.cell([]*model.Tensor{t}, of, x, y))
		h.Outside = append(h.Outside, label{x + cellW + 6, y + 13, short(t.Name), t.Name})
		h.W = max(h.W, x+outsideW)
	}
	h.H = y + float64((outside+perRow-1)/perRow)*(cellH+3) + 4
	return h
}

// cell returns the cell of the tensors that have one place in one layer.
func (r ramp) cell(tensors []*model.Tensor, of map[*model.Tensor]*Tensor, x, y float64) cell {
	var sum quant.Totals
	kept := true
	for _, t := range tensors {
		sum.Add(t, of[t].Scheme, of[t].Figures)
		kept = kept && of[t].Scheme.Keep()
	}
	first := of[tensors[0]]
	name := first.Name
	if len(tensors) > 1 {
		name += fmt.Sprintf(" and %d more", len(tensors)-1)
	}
	c := cell{X: x, Y: y, W: cellW - 1, H: cellH - 1, Kept: kept, Text: "kept", Title: name + ": kept as it is stored"}
	if !kept {
		c.Step, c.Text = r.step(sum.SQNR()), decibels(sum.SQNR())
		c.Title = fmt.Sprintf("%s: %s dB %s, %.2f bpw, %s", name, decibels(sum.SQNR()), approximate(sum.Exact()), sum.BPW(), first.Scheme)
	}
	return c
}

// short returns a name that is cut in the middle if it is long.
func short(name string) string {
	r := []rune(name)
	if len(r) <= maxName {
		return name
	}
	return string(r[:maxName/2-1]) + "…" + string(r[len(r)-maxName/2:])
}

// legend is the ramp with values.
type legend struct {
	Cells  []cell
	Labels []label
}

func (r ramp) legend() (l legend) {
	const w = 22
	for i := range steps {
		width := (r.good - r.bad) / steps
		from := r.good - float64(i)*width
		l.Cells = append(l.Cells, cell{X: float64(i) * w, W: w, H: 12, Step: i, Title: fmt.Sprintf("%.1f to %.1f dB", from, from-width)})
		if i%3 == 0 {
			l.Labels = append(l.Labels, label{X: float64(i) * w, Y: 24, Text: fmt.Sprintf("%.0f", from)})
		}
	}
	l.Labels = append(l.Labels, label{X: steps * w, Y: 24, Text: fmt.Sprintf("%.0f dB", r.bad)})
	return l
}
