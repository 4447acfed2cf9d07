// Command bitdial shows what every bit of a model costs: as an explorer on a
// terminal, and as verbs whose output pipes can read.
//
// A verb is one file and one line of the table verbs. It reads flags, calls
// package quant and writes what comes back; it decides nothing of its own.
package main

import (
	"os"

	"charm.land/fang/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// verbs is the table of verbs, in the order of the help.
var verbs = []func() *cobra.Command{inspect, measure, compareTwo, sweep, explain, plan, check, reportPlan, quantize, eval, train, listSamples, schemes, bench, version}

func main() { os.Exit(run(os.Args[1:])) }

// run does what args say and returns the exit code.
func run(args []string) int {
	ctx, caught, stop := signals()
	defer stop()
	var failed error
	root := command(&failed)
	root.SetArgs(numbersLast(args))
	if err := fang.Execute(ctx, root, fang.WithErrorHandler(silent), fang.WithVersion(buildVersion())); err != nil {
		failed = err // of a command that is cobra's own
	}
	return exitCode(failed, caught())
}

// command assembles the tree of commands. What a verb fails with goes to
// failed, past fang, which would ask the terminal for its background to style
// an error and wait for terminals that do not answer.
func command(failed *error) *cobra.Command {
	cobra.EnableCommandSorting = false // the table has an order
	root := explore()
	for _, verb := range verbs {
		root.AddCommand(verb())
	}
	for _, c := range append(root.Commands(), root) {
		args, work := c.Args, c.RunE
		c.Args = cobra.ArbitraryArgs
		c.RunE = func(c *cobra.Command, given []string) error {
			if *failed = args(c, given); *failed == nil {
				*failed = work(c, given)
			}
			return nil
		}
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		*failed = wrong(c, "%w", err)
		c.SetHelpFunc(func(*cobra.Command, []string) {}) // ErrHelp ends here, other errors in fang
		return pflag.ErrHelp
	})
	return root
}

// between accepts from least to most arguments; what says what they are.
func between(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return wrong(c, "%s is missing", what)
		case len(args) > most && most == 0:
			return wrong(c, "%q is one argument too many: it takes none", args[most])
		case len(args) > most:
			return wrong(c, "%q is one argument too many after %s", args[most], what)
		}
		return nil
	}
}
