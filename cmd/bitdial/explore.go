package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/samples"
	"github.com/bitdial/bitdial/tui"
)

// explore is the command without a verb: the explorer.
func explore() *cobra.Command {
	var flags planFlags
	var importance string
	c := &cobra.Command{
		Use:   "bitdial [MODEL]",
		Short: "Turn the dials of quantization on a real model, and see at once what every bit costs",
		Long: `Turn the dials of quantization on a real model, and see at once what every bit costs.

MODEL is a file of GGUF, safetensors, PyTorch (also TorchScript), ONNX or NumPy, one file of a split model, an index of shards or a folder, or a sample that the program carries; without one it is ` + samples.Prefix + samples.All[0].Name + `. Press ? for the keys.

--imatrix FILE: an importance matrix of llama.cpp. Formats that listen to it are shown as quantize --imatrix packs them, error is also weighted by it, plans are chosen by weighted error, and GGUF files are packed with it. What runs a network does without.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.`,
		Example: `bitdial
bitdial model.safetensors -s int4:g32 -s '*.bias=f16'
bitdial model-Q4_K_M.gguf -p mine.toml
bitdial model.gguf -p Q4_K_M
bitdial model.gguf -p Q4_K_M --imatrix imatrix.gguf`,
		Args:              modelOrVerb,
		ValidArgsFunction: completeModel,
	}
	flags.add(c, "")
	flags.addActivations(c)
	c.Flags().StringVar(&importance, "imatrix", "", "importance of weights, a FILE of llama-imatrix")
	c.RunE = func(c *cobra.Command, args []string) error {
		flags.takeMix()
		plan, err := flags.one(c, tui.DefaultPlan())
		if err != nil {
			return err
		}
		if !term.IsTerminal(os.Stdout.Fd()) {
			return usageError{errNoTerminal}
		}
		name := samples.Prefix + samples.All[0].Name
		if len(args) > 0 {
			name = args[0]
		}
		m, task, err := openTask(name)
		if err != nil {
			return err
		}
		plans, err := flags.onMix(c, m, importance != "", plan)
		if err == nil {
			err = flags.check(m)
		}
		if err != nil {
			_ = m.Close() // it was only read
			return err
		}
		return tui.Run(c.Context(), tui.Options{Model: m, Task: task, Plan: plans[0], PlanPath: flags.path, Imatrix: importance, Open: open})
	}
	return c
}

var errNoTerminal = errors.New("the explorer needs a terminal on stdout; in a pipe use a verb: bitdial measure MODEL -s SCHEME, bitdial inspect MODEL")

// modelOrVerb accepts a MODEL at most, and takes what is close to a verb, and
// no file, for a mistyped one.
func modelOrVerb(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		if _, err := os.Stat(args[0]); errors.Is(err, fs.ErrNotExist) {
			for _, verb := range c.SuggestionsFor(args[0]) {
				return wrong(c, "%q is no verb and no model; did you mean bitdial %s?", args[0], verb)
			}
		}
	}
	return between(0, 1, "MODEL")(c, args)
}
