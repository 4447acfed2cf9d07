package tui

import (
	"context"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/net"
)

// calibrationInputs is how many of the inputs to learn from fix static ranges.
const calibrationInputs = 256

// bench is what a model is run with. Only the job under way touches it, and
// there is one job at a time.
type bench struct {
	task      *net.Task
	reference *net.Network // in float, what answers are compared with: training replaces the task's, not this
	trials    map[trialOf]*net.Trial
	writer    *net.Continuation // nil until something is written
}

// running is what has been found out by running the model.
type running struct {
	bench   *bench // nil: the model cannot be run
	scores  recent[errand, *net.Score]
	timing  recent[errand, timing]
	texts   recent[errand, *written]
	looks   recent[lookOf, *look]
	picture struct{ w, h int } // the size of the test's pictures, 0 until one has been looked at
	failed  map[errand]error
}

// newRunning prepares task, which is nil for a model that cannot be run.
func newRunning(task *net.Task) running {
	r := running{
		scores: newRecent[errand, *net.Score](64),
		timing: newRecent[errand, timing](64),
		texts:  newRecent[errand, *written](64),
		looks:  newRecent[lookOf, *look](1024),
		failed: map[errand]error{},
	}
	if task != nil {
		r.bench = &bench{task: task, reference: task.Network, trials: map[trialOf]*net.Trial{}}
	}
	return r
}

// task returns the network with its data, nil if there is none.
func (r *running) task() *net.Task {
	if r.bench == nil {
		return nil
	}
	return r.bench.task
}

// errand is something to find out by running the model. Its fields are zero
// where the answer does not depend on them.
type errand struct {
	kind errandKind
	plan string // the whole plan, "" for the float network
	set  int    // of the tests
	from int    // the first input, or the one that a text begins with
	n    int    // inputs
	seed uint64
}

type errandKind int

const (
	noErrand errandKind = iota
	scoreTest
	timeLayers
	lookAtInputs
	writeText
	prepareTraining
)

// given is what an errand starts with.
type given struct {
	*bench
	plan   quant.Plan
	wanted []int    // inputs to look at
	so     *written // far
}

// errands is the table of them: what the last row says while one is under way,
// and what it does.
var errands = [...]struct {
	doing string
	do    func(ctx context.Context, e errand, g given, progress func(float64)) (any, error)
}{
	scoreTest:       {"running the network", doScore},
	timeLayers:      {"timing", doTiming},
	lookAtInputs:    {"drawing", doLook},
	writeText:       {"writing", doWrite},
	prepareTraining: {"preparing to train", doPrepare},
}

// given returns what an errand starts with.
func (a *app) given(e errand) given {
	g := given{bench: a.run.bench, plan: a.history.Plan()}
	switch e.kind {
	case lookAtInputs:
		g.wanted = a.missingLooks()
	case writeText:
		g.so, _ = a.run.texts.get(e)
	}
	return g
}

// variant returns the network under the errand's plan, nil for the float one.
func (g *given) variant(ctx context.Context, e errand, progress func(float64)) (*net.Variant, error) {
	if e.plan == "" {
		return nil, nil
	}
	return g.task.Network.Under(ctx, g.plan, g.task.Train, calibrationInputs, progress)
}

// keep notes what an errand has found out.
func (r *running) keep(e errand, found any) {
	switch found := found.(type) {
	case *net.Score:
		r.scores.put(e, found)
	case timing:
		r.timing.put(e, found)
	case *written:
		r.texts.put(e, found)
	case map[int]*look:
		for i, l := range found {
			r.looks.put(lookOf{e.set, i}, l)
			r.picture.w, r.picture.h = l[0].w, l[0].h
		}
	}
}

// doing says what an errand does, for the last row.
func (e errand) doing() string { return errands[e.kind].doing }

// nextErrand returns the most urgent errand of the page.
func (a *app) nextErrand() (errand, bool) {
	if a.run.bench == nil {
		return errand{}, false
	}
	if e, ok := a.nextPreparation(); ok {
		return e, true
	}
	switch a.page {
	case pageRun:
		return a.nextRun()
	}
	return errand{}, false
}
