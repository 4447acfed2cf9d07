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

bpw is bits per weight with every scale counted, one for 32 weights where the format has scales. In a pipe: rows between tabs under a line of names. --json: one object a line with the keys kind name bits bpw about values; kind is format, dial, rounding or range; bits and bpw are null but for formats; values are the positions of a dial.`,
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
	{key: "bits", title: "bits", width: 4},
	{key: "bpw", title: "bpw", width: 5},
	{key: "about", title: "about", width: -52},
	{key: "values", title: "positions"},
}

func table(s *sheet) error {
	for _, f := range kernels.Formats {
		if err := s.row("format", f.Name, f.Bits, cost(f), f.About, []string{}); err != nil {
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
		if err := s.row("dial", d.Name, nil, nil, d.About, values); err != nil {
			return err
		}
	}
	for _, r := range kernels.Roundings {
		if err := s.row("rounding", "round="+r.Name, nil, nil, r.About, []string{}); err != nil {
			return err
		}
	}
	for _, r := range kernels.Ranges {
		name := "range=" + r.Name
		if r == kernels.Percentile {
			name += "NN.N"
		}
		if err := s.row("range", name, nil, nil, r.About, []string{}); err != nil {
			return err
		}
	}
	return s.flush()
}

// cost returns the bits per weight of a format, with a scale for 32 weights
// where it has scales.
func cost(f *kernels.Format) float64 {
	const n = 32
	text := f.Name
	if f.Scaled {
		text += ":g32"
	}
	s, err := quant.Parse(text)
	if err != nil {
		panic(err) // the table of formats holds what Parse cannot read
	}
	return 8 * float64(s.Bytes([]int{n}, 0)) / n
}
