package tui

import (
	"crypto/sha256"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// planned is what the present plan says of every tensor, and what that amounts
// to. Totals are kept by blocks of tensors, so that a change of one of a
// hundred thousand costs no more than one of a thousand.
type planned struct {
	schemes  []quant.Scheme
	previous map[*model.Tensor]quant.Scheme // before the tensor's last change, for comparing
	blocks   []quant.Totals
	stale    []bool // blocks to be added up anew
	totals   quant.Totals
	flows    map[string]quant.Activation // what is known of the plan's activations, by layer
	sum      string                      // stands for the whole plan, "" until somebody asks
	edits    int                         // how often it has changed
}

// activation returns the scheme of what flows into the layer of the weight
// called name.
func (a *app) activation(name string) quant.Activation {
	p := &a.planned
	if p.flows == nil {
		p.flows = map[string]quant.Activation{}
	}
	f, ok := p.flows[name]
	if !ok {
		f = a.history.Plan().Activation(name)
		p.flows[name] = f
	}
	return f
}

// planSum returns a short stand-in for the whole plan: a key for what depends on
// all of it.
func (a *app) planSum() string {
	p := &a.planned
	if p.sum == "" {
		h := sha256.New()
		if _, err := a.history.Plan().WriteTo(h); err != nil {
			panic(err) // a hash takes everything
		}
		p.sum = string(h.Sum(nil))
	}
	return p.sum
}

// forget drops what was known of the plan before it changed.
func (p *planned) forget() {
	p.flows, p.sum = nil, ""
	p.edits++
}

const blockTensors = 1024

func newPlanned(m *model.Model, p quant.Plan) planned {
	n := (len(m.Tensors) + blockTensors - 1) / blockTensors
	pl := planned{
		schemes: p.Schemes(m.Tensors), previous: map[*model.Tensor]quant.Scheme{},
		blocks: make([]quant.Totals, n), stale: make([]bool, n),
	}
	for i := range pl.stale {
		pl.stale[i] = true
	}
	return pl
}

// touch notes that something new is known of tensor i.
func (p *planned) touch(i int) { p.stale[i/blockTensors] = true }

// set gives tensor i another scheme.
func (p *planned) set(m *model.Model, i int, s quant.Scheme) {
	if p.schemes[i] != s {
		p.previous[m.Tensors[i]] = p.schemes[i]
		p.schemes[i] = s
		p.touch(i)
	}
}

// addUp brings the totals up to date.
func (a *app) addUp() {
	p := &a.planned
	changed := false
	for b := range p.blocks {
		if !p.stale[b] {
			continue
		}
		p.blocks[b], p.stale[b], changed = quant.Totals{}, false, true
		for i := b * blockTensors; i < min((b+1)*blockTensors, len(a.model.Tensors)); i++ {
			t, s := a.model.Tensors[i], p.schemes[i]
			p.blocks[b].Add(t, s, a.work.figures[fact{t, s}])
		}
	}
	if changed {
		p.totals = quant.Totals{}
		for b := range p.blocks {
			p.totals.Join(&p.blocks[b])
		}
	}
}

// change makes plan the present one, undoably.
func (a *app) change(plan quant.Plan) tea.Cmd {
	a.history.Push(plan)
	return a.planChanged()
}

// step goes back or forth in the history.
func (a *app) step(move func(*quant.History) bool, none string) tea.Cmd {
	if !move(a.history) {
		a.notice = none
		return nil
	}
	return a.planChanged()
}

// planChanged finds the scheme of every tensor anew.
func (a *app) planChanged() tea.Cmd {
	for i, s := range a.history.Plan().Schemes(a.model.Tensors) {
		a.planned.set(a.model, i, s)
	}
	a.planned.forget()
	a.work.fill, a.work.settle = 0, 0
	return a.keepPlan()
}

// setScheme gives the selected tensor a scheme of its own.
func (a *app) setScheme(s quant.Scheme) tea.Cmd {
	t, now := a.selected()
	if t == nil || s == now {
		return nil
	}
	a.history.Push(a.history.Plan().With(quant.Literal(t.Name), quant.Choice{Scheme: s}))
	a.planned.set(a.model, a.layers.selected(), s) // the rule is the last, and no other tensor has the name
	a.planned.forget()
	a.work.fill, a.work.settle = 0, 0
	return a.keepPlan()
}

// setActivation gives what flows into the selected layer a scheme of its own.
func (a *app) setActivation(f quant.Activation) tea.Cmd {
	t, _ := a.selected()
	if t == nil || f == a.activation(t.Name) {
		return nil
	}
	a.history.Push(a.history.Plan().WithActivation(quant.Literal(t.Name), f))
	a.planned.forget()
	return a.keepPlan()
}
