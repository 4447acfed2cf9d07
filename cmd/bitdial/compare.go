package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// comparison is what compare is told.
type comparison struct {
	plans                 []*planFlags // each -p and -s SCHEME one, in their order
	rules                 []string     // -s GLOB=SCHEME
	glob                  string
	estimate, all, asJSON bool
}

// compareTwo tells two models, or two plans of one, from each other.
func compareTwo() *cobra.Command {
	var f comparison
	c := &cobra.Command{
		Use:   "compare A B | compare MODEL -p PLAN -p PLAN",
		Short: "Compare two models, or two plans of one, tensor by tensor",
		Long: `Compare two model files, of any two kinds, or two plans for one model: the largest error first, or where the plans differ most.

Two models, such as one and its quantized release: B's weights are held against A's, exactly. A tensor's partner has the same name; or llama.cpp's name where the other has that of transformers (llama, qwen, gemma and their kin), and then what convert_hf_to_gguf did is undone: rows of q and k reordered by heads, 1 added to norms, experts in one tensor, rows for columns; or, if only one is called so, the same name but for case, separators and "model." before it. The column match says which. Shapes must agree; what has no partner stands at the end, with the reason.

In a pipe: rows between tabs. --json: one object a line with the keys tensor other dtype other_dtype n bytes other_bytes bpw other_bpw sse sqnr_db rel_err max_abs_err cosine lost match; rel_err is Σ(a−b)²/Σa², lost counts weights that are finite in A and not in B, and sqnr_db is null where there is no error, or nothing else. What has no partner has the keys tensor alone dtype n bytes why, alone being "A" or "B". The last line has "total": true and the keys a b pairs n bytes other_bytes ratio bpw other_bpw sse sqnr_db max_abs_err lost only_a only_b.

Two plans: two of -p PLAN and -s SCHEME, in any order; -p also takes a mix of llama-quantize by its name. -s GLOB=SCHEME goes for both. Tensors that both give one scheme are counted in the totals, and listed with --all. --estimate looks at a sample of each tensor. --json: the keys tensor scheme other n bytes other_bytes sqnr_db other_sqnr_db exact; in the end "total": true and the keys model scheme other tensors differ n bytes other_bytes bpw other_bpw sqnr_db other_sqnr_db exact.`,
		Example: `bitdial compare model.gguf model-Q8_0.gguf
bitdial compare sample:animals -s int4:g32 -s int4:channel
bitdial compare model.gguf -p mine.toml -p Q4_K_M --estimate`,
		Args:              between(1, 2, "A and B, or MODEL"),
		ValidArgsFunction: completeTwoModels,
	}
	c.Flags().VarP(planList{&f, true}, "plan", "p", "a plan to compare, a file or a mix of llama-quantize")
	c.Flags().VarP(planList{&f, false}, "scheme", "s", "a plan to compare, SCHEME for all weights; GLOB=SCHEME is a rule for both")
	c.Flags().StringVar(&f.glob, "tensors", "", "compare only what matches GLOB")
	c.Flags().BoolVar(&f.estimate, "estimate", false, "of plans: look at a sample")
	c.Flags().BoolVar(&f.all, "all", false, "of plans: list tensors that do not differ too")
	c.Flags().BoolVar(&f.asJSON, "json", false, "lines of JSON")
	// The flag is there: it was added above.
	_ = c.RegisterFlagCompletionFunc("scheme", completeScheme)
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case len(args) == 2 && len(f.plans)+len(f.rules) > 0:
			return wrong(c, "-p and -s are for two plans of one model: two models are compared as they are")
		case len(args) == 2 && (f.estimate || f.all):
			return wrong(c, "--estimate and --all are for two plans: two models are compared weight by weight")
		case len(args) == 2:
			return f.models(c, args[0], args[1])
		case len(f.plans) != 2:
			return wrong(c, "there is one model and %s: give two models, or two of -p PLAN and -s SCHEME", counted(len(f.plans), "plan", "plans"))
		}
		return f.twoPlans(c, args[0])
	}
	return c
}

// completeTwoModels offers what completeModel does, twice.
func completeTwoModels(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 1 {
		args = nil
	}
	return completeModel(c, args, typed)
}

// planList is -p and -s: each value a plan of its own, so that their order is that
// of the command line.
type planList struct {
	*comparison
	file bool
}

func (l planList) String() string { return "" }

func (l planList) Type() string { return map[bool]string{true: "PLAN", false: "SCHEME"}[l.file] }

func (l planList) Set(text string) error {
	if l.file {
		l.plans = append(l.plans, &planFlags{path: text})
		return nil
	}
	glob, _, err := parseRule(text)
	switch {
	case err != nil:
		return err
	case glob != "":
		l.rules = append(l.rules, text)
	default:
		l.plans = append(l.plans, &planFlags{schemes: []string{text}})
	}
	return nil
}

// models compares the models called nameA and nameB.
func (f *comparison) models(c *cobra.Command, nameA, nameB string) error {
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
	p, err := comparePair(c, a, b, f.glob)
	if err != nil {
		return err
	}
	return p.write(newSheet(f.asJSON, comparedColumns(p.a.Tensors)))
}

// comparedPair is two models and what they have in common.
type comparedPair struct {
	a, b         *model.Model
	list         []*quant.Compared // the worst first
	onlyA, onlyB []quant.Lone
	totals       quant.Totals
	maxAbs       float64
	lost         int
}

