package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/net"
)

// eval tells how well a network answers, as it is and as a plan leaves it.
func eval() *cobra.Command {
	var flags networkFlags
	var test, prompt string
	var most int
	var integers, asJSON bool
	c := &cobra.Command{
		Use:   "eval SAMPLE [-s SCHEME] [-a ACTIVATION]",
		Short: "Run a sample's network on its test data, before and after quantization",
		Long: `Run the network of a sample on its test data: as it is, and as a plan leaves it.

-s and -p say how weights are quantized, as for measure; -a how what flows into layers is: a scheme with tensor, token or gN as its granularity, and dynamic (the range comes from the values as they flow) or static (calibration fixes it), such as int8:asym:static:range=p99.9. GLOB=keep leaves layers in float. --integers runs layers whose weights and activations have at most 8 bits in integers, with exact sums.

A line for the float network and, last, one for the quantized. In a pipe: rows between tabs under a line of names. --json: one object a line. Pictures: network test top1 top1_lo top1_hi top5 loss kld agree n seconds; texts: network test bits_per_byte kld agree agree_lo agree_hi n seconds. Shares are from 0 to 1, their _lo and _hi the 95 % interval by Wilson's score; loss and kld are means in nats, kld and agree against the float network; n counts answers. --prompt lets networks of texts go on from what is given, and adds the key text.`,
		Example: `bitdial eval sample:animals -s int4:channel
bitdial eval sample:animals -s int8:channel -a int8:asym:static --integers
bitdial eval sample:austen -s int3:channel -a int8:token --inputs 50 --prompt 'It is a truth' --json`,
		Args:              between(1, 1, "SAMPLE"),
		ValidArgsFunction: completeModel,
	}
	flags.add(c)
	c.Flags().StringVar(&test, "test", "", "which of the sample's test data, the first if not given")
	c.Flags().IntVar(&most, "inputs", 0, "judge by the first N inputs alone")
	c.Flags().StringVar(&prompt, "prompt", "", "let a network of texts continue TEXT, the likeliest letter after the other")
	c.Flags().BoolVar(&integers, "integers", false, "run in integers what can")
	c.Flags().BoolVar(&asJSON, "json", false, "lines of JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		m, task, plan, err := flags.open(c, args[0])
		if err != nil {
			return err
		}
		defer m.Close() //nolint:errcheck // only read
		data, err := testOf(c, task, test)
		if err != nil {
			return err
		}
		if most <= 0 || most > data.Len() {
			most = data.Len()
		}
		if prompt != "" && task.Classes != nil {
			return wrong(c, "--prompt: this network tells pictures apart; sample:austen continues texts")
		}
		e := evaluation{task: task, test: data, n: most, prompt: prompt, sheet: newSheet(asJSON, evalColumns(task, prompt))}
		e.sheet.bar = newProgress(3)
		defer e.sheet.bar.wipe()
		if e.trial, err = net.NewTrial(task.Network, data); err != nil {
			return err
		}
		if err := e.row(c.Context(), "float", nil); err != nil || !flags.plan.given() {
			return err
		}
		v, err := flags.under(c.Context(), e.sheet.bar, task, plan)
		if err != nil {
			return err
		}
		e.trial.Integers = integers
		if err := e.row(c.Context(), nameOf(plan), v); err != nil {
			return err
		}
		if integers {
			_, why := v.Integers()
			e.sheet.bar.wipe()
			for _, w := range why {
				c.PrintErrf("bitdial: %s\n", w)
			}
		}
		return nil
	}
	return c
}

// nameOf says what a plan does, in a few words.
func nameOf(p quant.Plan) string {
	const most = 2
	var words []string
	for i, r := range p.Rules {
		if i == most {
			words = append(words, fmt.Sprintf("+%d rules", len(p.Rules)-most))
			break
		}
		words = append(words, r.Glob+"="+r.String())
	}
	if !p.Default.Scheme.Keep() || len(words) == 0 {
		words = append([]string{p.Default.String()}, words...)
	}
	if !p.DefaultActivation.Keep() || len(p.ActivationRules) > 0 {
		words = append(words, "·", p.DefaultActivation.String())
	}
	if text := p.Remedies.String(); text != "" {
		words = append(words, "·", text)
	}
	return strings.Join(words, " ")
}

