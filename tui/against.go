package tui

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// against is what the comparison page holds the present plan against, another plan,
// or the model, another model. What is listed has numbers: in a plan those of the
// tensors; of models those of pairs, and from len(pairs) on those of lone tensors.
type against struct {
	turn int         // how often something was chosen: what is found for another one is not wanted
	name string      // of the other, "" while nothing is chosen
	plan *quant.Plan // nil: a model

	under planned // the model under the plan

	model  *model.Model // nil: a plan
	pairs  []quant.Pair
	lone   []lone
	index  []int // where in the model what is listed begins, -1 for what it has not
	found  []*quant.Compared
	failed map[int]error
	totals quant.Totals // of what is found
	bytes  [2]int64     // of both models,
	params [2]int       // and their weights

	known int // figures,
	all   int // of all

	order        []int // what is listed
	cursor, top  int   // into order
	rows         int   // on the screen
	column       int   // into differences, that sorts
	down         bool
	stale        bool // more is known than order says
	seen         int  // the plan's edits that order was made of
	filter       string
	made         time.Time
	took         time.Duration
	next, settle int // everything before these is known, and exactly
}

// lone is a tensor that has no partner.
type lone struct {
	quant.Lone
	side int
}

// none reports whether nothing is chosen.
func (g *against) none() bool { return g.name == "" }

// hold begins to compare with other.
func (a *app) hold(other against) tea.Cmd {
	release := a.letGo()
	other.turn = a.against.turn + 1
	other.column, other.stale = differenceWorst, true
	a.against = other
	a.pace, a.paused = pace{}, false
	return tea.Batch(release, a.turnTo(pageCompare))
}

// letGo ends the comparison. The other model is closed when its last read is over.
func (a *app) letGo() tea.Cmd {
	m := a.against.model
	a.against = against{turn: a.against.turn + 1}
	if m == nil {
		return nil
	}
	a.work.stop()
	return func() tea.Msg {
		if err := m.Close(); err != nil {
			return failedMsg{err}
		}
		return nil
	}
}

// againstMsg is something to compare with.
type againstMsg struct {
	of      *model.Model
	against against
}

// heldAgainst takes it, unless the model is another one by now.
func (a *app) heldAgainst(msg againstMsg) tea.Cmd {
	a.notice = ""
	if msg.of == a.model {
		return a.hold(msg.against)
	}
	if m := msg.against.model; m != nil {
		return func() tea.Msg {
			if err := m.Close(); err != nil {
				return failedMsg{err}
			}
			return nil
		}
	}
	return nil
}

// holdPlan compares with the plan that load makes, aside.
func (a *app) holdPlan(name string, load func(*model.Model) (quant.Plan, error)) tea.Cmd {
	m := a.model
	return func() tea.Msg {
		p, err := load(m)
		if err != nil {
			return failedMsg{err}
		}
		g := against{name: name, plan: &p, under: newPlanned(m, p)}
		return againstMsg{m, g}
	}
}

// holdFile compares with a plan or with a model, by the name of the file.
func (a *app) holdFile(path string) tea.Cmd {
	name := filepath.Base(path)
	if strings.EqualFold(filepath.Ext(path), ".toml") {
		return a.holdPlan(name, func(*model.Model) (quant.Plan, error) { return quant.LoadPlan(path) })
	}
	a.notice = "reading " + name
	m, open := a.model, a.open
	return func() tea.Msg {
		other, err := open(path)
		if err != nil {
			return failedMsg{err}
		}
		g := against{name: name, model: other, failed: map[int]error{}}
		pairs, onlyA, onlyB := quant.Pairs(m, other)
		if len(pairs) == 0 {
			err := fmt.Errorf("%s and %s: no tensor of one has a partner in the other, by name and shape; I says what is in a model", m.Name, name)
			if closed := other.Close(); closed != nil {
				err = fmt.Errorf("%w; %w", err, closed)
			}
			return failedMsg{err}
		}
		g.pair(m, pairs, onlyA, onlyB)
		return againstMsg{m, g}
	}
}

