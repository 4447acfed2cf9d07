package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/net"
)

// bound is a flag of check: how much of something is asked for, min-…, or allowed,
// max-….
type bound struct {
	name, about string
	plan        bool // of a plan alone, not of a pair of models
	runs        bool // the network must run
	bytes       bool // the limit is in bytes
}

// bounds is the table of them.
var bounds = []bound{
	{name: "min-sqnr", about: "the least SQNR of the whole model, in dB"},
	{name: "min-tensor-sqnr", about: "the least SQNR of any tensor, in dB"},
	{name: "max-size", about: "the most bytes of all tensors: 6GiB, 123456B", bytes: true},
	{name: "max-bpw", about: "the most bits per weight"},
	{name: "max-drop", about: "the most accuracy lost, in percentage points; samples alone run", plan: true, runs: true},
	{name: "max-kld", about: "the largest mean divergence from the float network's answers, in nats; samples alone run", plan: true, runs: true},
}

// checking is what check is told, and what it finds.
type checking struct {
	network  networkFlags
	test     string
	most     int
	texts    map[string]*string // limits as they were typed, by the bound's name
	limits   map[string]float64
	estimate bool
	asJSON   bool

	totals   quant.Totals
	worst    string // the tensor of least SQNR, and that
	worstDB  float64
	tensors  int
	broken   []breach
	answered map[string]float64 // of bounds that run the network
}

// breach is a bound that does not hold.
type breach struct {
	bound, tensor string // no tensor where the bound is the model's
	value, limit  float64
}

// check is the gate: it fails where a bound does not hold.
func check() *cobra.Command {
	f := &checking{texts: map[string]*string{}, limits: map[string]float64{}, answered: map[string]float64{}, worstDB: math.Inf(1)}
	c := &cobra.Command{
		Use:   "check MODEL -s SCHEME --min-sqnr DB | check A B --min-sqnr DB",
		Short: "Hold a plan, or a quantized release, to bounds; exit 1 if one breaks",
		Long: `Hold what a plan does to MODEL, or how far model B is from A (see compare), to bounds: at least one of them. For pipelines.

Exit codes: 0 if all bounds hold, with one line of totals; 1 if one does not, with a line for each that breaks, or if something cannot be read; 2 if the command line is wrong, as without any bound; 130 if interrupted.

-s and -p say how, as for measure; -p also takes a mix of llama-quantize by its name. SQNR is measured exactly; --estimate looks at a sample of each tensor, and measures exactly where the sample leaves open on which side of --min-tensor-sqnr it is: then totals are estimates. --max-size counts the tensors' bytes, without a file's header. --max-drop and --max-kld run a sample's network on its test data, as eval does, with -a and --remedy as they are there; the drop is of top-1 accuracy, of texts of the next letter's. Of two models, a weight that is finite in A and not in B breaks every check; tensors without partner are told on standard error, and B's count for --max-size and --max-bpw.

Lines that break, between tabs in a pipe: bound tensor value limit, no tensor where the bound is the whole model's. --json: one object for each with these keys; the last line has "total": true and the keys model other passed broken tensors n bytes bpw sqnr_db worst worst_sqnr_db drop kld exact, null where it does not apply.`,
		Example: `bitdial check sample:animals -s int4:g32 --min-sqnr 20 --max-bpw 4.6
bitdial check sample:animals -s int8:channel --max-drop 1
bitdial check model.gguf -p mine.toml --min-tensor-sqnr 15 --max-size 6GiB --estimate
bitdial check model.gguf model-Q8_0.gguf --min-sqnr 30`,
		Args:              between(1, 2, "MODEL, or A and B"),
		ValidArgsFunction: completeTwoModels,
	}
	f.network.add(c)
	for _, b := range bounds {
		f.texts[b.name] = c.Flags().String(b.name, "", b.about)
	}
	c.Flags().StringVar(&f.test, "test", "", "which of the sample's test data, the first if not given")
	c.Flags().IntVar(&f.most, "inputs", 0, "judge by the first N inputs alone")
	c.Flags().BoolVar(&f.estimate, "estimate", false, "look at a sample of each tensor")
	c.Flags().BoolVar(&f.asJSON, "json", false, "lines of JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := f.parse(c, len(args) == 2); err != nil {
			return err
		}
		if len(args) == 2 {
			return f.pair(c, args[0], args[1])
		}
		return f.plan(c, args[0])
	}
	return c
}