// testOf returns the test data called name, the first for "".
func testOf(c *cobra.Command, task *net.Task, name string) (net.Test, error) {
	var names []string
	for _, t := range task.Tests {
		if t.Name == name || name == "" {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return net.Test{}, wrong(c, "--test %q: there is none of this name; there are: %s", name, strings.Join(names, ", "))
}

func evalColumns(task *net.Task, prompt string) []column {
	columns := []column{{key: "network", title: "network", width: -34}, {key: "test", title: "test", width: -12}}
	if task.Classes != nil {
		return append(columns,
			column{key: "top1", title: "top-1", width: 7, show: showShare},
			column{key: "top1_lo", title: "from", width: 7, show: showShare},
			column{key: "top1_hi", title: "to", width: 7, show: showShare},
			column{key: "top5", title: "top-5", width: 7, show: showShare},
			column{key: "loss", title: "loss", width: 7, show: showFixed(4)},
			column{key: "kld", title: "KLD", width: 9, show: showError},
			column{key: "agree", title: "agree", width: 7, show: showShare},
			column{key: "n", title: "n", width: 7, show: showCount},
			column{key: "seconds", title: "seconds", width: 7, show: showFixed(2)})
	}
	columns = append(columns,
		column{key: "bits_per_byte", title: "bits/byte", width: 9, show: showFixed(4)},
		column{key: "kld", title: "KLD", width: 9, show: showError},
		column{key: "agree", title: "agree", width: 7, show: showShare},
		column{key: "agree_lo", title: "from", width: 7, show: showShare},
		column{key: "agree_hi", title: "to", width: 7, show: showShare},
		column{key: "n", title: "n", width: 9, show: showCount},
		column{key: "seconds", title: "seconds", width: 7, show: showFixed(2)})
	if prompt != "" {
		columns = append(columns, column{key: "text", title: "text"})
	}
	return columns
}

func showShare(v any) string {
	f, _ := v.(float64)
	return fmt.Sprintf("%.1f %%", 100*f)
}

// evaluation is a network before test data.
type evaluation struct {
	task   *net.Task
	test   net.Test
	n      int
	prompt string
	trial  *net.Trial
	sheet  *sheet
}

// row runs the network as v, or as it is with v nil, and writes how well it
// answers.
func (e *evaluation) row(ctx context.Context, name string, v *net.Variant) error {
	e.sheet.bar.start(name, 1)
	begun := time.Now()
	s, err := e.trial.Score(ctx, v, e.n, e.sheet.bar.from(0, 1))
	if err != nil {
		return err
	}
	seconds := time.Since(begun).Seconds()
	agree := float64(s.Agree) / float64(max(1, s.N))
	if e.task.Classes != nil {
		lo, hi := net.Interval(s.Top1, s.N)
		err = e.sheet.row(name, e.test.Name, s.Accuracy(), lo, hi, float64(s.Top5)/float64(max(1, s.N)), s.MeanLoss(), s.MeanKLD(), agree, s.N, seconds)
	} else {
		lo, hi := net.Interval(s.Agree, s.N)
		row := []any{name, e.test.Name, s.BitsPerToken(), s.MeanKLD(), agree, lo, hi, s.N, seconds}
		if e.prompt != "" {
			text, err := e.goOn(ctx, v)
			if err != nil {
				return err
			}
			row = append(row, text)
		}
		err = e.sheet.row(row...)
	}
	if err != nil {
		return err
	}
	return e.sheet.flush()
}

// goOn returns the prompt as the network continues it, on one line.
func (e *evaluation) goOn(ctx context.Context, v *net.Variant) (string, error) {
	const letters = 80
	c, err := net.NewContinuation(e.task.Network.Graph)
	if err != nil {
		return "", err
	}
	if v == nil {
		v = e.task.Network.Float()
	}
	var tokens []int
	for _, b := range []byte(e.prompt) {
		tokens = append(tokens, int(b))
	}
	tokens, err = c.Extend(ctx, v, tokens, letters)
	if err != nil {
		return "", err
	}
	text := make([]byte, len(tokens))
	for i, t := range tokens {
		text[i] = byte(t)
	}
	return oneLine(string(text)), nil
}
