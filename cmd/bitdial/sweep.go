package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/imatrix"
)

// sweepFlags are what sweep is told.
type sweepFlags struct {
	schemes                    []string
	target                     string
	glob, shard, imatrix, path string
	exact, json                bool
}

// sweep measures tensors under many schemes.
func sweep() *cobra.Command {
	var flags sweepFlags
	c := &cobra.Command{
		Use:   "sweep MODEL -o FILE",
		Short: "Measure every weight tensor under many schemes; resumes FILE",
		Long: `Measure tensors under schemes, one line of JSON for each result as it comes: what choosing a plan begins with. Weights are measured, floats of two axes or more; schemes that do not fit a tensor's rows are left out for it.

--for TARGET measures what a plan for it chooses from, and -s besides: ` + targetNames() + `.

By default a sample of each tensor is looked at, whose size does not depend on the tensor's: seconds for models of some billion weights. --exact looks at every weight.

-o FILE: lines are appended as they come. What FILE has already is not measured again, so after an interruption, of whatever kind, the same command goes on where it was. One process at a time appends to a file; files of several are joined with cat. What was measured is known by a digest of the tensor's content, the scheme, the importance and the version of the arithmetic; never by a name. A line that is none, as the torn last one of a machine that lost its power, is skipped and named, and so are those of other versions; results of other models are left alone; two results that contradict each other are an error.

--shard I/N, I from 1 to N: only the share I of the work, for N machines. Shares cost about the same and together are everything; each machine writes its own file.

--imatrix FILE: an importance matrix of llama.cpp. Formats that listen to it are measured as quantize --imatrix packs them, and weighted_sse says the error with each weight counting for its importance.

The keys are those of measure --json, and: energy (Σx²) energy_after (of what comes back) exact sqnr_lo sqnr_hi (the interval of an estimate) importance (the digest of what weighed the error, or null) weighted_sse (Σw·e²) weighted_energy weighted_sqnr_db weighted_sqnr_lo weighted_sqnr_hi digest (of the tensor) kernels (the version of the arithmetic). Without -o, rows on a terminal and in a pipe; --json the same lines on standard output.`,
		Example: `bitdial sweep sample:animals -s int4:g32 -s int8:channel
bitdial sweep model.gguf --for llama.cpp -o sweep.jsonl
bitdial sweep model.gguf --exact --tensors 'blk.*.attn_*' -o sweep.jsonl
bitdial sweep model.gguf --shard 2/8 -o sweep-2.jsonl`,
		Args:              between(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
	}
	c.Flags().StringArrayVarP(&flags.schemes, "scheme", "s", nil, "a SCHEME to measure; repeat it for more")
	c.Flags().StringVar(&flags.target, "for", "", "measure what a plan for TARGET chooses from")
	c.Flags().StringVar(&flags.glob, "tensors", "", "measure only what matches GLOB")
	c.Flags().BoolVar(&flags.exact, "exact", false, "look at every weight")
	c.Flags().StringVar(&flags.shard, "shard", "", "do the share I/N of the work, as 2/8")
	c.Flags().StringVar(&flags.imatrix, "imatrix", "", "importance of weights, a FILE of llama-imatrix")
	c.Flags().StringVarP(&flags.path, "output", "o", "", "the FILE to append to; it is resumed")
	c.Flags().BoolVar(&flags.json, "json", false, "lines of JSON on standard output")
	// The flags are there: they were added above.
	_ = c.RegisterFlagCompletionFunc("scheme", completeScheme)
	_ = c.RegisterFlagCompletionFunc("for", cobra.FixedCompletions(strings.Fields(targetNames()), cobra.ShellCompDirectiveNoFileComp))
	c.RunE = func(c *cobra.Command, args []string) error {
		share, shares, err := parseShard(flags.shard)
		if err != nil {
			return wrong(c, "%w", err)
		}
		if flags.json && flags.path != "" {
			return wrong(c, "--json writes to standard output and -o to a file: give one of them")
		}
		schemes, err := flags.wanted(c)
		if err != nil {
			return err
		}
		m, err := open(args[0])
		if err != nil {
			return err
		}
		defer m.Close() //nolint:errcheck // only read
		tensors, err := selected(c, m, flags.glob)
		if err != nil {
			return err
		}
		tasks := quant.Tasks(tensors, schemes, flags.exact)
		if len(tasks) == 0 {
			return fmt.Errorf("%s: no tensor is to be measured: weights are floats of two axes or more, whose rows fit a scheme (inspect lists them)", m.Name)
		}
		tasks = quant.Shard(tasks, share-1, shares)
		var options quant.SweepOptions
		if flags.imatrix != "" {
			matrix, err := imatrix.Open(flags.imatrix)
			if err != nil {
				return err
			}
			defer matrix.Close() //nolint:errcheck // only read
			options.Importance = matrix.Of
			tellUnweighted(c, flags.imatrix, matrix, tasks)
		}
		if flags.path != "" {
			return sweepInto(c, flags.path, tasks, options)
		}
		return sweepOut(c.Context(), flags.json, tasks, options)
	}
	return c
}

// parseShard reads I/N; "" is all of the work.
func parseShard(text string) (i, n int, err error) {
	if text == "" {
		return 1, 1, nil
	}
	before, after, _ := strings.Cut(text, "/")
	i, err = strconv.Atoi(before)
	if err == nil {
		n, err = strconv.Atoi(after)
	}
	if err != nil || i < 1 || i > n || n > maxShards {
		return 0, 0, fmt.Errorf("--shard %q is not I/N with I from 1 to N, such as 2/8", text)
	}
	return i, n, nil
}

// maxShards is more than there are tensors.
const maxShards = 1 << 20

// sweepSchemes are measured where none are asked for.
var sweepSchemes = strings.Fields("q2_K q3_K iq4_xs q4_0 q4_K q5_K q6_K q8_0 int4:g32 nf4:g64 mxfp4 int8:channel")

// wanted returns the schemes to measure, each once: those of the target, and those
// that were asked for.
func (f *sweepFlags) wanted(c *cobra.Command) ([]quant.Scheme, error) {
	texts := f.schemes
	var list []quant.Scheme
	if f.target != "" {
		t := quant.TargetOf(f.target)
		if t == nil {
			return nil, wrong(c, "--for %q: there are %s", f.target, targetNames())
		}
		list = t.Candidates()
	} else if len(texts) == 0 {
		texts = sweepSchemes
	}
	seen := map[quant.Scheme]bool{}
	for _, s := range list {
		seen[s] = true
	}
	for _, text := range texts {
		s, err := quant.Parse(text)
		switch {
		case err != nil:
			return nil, wrong(c, "%w", err)
		case s.Keep():
			return nil, wrong(c, "keep changes nothing: there is nothing to measure")
		case !seen[s]:
			seen[s] = true
			list = append(list, s)
		}
	}
	return list, nil
}

// tellUnweighted says how many tensors the matrix does not have.
func tellUnweighted(c *cobra.Command, path string, matrix *imatrix.Matrix, tasks []quant.Task) {
	without := 0
	for _, t := range tasks {
		if has, err := matrix.Has(t.Tensor.Name, t.Tensor.Shape); err == nil && !has {
			without++
		}
	}
	if without > 0 {
		c.PrintErrf("bitdial: no importance in %s for %s: their weights count alike\n", oneLine(path), counted(without, "tensor", "tensors"))
	}
}

// count returns how many results tasks have.
func count(tasks []quant.Task) (n int) {
	for _, t := range tasks {
		n += len(t.Schemes)
	}
	return n
}

// sweepInto appends what the tasks find out to the file at path.
func sweepInto(c *cobra.Command, path string, tasks []quant.Task, o quant.SweepOptions) (err error) {
	file, err := quant.OpenResults(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := file.Close(); err == nil {
			err = e
		}
	}()
	for _, s := range file.Skipped {
		c.PrintErrln("bitdial: " + oneLine(s.String()))
	}
	added := 0
	o.Known = file.Results
	o.Emit = func(r *quant.Result) error {
		added++
		return file.Append(r)
	}
	if err := withProgress(c.Context(), tasks, o); err != nil {
		return err
	}
	if n := file.Results.Strangers(); n > 0 {
		c.PrintErrf("bitdial: %s: %s of other tensors or another importance: left alone\n", oneLine(path), counted(n, "result is", "results are"))
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s, %s measured now\n", oneLine(path), counted(count(tasks), "result", "results"), showCount(added))
	return err
}

// withProgress sweeps with a bar.
func withProgress(ctx context.Context, tasks []quant.Task, o quant.SweepOptions) error {
	bar := newProgress(1)
	bar.start(counted(len(tasks), "tensor", "tensors")+", "+counted(count(tasks), "result", "results"), 1)
	defer bar.wipe()
	o.Progress = bar.from(0, 1)
	return quant.Sweep(ctx, tasks, o)
}

// sweepOut writes what the tasks find out to standard output.
func sweepOut(ctx context.Context, asJSON bool, tasks []quant.Task, o quant.SweepOptions) error {
	var tensors []*model.Tensor
	for _, t := range tasks {
		tensors = append(tensors, t.Tensor)
	}
	s := newSheet(asJSON, sweepColumns(tensors, o.Importance != nil))
	s.bar = newProgress(1)
	s.bar.start(counted(len(tasks), "tensor", "tensors"), 1)
	defer s.bar.wipe()
	o.Progress = s.bar.from(0, 1)
	o.Emit = func(r *quant.Result) error {
		var err error
		if asJSON {
			err = s.write(r.AppendJSON(nil))
		} else {
			err = s.row(sweepValues(r, o.Importance != nil)...)
		}
		if err != nil {
			return err
		}
		return s.flush()
	}
	return quant.Sweep(ctx, tasks, o)
}

func sweepColumns(tensors []*model.Tensor, weighted bool) []column {
	columns := []column{
		nameColumn(tensors),
		{key: "scheme", title: "scheme", width: -14},
		{key: "n", title: "weights", width: 13, show: showCount},
		{key: "bytes", title: "size", width: 8, show: showBytes},
		{key: "bpw", title: "bpw", width: 6, show: showFixed(2)},
		{key: "sse"},
		{key: "sqnr_db", title: "SQNR dB", width: 7, show: showDecibel},
		{key: "sqnr_lo", title: "at least", width: 8, show: showDecibel},
		{key: "sqnr_hi", title: "at most", width: 7, show: showDecibel},
	}
	if weighted {
		columns = append(columns, weightedColumns...)
	}
	return append(columns, column{key: "exact", title: "", width: 1})
}

func sweepValues(r *quant.Result, weighted bool) []any {
	values := []any{r.Tensor, r.Scheme.String(), r.N + r.NonFinite, r.Bytes, r.BPW(), r.E2, r.SQNR(), r.SQNRLo, r.SQNRHi}
	if weighted {
		values = append(values, weightedValues(&r.Figures, r.Importance != quant.Digest{})...)
	}
	return append(values, r.Exact)
}
