package tui

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// toCompare shows the comparison; where there is none, or it is shown, it asks with
// what to compare.
func (a *app) toCompare() tea.Cmd {
	if a.against.none() || a.page == pageCompare {
		return a.askAgainst()
	}
	a.pace = pace{}
	g := a.compared()
	if row := slices.IndexFunc(g.order, func(k int) bool { return g.tensorOf(k) == a.layers.selected() }); row >= 0 {
		g.cursor = row
	}
	return a.turnTo(pageCompare)
}

// moveDifference moves the cursor by rows.
func (a *app) moveDifference(rows int) tea.Cmd {
	g := a.compared()
	g.cursor = clamp(g.cursor+rows, 0, max(0, len(g.order)-1))
	a.followDifference()
	return nil
}

// followDifference puts the cursor of the layers on what is under that of the page.
func (a *app) followDifference() {
	g, l := &a.against, &a.layers
	k, ok := g.at(g.cursor)
	if !ok || g.tensorOf(k) < 0 || g.tensorOf(k) == l.selected() {
		return
	}
	if row := slices.Index(l.order, g.tensorOf(k)); row >= 0 {
		l.cursor = row
		a.digit, a.channel = 0, 0
		a.micro.reset()
	}
}

func (a *app) clickDifference(int) tea.Cmd {
	for _, h := range a.hots {
		if h.wheel != nil && h.area.contains(a.mouse.x, a.mouse.y) {
			row := a.against.top + a.mouse.y - h.area.y
			if row == a.against.cursor {
				return a.differenceDials()
			}
			return a.moveDifference(row - a.against.cursor)
		}
	}
	return nil
}

// differenceDials goes to the dials of what is under the cursor.
func (a *app) differenceDials() tea.Cmd {
	g := a.compared()
	if k, ok := g.at(g.cursor); ok && g.tensorOf(k) < 0 {
		a.notice = "only the other model has it: there is nothing to turn"
		return nil
	}
	return a.turnTo(pageLayers)
}

// sortDifferences sorts by column n, or the other way round if it did already.
func (a *app) sortDifferences(n int) tea.Cmd {
	g := &a.against
	g.down = g.column == n && !g.down
	g.column = n
	a.rearrange()
	return nil
}

// nextDifferenceSort sorts by the next column that shows.
func (a *app) nextDifferenceSort() tea.Cmd {
	g := &a.against
	g.down = false
	for g.column = (g.column + 1) % len(differences); ; g.column = (g.column + 1) % len(differences) {
		if d := &differences[g.column]; (d.when == nil || d.when(g)) && d.less == 0 {
			break
		}
	}
	a.rearrange()
	a.notice = "sorted by " + differences[g.column].name
	return nil
}

func (a *app) rearrange() {
	a.against.renew()
	a.compared()
}

// takeDifference gives the layer under the cursor what it has on the other side.
func (a *app) takeDifference() tea.Cmd {
	g := a.compared()
	k, ok := g.at(g.cursor)
	if !ok {
		a.notice = "no layer is under the cursor"
		return nil
	}
	if g.plan != nil {
		name := a.model.Tensors[k].Name
		a.notice = fmt.Sprintf("%s is %s now", a.layers.names.short(name, 40), a.sideType(k, 1))
		return a.setSchemeOf(k, g.under.schemes[k])
	}
	scheme, why := a.pairScheme(k)
	if why != "" {
		a.notice = why
		return nil
	}
	plan := a.history.Plan()
	for _, t := range g.pairs[k].A {
		plan = plan.With(quant.Literal(t.Name), quant.Choice{Scheme: scheme})
	}
	a.notice = fmt.Sprintf("%s is planned as %s", a.layers.names.short(a.sideName(k, 0), 40), schemeText(g.pairs[k].A[0], scheme))
	return a.change(plan)
}

// pairScheme returns the scheme that stores A as B is, and why there is none.
func (a *app) pairScheme(k int) (quant.Scheme, string) {
	g := &a.against
	if _, alone := g.alone(k); alone {
		return quant.Scheme{}, "only one of the models has it: there is nothing to take"
	}
	was, now := quant.StoredAs(g.pairs[k].A), quant.StoredAs(g.pairs[k].B)
	if len(was) > 1 || len(now) > 1 {
		return quant.Scheme{}, "its tensors are not stored in one way"
	}
	scheme, why := storedScheme(&was[0], &now[0])
	if why != "" {
		return scheme, why
	}
	for _, t := range g.pairs[k].A {
		if !quant.Quantizable(t) {
			return scheme, "only floats can be quantized"
		}
		if why := scheme.WhyNot(t.Shape); why != "" {
			return scheme, why
		}
	}
	return scheme, ""
}

// storedScheme returns the scheme that stores weights as t is stored, keep where
// that is what of has already, and why there is none.
func storedScheme(of, t *quant.Stored) (quant.Scheme, string) {
	name := dtypeText(t.DType)
	if of.DType == t.DType {
		return quant.Scheme{}, ""
	}
	s, err := quant.Parse(name)
	if err != nil {
		return s, "no scheme is what B has: " + name
	}
	return s, ""
}

