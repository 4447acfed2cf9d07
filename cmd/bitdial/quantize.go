package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/export"
	"github.com/bitdial/bitdial/quant/model"
)

// quantizeFlags are what quantize is told besides the plan.
type quantizeFlags struct {
	plan                     planFlags
	out, imatrix, recipe     string
	dequantize, dry, replace bool
}

// quantize writes a model as a plan has it.
func quantize() *cobra.Command {
	var flags quantizeFlags
	c := &cobra.Command{
		Use:   "quantize MODEL -s SCHEME -o OUT",
		Short: "Write the model as GGUF, or as it comes back from a scheme",
		Long: `Write MODEL as a scheme or plan has it: packed, to a GGUF file, or with --dequantize as it comes back, to a safetensors file. -s and -p say how, as for measure; -p also takes a mix of llama-quantize by its name, as Q4_K_M. OUT appears whole or not at all, and an existing one is kept unless --force is given; with it, OUT may be MODEL itself.

OUT.gguf: metadata, order and alignment of a GGUF model stay, byte for byte; general.file_type and general.quantization_version say what is new. Formats of ggml (q4_K, iq4_xs …), f32, f16 and bf16 can be stored; others are refused, by name, before anything is written. What a plan keeps is copied, and so is what is in the right format already. Tensors that are quantized in MODEL and get another format lose accuracy twice: best begin with a file of f16 or bf16. A split model becomes one file. Any other model is stored too, but for a program that runs it names and metadata are missing.

-p MIX: ` + mixNames() + ` give each tensor the type that llama-quantize gives it, in the architectures ` + strings.Join(quant.Mixed, " ") + `; rules of -s come after.

--imatrix FILE: an importance matrix of llama.cpp, as GGUF or in its older form, says which weights matter: formats with a search (q4_K, iq4_xs …) then spare these, those of two bits and less need it. Its names are those of the model's tensors, its rows as long as theirs.

--dequantize: what a quantized model computes with, for tools that read unquantized ones: every tensor in its original element type. Tensors that are in ggml's blocks already become F32, kept ones too.

` + recipeHelp() + `

--dry-run writes nothing and lists what each tensor gets and how many bytes the file will have, exactly: in a pipe as rows with the keys tensor dtype shape scheme as bytes, at the end the file.

A weight that is NaN or ±Inf has no code in ggml's block formats: with one of these it is an error that names the first.`,
		Example: `bitdial quantize model.gguf -s q4_K -o small.gguf
bitdial quantize model.gguf -s q4_K,q8_0 -s 'output.*=q6_K' --dry-run
bitdial quantize model.gguf -p Q4_K_M -o medium.gguf
bitdial quantize model.gguf -p Q4_K_M -s '*attn_v*=q8_0' --recipe llama-quantize -o types.txt
bitdial quantize sample:animals -s int4:g32 -o out.safetensors --dequantize
bitdial quantize sample:animals -p mine.toml -s '*.bias=f16' -o out.safetensors --dequantize --force`,
		Args:              between(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
	}
	flags.plan.add(c, "")
	c.Flags().StringVarP(&flags.out, "output", "o", "", "the file to write, OUT: OUT.gguf, or OUT.safetensors with --dequantize")
	c.Flags().StringVar(&flags.imatrix, "imatrix", "", "importance of weights, a FILE of llama-imatrix")
	flags.addRecipe(c)
	c.Flags().BoolVar(&flags.dequantize, "dequantize", false, "write the values that come back, in the original element type")
	c.Flags().BoolVar(&flags.dry, "dry-run", false, "write nothing, list what each tensor gets and the bytes of the file")
	c.Flags().BoolVar(&flags.replace, "force", false, "overwrite OUT")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := flags.check(c); err != nil {
			return err
		}
		mix := flags.mix()
		plan, err := flags.plan.one(c, quant.Plan{}) // before a large model is opened, for its errors
		if err != nil {
			return err
		}
		m, err := open(args[0])
		if err != nil {
			return err
		}
		defer m.Close() //nolint:errcheck // only read
		if mix != nil {
			if plan, err = mix.Plan(m, flags.imatrix != ""); err != nil {
				return err
			}
			if plan, err = flags.plan.one(c, plan); err != nil {
				return err
			}
		}
		if err := flags.plan.check(m); err != nil {
			return err
		}
		if flags.recipe != "" {
			return flags.writeRecipe(c, m, plan)
		}
		if plan.RunsOtherwise() {
			c.PrintErrln("bitdial: the plan's activations and remedies are for running the network; what is written has its weights rounded and nothing else")
		}
		if flags.dequantize {
			return flags.writeDequantized(c, m, plan)
		}
		return flags.writeGGUF(c, m, plan, mix)
	}
	return c
}

// mixNames lists the mixes.
func mixNames() string {
	var names []string
	for _, m := range quant.Mixes {
		names = append(names, m.Name)
	}
	return strings.Join(names, " ")
}

// mix returns the mix that -p names instead of a file, if it does, and takes it
// off the flags of the plan.
func (f *quantizeFlags) mix() *quant.Mix {
	if _, err := os.Stat(f.plan.path); err == nil {
		return nil
	}
	mix := quant.MixOf(f.plan.path)
	if mix != nil {
		f.plan.path = ""
	}
	return mix
}

// check returns an error unless the flags go together.
func (f *quantizeFlags) check(c *cobra.Command) error {
	packed := strings.HasSuffix(strings.ToLower(f.out), ".gguf")
	switch {
	case !f.plan.given():
		return wrong(c, "a scheme is missing: -s SCHEME, or -p PLAN")
	case f.recipe != "":
		return f.checkRecipe(c)
	case f.dequantize && f.imatrix != "":
		return wrong(c, "--imatrix is for GGUF: --dequantize writes what was measured, all weights counting alike")
	case f.dequantize && f.dry:
		return wrong(c, "--dry-run is for GGUF: --dequantize leaves every element type as it is")
	case f.out == "" && !f.dry:
		return wrong(c, "the file to write is missing: -o OUT")
	case f.dequantize && packed:
		return wrong(c, "%s would be packed, --dequantize writes safetensors: leave it out, or name the file OUT.safetensors", oneLine(f.out))
	case !f.dequantize && !packed && f.out != "":
		return wrong(c, "%s: packed weights go to a file called OUT.gguf; --dequantize writes the values that come back as safetensors", oneLine(f.out))
	}
	return nil
}

func (f *quantizeFlags) writeDequantized(c *cobra.Command, m *model.Model, plan quant.Plan) error {
	bar := newProgress(1)
	bar.start("writing "+f.out, 1)
	defer bar.wipe()
	if err := export.Dequantized(c.Context(), f.out, m, plan, f.replace, bar.from(0, 1)); err != nil {
		return err
	}
	bar.wipe()
	_, err := fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", oneLine(f.out), dequantizedText(m))
	return err
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
