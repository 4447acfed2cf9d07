package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant/export/report"
	"github.com/bitdial/bitdial/quant/model"
)

// reportPlan writes what a plan does as a page.
func reportPlan() *cobra.Command {
	var flags planFlags
	var out string
	var estimate, replace bool
	c := &cobra.Command{
		Use:   "report MODEL -p PLAN -o OUT",
		Short: "Write what a plan does as a page, HTML or Markdown",
		Long: `Write what a plan does to MODEL as one page that needs nothing else: OUT.html, for reading, printing and sending, without scripts and without anything from a network, or OUT.md, with tables alone.

It has the totals; a map of errors, layers by places; the curve of the best plans against this one and those that people know; the weights of the worst tensors before and after; every tensor; what the file says of the model; how the figures were found, the plan, and the command that makes the page again.

-s and -p say how, as for measure; -p also takes a mix of llama-quantize by its name. Errors under the plan are measured exactly, with --estimate from a sample of each tensor; the curve is an estimate always.

OUT appears whole or not at all, and an existing one is kept unless --force is given.`,
		Example: `bitdial report sample:animals -s int4:g32 -o animals.html
bitdial report model.gguf -p Q4_K_M -o report.html --estimate
bitdial report model.gguf -p mine.toml -o report.md --force`,
		Args:              between(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
	}
	flags.add(c, "")
	c.Flags().StringVarP(&out, "output", "o", "", "the file to write, OUT.html or OUT.md")
	c.Flags().BoolVar(&estimate, "estimate", false, "look at a sample of each tensor")
	c.Flags().BoolVar(&replace, "force", false, "overwrite OUT")
	c.RunE = func(c *cobra.Command, args []string) error {
		write := writerFor(out)
		switch {
		case !flags.given():
			return wrong(c, "a scheme is missing: -s SCHEME, or -p PLAN")
		case out == "":
			return wrong(c, "the file to write is missing: -o OUT.html or OUT.md")
		case write == nil:
			return wrong(c, "%s: a report is a file called OUT.html or OUT.md", oneLine(out))
		}
		m, err := open(args[0])
		if err != nil {
			return err
		}
		defer m.Close() //nolint:errcheck // only read
		plan, err := flags.on(c, m)
		if err != nil {
			return err
		}
		tellFallbacks(c, m.Tensors, plan)
		bar := newProgress(1)
		defer bar.wipe()
		bar.start(m.Name, 1)
		name := flags.path
		if name == "" || len(flags.schemes) > 0 {
			name = strings.TrimSpace(name + " " + strings.Join(flags.schemes, " "))
		}
		var r *report.Report
		err = model.WriteFile(out, replace, func(w io.Writer) error {
			r, err = report.Make(c.Context(), report.Source{
				Model: m, Plan: plan, PlanName: name, Command: commandLine(os.Args), Version: buildVersion(), Estimate: estimate,
			}, bar.from(0, 1))
			if err != nil {
				return err
			}
			return write(r, w)
		})
		if err != nil {
			return err
		}
		bar.wipe()
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %d tensors, %d bytes under the plan, SQNR %s dB\n", oneLine(out), len(r.Tensors), r.Totals.Then, decibels(r.Totals.SQNR()))
		return err
	}
	return c
}

// writerFor returns what writes a file of such a name, nil if nothing does.
func writerFor(path string) func(*report.Report, io.Writer) error {
	path = strings.ToLower(path)
	switch {
	case strings.HasSuffix(path, ".html"), strings.HasSuffix(path, ".htm"):
		return (*report.Report).HTML
	case strings.HasSuffix(path, ".md"), strings.HasSuffix(path, ".markdown"):
		return (*report.Report).Markdown
	}
	return nil
}

// commandLine returns the command line as a shell of Unix takes it.
func commandLine(args []string) string {
	list := []string{"bitdial"}
	for _, arg := range args[1:] {
		if strings.Trim(arg, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%") != "" || arg == "" {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		list = append(list, arg)
	}
	return strings.Join(list, " ")
}
