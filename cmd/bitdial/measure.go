package main

import (
	"context"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/imatrix"
)

// measure tells error and size of every tensor.
func measure() *cobra.Command {
	var flags planFlags
	var glob, importance string
	var asJSON bool
	c := &cobra.Command{
		Use:   "measure MODEL -s SCHEME",
		Short: "Measure error and size per tensor; repeat -s to compare",
		Long: `Measure, exactly, what a scheme does to every tensor: its error and its size.

-s SCHEME applies to all weights, floats of two axes or more; -s GLOB=SCHEME to whatever the glob matches, the last match deciding. Several -s SCHEME are compared: rules apply to all of them, and what they agree on is listed once. -p names a file with a plan, or a mix of llama-quantize, as for quantize. See bitdial schemes.

In a pipe: rows between tabs under a line of names; the last row of each scheme is its total. --json: one object a line, as results come, with the keys tensor scheme n bytes bpw mse sse sqnr_db max_abs_err cosine clipped zeros nonfinite. n is the number of weights; clipped, zeros (weights that became zero) and nonfinite (NaN and ±Inf, left alone and out of every error) are counts; sqnr_db is null where there is no error. Tensors that are kept have the scheme "keep"; their weights are not read. The last lines, one per compared scheme, have "total": true and the keys model scheme tensors n now bytes ratio bpw mse sse sqnr_db max_abs_err clipped zeros nonfinite; now is bytes as stored, sqnr_db comes from the mean relative error over all weights.

--imatrix FILE: an importance matrix of llama.cpp. Formats that listen to it are measured as quantize --imatrix packs them, and the keys weighted_sse (Σ w·e²) and weighted_sqnr_db say the error with each weight counting for its importance, null for tensors that FILE does not have.`,
		Example: `bitdial measure sample:animals -s int4:g32
bitdial measure sample:animals -s int8:channel -s int4:g32 -s '*.bias=f16'
bitdial measure sample:animals -s int4:g32 --tensors '*.weight' --json`,
		Args:              between(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
	}
	flags.add(c, " (several are compared)")
	c.Flags().StringVar(&glob, "tensors", "", "measure only what matches GLOB")
	c.Flags().StringVar(&importance, "imatrix", "", "importance of weights, a FILE of llama-imatrix")
	c.Flags().BoolVar(&asJSON, "json", false, "lines of JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		flags.takeMix()
		if !flags.given() {
			return wrong(c, "a scheme is missing: -s SCHEME, or -p PLAN")
		}
		plans, err := flags.read(c, quant.Plan{})
		if err != nil {
			return err
		}
		m, err := open(args[0])
		if err != nil {
			return err
		}
		defer m.Close() //nolint:errcheck // only read
		if plans, err = flags.onMix(c, m, importance != "", plans...); err != nil {
			return err
		}
		if err := flags.check(m); err != nil {
			return err
		}
		tensors, err := selected(c, m, glob)
		if err != nil {
			return err
		}
		for _, plan := range plans {
			tellFallbacks(c, tensors, plan)
		}
		columns := measureColumns(tensors)
		var matrix *imatrix.Matrix
		if importance != "" {
			if matrix, err = imatrix.Open(importance); err != nil {
				return err
			}
			defer matrix.Close() //nolint:errcheck // only read
			columns = append(columns, weightedColumns...)
		}
		return compare(c.Context(), newSheet(asJSON, columns), m, tensors, plans, matrix)
	}
	return c
}

func measureColumns(tensors []*model.Tensor) []column {
	return []column{
		nameColumn(tensors),
		{key: "scheme", title: "scheme", width: -14},
		{key: "n", title: "weights", width: 13, show: showCount},
		{key: "bytes", title: "size", width: 8, show: showBytes},
		{key: "bpw", title: "bpw", width: 6, show: showFixed(2)},
		{key: "mse", title: "mse", width: 9, show: showError},
		{key: "sse"},
		{key: "sqnr_db", title: "SQNR dB", width: 7, show: showDecibel},
		{key: "max_abs_err", title: "max err", width: 9, show: showError},
		{key: "cosine"},
		{key: "clipped", title: "clipped", width: 9, show: showCount},
		{key: "zeros", title: "zeros", width: 9, show: showCount},
		{key: "nonfinite", title: "NaN, ±Inf", width: 9, show: showCount},
	}
}

// weightedColumns are what an importance matrix adds.
var weightedColumns = []column{
	{key: "weighted_sse"},
	{key: "weighted_sqnr_db", title: "weighted", width: 8, show: showDecibel},
}

// weightedValues returns what stands in them.
func weightedValues(f *quant.Figures, has bool) []any {
	if !has {
		return []any{nil, nil}
	}
	return []any{f.Weighted.E2, f.Weighted.SQNR()}
}

// sum is what a plan amounts to.
type sum struct {
	quant.Totals
	maxAbs                    float64
	clipped, zeros, nonFinite int
}

// compare measures tensor by tensor, so that each is summarized once.
func compare(ctx context.Context, s *sheet, m *model.Model, tensors []*model.Tensor, plans []quant.Plan, matrix *imatrix.Matrix) error {
	s.bar = newProgress(work(tensors, plans))
	defer s.bar.wipe()
	sums := make([]sum, len(plans))
	for _, t := range tensors {
		if err := ctx.Err(); err != nil {
			return err
		}
		schemes, which := distinct(t, plans)
		importance, err := matrix.Of(t)
		if err != nil {
			return err
		}
		figures, err := figuresOf(ctx, s.bar, t, importance, schemes, false)
		if err != nil {
			return err
		}
		for i, f := range figures {
			values := []any{t.Name, schemes[i].String(), t.Len(), f.Bytes, f.BPW(), f.MSE(), f.E2, f.SQNR(), f.MaxAbs, f.Cosine(), f.Clipped, f.Zeros, f.NonFinite}
			if matrix != nil {
				values = append(values, weightedValues(f, importance != nil)...)
			}
			if err := s.row(values...); err != nil {
				return err
			}
		}
		if err := s.flush(); err != nil {
			return err
		}
		for p := range plans {
			sums[p].add(t, schemes[which[p]], figures[which[p]])
		}
	}
	for p, plan := range plans {
		if err := sums[p].write(s, m, len(tensors), plan); err != nil {
			return err
		}
	}
	return s.flush()
}

// work returns how much measuring amounts to: weights, each once for the
// summary and once for every scheme.
func work(tensors []*model.Tensor, plans []quant.Plan) float64 {
	n := 0.0
	for _, t := range tensors {
		schemes, _ := distinct(t, plans)
		n += partOf(t, schemes)
	}
	return n
}

func partOf(t *model.Tensor, schemes []quant.Scheme) float64 {
	n := 0
	for _, s := range schemes {
		if !s.Keep() {
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return float64(n+1) * float64(t.Len())
}

// distinct returns the schemes that the plans give t, each once, and which of
// them each plan gives.
func distinct(t *model.Tensor, plans []quant.Plan) (schemes []quant.Scheme, which []int) {
	at := map[quant.Scheme]int{}
	for _, p := range plans {
		s := p.For(t)
		i, known := at[s]
		if !known {
			i = len(schemes)
			at[s] = i
			schemes = append(schemes, s)
		}
		which = append(which, i)
	}
	return schemes, which
}

// figuresOf measures t under every scheme, or looks at a sample of it.
func figuresOf(ctx context.Context, bar *progress, t *model.Tensor, importance []float32, schemes []quant.Scheme, estimate bool) ([]*quant.Figures, error) {
	bar.start(t.Name, partOf(t, schemes))
	var summary *quant.Summary
	list := make([]*quant.Figures, len(schemes))
	step := 1 / float64(len(schemes)+1)
	for i, s := range schemes {
		if s.Keep() {
			list[i] = &quant.Figures{Bytes: t.Bytes(), Exact: true}
			list[i].N = t.Len()
			continue
		}
		if summary == nil {
			var err error
			if summary, err = quant.SummarizeWith(ctx, t, importance, bar.from(0, step)); err != nil {
				return nil, err
			}
		}
		m, err := measureOrEstimate(ctx, t, summary, s, estimate, bar.from(float64(i+1)*step, float64(i+2)*step))
		if err != nil {
			return nil, err
		}
		list[i] = &m.Figures
	}
	return list, nil
}

func measureOrEstimate(ctx context.Context, t *model.Tensor, sum *quant.Summary, s quant.Scheme, estimate bool, progress func(float64)) (*quant.Measurement, error) {
	if estimate {
		return quant.Estimate(ctx, t, sum, s)
	}
	return quant.Measure(ctx, t, sum, s, progress)
}

func (s *sum) add(t *model.Tensor, scheme quant.Scheme, f *quant.Figures) {
	s.Add(t, scheme, f)
	s.maxAbs = max(s.maxAbs, f.MaxAbs)
	s.clipped += f.Clipped
	s.zeros += f.Zeros
	s.nonFinite += f.NonFinite
}

func (s *sum) write(to *sheet, m *model.Model, tensors int, plan quant.Plan) error {
	mse := s.SSE / float64(max(1, s.Params-s.nonFinite))
	if !to.json {
		return to.row("total", plan.Default.String(), s.Params, s.Then, s.BPW(), mse, s.SSE, s.SQNR(), s.maxAbs, nil, s.clipped, s.zeros, s.nonFinite)
	}
	return to.object(
		[]string{"total", "model", "scheme", "tensors", "n", "now", "bytes", "ratio", "bpw", "mse", "sse", "sqnr_db", "max_abs_err", "clipped", "zeros", "nonfinite"},
		[]any{true, m.Path, plan.Default.String(), tensors, s.Params, s.Now, s.Then, s.Ratio(), s.BPW(), mse, s.SSE, s.SQNR(), s.maxAbs, s.clipped, s.zeros, s.nonFinite},
	)
}

func showError(v any) string { return fmt.Sprintf("%.3g", v) }

func showDecibel(v any) string {
	switch db, _ := v.(float64); {
	case math.IsInf(db, 1):
		return "∞"
	case math.IsInf(db, -1):
		return "-∞"
	}
	return fmt.Sprintf("%.1f", v)
}
