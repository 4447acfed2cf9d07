package main

import (
	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant/export"
	"github.com/bitdial/bitdial/quant/model"
)

// describe makes the file say which mix it is, and weights matter as the importance
// matrix says.
func (f *quantizeFlags) describe(c *cobra.Command, g *export.GGUF) error {
	if f.plan.mix != nil {
		if err := g.Name(f.plan.mix); err != nil {
			return err
		}
	}
	if f.matrix == nil {
		return nil
	}
	without, err := g.Guide(f.matrix)
	if err != nil {
		return err
	}
	if without > 0 {
		c.PrintErrf("bitdial: no importance in %s for %s that would use it: their weights count alike\n", oneLine(f.imatrix), counted(without, "tensor", "tensors"))
	}
	return nil
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
