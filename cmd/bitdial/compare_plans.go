package main

import (
	"cmp"
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// planned is a tensor under two plans.
type planned struct {
	*model.Tensor
	schemes [2]quant.Scheme
	figures [2]*quant.Figures
}

// change returns by how many dB the second plan is better, -Inf where only the
// first is without error.
func (p *planned) change() float64 {
	a, b := p.figures[0].SQNR(), p.figures[1].SQNR()
	if a == b {
		return 0 // infinite, both
	}
	return b - a
}

// twoPlans compares two plans of the model called name.
func (f *comparison) twoPlans(c *cobra.Command, name string) error {
	m, err := open(name)
	if err != nil {
		return err
	}
	defer m.Close() //nolint:errcheck // only read
	var plans []quant.Plan
	for _, flags := range f.plans {
		flags.schemes = append(flags.schemes, f.rules...)
		plan, err := flags.on(c, m)
		if err != nil {
			return err
		}
		plans = append(plans, plan)
	}
	tensors, err := selected(c, m, f.glob)
	if err != nil {
		return err
	}
	bar := newProgress(work(tensors, plans))
	list, err := underTwo(c.Context(), bar, tensors, plans, f.estimate)
	bar.wipe()
	if err != nil {
		return err
	}
	return f.writePlans(newSheet(f.asJSON, plannedColumns(tensors)), m, list)
}

// underTwo measures the tensors under both plans, the largest loss by the second
// first.
func underTwo(ctx context.Context, bar *progress, tensors []*model.Tensor, plans []quant.Plan, estimate bool) ([]planned, error) {
	var list []planned
	for _, t := range tensors {
		schemes, which := distinct(t, plans)
		figures, err := figuresOf(ctx, bar, t, nil, schemes, estimate)
		if err != nil {
			return nil, err
		}
		p := planned{Tensor: t}
		for i, w := range which {
			p.schemes[i], p.figures[i] = schemes[w], figures[w]
		}
		list = append(list, p)
	}
	slices.SortStableFunc(list, func(a, b planned) int { return cmp.Compare(a.change(), b.change()) })
	return list, nil
}

func plannedColumns(tensors []*model.Tensor) []column {
	return []column{
		nameColumn(tensors),
		{key: "scheme", title: "scheme A", width: -14},
		{key: "other", title: "scheme B", width: -14},
		{key: "n", title: "weights", width: 13, show: showCount},
		{key: "bytes", title: "size A", width: 8, show: showBytes},
		{key: "other_bytes", title: "size B", width: 8, show: showBytes},
		{key: "sqnr_db", title: "SQNR A", width: 7, show: showDecibel},
		{key: "other_sqnr_db", title: "SQNR B", width: 7, show: showDecibel},
		{key: "exact"},
	}
}

func (f *comparison) writePlans(s *sheet, m *model.Model, list []planned) error {
	var totals [2]quant.Totals
	differ := 0
	exact := true
	for _, p := range list {
		for i := range totals {
			totals[i].Add(p.Tensor, p.schemes[i], p.figures[i])
		}
		known := p.figures[0].Exact && p.figures[1].Exact
		exact = exact && known
		if p.schemes[0] != p.schemes[1] {
			differ++
		} else if !f.all {
			continue
		}
		if err := s.row(p.Name, p.schemes[0].String(), p.schemes[1].String(), p.Len(), p.figures[0].Bytes, p.figures[1].Bytes, p.figures[0].SQNR(), p.figures[1].SQNR(), known); err != nil {
			return err
		}
	}
	a, b := &totals[0], &totals[1]
	nameA, nameB := f.plans[0].title(), f.plans[1].title()
	if !s.json {
		if err := s.row("total", nameA, nameB, a.Params, a.Then, b.Then, a.SQNR(), b.SQNR(), exact); err != nil {
			return err
		}
		return s.flush()
	}
	err := s.object(
		[]string{"total", "model", "scheme", "other", "tensors", "differ", "n", "bytes", "other_bytes", "bpw", "other_bpw", "sqnr_db", "other_sqnr_db", "exact"},
		[]any{true, m.Path, nameA, nameB, len(list), differ, a.Params, a.Then, b.Then, a.BPW(), b.BPW(), a.SQNR(), b.SQNR(), exact})
	if err != nil {
		return err
	}
	return s.flush()
}

// title says in a word which plan f stands for.
func (f *planFlags) title() string {
	if f.path != "" {
		return f.path
	}
	return f.schemes[0]
}