// comparePair compares the tensors that glob matches in either model, "" for all.
func comparePair(c *cobra.Command, a, b *model.Model, glob string) (*comparedPair, error) {
	if quant.CheckGlob(glob) != nil {
		return nil, wrong(c, "--tensors: %q is not a glob", glob)
	}
	p := &comparedPair{a: a, b: b}
	pairs, onlyA, onlyB := quant.Pairs(a, b)
	meant := func(list ...*model.Tensor) bool {
		for _, t := range list {
			if glob == "" || quant.Match(glob, t.Name) {
				return true
			}
		}
		return false
	}
	total := 0
	var chosen []quant.Pair
	for _, pair := range pairs {
		if meant(pair.A...) || meant(pair.B...) {
			chosen = append(chosen, pair)
			total += pair.Len()
		}
	}
	for _, l := range onlyA {
		if meant(l.Tensor) {
			p.onlyA = append(p.onlyA, l)
		}
	}
	for _, l := range onlyB {
		if meant(l.Tensor) {
			p.onlyB = append(p.onlyB, l)
		}
	}
	switch {
	case len(chosen) == 0 && glob != "":
		return nil, fmt.Errorf("%s: no pair of tensors matches %q (without --tensors all are listed)", a.Name, glob)
	case len(chosen) == 0:
		return nil, fmt.Errorf("%s and %s: no tensor of one has a partner in the other, by name and shape (inspect lists them)", oneLine(a.Path), oneLine(b.Path))
	}
	bar := newProgress(float64(total))
	defer bar.wipe()
	for _, pair := range chosen {
		bar.start(pair.A[0].Name, float64(pair.Len()))
		one, err := pair.Compare(c.Context(), bar.from(0, 1))
		if err != nil {
			return nil, err
		}
		p.list = append(p.list, one)
		p.totals.AddCompared(one)
		p.maxAbs = max(p.maxAbs, one.MaxAbs)
		p.lost += one.Lost
	}
	quant.Worst(p.list)
	return p, nil
}

func comparedColumns(tensors []*model.Tensor) []column {
	return []column{
		nameColumn(tensors),
		{key: "other"},
		{key: "dtype", title: "A", width: -6},
		{key: "other_dtype", title: "B", width: -6},
		{key: "n", title: "weights", width: 13, show: showCount},
		{key: "bytes", title: "size A", width: 8, show: showBytes},
		{key: "other_bytes", title: "size B", width: 8, show: showBytes},
		{key: "bpw"},
		{key: "other_bpw", title: "bpw B", width: 6, show: showFixed(2)},
		{key: "sse"},
		{key: "sqnr_db", title: "SQNR dB", width: 7, show: showDecibel},
		{key: "rel_err", title: "rel err", width: 9, show: showError},
		{key: "max_abs_err", title: "max err", width: 9, show: showError},
		{key: "cosine"},
		{key: "lost", title: "lost", width: 5, show: showCount},
		{key: "match", title: "match"},
	}
}

func (p *comparedPair) write(s *sheet) error {
	for _, c := range p.list {
		n := c.Len()
		err := s.row(sideName(c.A), sideName(c.B), sideTypes(c.A), sideTypes(c.B), n, c.BytesA(), c.Bytes, bitsPer(c.BytesA(), n), bitsPer(c.Bytes, n),
			c.E2, c.SQNR(), c.Relative(), c.MaxAbs, c.Cosine(), c.Lost, c.Rule)
		if err != nil {
			return err
		}
	}
	for i, list := range [][]quant.Lone{p.onlyA, p.onlyB} {
		for _, l := range list {
			if err := p.alone(s, "AB"[i:i+1], l); err != nil {
				return err
			}
		}
	}
	t := &p.totals
	if s.json {
		err := s.object(
			[]string{"total", "a", "b", "pairs", "n", "bytes", "other_bytes", "ratio", "bpw", "other_bpw", "sse", "sqnr_db", "max_abs_err", "lost", "only_a", "only_b"},
			[]any{true, p.a.Path, p.b.Path, len(p.list), t.Params, t.Now, t.Then, t.Ratio(), t.NowBPW(), t.BPW(), t.SSE, t.SQNR(), p.maxAbs, p.lost, len(p.onlyA), len(p.onlyB)})
		if err != nil {
			return err
		}
		return s.flush()
	}
	match := counted(len(p.list), "pair", "pairs")
	if alone := len(p.onlyA) + len(p.onlyB); alone > 0 {
		match += ", " + counted(alone, "tensor", "tensors") + " without partner"
	}
	if err := s.row("total", nil, nil, nil, t.Params, t.Now, t.Then, t.NowBPW(), t.BPW(), t.SSE, t.SQNR(), nil, p.maxAbs, nil, p.lost, match); err != nil {
		return err
	}
	return s.flush()
}

// alone writes a tensor that only one side has.
func (p *comparedPair) alone(s *sheet, side string, l quant.Lone) error {
	if s.json {
		return s.object([]string{"tensor", "alone", "dtype", "n", "bytes", "why"}, []any{l.Name, side, l.DType.Name, l.Len(), l.Bytes(), l.Why})
	}
	values := []any{l.Name, nil, nil, nil, l.Len(), nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, "only in " + side + ": " + l.Why}
	at := 2 // the columns of A
	if side == "B" {
		at = 3
	}
	values[at], values[at+3] = l.DType.Name, l.Bytes()
	return s.row(values...)
}

// sideName returns what a side of a pair is called: of many tensors the first, and
// how many there are more.
func sideName(list []*model.Tensor) string {
	if len(list) == 1 {
		return list[0].Name
	}
	return list[0].Name + " +" + showCount(len(list)-1)
}

// sideTypes lists the types of a side.
func sideTypes(list []*model.Tensor) string {
	var types []string
	for _, s := range quant.StoredAs(list) {
		types = append(types, s.DType.Name)
	}
	return strings.Join(types, "+")
}

func bitsPer(bytes int64, n int) float64 { return 8 * float64(bytes) / float64(max(1, n)) }
