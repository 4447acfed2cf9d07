package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// planFlags are the flags that say how a model is quantized.
type planFlags struct {
	schemes     []string
	activations []string
	remedies    string
	path        string
	mix         *quant.Mix // that path named instead of a file, see takeMix
}

func (f *planFlags) add(c *cobra.Command, more string) {
	c.Flags().StringArrayVarP(&f.schemes, "scheme", "s", nil, "how to quantize: SCHEME for all weights"+more+", GLOB=SCHEME for what matches; SCHEME,OTHER takes the other where the first does not fit")
	c.Flags().StringVarP(&f.path, "plan", "p", "", "file with a PLAN, TOML, or for a GGUF model a mix of llama-quantize, as Q4_K_M; rules of -s come after its own")
	// The flag is there: it was added above.
	_ = c.RegisterFlagCompletionFunc("scheme", completeScheme)
}

// takeMix takes what -p says for the name of a mix, if it is one and no file.
func (f *planFlags) takeMix() {
	if _, err := os.Stat(f.path); err == nil {
		return
	}
	if f.mix = quant.MixOf(f.path); f.mix != nil {
		f.path = ""
	}
}

// onMix returns plans as they are if no mix was taken, else what the flags say on top
// of that mix for m. guided says whether an importance matrix goes with it.
func (f *planFlags) onMix(c *cobra.Command, m *model.Model, guided bool, plans ...quant.Plan) ([]quant.Plan, error) {
	if f.mix == nil {
		return plans, nil
	}
	base, err := f.mix.Plan(m, guided)
	if err != nil {
		return nil, err
	}
	return f.read(c, base)
}

// addActivations adds the flags that say what happens to a network's
// activations, for verbs that run it.
func (f *planFlags) addActivations(c *cobra.Command) {
	c.Flags().StringArrayVarP(&f.activations, "activation", "a", nil, "how to quantize what flows into layers: ACTIVATION for all, GLOB=ACTIVATION for layers whose weight matches")
	c.Flags().StringVar(&f.remedies, "remedy", "", "equalize, correct-bias, smooth=0.5, separated by commas")
}

// read returns a plan for every SCHEME without a glob, or a single one where
// none is given: that of the file, else one that keeps what no rule names.
// base is the plan to begin with if there is no file.
func (f *planFlags) read(c *cobra.Command, base quant.Plan) ([]quant.Plan, error) {
	if f.path != "" {
		var err error
		if base, err = quant.LoadPlan(f.path); err != nil {
			return nil, err
		}
	}
	for _, text := range f.activations {
		glob, a, err := parseActivationRule(text)
		switch {
		case err != nil:
			return nil, wrong(c, "%w", err)
		case glob == "":
			base.DefaultActivation = a
		default:
			base = base.WithActivation(glob, a)
		}
	}
	if f.remedies != "" {
		r, err := quant.ParseRemedies(f.remedies)
		if err != nil {
			return nil, wrong(c, "%w", err)
		}
		base.Remedies = r
	}
	var defaults []quant.Choice
	for _, text := range f.schemes {
		glob, s, err := parseRule(text)
		switch {
		case err != nil:
			return nil, wrong(c, "%w", err)
		case glob == "":
			defaults = append(defaults, s)
		default:
			base = base.With(glob, s)
		}
	}
	if len(defaults) == 0 {
		return []quant.Plan{base}, nil
	}
	var plans []quant.Plan
	for _, s := range defaults {
		base.Default = s
		plans = append(plans, base)
	}
	return plans, nil
}

// one is read for verbs that follow a single plan.
func (f *planFlags) one(c *cobra.Command, base quant.Plan) (quant.Plan, error) {
	plans, err := f.read(c, base)
	if err != nil {
		return quant.Plan{}, err
	}
	if len(plans) > 1 {
		return quant.Plan{}, wrong(c, "-s names %d schemes for all weights: %s follows one; measure compares", len(plans), c.Name())
	}
	return plans[0], nil
}

// on returns the single plan for m, of a file or of a mix. Rules that match nothing
// are an error.
func (f *planFlags) on(c *cobra.Command, m *model.Model) (quant.Plan, error) {
	flags, base := *f, quant.Plan{}
	flags.takeMix()
	if flags.mix != nil {
		var err error
		if base, err = flags.mix.Plan(m, false); err != nil {
			return base, err
		}
	}
	plan, err := flags.one(c, base)
	if err != nil {
		return plan, err
	}
	return plan, flags.check(m)
}

// given reports whether the command line says how to quantize at all.
func (f *planFlags) given() bool {
	return f.path != "" || f.mix != nil || len(f.schemes)+len(f.activations) > 0 || f.remedies != ""
}

// check returns an error if a glob typed after -s matches no tensor of m: a
// mistyped rule would silently change nothing.
func (f *planFlags) check(m *model.Model) error {
	for _, text := range f.schemes {
		glob, _, _ := parseRule(text) // read has seen the error
		if glob != "" && len(matching(m, glob)) == 0 {
			return noMatch(m, glob)
		}
	}
	for _, text := range f.activations {
		glob, _, _ := parseActivationRule(text)
		if glob != "" && len(matching(m, glob)) == 0 {
			return noMatch(m, glob)
		}
	}
	return nil
}

