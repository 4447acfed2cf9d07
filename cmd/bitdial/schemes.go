package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/clipperhouse/displaywidth"
	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// schemes lists what -s can say.
func schemes() *cobra.Command {
	var asJSON, recipes bool
	c := &cobra.Command{
		Use:   "schemes [FORMAT]",
		Short: "List formats, dials, roundings and ranges, with their cost",
		Long: `With a FORMAT: what its codes mean, where that is defined, and which dials it has.

List what a SCHEME is made of: a format, and for formats with a scale the positions of its dials, between colons and in any order: int4:g32:asym:round=stochastic:range=mse. keep leaves a tensor as it is stored.

bpw is bits per weight with every scale counted: for 32 weights that share one where that is a dial, for a large tensor where the format has a codebook. In a pipe: rows between tabs under a line of names. --json: one object a line with the keys kind name family bits bpw about runs values; kind is format, dial, rounding or range; family, bits, bpw and runs (where weights of a format are computed with) are null but for formats; values are the positions of a dial.

--recipes: instead, for each tool that a plan can be written for with quantize --recipe and each format: the schemes that the tool can be told, or why none; as keys tool format says why.`,
		Example: `bitdial schemes
bitdial schemes --json
bitdial schemes --recipes
bitdial schemes q4_K`,
		Args: between(0, 1, "FORMAT"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, f := range kernels.Formats {
				names = append(names, cobra.CompletionWithDesc(f.Name, f.About))
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "lines of JSON")
	c.Flags().BoolVar(&recipes, "recipes", false, "what tools can be told of each format")
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case recipes && len(args) > 0:
			return wrong(c, "--recipes lists all formats: it takes no FORMAT")
		case recipes:
			return listRecipes(newSheet(asJSON, recipeColumns))
		case len(args) == 0:
			return table(newSheet(asJSON, schemeColumns))
		}
		f := kernels.FormatOf(args[0])
		if f == nil {
			if near := kernels.FormatsNear(args[0]); len(near) > 0 {
				return wrong(c, "%q is not a format; near it: %s", args[0], strings.Join(near, " "))
			}
			return wrong(c, "%q is not a format: bitdial schemes lists them", args[0])
		}
		if asJSON {
			return wrong(c, "--json lists all formats: it takes no FORMAT")
		}
		return about(c.OutOrStdout(), f)
	}
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

// about tells all there is to know of a format.
func about(w io.Writer, f *kernels.Format) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n%s\n\n", f.Name, f.About, fold(f.Doc(), 100))
	if values := f.ValuesDoc(); values != "" {
		fmt.Fprintf(&b, "%s\n\n", fold("values before scaling: "+values, 100))
	}
	fmt.Fprintf(&b, "%s\n\n", fold("family: "+f.Family+". "+kernels.FamilyDoc(f.Family), 100))
	fmt.Fprintf(&b, "bits per weight  %.4g\n", cost(f))
	fmt.Fprintf(&b, "runs on          %s\n", f.Runs)
	s, err := quant.Parse(f.Name)
	if err != nil {
		return err
	}
	for _, d := range quant.Dials {
		switch why := d.Why(s); {
		case d.Name == "family" || d.Name == "format":
		case why != "":
			fmt.Fprintf(&b, "%-16s – %s\n", d.Name, why)
		default:
			options, _ := d.Options(s)
			var labels []string
			for _, o := range options {
				labels = append(labels, o.Label)
			}
			fmt.Fprintf(&b, "%-16s %s\n", d.Name, strings.Join(labels, ", "))
		}
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// fold breaks text into lines of at most w columns, between words.
func fold(text string, w int) string {
	var b strings.Builder
	at := 0
	for _, word := range strings.Fields(text) {
		n := displaywidth.String(word)
		switch {
		case at == 0:
		case at+1+n > w:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
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
