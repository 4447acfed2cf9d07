package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/export"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/imatrix"
)

// budgetFlags are what plan is told.
type budgetFlags struct {
	schemes, ties, floors  []string
	budget, limit, device  string
	of, objective, target  string
	context                int
	out                    string
	replace, asJSON, asked bool
	sweeps                 []string
	imatrix                string
	exact                  bool
}

// plan chooses a scheme for each tensor within a budget.
func plan() *cobra.Command {
	var flags budgetFlags
	c := &cobra.Command{
		Use:   "plan MODEL --budget SIZE -o PLAN",
		Short: "Choose each tensor's scheme within a budget",
		Long: `Choose one scheme for each tensor so that the model errs least within a budget, or weighs least within an error, and write the plan: a default and as few rules as say it. Every tensor is measured first, by a sample, under all schemes to choose from, unless --sweep FILE holds the result; --exact looks at every weight where an estimate leaves the choice open. Without -o the plan goes to standard output. Its first line says what it amounts to.

--budget: 4.5bpw (bits per weight), 6GiB, 123456B, or 75% of the bytes that MODEL's tensors have now; all tensors count, those that are kept too. --of file counts a GGUF's header and padding as well. --device NAME is the budget that a machine leaves to the weights beside its system and the keys and values of --context tokens: ` + deviceNames() + `, or one of your own in ` + quant.DevicesPath() + `. --error: the smallest plan whose SQNR is so many dB, or with --objective sse whose squared error is no more.

-s SCHEME, repeated, is what to choose from; without it what --for runs, or what a model of this kind is mostly quantized to. -s GLOB=SCHEME pins what matches. --min GLOB=BITS is the fewest bits per weight. --tie GLOB gives one scheme to the tensors of a layer that match, as 'blk.*.attn_[qkv].weight'; where no layer has two of them, to those of all layers. Two names for the same stored weights are tied anyway.

--for TARGET: ` + targetNames() + `. A scheme that it does not run is refused.

With -o, a table lists the tensors by their place in the layers. --why lists every tensor and what decided: the next better and the next worse scheme, with their price in error for a byte against the price at the margin, where the budget ends. The choice is the best there is, or the gap says how far the best could be from it at most.

In a pipe: rows between tabs, the last one the total. --json: one object for each tensor with the keys tensor scheme n bytes bpw sse sqnr_db, and better, worse: objects with the keys scheme bytes sqnr_db price, differences from the choice and error for a byte as a multiple of the price at the margin, or null. The last line has "total": true and the keys model n bytes bpw sse sqnr_db weighted_sqnr_db budget objective gap price default rules file assumed; rules are objects with the keys match and scheme; file is the size of the GGUF with --of file, assumed what --device counted, else null.`,
		Example: `bitdial plan sample:austen --budget 4.5bpw
bitdial plan model.gguf --budget 60% --of file -o plan.toml
bitdial plan model.gguf --device '8 GB GPU' --tie 'blk.*.attn_[qkv].weight' --min 'output.weight=6' --json
bitdial plan sample:animals --error 25dB --for onnxruntime --why`,
		Args:              between(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
	}
	c.Flags().StringVar(&flags.budget, "budget", "", "how large the model may become: 4.5bpw, 6GiB, 123456B or 75%")
	c.Flags().StringVar(&flags.limit, "error", "", "instead: the SQNR in dB to keep to, or the squared error")
	c.Flags().StringVar(&flags.device, "device", "", "instead: the NAME of a device that the model is to fit")
	c.Flags().IntVar(&flags.context, "context", 0, "tokens whose keys and values a device holds too (default what the model was trained for, 4096 at most)")
	c.Flags().StringArrayVar(&flags.sweeps, "sweep", nil, "a FILE of what sweep has measured, which is not measured again")
	c.Flags().StringVar(&flags.imatrix, "imatrix", "", "importance of weights, a FILE of llama-imatrix; what is made small is then imatrix")
	c.Flags().BoolVar(&flags.exact, "exact", false, "look at every weight where that could change the plan")
	c.Flags().StringVar(&flags.of, "of", "weights", "what the budget counts: weights, or the GGUF file")
	c.Flags().StringVar(&flags.objective, "objective", quant.Objectives[0].Name, "what to make small: "+objectiveNames())
	c.Flags().StringArrayVarP(&flags.schemes, "scheme", "s", nil, "a SCHEME to choose from, repeat it for more; GLOB=SCHEME for what is fixed")
	c.Flags().StringVar(&flags.target, "for", "", "the program that is to run it, TARGET")
	c.Flags().StringArrayVar(&flags.ties, "tie", nil, "tensors that get one scheme, GLOB")
	c.Flags().StringArrayVar(&flags.floors, "min", nil, "the fewest bits per weight, GLOB=BITS")
	c.Flags().StringVarP(&flags.out, "output", "o", "", "the file to write, PLAN, TOML")
	c.Flags().BoolVar(&flags.replace, "force", false, "overwrite PLAN")
	c.Flags().BoolVar(&flags.asJSON, "json", false, "lines of JSON")
	c.Flags().BoolVar(&flags.asked, "why", false, "list every tensor and what decided on it")
	// The flag is there: it was added above.
	_ = c.RegisterFlagCompletionFunc("scheme", completeScheme)
	_ = c.RegisterFlagCompletionFunc("for", cobra.FixedCompletions(strings.Fields(targetNames()), cobra.ShellCompDirectiveNoFileComp))
	c.RunE = func(c *cobra.Command, args []string) error {
		p, err := flags.parse(c)
		if err != nil {
			return err
		}
		if err := p.open(c, args[0]); err != nil {
			return err
		}
		defer p.Close() //nolint:errcheck // only read
		if err := p.measure(c); err != nil {
			return err
		}
		return p.tell(c)
	}
	return c
}

func targetNames() string {
	return strings.Join(namesOf(quant.Targets, func(t *quant.Target) string { return t.Name }), " ")
}

func objectiveNames() string {
	return strings.Join(namesOf(quant.Objectives, func(o *quant.Objective) string { return o.Name }), ", ")
}

func deviceNames() string {
	list, _ := quant.Devices() // a broken file is an error when a device is asked for
	return strings.Join(namesOf(list, func(d quant.Device) string { return d.Name }), ", ")
}

func namesOf[T any](list []T, name func(T) string) []string {
	var names []string
	for _, x := range list {
		names = append(names, name(x))
	}
	return names
}

// planning is a plan on its way.
type planning struct {
	*budgetFlags
	*model.Model
	budget    quant.Budget
	machine   *quant.Device // nil without --device
	objective *quant.Objective
	target    *quant.Target // nil for any
	schemes   []quant.Scheme
	terms     quant.Terms

	results *quant.Results
	space   *quant.Space
	room    int64  // bytes of the budget; 0 with --error
	assumed string // of the device
	sol     quant.Solution
	plan    quant.Plan
	file    *export.GGUF // with --of file
}

// parse reads the flags, before a model is opened.
func (f *budgetFlags) parse(c *cobra.Command) (*planning, error) {
	p := &planning{budgetFlags: f}
	limits := 0
	for _, text := range []string{f.budget, f.limit, f.device} {
		if text != "" {
			limits++
		}
	}
	var err error
	switch {
	case limits == 0:
		return nil, wrong(c, "a budget is missing: --budget 4.5bpw, or --error, or --device")
	case limits > 1:
		return nil, wrong(c, "--budget, --error and --device are three ways to end a plan: give one")
	case f.of != "weights" && f.of != "file":
		return nil, wrong(c, "--of %q: a budget is of the weights or of the file", f.of)
	case f.of == "file" && f.limit != "":
		return nil, wrong(c, "--of file is for budgets: --error has none")
	case f.context < 0:
		return nil, wrong(c, "--context %d: a context has tokens", f.context)
	case f.context > 0 && f.device == "":
		return nil, wrong(c, "--context is for --device: a budget says how large the weights may be, whatever stands beside them")
	}
	if f.imatrix != "" && !c.Flags().Changed("objective") {
		f.objective = "imatrix"
	}
	if f.objective == "imatrix" && f.imatrix == "" {
		return nil, wrong(c, "--objective imatrix needs to know which weights matter: --imatrix FILE")
	}
	if p.objective = quant.ObjectiveOf(f.objective); p.objective == nil {
		return nil, wrong(c, "--objective %q: there are %s", f.objective, objectiveNames())
	}
	if p.target = quant.TargetOf(f.target); p.target == nil && f.target != "" {
		return nil, wrong(c, "--for %q: there are %s", f.target, targetNames())
	}
	if f.budget != "" {
		if p.budget, err = quant.ParseBudget(f.budget); err != nil {
			return nil, wrong(c, "--budget %w", err)
		}
	}
	if f.limit != "" {
		if _, err := p.objective.ParseLimit(f.limit, 0); err != nil {
			return nil, wrong(c, "--error %w", err)
		}
	}
	if f.device != "" {
		list, err := quant.Devices()
		if err != nil {
			return nil, err
		}
		if p.machine = quant.DeviceOf(list, f.device); p.machine == nil {
			return nil, wrong(c, "--device %q: there are %s, and what you name in %s", f.device, deviceNames(), quant.DevicesPath())
		}
	}
	for _, text := range f.schemes {
		glob, s, err := parseRule(text)
		switch {
		case err != nil:
			return nil, wrong(c, "%w", err)
		case glob != "":
			p.terms.Pins = append(p.terms.Pins, quant.Rule{Glob: glob, Choice: s})
			continue
		}
		p.schemes = append(p.schemes, s.Scheme)
		if !s.Else.Keep() {
			p.schemes = append(p.schemes, s.Else)
		}
	}
	for _, text := range f.floors {
		floor, err := quant.ParseFloor(text)
		if err != nil {
			return nil, wrong(c, "--min %w", err)
		}
		p.terms.Floors = append(p.terms.Floors, floor)
	}
	for _, glob := range f.ties {
		if quant.CheckGlob(glob) != nil || glob == "" {
			return nil, wrong(c, "--tie %q is not a glob", glob)
		}
	}
	p.terms.Ties = f.ties
	if f.out != "" {
		return p, model.CheckWrite(f.out, f.replace)
	}
	return p, nil
}

// open opens the model and settles what there is to choose from.
func (p *planning) open(c *cobra.Command, name string) error {
	m, err := open(name)
	if err != nil {
		return err
	}
	p.Model = m
	if p.target == nil && p.of == "file" || m.Format == "gguf" && p.target == nil && len(p.schemes) == 0 {
		p.target = quant.TargetOf("llama.cpp")
	}
	if p.of == "file" && p.target.Name != "llama.cpp" {
		return wrong(c, "--of file counts a GGUF's bytes, and %s takes none: leave it out", p.target.Name)
	}
	if len(p.schemes) == 0 {
		p.schemes = quant.Candidates()
		if p.target != nil {
			p.schemes = p.target.Candidates()
		}
		p.schemes = append([]quant.Scheme{{}}, p.schemes...) // to keep is first among equals
	}
	all := slices.Clone(p.schemes)
	for _, r := range p.terms.Pins {
		all = append(all, r.Scheme, r.Else)
	}
	for _, s := range all {
		if p.target == nil {
			break
		}
		if why := p.target.WhyNot(s); why != "" {
			return wrong(c, "%s: %s", s, why)
		}
	}
	if err := p.terms.Check(m.Tensors, p.schemes); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	return nil
}

// measure finds out what the plan chooses by and the files of results do not say:
// by estimates, and exactly where it is asked for and could change the choice.
func (p *planning) measure(c *cobra.Command) error {
	var skipped []quant.Skipped
	var err error
	if p.results, skipped, err = quant.LoadResults(p.sweeps...); err != nil {
		return err
	}
	for _, s := range skipped {
		c.PrintErrln("bitdial: " + oneLine(s.String()))
	}
	options := quant.SweepOptions{Known: p.results}
	if p.imatrix != "" {
		matrix, err := imatrix.Open(p.imatrix)
		if err != nil {
			return err
		}
		defer matrix.Close() //nolint:errcheck // only read
		options.Importance = matrix.Of
		tellUnweighted(c, p.imatrix, matrix, quant.Tasks(p.Tensors, p.schemes, false))
	}
	var tasks []quant.Task
	for i, schemes := range p.terms.Wanted(p.Tensors, p.schemes) {
		if len(schemes) > 0 {
			tasks = append(tasks, quant.Task{Tensor: p.Tensors[i], Schemes: schemes})
		}
	}
	for first := true; len(tasks) > 0; first = false {
		if err := withProgress(c.Context(), tasks, options); err != nil {
			return err
		}
		if n := p.results.Strangers(); first && n > 0 {
			c.PrintErrf("bitdial: %s: %s of other tensors or another importance: left alone\n", oneLine(strings.Join(p.sweeps, ", ")), counted(n, "result is", "results are"))
		}
		if err := p.choose(); err != nil || !p.exact {
			return err
		}
		tasks = p.undecided()
	}
	return p.choose()
}

// undecided returns what has to be measured exactly before the choice is certain.
func (p *planning) undecided() []quant.Task {
	var tasks []quant.Task
	for i, r := range p.space.Rows {
		if len(r.Candidates) == 1 {
			continue
		}
		chosen := r.Candidates[p.sol.Picks[i]].Scheme
		for _, t := range r.Tensors {
			if schemes := quant.Undecided(t, p.schemes, chosen, p.sol.Price, p.objective, p.known); len(schemes) > 0 {
				tasks = append(tasks, quant.Task{Tensor: t, Schemes: schemes, Exact: true})
			}
		}
	}
	return tasks
}

func (p *planning) known(t *model.Tensor, s quant.Scheme) *quant.Figures {
	return p.results.Figures(t, s)
}

// choose solves it.
func (p *planning) choose() (err error) {
	p.space = p.terms.Space(p.Tensors, p.schemes, p.objective, p.known)
	if p.limit != "" {
		limit, err := p.objective.ParseLimit(p.limit, p.finite())
		if err != nil {
			return err
		}
		if p.sol, err = p.space.Smallest(limit); err != nil {
			return p.errorEnds(err)
		}
		p.plan = p.space.Plan(p.sol)
		return nil
	}
	p.room = p.budget.Of(p.Params(), p.Bytes())
	if p.machine != nil {
		p.room = p.deviceRoom()
	}
	if p.of == "file" {
		p.sol, p.file, err = export.FitGGUF(p.Model, p.space, p.room, p.machine != nil)
	} else if err = p.checkRoom(); err == nil {
		p.sol, err = p.space.Solve(p.room)
	}
	switch {
	case err != nil && p.assumed != "":
		return fmt.Errorf("%w (%s)", err, p.assumed)
	case err != nil:
		return err
	}
	p.plan = p.space.Plan(p.sol)
	return nil
}

// finite returns how many weights the SQNR of a plan is of: an error is known of
// those alone that are numbers.
func (p *planning) finite() (n int) {
	of := map[*model.Tensor]int{}
	for _, r := range p.space.Rows {
		for _, t := range r.Tensors {
			for _, s := range r.Candidates {
				if f := p.known(t, s.Scheme); f != nil {
					of[t] = f.NonFinite
				}
			}
		}
	}
	for _, t := range p.Tensors {
		if quant.Quantizable(t) {
			n += t.Len() - of[t]
		}
	}
	return n
}

// deviceRoom returns what the device leaves to the weights, and says what it
// assumed.
func (p *planning) deviceRoom() int64 {
	facts := quant.FactsOf(p.Model)
	tokens := p.context
	if tokens == 0 {
		if tokens = 4096; facts.Context > 0 {
			tokens = min(tokens, facts.Context)
		}
	}
	room := p.machine.Budget(facts, tokens)
	p.assumed = room.Assumed
	return max(0, room.Weights)
}

// checkRoom returns an error that tells both ends if the budget is beyond them; a
// device may have more room than is needed.
func (p *planning) checkRoom() error {
	least, most := p.space.Ends()
	if p.room >= least && (p.room <= most || p.machine != nil) {
		return nil
	}
	return fmt.Errorf("%s: no plan has %d bytes, %.4g bpw: from these schemes the smallest has %d, %.4g bpw, and the largest %d, %.4g bpw",
		p.Name, p.room, p.bpw(p.room), least, p.bpw(least), most, p.bpw(most))
}

func (p *planning) bpw(bytes int64) float64 { return bitsPer(bytes, p.Params()) }

// errorEnds returns err with the SQNR of both ends, which is what people know.
func (p *planning) errorEnds(err error) error {
	if p.objective.Name == "sse" {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	smallest, largest := p.space.Errors()
	return fmt.Errorf("%s: no plan has an SQNR of %s: from these schemes the smallest has %s dB, and the largest %s dB", p.Name, p.limit, p.decibels(smallest), p.decibels(largest))
}

// decibels returns what an error of the whole model is, in dB.
func (p *planning) decibels(sum float64) string { return decibels(p.objective.SQNR(sum, p.finite())) }

func (p *planning) totals(schemes []quant.Scheme) quant.Totals {
	var t quant.Totals
	for i, tensor := range p.Tensors {
		t.Add(tensor, schemes[i], p.known(tensor, schemes[i]))
	}
	return t
}
