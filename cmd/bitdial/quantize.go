package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/export"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/imatrix"
)

// quantizeFlags are what quantize is told besides the plan.
type quantizeFlags struct {
	plan                     planFlags
	out, imatrix, recipe     string
	splitMax                 string
	dequantize, dry, replace bool
	verify, asJSON           bool

	kind       string          // of files, by how their names end
	matrix     *imatrix.Matrix // of the file imatrix, nil if none is given
	splitBytes int64
}

// quantize writes a model as a plan has it.
func quantize() *cobra.Command {
	var flags quantizeFlags
	c := &cobra.Command{
		Use:   "quantize MODEL -s SCHEME -o OUT",
		Short: "Write the model as GGUF or safetensors, packed or as it comes back from a scheme",
		Long: `Write MODEL as a scheme or plan has it: to a GGUF file, to a safetensors file, or with --dequantize as it comes back from any scheme. -s and -p say how, as for measure; -p also takes a mix of llama-quantize by its name, as Q4_K_M. OUT appears whole or not at all, and an existing one is kept unless --force is given; with it, OUT may be MODEL itself.

OUT.gguf: metadata, order and alignment of a GGUF model stay, byte for byte; general.file_type and general.quantization_version say what is new. Formats of ggml (q4_K, iq4_xs …), f32, f16 and bf16 can be stored; others are refused, by name, before anything is written. What a plan keeps is copied, and so is what is in the right format already. Tensors that are quantized in MODEL and get another format lose accuracy twice: best begin with a file of f16 or bf16. Any other model is stored too, but for a program that runs it names and metadata are missing.

OUT.safetensors: f32, f16, bf16, fp8_e4m3:unscaled and fp8_e5m2:unscaled are stored as such, F8_E4M3 for example; what has a scale beside its codes is refused, by name.

A model of several files of the same kind is written as as many, each tensor in the one where it was: OUT-00001-of-00003.gguf and so on, for safetensors with OUT.safetensors.index.json. --split-max-size SIZE (500M, 2G: powers of ten, of tensors' data, as llama-gguf-split has it) cuts anew, 0 writes one file. All files appear or none.

--verify reads the files back, from the disk where the system lets it, and compares every tensor's checksum with what was written before the files get their names.

-p MIX: ` + mixNames() + ` give each tensor the type that llama-quantize gives it, in the architectures ` + strings.Join(quant.Mixed, " ") + `; rules of -s come after.

--imatrix FILE: an importance matrix of llama.cpp, as GGUF or in its older form, says which weights matter: formats with a search (q4_K, iq4_xs …) then spare these, those of two bits and less need it. Its names are those of the model's tensors, its rows as long as theirs.

--dequantize: what a quantized model computes with, for tools that read unquantized ones: every tensor in its original element type. Tensors that are quantized already, in ggml's blocks or as GPTQ, AWQ and others have them, become F32, kept ones too.

` + recipeHelp() + `

--dry-run writes nothing and lists what each tensor gets and how many bytes the files will have, exactly: in a pipe as rows with the keys tensor dtype shape scheme as bytes, then a row for each of several files, at the end file, all of them together. --json: an object a line with these keys, the last with the keys total model tensors files bytes, files being objects with path and bytes.

A weight that is NaN or ±Inf has no code in ggml's block formats and 8-bit floats: with one of these it is an error.`,
		Example: `bitdial quantize model.gguf -s q4_K -o small.gguf
bitdial quantize model.gguf -s q4_K,q8_0 -s 'output.*=q6_K' --dry-run
bitdial quantize model.gguf -p Q4_K_M -o medium.gguf --verify
bitdial quantize model.gguf -p Q4_K_M -o parts.gguf --split-max-size 4G
bitdial quantize sample:animals -s f16 -o half.safetensors
bitdial quantize model.gguf -p Q4_K_M -s '*attn_v*=q8_0' --recipe llama-quantize -o types.txt
bitdial quantize sample:animals -s int4:g32 -o out.safetensors --dequantize
bitdial quantize sample:animals -p mine.toml -s '*.bias=f16' -o out.safetensors --dequantize --force`,
		Args:              between(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
	}
	flags.plan.add(c, "")
	c.Flags().StringVarP(&flags.out, "output", "o", "", "the file to write, OUT: OUT.gguf or OUT.safetensors")
	c.Flags().StringVar(&flags.imatrix, "imatrix", "", "importance of weights, a FILE of llama-imatrix")
	flags.addRecipe(c)
	c.Flags().BoolVar(&flags.dequantize, "dequantize", false, "write the values that come back, in the original element type")
	c.Flags().BoolVar(&flags.dry, "dry-run", false, "write nothing, list what each tensor gets and the bytes of the file")
	c.Flags().BoolVar(&flags.asJSON, "json", false, "lines of JSON, with --dry-run")
	c.Flags().StringVar(&flags.splitMax, "split-max-size", "", "several files, of SIZE at most: 500M, 2G; 0 for one")
	c.Flags().BoolVar(&flags.verify, "verify", false, "read back what was written and compare checksums")
	c.Flags().BoolVar(&flags.replace, "force", false, "overwrite OUT")
	c.RunE = func(c *cobra.Command, args []string) error {
		flags.plan.takeMix()
		if err := flags.check(c); err != nil {
			return err
		}
		plan, err := flags.plan.one(c, quant.Plan{}) // before a large model is opened, for its errors
		if err != nil {
			return err
		}
		m, err := open(args[0])
		if err != nil {
			return err
		}
		defer m.Close() //nolint:errcheck // only read
		if flags.imatrix != "" {
			if flags.matrix, err = imatrix.Open(flags.imatrix); err != nil {
				return err
			}
			defer flags.matrix.Close() //nolint:errcheck // only read
		}
		plans, err := flags.plan.onMix(c, m, flags.imatrix != "", plan)
		if err != nil {
			return err
		}
		plan = plans[0]
		if err := flags.plan.check(m); err != nil {
			return err
		}
		if flags.recipe != "" {
			return flags.writeRecipe(c, m, plan)
		}
		if plan.RunsOtherwise() {
			c.PrintErrln("bitdial: the plan's activations and remedies are for running the network; what is written has its weights rounded and nothing else")
		}
		return flags.write(c, m, plan)
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

// check returns an error unless the flags go together.
func (f *quantizeFlags) check(c *cobra.Command) error {
	switch f.kind = strings.ToLower(filepath.Ext(f.out)); {
	case f.dequantize && f.kind != endGGUF:
		f.kind = endSafetensors
	case f.out == "":
		f.kind = endGGUF
	}
	switch {
	case !f.plan.given():
		return wrong(c, "a scheme is missing: -s SCHEME, or -p PLAN")
	case f.recipe != "":
		return f.checkRecipe(c)
	case f.out == "" && !f.dry:
		return wrong(c, "the file to write is missing: -o OUT")
	case f.kind != endGGUF && f.kind != endSafetensors:
		return wrong(c, "%s: packed weights go to a file called OUT.gguf, plain floats to OUT.safetensors; with --dequantize that takes what comes back", oneLine(f.out))
	case f.dequantize && f.kind == endGGUF:
		return wrong(c, "%s would be packed, --dequantize writes safetensors: leave it out, or name the file OUT.safetensors", oneLine(f.out))
	case f.imatrix != "" && f.kind != endGGUF:
		return wrong(c, "--imatrix is for GGUF: in safetensors all weights count alike")
	case f.asJSON && !f.dry:
		return wrong(c, "--json is for --dry-run: it lists what would be written")
	case f.verify && f.dry:
		return wrong(c, "--verify reads back what was written, --dry-run writes nothing")
	}
	return f.checkSplit(c)
}

// checkSplit reads the size of --split-max-size, as llama-gguf-split does: 500M or 2G,
// of powers of ten, or 0.
func (f *quantizeFlags) checkSplit(c *cobra.Command) error {
	if f.splitMax == "" {
		return nil
	}
	digits := strings.TrimRight(f.splitMax, "MG")
	n, err := strconv.ParseInt(digits, 10, 32)
	scale := map[string]int64{"M": 1e6, "G": 1e9}[f.splitMax[len(digits):]]
	if err != nil || n < 0 || scale == 0 && f.splitMax != "0" {
		return wrong(c, "--split-max-size %q is no size: 500M, 2G, or 0 for one file", f.splitMax)
	}
	f.splitBytes = n * scale
	return nil
}

// The kinds of files that are written, by how their names end.
const (
	endGGUF        = ".gguf"
	endSafetensors = ".safetensors"
)

// draft prepares the files.
func (f *quantizeFlags) draft(c *cobra.Command, m *model.Model, plan quant.Plan) (*export.Draft, error) {
	tellFallbacks(c, m.Tensors, plan)
	var draft *export.Draft
	switch {
	case f.dequantize:
		d, err := export.PlanDequantized(m, plan)
		if err != nil {
			return nil, err
		}
		draft = &d.Draft
	case f.kind == endSafetensors:
		d, err := export.PlanSafetensors(m, plan)
		if err != nil {
			return nil, err
		}
		draft = &d.Draft
	default:
		g, err := export.PlanGGUF(m, plan)
		if err != nil {
			return nil, err
		}
		if err := f.describe(c, g); err != nil {
			return nil, err
		}
		tellGGUF(c, m, g)
		draft = &g.Draft
	}
	if f.splitMax == "" {
		return draft, nil
	}
	return draft, draft.Split(f.splitBytes)
}

// write writes the files, or lists them.
func (f *quantizeFlags) write(c *cobra.Command, m *model.Model, plan quant.Plan) error {
	draft, err := f.draft(c, m, plan)
	if err != nil {
		return err
	}
	path := f.out
	if path == "" {
		path = filepath.Base(m.Name) + f.kind
	}
	files := draft.Files(path)
	if f.dry {
		return listDraft(newSheet(f.asJSON, packedColumns(m.Tensors)), m, draft, files)
	}
	bar := newProgress(1)
	bar.start("writing "+f.out, 1)
	defer bar.wipe()
	if err := draft.Write(c.Context(), path, export.Writing{Force: f.replace, Verify: f.verify, Progress: bar.from(0, 1)}); err != nil {
		return err
	}
	bar.wipe()
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", oneLine(f.out), f.writtenText(draft, files))
	return err
}

// writtenText says what was written.
func (f *quantizeFlags) writtenText(d *export.Draft, files []export.File) string {
	text := fmt.Sprintf("%d tensors", len(d.Tensors))
	if len(files) > 1 {
		text += fmt.Sprintf(", %d files from %s on", len(files), oneLine(filepath.Base(files[0].Path)))
	}
	text += fmt.Sprintf(", %d bytes", sizeOf(files))
	unpacked := 0
	for i := range d.Tensors {
		if p := &d.Tensors[i]; p.As != p.DType && p.As == export.Unpacked(p.Tensor) {
			unpacked++
		}
	}
	if unpacked > 0 && f.kind == endSafetensors {
		text += fmt.Sprintf("; %d that were quantized, or narrower than a byte, are now floats", unpacked)
	}
	if f.verify {
		text += "; read back, all checksums are right"
	}
	return text
}

// sizeOf returns the bytes of all files.
func sizeOf(files []export.File) (n int64) {
	for _, f := range files {
		n += f.Bytes
	}
	return n
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

// listDraft lists the tensors that are not written, and the files.
func listDraft(s *sheet, m *model.Model, d *export.Draft, files []export.File) error {
	for i := range d.Tensors {
		p := &d.Tensors[i]
		if err := s.row(p.Name, p.DType.Name, p.Shape, p.Scheme.String(), p.As.Name, p.Size); err != nil {
			return err
		}
	}
	if s.json {
		type file struct {
			Path  string `json:"path"`
			Bytes int64  `json:"bytes"`
		}
		var list []file
		for _, f := range files {
			list = append(list, file(f))
		}
		if err := s.object([]string{"total", "model", "tensors", "files", "bytes"}, []any{true, m.Path, len(d.Tensors), list, sizeOf(files)}); err != nil {
			return err
		}
		return s.flush()
	}
	for _, f := range files {
		if len(files) == 1 {
			break
		}
		if err := s.row(filepath.Base(f.Path), nil, nil, nil, nil, f.Bytes); err != nil {
			return err
		}
	}
	if err := s.row("file", nil, nil, nil, nil, sizeOf(files)); err != nil {
		return err
	}
	return s.flush()
}
