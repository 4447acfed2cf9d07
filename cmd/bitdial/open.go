package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/files"
	"github.com/bitdial/bitdial/quant/net"
	"github.com/bitdial/bitdial/samples"
)

// open opens a MODEL: a path, or the name of a sample after its prefix.
func open(name string) (*model.Model, error) {
	if sample, ok := strings.CutPrefix(name, samples.Prefix); ok {
		return samples.Open(sample)
	}
	return files.Open(name)
}

// openTask opens a MODEL as open does, and of a sample what it is run with: nil
// for others.
func openTask(name string) (*model.Model, *net.Task, error) {
	if sample, ok := strings.CutPrefix(name, samples.Prefix); ok {
		return samples.OpenTask(sample, "")
	}
	m, err := files.Open(name)
	return m, nil, err
}

// completeModel offers the samples, and files as the shell lists them.
func completeModel(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var list []string
	for _, s := range samples.All {
		list = append(list, cobra.CompletionWithDesc(samples.Prefix+s.Name, s.About))
	}
	return list, cobra.ShellCompDirectiveDefault
}