// pair notes what m and the other model have in common.
func (g *against) pair(m *model.Model, pairs []quant.Pair, onlyA, onlyB []quant.Lone) {
	at := make(map[*model.Tensor]int, len(m.Tensors))
	for i, t := range m.Tensors {
		at[t] = i
	}
	g.bytes, g.params = [2]int64{m.Bytes(), g.model.Bytes()}, [2]int{m.Params(), g.model.Params()}
	g.pairs, g.found, g.all = pairs, make([]*quant.Compared, len(pairs)), len(pairs)
	for i := range pairs {
		g.index = append(g.index, at[pairs[i].A[0]])
	}
	for side, list := range [...][]quant.Lone{onlyA, onlyB} {
		for _, l := range list {
			i, ok := at[l.Tensor]
			if !ok {
				i = -1
			}
			g.lone, g.index = append(g.lone, lone{l, side}), append(g.index, i)
		}
	}
}

// at returns what a row of the list shows.
func (g *against) at(row int) (k int, ok bool) {
	if row < 0 || row >= len(g.order) {
		return 0, false
	}
	return g.order[row], true
}

// alone returns what is listed as k if that has no partner.
func (g *against) alone(k int) (lone, bool) {
	if g.plan != nil || k < len(g.pairs) {
		return lone{}, false
	}
	return g.lone[k-len(g.pairs)], true
}

// tensorOf returns where in the model k is, −1 if only the other one has it.
func (g *against) tensorOf(k int) int {
	if g.plan != nil {
		return k
	}
	return g.index[k]
}

// differs reports whether tensor i has another scheme in the other plan.
func (a *app) differs(i int) bool { return a.against.under.schemes[i] != a.planned.schemes[i] }

// follow begins anew if the plan has changed.
func (g *against) follow(edits int) {
	if g.seen != edits && g.plan != nil {
		g.seen, g.next, g.settle = edits, 0, 0
		g.renew()
	}
}

// renew has the list made again at once.
func (g *against) renew() { g.stale, g.made = true, time.Time{} }

// forget drops what is known of the other plan.
func (g *against) forget() {
	for i := range g.under.stale {
		g.under.stale[i] = true
	}
	g.next, g.settle = 0, 0
	if g.plan != nil {
		g.renew()
	}
}

// compared brings the list up to date, or leaves it for a moment while facts come in
// faster than it can follow.
func (a *app) compared() *against {
	g := &a.against
	g.follow(a.planned.edits)
	if g.filter != a.layers.filter {
		g.filter = a.layers.filter
		g.renew()
	}
	if !g.stale || a.work.job != nil && time.Since(g.made) < max(100*time.Millisecond, 10*g.took) {
		return g
	}
	start := time.Now()
	at, held := g.at(g.cursor)
	a.listDifferences()
	if row := slices.Index(g.order, at); g.cursor > 0 && held && row >= 0 { // at the top it stays with the worst
		g.cursor = row
	}
	g.cursor = clamp(g.cursor, 0, max(0, len(g.order)-1))
	a.followDifference()
	g.stale, g.made = false, time.Now()
	g.took = g.made.Sub(start)
	return g
}

// listDifferences finds what is listed and its order: by the column that sorts, what
// is not known after what is, what has no partner in the end.
func (a *app) listDifferences() {
	g := &a.against
	type row struct {
		k   int
		key float64
	}
	var list []row
	key, needle := differences[g.column].key, strings.ToLower(g.filter)
	meant := func(names ...string) bool {
		return needle == "" || slices.ContainsFunc(names, func(n string) bool { return strings.Contains(strings.ToLower(n), needle) })
	}
	if g.plan != nil {
		g.known, g.all = 0, 0
		for i, t := range a.model.Tensors {
			if !a.differs(i) {
				continue
			}
			for _, s := range [...]quant.Scheme{a.planned.schemes[i], g.under.schemes[i]} {
				g.all++
				if !a.work.missing(t, s) {
					g.known++
				}
			}
			if meant(t.Name) {
				list = append(list, row{i, key(a, i)})
			}
		}
	}
	for k := range g.pairs {
		if meant(g.pairs[k].A[0].Name, g.pairs[k].B[0].Name) {
			list = append(list, row{k, key(a, k)})
		}
	}
	slices.SortStableFunc(list, func(x, y row) int {
		if math.IsNaN(x.key) != math.IsNaN(y.key) {
			return map[bool]int{true: 1, false: -1}[math.IsNaN(x.key)]
		}
		if g.down {
			x, y = y, x
		}
		return cmp.Compare(x.key, y.key)
	})
	g.order = g.order[:0]
	for _, r := range list {
		g.order = append(g.order, r.k)
	}
	for n, l := range g.lone {
		if meant(l.Name) {
			g.order = append(g.order, len(g.pairs)+n)
		}
	}
}
