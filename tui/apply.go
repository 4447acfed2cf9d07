package tui

import (
	"fmt"
	"maps"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
)

// applyDialog gives the scheme of the selected layer to others: that of its
// weights, or of what flows into it.
type applyDialog struct {
	scheme quant.Scheme
	flow   quant.Activation
	inputs bool // it is flow that is given
	name   string
	choice int
	glob   input
	counts map[reach]int // known ones: a model may have very many tensors
}

// reach is a choice and its pattern.
type reach struct {
	choice int
	glob   string
}

// scopes are the choices of the dialog; the last one is typed.
var scopes = []struct{ key, label string }{
	{"1", "this layer"},
	{"2", "layers of the same kind"},
	{"3", "all weights"},
	{"4", "names that match"},
}

// scopeAll is the choice that becomes the plan's default.
const scopeAll = 2

func (a *app) askApply() tea.Cmd {
	t, s := a.selected()
	if t == nil || a.onInputs() && a.whyNoInputs(t) != "" || !a.onInputs() && !quant.Quantizable(t) {
		a.notice = a.whyNot(0)
		return nil
	}
	a.dialog = &applyDialog{scheme: s, flow: a.activation(t.Name), inputs: a.onInputs(), name: t.Name, choice: 1, glob: newInput("*"), counts: map[reach]int{}}
	return nil
}

// text returns what is given.
func (d *applyDialog) text() string {
	if d.inputs {
		return d.flow.String()
	}
	return d.scheme.String()
}

// label returns what choice n is called.
func (d *applyDialog) label(n int) string {
	if d.inputs && n == scopeAll {
		return "what flows into any layer"
	}
	return scopes[n].label
}

// pattern returns the glob of choice n; all weights are the default rule.
func (d *applyDialog) pattern(n int) string {
	switch n {
	case 0:
		return quant.Literal(d.name)
	case 1:
		return quant.Kind(d.name)
	case scopeAll:
		return ""
	}
	return d.glob.value()
}

// plan returns the present plan with the choice applied.
func (d *applyDialog) plan(a *app) quant.Plan {
	p := a.history.Plan()
	switch {
	case d.inputs && d.choice == scopeAll:
		p.DefaultActivation, p.ActivationRules = d.flow, nil
	case d.inputs:
		p = p.WithActivation(d.pattern(d.choice), d.flow)
	case d.choice == scopeAll:
		p.Default, p.Rules = quant.Choice{Scheme: d.scheme}, nil
		return p
	default:
		return p.With(d.pattern(d.choice), quant.Choice{Scheme: d.scheme})
	}
	// A rule for activations has no second choice: layers that it does not fit
	// keep what they have.
	_, unfit := d.layers(a, d.choice)
	for _, name := range unfit {
		p = p.WithActivation(quant.Literal(name), a.activation(name))
	}
	return p
}

// count returns how many layers choice n reaches.
func (d *applyDialog) count(a *app, n int) int {
	if d.inputs {
		fit, _ := d.layers(a, n)
		return len(fit)
	}
	glob := d.pattern(n)
	at := reach{n, glob}
	if count, known := d.counts[at]; known {
		return count
	}
	count := 0
	for _, t := range a.model.Tensors {
		if quant.Quantizable(t) && (n == scopeAll && quant.IsWeight(t) || n != scopeAll && quant.Match(glob, t.Name)) {
			count++
		}
	}
	d.counts[at] = count
	return count
}

// layers returns the layers whose inputs choice n reaches, and those that the
// scheme does not fit.
func (d *applyDialog) layers(a *app, n int) (fit, unfit []string) {
	glob := d.pattern(n)
	for _, name := range slices.Sorted(maps.Keys(a.run.inputs)) {
		switch {
		case n != scopeAll && !quant.Match(glob, name):
		case d.flow.WhyNot(a.run.inputs[name]) == "":
			fit = append(fit, name)
		default:
			unfit = append(unfit, name)
		}
	}
	return fit, unfit
}

func (d *applyDialog) key(a *app, msg tea.Msg) tea.Cmd {
	k, ok := msg.(tea.KeyPressMsg)
	if !ok {
		if d.choice == 3 {
			d.glob.update(msg)
		}
		return nil
	}
	switch k.String() {
	case "esc":
		a.dialog = nil
	case "enter":
		return d.apply(a)
	case "up", "shift+tab":
		d.choice = max(0, d.choice-1)
	case "down", "tab":
		d.choice = min(len(scopes)-1, d.choice+1)
	default:
		for i, c := range scopes {
			if k.String() == c.key && d.choice != 3 {
				d.choice = i
				return nil
			}
		}
		if d.choice == 3 {
			d.glob.update(msg)
		}
	}
	return nil
}

func (d *applyDialog) apply(a *app) tea.Cmd {
	glob := d.pattern(d.choice)
	if err := quant.CheckGlob(glob); err != nil {
		a.notice = fmt.Sprintf("%q is not a glob: an open bracket", glob)
		return nil
	}
	if n := d.count(a, d.choice); n == 0 {
		a.notice = "no layer's name matches"
		return nil
	} else {
		a.notice = fmt.Sprintf("%s on %d layers", d.text(), n)
	}
	if _, unfit := d.layers(a, d.choice); d.inputs && len(unfit) > 0 {
		a.notice += fmt.Sprintf("; %d that it does not fit stay as they are", len(unfit))
	}
	a.dialog = nil
	return a.change(d.plan(a))
}

func (d *applyDialog) draw(a *app, r rect) {
	in := a.drawDialog(r, 66, len(scopes)+8, "Apply "+cutMiddle(d.text(), 40)+" to")
	s := a.screen
	for i, c := range scopes {
		row := rect{in.x, in.y + 1 + i, in.w, 1}
		st := style{}
		if i == d.choice {
			s.fill(row, style{}.on(colSelectBg))
			st = st.with(bold).on(colSelectBg)
		}
		x := s.text(row, row.x, row.y, fg(colAccent).on(st.bg), c.key+" ")
		x = s.text(row, x, row.y, st, d.label(i)+"  ")
		n := d.count(a, i)
		count := fmt.Sprintf("%d layers", n)
		if n == 1 {
			count = "1 layer"
		}
		at := s.textRight(row, row.y, fg(colDim).on(st.bg), count)
		if i == 1 {
			s.text(row, x, row.y, fg(colDim).on(st.bg), cutMiddle(d.pattern(1), max(0, at-x-1)))
		}
		if i == 3 {
			if d.choice == 3 {
				d.glob.draw(a, rect{x, row.y, max(1, at-x-2), 1})
			} else {
				s.text(row, x, row.y, fg(colDim), d.glob.value())
			}
		}
		a.hots = append(a.hots, hot{area: row, n: i, click: func(a *app, n int) tea.Cmd {
			if d.choice == n {
				return d.apply(a)
			}
			d.choice = n
			return nil
		}})
	}
	a.paragraphs(rect{in.x, in.y + len(scopes) + 2, in.w, 2}, fg(colDim),
		"In a glob * is any run of characters, ? any one, [0-3] one of a set. The last rule that matches decides.")
	s.text(in, in.x, in.y+in.h-1, fg(colDim), "⏎ apply   ↑↓ choose   esc cancel")
}
