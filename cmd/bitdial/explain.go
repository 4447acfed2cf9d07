package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// explain takes one number through a scheme, step by step.
func explain() *cobra.Command {
	var scheme string
	var lo, hi float32
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain NUMBER -s SCHEME",
		Short: "Show what a scheme does to one number, step by step",
		Long: `Show the way of one number through a scheme: its bits as float32, divided by the scale, rounded by the scheme's mode and by all others, clamped to the codes there are, the code's bits, and times the scale what comes back; with the error and the neighbours on the grid.

--max M is the clipping range ±M, by default ±|NUMBER|; with --min it is from there to M. How a scheme would choose its range, and which weights share a scale, matter to whole tensors: see measure. A negative NUMBER needs no --.

--json: one object with the keys number float32 sign exponent mantissa scheme scale zero_point code_min code_max scaled rounded code clipped code_bits value error modes grid; null is what the scheme does not have; modes are objects with the keys round rounded code clipped value.`,
		Example: `bitdial explain 0.789654321 -s int8 --max 1.27
bitdial explain 0.789654321 -s int8:round=trunc --max 1.27
bitdial explain -0.5 -s int4:asym --min -1 --max 0.8
bitdial explain 0.789654321 -s f16`,
		Args: between(1, 1, "NUMBER"),
	}
	c.Flags().StringVarP(&scheme, "scheme", "s", "", "what happens to NUMBER, a SCHEME")
	c.Flags().Float32Var(&hi, "max", 0, "where the clipping range ends, M: ±M (default |NUMBER|)")
	c.Flags().Float32Var(&lo, "min", 0, "where the clipping range begins (default -M)")
	c.Flags().BoolVar(&asJSON, "json", false, "a line of JSON")
	// The flag is there: it was added above.
	_ = c.RegisterFlagCompletionFunc("scheme", completeScheme)
	c.RunE = func(c *cobra.Command, args []string) error {
		x, err := number(args[0])
		if err != nil {
			return wrong(c, "%w", err)
		}
		if scheme == "" {
			return wrong(c, "a scheme is missing: -s SCHEME")
		}
		s, err := quant.Parse(scheme)
		if err != nil {
			return wrong(c, "%w", err)
		}
		if !c.Flags().Changed("max") {
			hi = float32(math.Abs(float64(x)))
		}
		if !c.Flags().Changed("min") {
			lo = -hi
		}
		if !kernels.Finite(lo) || !kernels.Finite(hi) || lo > hi || lo == hi && c.Flags().Changed("max") {
			return wrong(c, "the range %s … %s is empty or endless: --max takes a number above 0, --min one below --max", digits(lo), digits(hi))
		}
		trace := quant.Explain(x, s, lo, hi, 0)
		if asJSON {
			return traceJSON(args[0], &trace)
		}
		var b strings.Builder
		writeTrace(&b, args[0], &trace)
		_, err = io.WriteString(c.OutOrStdout(), b.String())
		return err
	}
	return c
}

// number reads a finite float32.
func number(text string) (float32, error) {
	x, err := strconv.ParseFloat(text, 32)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%q is not a number that float32 can hold", text)
	}
	return float32(x), nil
}

// numbersLast moves negative numbers of "explain", which would be taken for
// flags, behind a "--". The value of a flag stays where it is.
func numbersLast(args []string) []string {
	if len(args) == 0 || args[0] != "explain" {
		return args
	}
	var kept, numbers []string
	for i, a := range args {
		if a == "--" {
			return append(append(append(kept, "--"), numbers...), args[i+1:]...)
		}
		_, err := strconv.ParseFloat(a, 64)
		isNumber := err == nil || strings.HasPrefix(a, "-.") || len(a) > 1 && a[0] == '-' && a[1] >= '0' && a[1] <= '9'
		if strings.HasPrefix(a, "-") && isNumber && !takesValue(args[i-1]) {
			numbers = append(numbers, a)
		} else {
			kept = append(kept, a)
		}
	}
	if len(numbers) == 0 {
		return kept
	}
	return append(append(kept, "--"), numbers...)
}

// takesValue reports whether the argument is a flag of explain whose value
// follows it.
func takesValue(arg string) bool {
	switch arg {
	case "-s", "--scheme", "--max", "--min":
		return true
	}
	return false
}