// parse reads the limits.
func (f *checking) parse(c *cobra.Command, pair bool) error {
	for _, b := range bounds {
		if !c.Flags().Changed(b.name) {
			continue
		}
		text := *f.texts[b.name]
		limit, err := b.parse(text)
		switch {
		case err != nil:
			return wrong(c, "--%s %w", b.name, err)
		case pair && b.plan:
			return wrong(c, "--%s is for a plan: two models are held against each other as they are", b.name)
		}
		f.limits[b.name] = limit
	}
	for _, name := range []string{"test", "inputs", "weights", "data", "calibrate"} {
		if c.Flags().Changed(name) && !f.runs() {
			return wrong(c, "--%s is for a network that runs: with --max-drop or --max-kld", name)
		}
	}
	given := f.network.plan.given()
	switch {
	case len(f.limits) == 0:
		names := namesOf(bounds, func(b bound) string { return "--" + b.name })
		return wrong(c, "there is nothing to hold it to: at least one of %s", strings.Join(names, " "))
	case pair && (given || f.estimate):
		return wrong(c, "-s, -p and --estimate are for a plan: two models are compared as they are, weight by weight")
	case !pair && !given:
		return wrong(c, "a scheme is missing: -s SCHEME, or -p PLAN; or a second model to hold against the first")
	}
	return nil
}

// runs reports whether a bound was asked for that the network must run for.
func (f *checking) runs() bool {
	return slices.ContainsFunc(bounds, func(b bound) bool {
		_, asked := f.limits[b.name]
		return asked && b.runs
	})
}