// parseActivationRule reads ACTIVATION or GLOB=ACTIVATION.
func parseActivationRule(text string) (glob string, a quant.Activation, err error) {
	if a, err = quant.ParseActivation(text); err == nil {
		return "", a, nil
	}
	before, after, ok := strings.Cut(text, "=")
	if !ok || strings.Contains(before, ":") {
		return "", a, err
	}
	if quant.CheckGlob(before) != nil || before == "" {
		return "", a, fmt.Errorf("%q: %q is not a glob", text, before)
	}
	a, err = quant.ParseActivation(after)
	return before, a, err
}

// parseRule reads SCHEME or GLOB=SCHEME. A glob may hold = as a scheme may.
func parseRule(text string) (glob string, s quant.Choice, err error) {
	if s, err = quant.ParseChoice(text); err == nil {
		return "", s, nil
	}
	for i, r := range text {
		if r != '=' || i == 0 {
			continue
		}
		if s, e := quant.ParseChoice(text[i+1:]); e == nil {
			if quant.CheckGlob(text[:i]) != nil {
				return "", s, fmt.Errorf("%q: %q is not a glob", text, text[:i])
			}
			return text[:i], s, nil
		}
	}
	// Neither: complain about what was meant, a rule if there is a = before any dial.
	if glob, scheme, ok := strings.Cut(text, "="); ok && !strings.Contains(glob, ":") {
		_, err = quant.ParseChoice(scheme)
	}
	return "", s, err
}

// matching returns the tensors of m that glob matches, all for "".
func matching(m *model.Model, glob string) []*model.Tensor {
	if glob == "" {
		return m.Tensors
	}
	var list []*model.Tensor
	for _, t := range m.Tensors {
		if quant.Match(glob, t.Name) {
			list = append(list, t)
		}
	}
	return list
}

// selected returns the tensors that --tensors names.
func selected(c *cobra.Command, m *model.Model, glob string) ([]*model.Tensor, error) {
	if err := quant.CheckGlob(glob); err != nil {
		return nil, wrong(c, "--tensors %q is not a glob", glob)
	}
	list := matching(m, glob)
	if glob != "" && len(list) == 0 {
		return nil, noMatch(m, glob)
	}
	return list, nil
}

func noMatch(m *model.Model, glob string) error {
	return fmt.Errorf("%s: no tensor matches %q (inspect lists their names)", m.Name, glob)
}

// completeScheme offers formats, and after a format the dials that it has.
func completeScheme(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	const how = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	glob, scheme := "", typed
	if before, after, ok := strings.Cut(typed, "="); ok && !strings.Contains(before, ":") {
		glob, scheme = before+"=", after
	}
	var list []string
	i := strings.LastIndex(scheme, ":")
	if i < 0 {
		list = append(list, glob+"keep")
		for _, f := range kernels.Formats {
			list = append(list, cobra.CompletionWithDesc(glob+f.Name, f.About))
		}
		return list, how
	}
	for _, d := range quant.Dials {
		for _, p := range positions(d) {
			if s := scheme[:i+1] + p.written; p.written != "" && valid(s) {
				list = append(list, cobra.CompletionWithDesc(glob+s, p.label))
			}
		}
	}
	return list, how
}

func valid(scheme string) bool {
	_, err := quant.Parse(scheme)
	return err == nil
}

// position is what a dial can be turned to and how a scheme writes it, "" for
// the default, which need not be written.
type position struct{ label, written string }

// positions lists those of a dial, as they stand in a scheme of integers.
func positions(d *quant.Dial[quant.Scheme]) []position {
	for _, base := range []string{"int4", "int4:round=stochastic"} {
		s, err := quant.Parse(base)
		if err != nil || d.Why(s) != "" {
			continue
		}
		have := strings.Split(base, ":")
		var list []position
		options, _ := d.Options(s)
		for _, o := range options {
			parts := strings.Split(o.Scheme.String(), ":")
			added := slices.DeleteFunc(parts, func(p string) bool { return slices.Contains(have, p) })
			list = append(list, position{o.Label, strings.Join(added, ":")})
		}
		return list
	}
	return nil
}

// tellFallbacks says on standard error which tensors do not get the scheme
// that the plan wishes for them, and why.
func tellFallbacks(c *cobra.Command, tensors []*model.Tensor, plan quant.Plan) {
	const most = 3
	told := 0
	for _, t := range tensors {
		wish := plan.Wish(t)
		why := wish.Scheme.WhyNot(t.Shape)
		if why == "" {
			continue
		}
		if told++; told <= most {
			c.PrintErrf("bitdial: %s: %s instead of %s: %s\n", t.Name, plan.For(t), wish.Scheme, why)
		}
	}
	if told > most {
		c.PrintErrf("bitdial: … and %d more tensors\n", told-most)
	}
}
