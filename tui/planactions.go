package tui

import (
	"fmt"
	"math"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
)

// devicesMsg is what the page asked of files.
type devicesMsg struct {
	path    string // of the model
	devices []quant.Device
	facts   quant.Facts
	err     error
}

// toPlan shows the page, and looks for what has changed since it was shown.
func (a *app) toPlan() tea.Cmd {
	b := &a.budget
	if a.page != pagePlan {
		a.pace = pace{}
		a.beginSweep()
	}
	turn := a.turnTo(pagePlan)
	if b.asked {
		return turn
	}
	b.asked = true
	m := a.model
	return func() tea.Msg {
		list, err := quant.Devices()
		return devicesMsg{m.Path, list, quant.FactsOf(m), err}
	}
}

// contexts are the tokens whose keys and values a device may hold too.
var contexts = [...]int{2048, 4096, 8192, 16384, 32768, 65536, 131072}

func (a *app) takeDevices(msg devicesMsg) tea.Cmd {
	if msg.path != a.model.Path {
		return nil
	}
	b := &a.budget
	b.devices, b.facts, b.context = msg.devices, msg.facts, 4096
	if most := b.facts.Context; most > 0 {
		b.context = min(b.context, most)
	}
	if msg.err != nil {
		a.notice = msg.err.Error()
	}
	return nil
}

// nextContext counts keys and values of more tokens, up to what the model was
// trained for.
func (a *app) nextContext() tea.Cmd {
	b := &a.budget
	if b.facts.Unknown != "" || len(b.devices) == 0 {
		a.notice = "no keys and values are counted: " + b.facts.Unknown
		return nil
	}
	next := contexts[0]
	for _, n := range contexts {
		if n > b.context {
			next = n
			break
		}
	}
	if most := b.facts.Context; most > 0 && next > most {
		next = min(contexts[0], most)
	}
	b.context = next
	a.notice = fmt.Sprintf("devices hold keys and values of %s tokens too", countText(int64(next)))
	return nil
}

// room returns how many bytes of weights device n has room for.
func (b *budget) room(n int) quant.Room { return b.devices[n].Budget(b.facts, b.context) }

// nextDevice makes what the next larger device has room for the budget, after the
// largest the smallest.
func (a *app) nextDevice() tea.Cmd {
	b := &a.budget
	c := a.choose()
	at := a.budgetBytes()
	first := -1
	for n := range b.devices {
		switch room := b.room(n).Weights; {
		case room < c.least || room > c.most:
		case room > at:
			return a.toDevice(n)
		case first < 0:
			first = n
		}
	}
	if first < 0 {
		a.notice = "the smallest plan fits no device, or the largest fits all of them"
		return nil
	}
	return a.toDevice(first)
}

func (a *app) toDevice(n int) tea.Cmd {
	cmd := a.replan(a.budget.room(n).Weights, false)
	a.notice = a.budget.room(n).Assumed
	return cmd
}

// budgetBytes returns where the slider stands: at the page's budget, or at what the
// present plan weighs.
func (a *app) budgetBytes() int64 {
	if a.budget.follows(a) {
		return a.budget.bytes
	}
	if p := a.here(); len(a.budget.choice.rows) > 0 {
		return p.bytes
	}
	a.addUp()
	return a.planned.totals.Then
}

// bpwOf and bytesOf turn bytes of the model into bits per weight and back.
func (a *app) bpwOf(bytes int64) float64 {
	return 8 * float64(bytes) / float64(max(1, a.planned.totals.Params))
}

func (a *app) bytesOf(bpw float64) int64 {
	return int64(math.Round(bpw * float64(a.planned.totals.Params) / 8))
}

// budgetStep is how far the slider goes at once, in bits per weight.
// A large one is ten of them.
const (
	budgetStep = 0.05
	largeStep  = 10
)

// stepBudget moves the slider by steps, to multiples of one.
func (a *app) stepBudget(steps int) tea.Cmd {
	c := a.choose()
	now := a.bpwOf(a.budgetBytes()) / budgetStep
	next := math.Round(now) + float64(steps)
	switch steps { // the first step goes to the grid
	case 1:
		next = math.Floor(now+1e-6) + 1
	case -1:
		next = math.Ceil(now-1e-6) - 1
	}
	bytes := a.bytesOf(next * budgetStep)
	if len(c.rows) > 0 && (bytes < c.least && a.budgetBytes() <= c.least || bytes > c.most && a.budgetBytes() >= c.most) {
		a.notice = fmt.Sprintf("plans of these formats have %s to %s: %.2f to %.2f bpw", sizeText(c.least), sizeText(c.most), a.bpwOf(c.least), a.bpwOf(c.most))
	}
	return a.replan(bytes, true)
}

// askBudget asks for a number.
func (a *app) askBudget() tea.Cmd { return a.askBudgetWith("") }

func (a *app) askBudgetWith(typed string) tea.Cmd {
	cmd := a.toPlan()
	value := typed
	if value == "" {
		a.addUp()
		value = fmt.Sprintf("%.2fbpw", a.bpwOf(a.budgetBytes()))
	}
	a.dialog = &lineDialog{
		title: "Budget",
		about: "Of the whole model: bits per weight, 4.5bpw, bytes, 6GiB, or a share of what it has now, 30%. A number alone is bits per weight. ⏎ plan · esc cancel",
		line:  newInput(value),
		done:  (*app).takeBudget,
	}
	return cmd
}

func (a *app) takeBudget(text string) tea.Cmd {
	if strings.Trim(text, "0123456789. ") == "" {
		text += "bpw"
	}
	limit, err := quant.ParseBudget(text)
	if err != nil {
		a.notice = err.Error()
		return nil
	}
	a.addUp()
	bytes := limit.Of(a.planned.totals.Params, a.planned.totals.Now)
	c := a.choose()
	cmd := a.replan(bytes, false)
	if len(c.rows) > 0 && (bytes < c.least || bytes > c.most) {
		a.notice = fmt.Sprintf("%s is beyond what these formats allow: %s to %s, %.2f to %.2f bpw", text, sizeText(c.least), sizeText(c.most), a.bpwOf(c.least), a.bpwOf(c.most))
	}
	return cmd
}

// pin fixes the scheme of the layer under the cursor, or lets it go.
func (a *app) pin() tea.Cmd {
	b := &a.budget
	i := a.layers.selected()
	if i < 0 || !quant.IsWeight(a.model.Tensors[i]) {
		a.notice = "only weights of two axes or more are planned: the others stay as they are"
		return nil
	}
	name := a.model.Tensors[i].Name
	b.stale = true
	if b.pinned[name] {
		delete(b.pinned, name)
		return a.again()
	}
	b.pinned[name] = true
	a.notice = fmt.Sprintf("%s stays %s whatever the budget", a.layers.names.short(name, 40), schemeText(a.model.Tensors[i], a.planned.schemes[i]))
	return a.again()
}

// nextCandidates chooses from what the next runtime takes.
func (a *app) nextCandidates() tea.Cmd {
	return a.chooseFrom((a.budget.set + 1) % len(candidateSets))
}

func (a *app) chooseFrom(set int) tea.Cmd {
	a.budget.set = set
	a.beginSweep()
	return a.again()
}

// nextObjective counts errors in the next way.
func (a *app) nextObjective() tea.Cmd {
	b := &a.budget
	for next := true; next; next = quant.Objectives[b.objective].Weighted() && !a.weighted() {
		b.objective = (b.objective + 1) % len(quant.Objectives)
	}
	b.stale = true
	a.notice = "the plan makes small: " + quant.Objectives[b.objective].About
	return a.again()
}
