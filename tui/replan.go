package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// follows reports whether the plan is the one that the page has made of its budget.
func (b *budget) follows(a *app) bool { return b.ours == a.planned.edits && b.ours > 0 }

// replan makes the best plan within bytes the present one. A step that goes on from
// the last one is undone with it.
func (a *app) replan(bytes int64, goesOn bool) tea.Cmd {
	b := &a.budget
	c := a.choose()
	if len(c.rows) == 0 {
		a.notice = a.whyNoChoice()
		return nil
	}
	bytes = max(c.least, min(c.most, bytes))
	sol, err := c.space.Solve(c.inner(bytes))
	if err != nil {
		a.notice = err.Error()
		return nil
	}
	b.price = sol.Price
	b.own = b.own && b.follows(a)
	goesOn = goesOn && b.gesture && b.own
	b.gesture = goesOn
	for r, row := range c.rows {
		s := c.space.Rows[r].Candidates[sol.Picks[r]].Scheme
		for _, i := range row {
			a.planned.set(a.model, i, s)
		}
	}
	for _, i := range c.kept {
		a.planned.set(a.model, i, quant.Scheme{})
	}
	if len(a.model.Tensors) <= fewTensors {
		a.put(quant.Compress(a.model.Tensors, a.planned.schemes), goesOn)
	} else {
		a.put(literally(a.model.Tensors, a.planned.schemes), goesOn)
	}
	a.planned.forget()
	a.work.fill, a.work.settle = 0, 0
	b.bytes, b.ours, b.seen = bytes, a.planned.edits, a.planned.edits
	a.stand(c.whole(sol.Bytes, sol.Error))
	return tea.Batch(a.keepPlan(), a.tidy())
}

// put makes plan the present one, with what the present one says of activations.
func (a *app) put(plan quant.Plan, goesOn bool) {
	now := a.history.Plan()
	plan.DefaultActivation, plan.ActivationRules, plan.Remedies = now.DefaultActivation, now.ActivationRules, now.Remedies
	switch {
	case plan.Equal(now):
	case goesOn:
		a.history.Amend(plan)
	default:
		a.history.Push(plan)
		a.budget.gesture, a.budget.own = true, true
	}
}

// fewTensors is how many tensors a model has at most whose plan is short at once.
// Up to someTensors it becomes so behind the user's back: to find few rules takes a
// tenth of a second for a thousand.
const (
	fewTensors  = 64
	someTensors = 1 << 11
)

// tidiedMsg is the plan of an edit in few rules.
type tidiedMsg struct {
	of    *model.Model
	edits int
	plan  quant.Plan
}

// tidy finds few rules that say the present plan, one plan at a time.
func (a *app) tidy() tea.Cmd {
	b := &a.budget
	if n := len(a.model.Tensors); b.tidying || n <= fewTensors || n > someTensors {
		return nil
	}
	b.tidying = true
	m, edits, schemes := a.model, a.planned.edits, slices.Clone(a.planned.schemes)
	return func() tea.Msg { return tidiedMsg{m, edits, quant.Compress(m.Tensors, schemes)} }
}

// tidied takes the few rules, unless the plan has gone on: then it looks for others.
func (a *app) tidied(msg tidiedMsg) tea.Cmd {
	b := &a.budget
	if msg.of != a.model {
		return nil
	}
	b.tidying = false
	switch {
	case !b.follows(a) || !b.own:
		return nil
	case msg.edits != a.planned.edits:
		return a.tidy()
	}
	a.put(msg.plan, true)
	return a.keepPlan()
}

// again makes the plan anew where it is the page's own and what it is chosen from
// has changed.
func (a *app) again() tea.Cmd {
	b := &a.budget
	b.gesture = false
	if !b.follows(a) || len(a.choose().rows) == 0 { // once there are figures followFacts will
		return nil
	}
	return a.replan(b.bytes, false)
}

// followFacts brings the plan up to date with what a batch has found.
func (a *app) followFacts() tea.Cmd {
	b := &a.budget
	if !b.follows(a) {
		return nil
	}
	made := b.made
	if c := a.choose(); b.made.Equal(made) || len(c.rows) == 0 {
		return nil
	}
	return a.replan(b.bytes, true)
}

// literally returns the plan that gives each tensor its scheme by a rule of its own:
// long, and quickly made.
func literally(tensors []*model.Tensor, schemes []quant.Scheme) quant.Plan {
	var p quant.Plan
	for i, s := range schemes {
		if !s.Keep() {
			p.Rules = append(p.Rules, quant.Rule{Glob: quant.Literal(tensors[i].Name), Choice: quant.Choice{Scheme: s}})
		}
	}
	return p
}
