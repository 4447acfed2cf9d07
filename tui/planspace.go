package tui

import (
	"time"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// budget is the plan page: what a plan is chosen from, within how many bytes, and
// what is known of that.
type budget struct {
	set       int                   // index into candidateSets
	off       map[quant.Scheme]bool // not to be chosen
	objective int
	pinned    map[string]bool // tensors that keep the scheme that they have
	sweep     sweep

	devices []quant.Device
	facts   quant.Facts
	asked   bool // for the devices
	context int  // tokens whose keys and values they hold too

	// choice is made of facts. While they come in it is made again now and then;
	// where it is of a part of the weights, it stands for all of them.
	choice planSpace
	stale  bool // more is known than choice says
	made   time.Time
	took   time.Duration

	bytes   int64   // that the plan may have
	ours    int     // the plan's edits after the page had changed it last
	seen    int     // and when choice was made of it
	price   float64 // error that a byte more would save
	own     bool    // the page has put the plan into the history
	tidying bool    // few rules for the plan are being looked for
	gesture bool    // the next step of the slider belongs to the last one
	present spot
	whys    map[int]quant.Why // by row of choice, what else there is; those that were asked for
	of      [3]int            // what both were found of

	view planView
}

// candidateSet is what plans are chosen from.
type candidateSet struct {
	name    string
	schemes []quant.Scheme
}

// candidateSets are those that no runtime stands behind, then every target's.
var candidateSets = func() []candidateSet {
	sets := []candidateSet{{"any runtime", quant.Candidates()}}
	for _, t := range quant.Targets {
		sets = append(sets, candidateSet{t.Name, t.Candidates()})
	}
	return sets
}()

func newBudget(m *model.Model) budget {
	b := budget{off: map[quant.Scheme]bool{}, pinned: map[string]bool{}}
	for i, set := range candidateSets {
		if m.Format == "gguf" && set.name == "llama.cpp" || m.Format == "onnx" && set.name == "onnxruntime" {
			b.set = i
		}
	}
	return b
}

// candidates returns the schemes to choose from.
func (b *budget) candidates() []quant.Scheme {
	var list []quant.Scheme
	for _, s := range candidateSets[b.set].schemes {
		if !b.off[s] {
			list = append(list, s)
		}
	}
	return list
}

// spot is a plan as a point: what the whole model weighs under it, and how much it
// errs.
type spot struct {
	bytes int64
	error float64 // that the objective counts; relative to the weights' number where that counts them alike
	ok    bool    // all figures are known
}

// mark is a spot with a name.
type mark struct {
	spot
	name string
	mix  bool
}

// planSpace is what plans are chosen from, in terms of the whole model.
type planSpace struct {
	space *quant.Space
	rows  [][]int     // the tensors of each row
	kept  []int       // tensors that there is nothing to choose for
	row   map[int]int // of a tensor

	fixed    spot    // the tensors that are not in the space, under the plan
	scale    float64 // weights that are to be in the space, for each that is
	norm     float64 // what errors are divided by
	complete bool

	least, most int64
	hull        []spot
	marks       []mark
}

// maxHull is how many points of a curve are drawn at most.
const maxHull = 2048

// whole returns what the choice makes of bytes and error in the space.
func (c *planSpace) whole(bytes int64, e float64) spot {
	return spot{c.fixed.bytes + int64(c.scale*float64(bytes)), (c.fixed.error + c.scale*e) / c.norm, true}
}

// inner returns how much of a budget is left to the space.
func (c *planSpace) inner(bytes int64) int64 {
	least, most := c.space.Ends()
	if c.scale != 1 {
		return max(least, min(most, int64(float64(bytes-c.fixed.bytes)/c.scale)))
	}
	return max(least, min(most, bytes-c.fixed.bytes))
}

// known reports whether tensor i has its figures under all candidates.
func (a *app) known(i int) bool {
	t := a.model.Tensors[i]
	for _, s := range a.budget.sweep.schemes {
		if a.work.figures[fact{t, s}] == nil && s.WhyNot(t.Shape) == "" {
			return false
		}
	}
	return true
}

// choose brings the choice up to date, or leaves it for a moment while facts come in
// faster than it can follow.
func (a *app) choose() *planSpace {
	b := &a.budget
	b.stale = b.stale || b.seen != a.planned.edits
	if !b.stale || b.choice.space != nil && a.sweeping() && time.Since(b.made) < max(100*time.Millisecond, 10*b.took) {
		return &b.choice
	}
	start := time.Now()
	sw := &b.sweep
	c := planSpace{row: map[int]int{}, scale: 1, norm: 1}
	objective := quant.Objectives[b.objective]
	var inside []*model.Tensor
	var terms quant.Terms
	at := map[*model.Tensor]int{}
	swept, held := 0, 0
	for _, i := range sw.order {
		t := a.model.Tensors[i]
		swept += t.Len()
		if !a.known(i) {
			continue
		}
		held += t.Len()
		inside = append(inside, t)
		at[t] = i
		if b.pinned[t.Name] {
			terms.Pins = append(terms.Pins, quant.Rule{Glob: quant.Literal(t.Name), Choice: quant.Choice{Scheme: a.planned.schemes[i]}})
		}
	}
	c.complete = len(inside) == len(sw.order)
	if held > 0 {
		c.scale = float64(swept) / float64(held)
	}
	if objective.Name != "sse" {
		c.norm = 0
		for _, t := range a.model.Tensors {
			if quant.Quantizable(t) {
				c.norm += float64(t.Len())
			}
		}
		c.norm = max(1, c.norm)
	}
	c.space = terms.Space(inside, append([]quant.Scheme{{}}, sw.schemes...), objective, a.figuresOf)
	for n, r := range c.space.Rows {
		row := make([]int, len(r.Tensors))
		for k, t := range r.Tensors {
			row[k] = at[t]
			c.row[at[t]] = n
		}
		c.rows = append(c.rows, row)
	}
	for _, t := range c.space.Kept {
		c.kept = append(c.kept, at[t])
	}
	b.choice, b.stale, b.seen = c, false, a.planned.edits
	a.place(objective)
	b.made, b.took = time.Now(), time.Since(start)
	return &b.choice
}

func (a *app) figuresOf(t *model.Tensor, s quant.Scheme) *quant.Figures {
	return a.work.figures[fact{t, s}]
}

// place finds the points of the choice.
func (a *app) place(objective *quant.Objective) {
	b := &a.budget
	c := &b.choice
	inside := map[int]bool{}
	for _, row := range c.rows {
		for _, i := range row {
			inside[i] = true
		}
	}
	for _, i := range c.kept {
		inside[i] = true
	}
	for i, t := range a.model.Tensors {
		if inside[i] || b.sweep.swept[i] && !c.complete {
			continue
		}
		s := a.planned.schemes[i]
		c.fixed.bytes += s.Bytes(t.Shape, t.Bytes())
		if f := a.figuresOf(t, s); f != nil && !s.Keep() {
			c.fixed.error += objective.Error(f)
		}
	}
	least, most := c.space.Ends()
	c.least, c.most = c.whole(least, 0).bytes, c.whole(most, 0).bytes
	hull := c.space.Frontier()
	by := len(hull)/maxHull + 1
	for n, p := range hull {
		if n%by == 0 || n == len(hull)-1 {
			c.hull = append(c.hull, c.whole(p.Bytes, p.Error))
		}
	}
	for k := range b.sweep.known {
		known := &b.sweep.known[k]
		if p := a.sum(objective, func(i int) quant.Scheme { return known.Scheme(i, a.model.Tensors[i]) }); p.ok {
			c.marks = append(c.marks, mark{p, known.Name, known.Mix})
		}
	}
	b.of = [3]int{}
}

// sum returns the plan that of gives, as a point of the choice.
func (a *app) sum(objective *quant.Objective, of func(i int) quant.Scheme) spot {
	c := &a.budget.choice
	var bytes int64
	e, ok := 0.0, true
	add := func(i int) {
		t, s := a.model.Tensors[i], of(i)
		bytes += s.Bytes(t.Shape, t.Bytes())
		if s.Keep() {
			return
		}
		if f := a.figuresOf(t, s); f != nil {
			e += objective.Error(f)
		} else {
			ok = false
		}
	}
	for _, row := range c.rows {
		for _, i := range row {
			add(i)
		}
	}
	for _, i := range c.kept {
		add(i)
	}
	p := c.whole(bytes, e)
	p.ok = ok && len(c.rows) > 0
	return p
}

// here returns the present plan as a point.
func (a *app) here() spot {
	b := &a.budget
	if b.of != a.state() {
		a.stand(a.sum(quant.Objectives[b.objective], func(i int) quant.Scheme { return a.planned.schemes[i] }))
	}
	return b.present
}

// stand notes where the present plan is.
func (a *app) stand(at spot) {
	b := &a.budget
	b.present, b.of, b.whys = at, a.state(), map[int]quant.Why{}
}

// state stands for what a plan's place depends on.
func (a *app) state() [3]int {
	return [3]int{a.planned.edits + 1, a.work.found, int(a.budget.made.UnixNano())}
}

// whyNoChoice says why there is no plan to choose.
func (a *app) whyNoChoice() string {
	b := &a.budget
	switch {
	case len(b.sweep.order) == 0:
		return "no weights to plan: a plan is of floats of two axes or more"
	case len(b.sweep.schemes) == 0:
		return "every format is off: F has the list"
	case !b.choice.complete:
		return "the weights are being measured"
	}
	return "none of the formats fits any of the weights"
}