// writeTrace tells the trace to people, one step a line.
func writeTrace(w *strings.Builder, typed string, t *quant.Trace) {
	line := func(what, format string, args ...any) {
		fmt.Fprintf(w, "%-11s %s\n", what, fmt.Sprintf(format, args...))
	}
	sign, exponent, mantissa := quant.Bits(t.X)
	line("number", "%s = %s as float32", typed, shortest(t.X))
	line("bits", "%s %s %s  sign, exponent, mantissa", sign, exponent, mantissa)
	line("scheme", "%s", t.Scheme)
	a, integer := t.Affine()
	switch {
	case integer:
		writeSteps(line, t, a)
	case t.Scale() > 0:
		line("scale", "%s", digits(t.Scale()))
		line("÷ scale", "%s", digits(t.Step.Scaled))
		writeModes(line, t)
		if len(t.Modes) == 0 {
			line("nearest", "%s", digits(t.Step.Rounded))
		}
	case t.Map != nil:
		line("nearest", "%s, number %d of the codebook", digits(t.Step.Value), t.Step.Code)
	case t.Scheme.Keep():
	case t.Scheme.Format.Cast == nil:
		line("packed", "in a block of %d with zeros: %s", t.Scheme.Format.Block(), t.Scheme.Format.About)
	case t.Step.Clipped:
		line("cast", "%s, clipped to the largest value there is", digits(t.Step.Value))
	default:
		line("cast", "%s, nearest even", digits(t.Step.Value))
	}
	if code := t.CodeBits(); code != "" {
		line("code bits", "%s", code)
	}
	switch {
	case integer && a.Zero != 0:
		line("× scale", "(%d − %d) × %s = %s", t.Step.Code, a.Zero, digits(a.Scale), digits(t.Step.Value))
	case integer:
		line("× scale", "%d × %s = %s", t.Step.Code, digits(a.Scale), digits(t.Step.Value))
	case t.Scale() > 0:
		line("× scale", "%s × %s = %s", digits(t.Step.Rounded), digits(t.Scale()), digits(t.Step.Value))
	}
	line("comes back", "%s", digits(t.Step.Value))
	line("error", "%s", strconv.FormatFloat(t.Err(), 'g', 4, 64))
	if len(t.Grid) > 0 {
		list := make([]string, len(t.Grid))
		for i, v := range t.Grid {
			list[i] = digits(v)
		}
		line("neighbours", "%s", strings.Join(list, "  "))
	}
}

func writeSteps(line func(what, format string, args ...any), t *quant.Trace, a kernels.Affine) {
	lo, hi := a.Range()
	line("range", "%s … %s", digits(lo), digits(hi))
	line("scale", "%s", digits(a.Scale))
	if t.Scheme.Asymmetric {
		line("zero point", "%d", a.Zero)
	}
	if a.Scale == 0 {
		line("÷ scale", "there is nothing between 0 and 0: every weight becomes 0")
		return
	}
	line("÷ scale", "%s", digits(t.Step.Scaled))
	writeModes(line, t)
	line("clamped", "%d, codes are %d … %d", t.Step.Code, a.Min, a.Max)
}

// writeModes tells what every rounding would give.
func writeModes(line func(what, format string, args ...any), t *quant.Trace) {
	for _, m := range t.Modes {
		what, clipped := "", ""
		if m.Rounding == t.Scheme.Rounding {
			what = "rounded"
		}
		if m.Clipped {
			clipped = ", clamped"
		}
		line(what, "%-12s %6s  → code %d%s → %s", m.Rounding.Title, digits(m.Rounded), m.Code, clipped, digits(m.Value))
	}
}

// digits returns x with the seven digits that every float32 has to give: 79
// steps of 0.01 are 0.79, not the 0.78999996 that tells them from 0.79's
// nearest float32.
func digits(x float32) string {
	if x == 0 {
		return "0" // nobody asked for -0
	}
	return strconv.FormatFloat(float64(x), 'g', 7, 64)
}

func shortest(x float32) string { return strconv.FormatFloat(float64(x), 'g', -1, 32) }

// traceJSON writes the trace as an object, with every bit of every value.
func traceJSON(typed string, t *quant.Trace) error {
	s := newSheet(true, nil)
	sign, exponent, mantissa := quant.Bits(t.X)
	modes := []any{}
	for _, m := range t.Modes {
		modes = append(modes, struct {
			Round   string  `json:"round"`
			Rounded float32 `json:"rounded"`
			Code    int32   `json:"code"`
			Clipped bool    `json:"clipped"`
			Value   float32 `json:"value"`
		}{m.Rounding.Name, m.Rounded, m.Code, m.Clipped, m.Value})
	}
	var scale, zero, least, most, scaled, rounded, code any
	if a, integer := t.Affine(); integer {
		zero, least, most = a.Zero, a.Min, a.Max
	}
	if t.Map != nil {
		scale, scaled, rounded, code = t.Scale(), t.Step.Scaled, t.Step.Rounded, t.Step.Code
	}
	grid := t.Grid
	if grid == nil {
		grid = []float32{}
	}
	err := s.object(
		[]string{"number", "float32", "sign", "exponent", "mantissa", "scheme", "scale", "zero_point", "code_min", "code_max", "scaled", "rounded", "code", "clipped", "code_bits", "value", "error", "modes", "grid"},
		[]any{typed, t.X, sign, exponent, mantissa, t.Scheme.String(), scale, zero, least, most, scaled, rounded, code, t.Step.Clipped, t.CodeBits(), t.Step.Value, t.Err(), modes, grid},
	)
	if err != nil {
		return err
	}
	return s.flush()
}
