package main

import (
	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// schemes lists what -s can say.
func schemes() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "schemes",
		Short: "List formats, dials, roundings and ranges, with their cost",
		Long: `List what a SCHEME is made of: a format, and for formats with a scale the positions of its dials, between colons and in any order: int4:g32:asym:round=stochastic:range=mse. keep leaves a tensor as it is stored.

bpw is bits per weight with every scale counted: for 32 weights that share one where that is a dial, for a large tensor where the format has a codebook. In a pipe: rows between tabs under a line of names. --json: one object a line with the keys kind name family bits bpw about runs values; kind is format, dial, rounding or range; family, bits, bpw and runs (where weights of a format are computed with) are null but for formats; values are the positions of a dial.`,
		Example: `bitdial schemes
bitdial schemes --json`,
		Args: between(0, 0, ""),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "lines of JSON")
	c.RunE = func(*cobra.Command, []string) error { return table(newSheet(asJSON, schemeColumns)) }
	return c
}

var schemeColumns = []column{
	{key: "kind", title: "kind", width: -8},
	{key: "name", title: "name", width: -16},
	{key: "family", title: "family", width: -12},
	{key: "bits", title: "bits", width: 4},
	{key: "bpw", title: "bpw", width: 5},
	{key: "about", title: "about", width: -52},
	{key: "runs", title: "runs on", width: -20},
	{key: "values", title: "positions"},
}

func table(s *sheet) error {
	for _, f := range kernels.Formats {
		if err := s.row("format", f.Name, f.Family, f.Bits, cost(f), f.About, f.Runs, []string{}); err != nil {
			return err
		}
	}
	for _, d := range quant.Dials {
		values := []string{}
		for _, p := range positions(d) {
			if p.written == "" {
				p.written = p.label + " (default)"
			}
			values = append(values, p.written)
		}
		if err := s.row("dial", d.Name, nil, nil, nil, d.About, nil, values); err != nil {
			return err
		}
	}
	for _, r := range kernels.Roundings {
		if err := s.row("rounding", "round="+r.Name, nil, nil, nil, r.About, nil, []string{}); err != nil {
			return err
		}
	}
	for _, r := range kernels.Ranges {
		name := "range=" + r.Name
		switch r {
		case kernels.Percentile:
			name += "NN.N"
		case kernels.OptimalScale:
			name = "search=" + r.Name
		}
		if err := s.row("range", name, nil, nil, nil, r.About, nil, []string{}); err != nil {
			return err
		}
	}
	return s.flush()
}

// cost returns the bits per weight of a format: of 32 weights that share a
// scale where that is a dial, of a large tensor otherwise.
func cost(f *kernels.Format) float64 {
	text, n := f.Name, 1<<20
	if f.Has(kernels.Granular) && !f.Book {
		text += ":g32"
	}
	s, err := quant.Parse(text)
	if err != nil {
		panic(err) // the table of formats holds what Parse cannot read
	}
	return 8 * float64(s.Bytes([]int{1, n}, 0)) / float64(n)
}
