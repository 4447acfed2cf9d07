package quant

import (
	"cmp"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// Grid is the tensors of a model as a table: a row for each layer, a column for
// each place in a layer, and apart from it what belongs to no layer.
type Grid struct {
	Columns []string // places, without ".weight": "attn_q"; a number within is a star
	Rows    []GridRow
	Outside []*model.Tensor
}

// GridRow is a layer.
type GridRow struct {
	Name  string            // "blk.12"
	Cells [][]*model.Tensor // by column: none, one, or as many as a layer has of a kind, as experts

	stack int
	layer string
}

// NewGrid arranges tensors by their names, as [Outline] understands them. Columns
// stand in the order in which their places first occur, and so do stacks of
// layers; in a stack layers ascend.
func NewGrid(tensors []*model.Tensor) *Grid {
	g := &Grid{}
	columns, stacks, rows := map[string]int{}, map[string]int{}, map[string]int{}
	for _, t := range tensors {
		before, number, after := numbered(t.Name)
		if number == "" {
			g.Outside = append(g.Outside, t)
			continue
		}
		place := strings.TrimSuffix(starred(after), ".weight")
		column, known := columns[place]
		if !known {
			column = len(g.Columns)
			columns[place] = column
			g.Columns = append(g.Columns, place)
		}
		if _, known := stacks[before]; !known {
			stacks[before] = len(stacks)
		}
		name := before + number
		row, known := rows[name]
		if !known {
			row = len(g.Rows)
			rows[name] = row
			g.Rows = append(g.Rows, GridRow{Name: name, stack: stacks[before], layer: number})
		}
		cells := &g.Rows[row].Cells
		for len(*cells) <= column {
			*cells = append(*cells, nil)
		}
		(*cells)[column] = append((*cells)[column], t)
	}
	for i := range g.Rows {
		cells := &g.Rows[i].Cells
		*cells = append(*cells, make([][]*model.Tensor, len(g.Columns)-len(*cells))...)
	}
	slices.SortStableFunc(g.Rows, func(a, b GridRow) int {
		return cmp.Or(cmp.Compare(a.stack, b.stack), compareNumbers(a.layer, b.layer))
	})
	return g
}

// compareNumbers compares two runs of digits of any length by what they count.
func compareNumbers(a, b string) int {
	x, y := strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y), cmp.Compare(len(a), len(b)))
}
