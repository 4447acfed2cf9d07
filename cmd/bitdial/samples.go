package main

import (
	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/samples"
)

// listSamples lists the models that the program carries.
func listSamples() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "samples",
		Short: "List the networks that the program carries",
		Long: `List the networks that the program carries, with data to run and train them on: open one with bitdial sample:NAME.

In a pipe: rows between tabs under a line of names. --json: one object a line with the keys sample params bytes about.`,
		Example: `bitdial samples
bitdial samples --json`,
		Args: between(0, 0, ""),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "lines of JSON")
	c.RunE = func(*cobra.Command, []string) error {
		s := newSheet(asJSON, []column{
			{key: "sample", title: "sample", width: -16},
			{key: "params", title: "weights", width: 11, show: showCount},
			{key: "bytes", title: "size", width: 8, show: showBytes},
			{key: "about", title: "about"},
		})
		for _, sample := range samples.All {
			m, err := samples.Open(sample.Name)
			if err != nil {
				return err
			}
			if err := s.row(samples.Prefix+sample.Name, m.Params(), m.Bytes(), sample.About); err != nil {
				return err
			}
		}
		return s.flush()
	}
	return c
}
