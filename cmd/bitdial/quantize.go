package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/export"
)

// quantize writes a model as it comes back from a plan.
func quantize() *cobra.Command {
	var flags planFlags
	var out string
	var dequantized, force bool
	c := &cobra.Command{
		Use:   "quantize MODEL -s SCHEME -o OUT --dequantize",
		Short: "Write the model as it comes back from a scheme or plan",
		Long: `Write every tensor as it comes back from its scheme, in its original element type, to a safetensors file: what a quantized model computes with, for tools that read unquantized ones.

-s and -p say how, as for measure. OUT appears whole or not at all, and an existing one is kept unless --force is given; with it, OUT may be MODEL itself. A weight that is NaN or ±Inf stays as it is, but ggml's block formats have no code for it: with one of these it is an error that names the first.`,
		Example: `bitdial quantize sample:animals -s int4:g32 -o out.safetensors --dequantize
bitdial quantize sample:animals -p mine.toml -s '*.bias=f16' -o out.safetensors --dequantize --force`,
		Args:              between(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
	}
	flags.add(c, "")
	c.Flags().StringVarP(&out, "output", "o", "", "the file to write, OUT")
	c.Flags().BoolVar(&dequantized, "dequantize", false, "write the values that come back, in the original element type")
	c.Flags().BoolVar(&force, "force", false, "overwrite OUT")
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case !flags.given():
			return wrong(c, "a scheme is missing: -s SCHEME, or -p PLAN")
		case out == "":
			return wrong(c, "the file to write is missing: -o OUT")
		case !dequantized:
			return wrong(c, "packed output is not there yet: --dequantize writes the values that come back")
		}
		plan, err := flags.one(c, quant.Plan{})
		if err != nil {
			return err
		}
		m, err := open(args[0])
		if err != nil {
			return err
		}
		defer m.Close() //nolint:errcheck // only read
		if err := flags.check(m); err != nil {
			return err
		}
		bar := newProgress(1)
		bar.start("writing "+out, 1)
		defer bar.wipe()
		if err := export.Dequantized(c.Context(), out, m, plan, force, bar.from(0, 1)); err != nil {
			return err
		}
		bar.wipe()
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %d tensors, %d bytes of weights\n", oneLine(out), len(m.Tensors), m.Bytes())
		return err
	}
	return c
}
