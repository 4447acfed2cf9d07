package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// measured is what bench measures exactly on one core and on all.
var measured = []string{"int4:g32", "q4_K", "fp8_e4m3"}

const opMeasured = "measure exactly"

// bench tells how fast every kernel is on this machine.
func bench() *cobra.Command {
	var op, glob string
	var threads int
	var asJSON bool
	cores := runtime.GOMAXPROCS(0)
	c := &cobra.Command{
		Use:   "bench",
		Short: "Time every kernel on this machine",
		Long: `Time every kernel, in plain Go and in the vector instructions that this machine has, over normal weights: weights a second, bytes read and written a second, that as a share of the speed at which memory is read here (copied, for a kernel that writes a result for every weight), and how many times as fast as plain Go it is. Fast kernels run over 64 MiB of weights, slow ones over fewer; the best of several runs counts. All rows together take less than a minute; ctrl-C ends them and leaves what was printed. Exact measurements, which are made of kernels, are timed on one core and on all.

Other programs on the machine make all figures worse, and unevenly so: compare ratios within one run. In a pipe: rows between tabs under a line of names. --json: one object a line, as results come, with the keys op format impl threads mweights_s gb_s share vs_go; impl is go, avx2 or avx512; share and vs_go are null for exact measurements, format is null for what serves every format.`,
		Example: `bitdial bench --op roundtrip --format 'fp8*'
bitdial bench --format q4_K --json`,
		Args: between(0, 0, ""),
	}
	c.Flags().StringVar(&op, "op", "", "only this operation: "+strings.Join(ops(), ", "))
	c.Flags().StringVar(&glob, "format", "", "only formats that match GLOB")
	c.Flags().IntVar(&threads, "threads", 1, "how many cores share the weights")
	c.Flags().BoolVar(&asJSON, "json", false, "lines of JSON")
	// The flag is there: it was added above.
	_ = c.RegisterFlagCompletionFunc("op", cobra.FixedCompletions(ops(), cobra.ShellCompDirectiveNoFileComp))
	c.RunE = func(c *cobra.Command, _ []string) error {
		switch {
		case op != "" && !slices.Contains(ops(), op):
			return wrong(c, "--op %q is none of %s", op, strings.Join(ops(), ", "))
		case quant.CheckGlob(glob) != nil:
			return wrong(c, "--format %q is not a glob", glob)
		case threads < 1 || threads > cores:
			return wrong(c, "--threads takes 1 to %d, the cores there are", cores)
		}
		wanted := func(o, format string) bool {
			return (op == "" || op == o) && (glob == "" || quant.Match(glob, format))
		}
		return timeAll(c, newSheet(asJSON, benchColumns), threads, wanted)
	}
	return c
}

var benchColumns = []column{
	{key: "op", title: "operation", width: -15},
	{key: "format", title: "format", width: -20},
	{key: "impl", title: "in", width: -6},
	{key: "threads", title: "cores", width: 5},
	{key: "mweights_s", title: "M weights/s", width: 11, show: showSpeed},
	{key: "gb_s", title: "GB/s", width: 6, show: showFixed(2)},
	{key: "share", title: "of memory", width: 9, show: func(v any) string { return fmt.Sprintf("%.0f %%", 100*v.(float64)) }},
	{key: "vs_go", title: "over Go", width: 7, show: func(v any) string { return fmt.Sprintf("%.1f×", v) }},
}

// ops lists the operations of the table of kernels.
func ops() []string {
	var list []string
	for _, k := range kernels.Kernels {
		if !slices.Contains(list, k.Op) {
			list = append(list, k.Op)
		}
	}
	return append(list, opMeasured)
}

func timeAll(c *cobra.Command, s *sheet, threads int, wanted func(op, format string) bool) error {
	rows := 0
	report := func(v quant.Speed) error {
		rows++
		var format, share, overGo any
		if v.Format != "" {
			format = v.Format
		}
		if v.OverGo > 0 {
			share, overGo = v.Share, v.OverGo
		}
		if err := s.row(v.Op, format, v.Impl.String(), v.Threads, v.Weights/1e6, v.Bytes/1e9, share, overGo); err != nil {
			return err
		}
		return s.flush()
	}
	if err := quant.Bench(c.Context(), threads, wanted, report); err != nil {
		return err
	}
	for _, text := range measured {
		if !wanted(opMeasured, text) {
			continue
		}
		scheme, err := quant.Parse(text)
		if err != nil {
			return err
		}
		if err := quant.BenchMeasure(c.Context(), scheme, report); err != nil {
			return err
		}
	}
	if rows == 0 {
		return fmt.Errorf("no kernel matches: bitdial bench --op OP or --format GLOB alone lists what there is")
	}
	return nil
}

func showSpeed(v any) string {
	f, _ := v.(float64)
	if f < 100 {
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.0f", f)
}