func (b *bound) parse(text string) (float64, error) {
	if b.bytes {
		n, err := quant.ParseBytes(text)
		return float64(n), err
	}
	for _, unit := range []string{"dB", "bpw", "%"} {
		text = strings.TrimSpace(strings.TrimSuffix(text, unit))
	}
	limit, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(limit) {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return limit, nil
}

// hold notes the bound as broken if value is beyond its limit.
func (f *checking) hold(name, tensor string, value float64) {
	limit, asked := f.limits[name]
	if !asked {
		return
	}
	ok := value <= limit
	if strings.HasPrefix(name, "min-") {
		ok = value >= limit
	}
	if !ok {
		f.broken = append(f.broken, breach{name, tensor, value, limit})
	}
}

// tensor holds a tensor's SQNR to its bound.
func (f *checking) tensor(name string, db float64) {
	f.tensors++
	if db < f.worstDB {
		f.worst, f.worstDB = name, db
	}
	f.hold("min-tensor-sqnr", name, db)
}

// whole holds the model to the bounds of all of it.
func (f *checking) whole() {
	f.hold("min-sqnr", "", f.totals.SQNR())
	f.hold("max-size", "", float64(f.totals.Then))
	f.hold("max-bpw", "", f.totals.BPW())
}

// pair holds b against a.
func (f *checking) pair(c *cobra.Command, nameA, nameB string) error {
	a, err := open(nameA)
	if err != nil {
		return err
	}
	defer a.Close() //nolint:errcheck // only read
	b, err := open(nameB)
	if err != nil {
		return err
	}
	defer b.Close() //nolint:errcheck // only read
	p, err := comparePair(c, a, b, "")
	if err != nil {
		return err
	}
	for _, one := range p.list {
		f.tensor(sideName(one.A), one.SQNR())
		if one.Lost > 0 {
			f.broken = append(f.broken, breach{"finite", sideName(one.A), float64(one.Lost), 0})
		}
	}
	f.totals = p.totals
	for _, l := range p.onlyB { // what nothing is held against has its size
		f.totals.Params += l.Len()
		f.totals.Then += l.Bytes()
	}
	f.whole()
	if alone := len(p.onlyA) + len(p.onlyB); alone > 0 {
		c.PrintErrf("bitdial: %s without partner, held to no bound of errors (compare lists them)\n", counted(alone, "tensor is", "tensors are"))
	}
	return f.tell(c, a, b.Path)
}

// plan holds MODEL under a plan.
func (f *checking) plan(c *cobra.Command, name string) error {
	if f.runs() {
		return f.running(c, name)
	}
	m, err := open(name)
	if err != nil {
		return err
	}
	defer m.Close() //nolint:errcheck // only read
	plan, err := f.network.plan.on(c, m)
	if err != nil {
		return err
	}
	tellFallbacks(c, m.Tensors, plan)
	if plan.RunsOtherwise() {
		c.PrintErrln("bitdial: the plan's activations and remedies show where a network runs, by --max-drop and --max-kld: what was held to bounds is its rounded weights")
	}
	if err := f.measure(c.Context(), m, plan); err != nil {
		return err
	}
	return f.tell(c, m, "")
}

// running is plan where the network runs too.
func (f *checking) running(c *cobra.Command, name string) error {
	m, task, plan, err := f.network.open(c, name)
	if err != nil {
		return err
	}
	defer m.Close() //nolint:errcheck // only read
	data, err := testOf(c, task, f.test)
	if err != nil {
		return err
	}
	if err := f.measure(c.Context(), m, plan); err != nil {
		return err
	}
	if err := f.answer(c.Context(), task, data, plan); err != nil {
		return err
	}
	return f.tell(c, m, "")
}

// measure measures every tensor under the plan.
func (f *checking) measure(ctx context.Context, m *model.Model, plan quant.Plan) error {
	plans := []quant.Plan{plan}
	bar := newProgress(work(m.Tensors, plans))
	defer bar.wipe()
	least, asked := f.limits["min-tensor-sqnr"]
	for _, t := range m.Tensors {
		schemes, _ := distinct(t, plans)
		figures, err := figuresOf(ctx, bar, t, nil, schemes, f.estimate)
		if err != nil {
			return err
		}
		if e := figures[0]; asked && !e.Exact && e.SQNRLo < least && e.SQNRHi >= least {
			if figures, err = figuresOf(ctx, bar, t, nil, schemes, false); err != nil {
				return err
			}
		}
		f.totals.Add(t, schemes[0], figures[0])
		f.tensor(t.Name, figures[0].SQNR())
	}
	f.whole()
	return nil
}

// answer runs the network as it is and under the plan.
func (f *checking) answer(ctx context.Context, task *net.Task, data net.Test, plan quant.Plan) error {
	n := data.Len()
	if f.most > 0 {
		n = min(n, f.most)
	}
	bar := newProgress(3)
	defer bar.wipe()
	trial, err := net.NewTrial(task.Network, data)
	if err != nil {
		return err
	}
	v, err := f.network.under(ctx, bar, task, plan)
	if err != nil {
		return err
	}
	scores := [2]*net.Score{}
	for i, v := range []*net.Variant{nil, v} {
		bar.start(data.Name, 1)
		if scores[i], err = trial.Score(ctx, v, n, bar.from(0, 1)); err != nil {
			return err
		}
	}
	f.answered["max-drop"] = 100 * float64(scores[0].Top1-scores[1].Top1) / float64(max(1, scores[0].N))
	f.answered["max-kld"] = scores[1].MeanKLD()
	for _, b := range bounds {
		if value, ran := f.answered[b.name]; ran {
			f.hold(b.name, "", value)
		}
	}
	return nil
}
