package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/export"
	"github.com/bitdial/bitdial/quant/model"
)

// quantize writes a model as it comes back from a plan.
func quantize() *cobra.Command {
	var flags planFlags
	var out string
	var dequantized, force bool
	c := &cobra.Command{
		Use:   "quantize MODEL -s SCHEME -o OUT --dequantize",
		Short: "Write the model as it comes back from a scheme or plan",
		Long: `Write every tensor as it comes back from its scheme, in its original element type, to a safetensors file: what a quantized model computes with, for tools that read unquantized ones. Tensors that are in ggml's blocks already, as in a GGUF file, become F32, kept ones too.

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
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", oneLine(out), dequantizedText(m))
		return err
	}
	return c
}

// dequantizedText says what was written.
func dequantizedText(m *model.Model) string {
	unpacked, bytes := 0, int64(0)
	for _, t := range m.Tensors {
		d := export.Unpacked(t)
		size, _ := d.Size(t.Len()) // it was written
		bytes += size
		if d != t.DType {
			unpacked++
		}
	}
	text := fmt.Sprintf("%d tensors, %d bytes of weights", len(m.Tensors), bytes)
	if unpacked > 0 {
		text += fmt.Sprintf("; %d that were in blocks, which safetensors has not, are %s", unpacked, model.F32)
	}
	return text
}
