package tui

import (
	"context"
	"time"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/net"
)

// bench is what a model is run with. Only the job under way touches it, and
// there is one job at a time.
type bench struct {
	task       *net.Task
	reference  *net.Network // in float, what answers are compared with: training replaces the task's, not this
	trials     map[trialOf]*net.Trial
	validation *net.Trial        // nil until a layer's harm is scored
	writer     *net.Continuation // nil until something is written
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

	inputs map[string][]int // what flows into a layer, by its weight's name: the shape
	cal    *net.Calibration
	seen   recent[*model.Tensor, *flowSeen]
	marks  recent[errand, []rangeMark]
	flows  recent[errand, *net.FlowMeasurement]
	flowDB map[errand]float64   // the SQNR of all that were measured
	shown  *net.FlowMeasurement // on the screen, until the next is there
	of     *model.Tensor        // what shown is of

	curve *net.Curvature
	harms map[errand]*net.Score
	costs map[errand]float64          // that the curvature forecasts
	took  [len(errands)]time.Duration // by kind, the mean of the last ones
}

// newRunning prepares task, which is nil for a model that cannot be run.
func newRunning(task *net.Task) running {
	r := running{
		scores: newRecent[errand, *net.Score](64),
		timing: newRecent[errand, timing](64),
		texts:  newRecent[errand, *written](64),
		looks:  newRecent[lookOf, *look](1024),
		failed: map[errand]error{},
		seen:   newRecent[*model.Tensor, *flowSeen](4),
		marks:  newRecent[errand, []rangeMark](64),
		flows:  newRecent[errand, *net.FlowMeasurement](64),
		flowDB: map[errand]float64{},
		harms:  map[errand]*net.Score{},
		costs:  map[errand]float64{},
	}
	if task == nil {
		return r
	}
	r.bench = &bench{task: task, reference: task.Network, trials: map[trialOf]*net.Trial{}}
	var err error
	if r.inputs, err = task.Network.Entries(); err != nil {
		r.failed[errand{kind: calibrate}] = err
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
	plan string // the sum of the whole plan, "" for the float network; of a layer by itself, the remedies

	set  int // of the tests
	from int // the first input, or the one that a text begins with
	n    int // inputs
	seed uint64

	tensor *model.Tensor // a layer
	scheme quant.Scheme
	flow   quant.Activation
}

type errandKind int

const (
	noErrand errandKind = iota

	// For the Run page.
	scoreTest
	timeLayers
	lookAtInputs
	writeText
	prepareTraining

	// For what flows into a layer.
	calibrate
	lookAtFlow
	markRanges
	measureFlow

	// For the harm that a layer does.
	scoreFloat
	scorePlan
	scoreAlone
	scoreAllBut
	measureCurve
	forecast

	// For the comparison with another model.
	comparePairs
)

// given is what an errand starts with.
type given struct {
	*bench
	plan   quant.Plan
	wanted []int    // inputs to look at
	so     *written // far
	cal    *net.Calibration
	seen   *flowSeen
	curve  *net.Curvature
	pairs  []comparedPair // to compare
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
	calibrate:       {"calibrating", doCalibrate},
	lookAtFlow:      {"looking at what flows into", doSeeFlow},
	markRanges:      {"choosing ranges for", doMarkRanges},
	measureFlow:     {"measuring what flows into", doMeasureFlow},
	scoreFloat:      {"running the float network", doScoreFloat},
	scorePlan:       {"running the plan", doScorePlan},
	scoreAlone:      {"running with nothing quantized but", doScoreAlone},
	scoreAllBut:     {"running with everything quantized but", doScoreAllBut},
	measureCurve:    {"backward over inputs", doMeasureCurve},
	forecast:        {"forecasting", doForecast},
	comparePairs:    {"comparing", doCompare},
}

// given returns what an errand starts with.
func (a *app) given(e errand) given {
	g := given{bench: a.run.bench, plan: a.history.Plan(), cal: a.run.cal, curve: a.run.curve}
	switch e.kind {
	case lookAtInputs:
		g.wanted = a.missingLooks()
	case writeText:
		g.so, _ = a.run.texts.get(e)
	case measureFlow:
		g.seen, _ = a.run.seen.get(e.tensor)
	case comparePairs:
		g.pairs = a.against.batch(e.n)
	}
	return g
}

// variant returns the network under the errand's plan, nil for the float one.
func (g *given) variant(ctx context.Context, e errand, progress func(float64)) (*net.Variant, error) {
	if e.plan == "" {
		return nil, nil
	}
	return g.task.Network.Under(ctx, g.plan, g.task.Train, net.CalibrationInputs, progress)
}

// keep notes what an errand has found out.
func (r *running) keep(e errand, found any, took time.Duration) {
	if mean := &r.took[e.kind]; *mean == 0 {
		*mean = took
	} else {
		*mean += (took - *mean) / 4
	}
	switch found := found.(type) {
	case *net.Score:
		if e.kind == scoreTest {
			r.scores.put(e, found)
		} else {
			r.harms[e] = found
		}
	case timing:
		r.timing.put(e, found)
	case *written:
		r.texts.put(e, found)
	case map[int]*look:
		for i, l := range found {
			r.looks.put(lookOf{e.set, i}, l)
			r.picture.w, r.picture.h = l[0].w, l[0].h
		}
	case *net.Calibration:
		r.cal = found
	case *flowSeen:
		r.seen.put(e.tensor, found)
	case []rangeMark:
		r.marks.put(e, found)
	case *net.FlowMeasurement:
		r.flows.put(e, found)
		r.flowDB[e] = found.SQNR()
	case *net.Curvature:
		r.curve = found
	case float64:
		r.costs[e] = found
	}
}

// doing says what an errand does, for the last row.
func (e errand) doing() string {
	text := errands[e.kind].doing
	if e.tensor != nil {
		text += " " + cutMiddle(e.tensor.Name, 24)
	}
	return text
}

// nextErrand returns the most urgent errand of the page.
func (a *app) nextErrand() (errand, bool) {
	if a.run.bench == nil {
		return errand{}, false
	}
	if e, ok := a.nextPreparation(); ok {
		return e, true
	}
	switch {
	case a.page == pageRun:
		return a.nextRun()
	case a.onInputs():
		return a.nextFlow()
	case a.page == pageMeasures && !a.measures.stopped:
		return a.nextMeasure()
	}
	return errand{}, false
}
