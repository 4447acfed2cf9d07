package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clipperhouse/displaywidth"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// branch is a line of a tree: a drawing and a name, and cells to its right.
type branch struct {
	name  string
	cells []string
}

// treeCells are the widths of the cells, of those to the right positive.
var treeCells = []int{6, -16, 15, 10, 6, 0}

// drawTree writes the model, its types of storage and its layers. The sheet is
// the way out only: a tree looks the same in a pipe.
func drawTree(s *sheet, m *model.Model, tensors []*model.Tensor) error {
	if err := introduceToPeople(s, m); err != nil {
		return err
	}
	root := branch{oneLine(m.Name), cellsOf(tensors, len(tensors), "tensors")}
	root.cells[5] = m.Format
	lines := []branch{root}
	stacks := quant.Outline(tensors)
	for i, stack := range stacks {
		twig, stem := twigs(i == len(stacks)-1)
		if stack.Name == "" {
			lines = append(lines, placeLine(twig, stack.Places[0]))
			continue
		}
		var all []*model.Tensor
		for _, p := range stack.Places {
			all = append(all, p.Tensors...)
		}
		lines = append(lines, branch{twig + stack.Name, cellsOf(all, stack.Layers, "layers")})
		for j, p := range stack.Places {
			twig, _ := twigs(j == len(stack.Places)-1)
			lines = append(lines, placeLine(stem+twig, p))
		}
	}
	if err := writeBranches(s, lines); err != nil {
		return err
	}
	if err := s.line(""); err != nil {
		return err
	}
	var types []branch
	for _, d := range quant.StoredAs(tensors) {
		types = append(types, branch{d.DType.Name, []string{
			showCount(d.Tensors), plural(d.Tensors, "tensors"), showCount(d.Params), showBytes(d.Bytes), fmt.Sprintf("%.2f", d.BPW()), "",
		}})
	}
	if err := writeBranches(s, types); err != nil {
		return err
	}
	return s.flush()
}

// twigs returns how a line is joined to the one above it, and what stands below
// it.
func twigs(last bool) (twig, stem string) {
	if last {
		return "└─ ", "   "
	}
	return "├─ ", "│  "
}

func placeLine(twig string, p quant.Place) branch {
	shape := showShape(p.Tensors[0].Shape)
	if slices.ContainsFunc(p.Tensors, func(t *model.Tensor) bool { return !slices.Equal(t.Shape, p.Tensors[0].Shape) }) {
		shape = "several shapes"
	}
	cells := cellsOf(p.Tensors, len(p.Tensors), "")
	cells[1] = shape
	if len(p.Tensors) == 1 {
		cells[0] = ""
	}
	return branch{twig + p.Name, cells}
}

// shownTypes are listed of a line's types, those with the most bytes.
const shownTypes = 3

// cellsOf returns how many of what there are, their weights and bytes, and how
// they are stored.
func cellsOf(tensors []*model.Tensor, n int, what string) []string {
	total := quant.Stored{}
	var types []string
	stored := quant.StoredAs(tensors)
	for i, d := range stored {
		total.Params += d.Params
		total.Bytes += d.Bytes
		if i >= shownTypes {
			continue
		}
		text := d.DType.Name
		if len(stored) > 1 {
			text += fmt.Sprintf(" ×%d", d.Tensors)
		}
		types = append(types, text)
	}
	if more := len(stored) - shownTypes; more > 0 {
		types = append(types, fmt.Sprintf("%d more", more))
	}
	return []string{
		showCount(n), plural(n, what), showCount(total.Params), showBytes(total.Bytes),
		fmt.Sprintf("%.2f", total.BPW()), strings.Join(types, ", "),
	}
}

// plural returns what, of which the last letter goes if there is one of them.
func plural(n int, what string) string {
	if n == 1 {
		return strings.TrimSuffix(what, "s")
	}
	return what
}

// writeBranches writes lines under a head, in columns.
func writeBranches(s *sheet, lines []branch) error {
	columns := []column{{title: "layer"}, {title: "×"}, {title: "shape"}, {title: "weights"}, {title: "size"}, {title: "bpw"}, {title: "stored as"}}
	for _, l := range lines {
		columns[0].width = min(columns[0].width, -displaywidth.String(l.name))
	}
	for i, w := range treeCells {
		columns[i+1].width = w
	}
	for _, l := range lines {
		if err := (&sheet{columns: columns, out: s.out}).cells(append([]string{l.name}, l.cells...)); err != nil {
			return err
		}
	}
	return nil
}
