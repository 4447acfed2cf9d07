package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/export"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/imatrix"
)

func (f *quantizeFlags) writeGGUF(c *cobra.Command, m *model.Model, plan quant.Plan, mix *quant.Mix) error {
	tellFallbacks(c, m.Tensors, plan)
	g, err := export.PlanGGUF(m, plan)
	if err != nil {
		return err
	}
	if mix != nil {
		if err := g.Name(mix); err != nil {
			return err
		}
	}
	if f.imatrix != "" {
		matrix, err := imatrix.Open(f.imatrix)
		if err != nil {
			return err
		}
		defer matrix.Close() //nolint:errcheck // only read
		without, err := g.Guide(matrix)
		if err != nil {
			return err
		}
		if without > 0 {
			c.PrintErrf("bitdial: no importance in %s for %s that would use it: their weights count alike\n", oneLine(f.imatrix), counted(without, "tensor", "tensors"))
		}
	}
	tellGGUF(c, m, g)
	if f.dry {
		return listGGUF(newSheet(false, packedColumns(m.Tensors)), g)
	}
	bar := newProgress(1)
	bar.start("writing "+f.out, 1)
	defer bar.wipe()
	if err := g.Write(c.Context(), f.out, f.replace, bar.from(0, 1)); err != nil {
		return err
	}
	bar.wipe()
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %d tensors, %d bytes\n", oneLine(f.out), len(g.Tensors), g.Size)
	return err
}

// tellGGUF says on standard error what is wrong with a file that can be written
// all the same.
func tellGGUF(c *cobra.Command, m *model.Model, g *export.GGUF) {
	again, unguided := 0, 0
	var first, needy *export.Packed
	for i := range g.Tensors {
		p := &g.Tensors[i]
		if p.Requantized() {
			if again++; again == 1 {
				first = p
			}
		}
		if !p.Copied() && p.Importance == nil && p.As.Packing != nil && p.As.Packing.NeedsImportance {
			if unguided++; unguided == 1 {
				needy = p
			}
		}
	}
	if again > 0 {
		c.PrintErrf("bitdial: %s are quantized a second time, as %s from %s to %s: that costs accuracy; best begin with f16 or bf16\n",
			counted(again, "tensor", "tensors"), first.Name, first.DType, first.As)
	}
	if unguided > 0 {
		c.PrintErrf("bitdial: %s, as %s: %s wants to know which weights matter, from --imatrix; without that all count alike\n",
			counted(unguided, "tensor", "tensors"), needy.Name, needy.Scheme.Format.Name)
	}
	if missing := export.Missing(m); missing != "" {
		c.PrintErrf("bitdial: %s\n", missing)
	}
}

func packedColumns(tensors []*model.Tensor) []column {
	return []column{
		nameColumn(tensors),
		{key: "dtype", title: "was", width: -7},
		{key: "shape", title: "shape", width: -16, show: showShape},
		{key: "scheme", title: "scheme", width: -14},
		{key: "as", title: "becomes", width: -7},
		{key: "bytes", title: "bytes", width: 15},
	}
}

// listGGUF lists the tensors of a file that is not written, and its size.
func listGGUF(s *sheet, g *export.GGUF) error {
	for _, p := range g.Tensors {
		if err := s.row(p.Name, p.DType.Name, p.Shape, p.Scheme.String(), p.As.Name, p.Size); err != nil {
			return err
		}
	}
	if err := s.row("file", nil, nil, nil, nil, g.Size); err != nil {
		return err
	}
	return s.flush()
}