// takeAllDifferences makes the other plan the present one, or plans the model as the
// other one is stored, as one step.
func (a *app) takeAllDifferences() tea.Cmd {
	g := a.compared()
	switch {
	case g.plan != nil && g.all == 0:
		a.notice = "the plans agree already"
		return nil
	case g.plan != nil:
		a.notice = plural(g.all/2, "layer is", "layers are") + " as in " + g.name + " now"
		plan := *g.plan
		if !plan.RunsOtherwise() {
			plan = a.ofWeights(plan)
		}
		return a.change(plan)
	}
	schemes := map[*model.Tensor]quant.Scheme{}
	refused, why := 0, ""
	for k := range g.pairs {
		s, not := a.pairScheme(k)
		if not != "" {
			refused, why = refused+1, not
			continue
		}
		for _, t := range g.pairs[k].A {
			schemes[t] = s
		}
	}
	list := slices.Clone(a.planned.schemes)
	for i, t := range a.model.Tensors {
		if s, ok := schemes[t]; ok {
			list[i] = s
		}
	}
	plan := inFewRules(a.model.Tensors, list)
	a.notice = plural(len(schemes), "layer is", "layers are") + " planned as " + g.name + " stores them"
	if refused > 0 {
		a.notice += fmt.Sprintf("; not %d: %s", refused, why)
	}
	return a.change(a.ofWeights(plan))
}

// inFewRules returns the plan that gives each tensor its scheme, by few rules where
// those are found at once.
func inFewRules(tensors []*model.Tensor, schemes []quant.Scheme) quant.Plan {
	if len(tensors) > someTensors {
		return literally(tensors, schemes)
	}
	return quant.Compress(tensors, schemes)
}

// againstDialog lists what a plan can be held against.
type againstDialog struct {
	list    []rival
	at, top int
}

// rival is one of them.
type rival struct {
	name, about string
	take        func(a *app) tea.Cmd
}

// askAgainst asks with what to compare.
func (a *app) askAgainst() tea.Cmd {
	d := &againstDialog{list: []rival{{"a file…", "a plan (.toml), or another model", (*app).pickAgainst}}}
	if a.model.Format == "gguf" {
		guided := a.weighted()
		for _, m := range quant.Mixes {
			d.list = append(d.list, rival{m.Name, "the mix of llama-quantize", func(a *app) tea.Cmd {
				return a.holdPlan(m.Name, func(of *model.Model) (quant.Plan, error) {
					plan, err := m.Plan(of, guided)
					if err != nil {
						return plan, err
					}
					return inFewRules(of.Tensors, plan.Schemes(of.Tensors)), nil
				})
			}})
		}
	}
	for _, s := range candidateSets[a.budget.set].schemes {
		if s.Keep() {
			continue
		}
		d.list = append(d.list, rival{s.String(), "all weights in one scheme", func(a *app) tea.Cmd {
			return a.holdPlan("all "+s.String(), func(*model.Model) (quant.Plan, error) { return quant.Everywhere(quant.Choice{Scheme: s}), nil })
		}})
	}
	a.dialog = d
	return nil
}

// pickAgainst picks a file to compare with.
func (a *app) pickAgainst() tea.Cmd {
	return a.pickFile("Compare with a plan or a model", "⏎ or → compare   ← folder above   ↑↓ choose   esc cancel", (*app).holdFile)
}

func (d *againstDialog) key(a *app, msg tea.Msg) tea.Cmd {
	k, ok := msg.(tea.KeyPressMsg)
	if !ok {
		return nil
	}
	switch k.String() {
	case "up", "k":
		d.move(a, 0, -1)
	case "down", "j":
		d.move(a, 0, 1)
	case "pgup", "home", "g":
		d.move(a, 0, -len(d.list))
	case "pgdown", "end", "G":
		d.move(a, 0, len(d.list))
	case "esc", "q", "C":
		a.dialog = nil
	case "enter", "space":
		return d.take(a, d.at)
	}
	return nil
}

func (d *againstDialog) move(_ *app, _, steps int) tea.Cmd {
	d.at = clamp(d.at+steps, 0, len(d.list)-1)
	return nil
}

func (d *againstDialog) take(a *app, n int) tea.Cmd {
	a.dialog = nil
	return d.list[n].take(a)
}

func (d *againstDialog) draw(a *app, r rect) {
	s := a.screen
	in := a.drawDialog(r, 60, len(d.list)+4, "Compare with")
	foot, body := in.cutBottom(2)
	d.top = clamp(d.top, d.at-body.h+1, d.at)
	d.top = clamp(d.top, 0, max(0, len(d.list)-body.h))
	for row := range min(body.h, len(d.list)-d.top) {
		n := d.top + row
		line, st := rect{body.x, body.y + row, body.w, 1}, style{}
		if n == d.at {
			st = st.with(bold).on(colSelectBg)
			s.fill(line, st)
			s.put(line.x-1, line.y, '▸', fg(colAccent).with(bold))
		}
		s.text(line, line.x, line.y, st, d.list[n].name)
		s.text(line, line.x+18, line.y, fg(colDim).on(st.bg), d.list[n].about)
		a.hots = append(a.hots, hot{area: line, n: n, click: d.take, wheel: d.move})
	}
	s.scrollbar(body, d.top, len(d.list))
	s.text(foot, foot.x, foot.y+foot.h-1, fg(colDim), cutEnd("⏎ compare   ↑↓ choose   esc cancel", foot.w))
}
