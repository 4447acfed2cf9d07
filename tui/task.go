package tui

import (
	"context"
	"math"
	"time"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/net"
)

// What a run is over, in inputs and answers: enough that figures do not jump,
// little enough to wait for.
const (
	curvatureInputs = 256 // of those to learn from
	scoredInputs    = 500 // of those to choose by
	mostAnswers     = 1 << 13
)

// some returns how many of the inputs of d are run: most of them, or, where each
// has many answers as a text does, fewer.
func some(d net.Data, most int) int {
	return min(d.Len(), most, max(16, mostAnswers/max(1, d.Labels())))
}

// scored returns how many inputs are scored.
func (b *bench) scored() int { return some(b.task.Validation, scoredInputs) }

// bench is what a model is run with. Only the job under way touches it, and
// there is one job at a time.
type bench struct {
	task       *net.Task
	validation *net.Trial // nil until something is scored on what the task is chosen by
}

// score lets one of the package's functions score the network.
func (b *bench) score(run func(*net.Trial) (*net.Score, error)) (any, error) {
	if b.validation == nil {
		var err error
		if b.validation, err = net.NewTrial(b.task.Network, b.task.Validation); err != nil {
			return nil, err
		}
	}
	return run(b.validation)
}

// running is what has been found out by running the model.
type running struct {
	bench  *bench // nil: the model cannot be run
	failed map[errand]error

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
		failed: map[errand]error{},
		seen:   newRecent[*model.Tensor, *flowSeen](4),
		marks:  newRecent[errand, []rangeMark](64),
		flows:  newRecent[errand, *net.FlowMeasurement](64),
		flowDB: map[errand]float64{},
		harms:  map[errand]*net.Score{}, costs: map[errand]float64{},
	}
	if task == nil {
		return r
	}
	r.bench = &bench{task: task}
	var err error
	if r.inputs, err = task.Network.Entries(); err != nil {
		r.failed[errand{kind: calibrate}] = err
	}
	return r
}

// errand is something to find out by running the model: a fact about a layer
// under schemes, or about the whole. Its fields are zero where the answer does
// not depend on them.
type errand struct {
	kind   errandKind
	tensor *model.Tensor
	scheme quant.Scheme
	flow   quant.Activation
	plan   string // the sum of the whole plan, or its remedies
}

type errandKind int

const (
	noErrand errandKind = iota
	calibrate
	lookAtFlow
	markRanges
	measureFlow
	scoreFloat
	scorePlan
	scoreAlone
	scoreAllBut
	measureCurve
	forecast
)

// given is what an errand may know of earlier ones, and the plan.
type given struct {
	*bench
	plan quant.Plan
	cal  *net.Calibration
	seen *flowSeen
	curv *net.Curvature
}

// errands is the table of them: what the last row says while one is under way,
// and what it does.
var errands = [...]struct {
	doing string
	do    func(ctx context.Context, e errand, g given, progress func(float64)) (any, error)
}{
	calibrate: {"calibrating", func(ctx context.Context, _ errand, g given, progress func(float64)) (any, error) {
		return g.task.Calibrate(ctx, progress)
	}},
	lookAtFlow: {"looking at what flows into", func(ctx context.Context, e errand, g given, progress func(float64)) (any, error) {
		return seeFlow(ctx, e.tensor, g, progress)
	}},
	markRanges: {"choosing ranges for", func(_ context.Context, e errand, g given, _ func(float64)) (any, error) {
		return marksOf(e.flow, g.cal.Flow(e.tensor.Name)), nil
	}},
	measureFlow: {"measuring what flows into", func(ctx context.Context, e errand, g given, _ func(float64)) (any, error) {
		return g.seen.captured.Measure(ctx, e.flow, g.cal.Flow(e.tensor.Name))
	}},
	scoreFloat: {"running the float network", func(ctx context.Context, _ errand, g given, progress func(float64)) (any, error) {
		return g.score(func(t *net.Trial) (*net.Score, error) { return t.Score(ctx, nil, g.scored(), progress) })
	}},
	scorePlan: {"running the plan", func(ctx context.Context, _ errand, g given, progress func(float64)) (any, error) {
		return g.score(func(t *net.Trial) (*net.Score, error) {
			return g.task.Score(ctx, t, g.plan, g.scored(), progress)
		})
	}},
	scoreAlone: {"running with nothing quantized but", func(ctx context.Context, e errand, g given, progress func(float64)) (any, error) {
		return g.score(func(t *net.Trial) (*net.Score, error) {
			return g.task.Alone(ctx, t, g.plan, e.tensor.Name, g.scored(), progress)
		})
	}},
	scoreAllBut: {"running with everything quantized but", func(ctx context.Context, e errand, g given, progress func(float64)) (any, error) {
		return g.score(func(t *net.Trial) (*net.Score, error) {
			return g.task.AllBut(ctx, t, g.plan, e.tensor.Name, g.scored(), progress)
		})
	}},
	measureCurve: {"backward over inputs", func(ctx context.Context, _ errand, g given, progress func(float64)) (any, error) {
		return net.MeasureCurvature(ctx, g.task.Network.Graph, g.task.Train, some(g.task.Train, curvatureInputs), progress)
	}},
	forecast: {"forecasting", func(ctx context.Context, e errand, g given, _ func(float64)) (any, error) {
		return g.task.Network.Forecast(ctx, g.curv, e.tensor.Name, e.scheme)
	}},
}

// given returns what an errand starts with.
func (a *app) given(e errand) given {
	g := given{bench: a.run.bench, plan: a.history.Plan(), cal: a.run.cal, curv: a.run.curve}
	if e.tensor != nil {
		g.seen, _ = a.run.seen.get(e.tensor)
	}
	return g
}

// keep notes what an errand has found out.
func (r *running) keep(e errand, found any, took time.Duration) {
	if mean := &r.took[e.kind]; *mean == 0 {
		*mean = took
	} else {
		*mean += (took - *mean) / 4
	}
	switch found := found.(type) {
	case *net.Calibration:
		r.cal = found
	case *net.Curvature:
		r.curve = found
	case *flowSeen:
		r.seen.put(e.tensor, found)
	case []rangeMark:
		r.marks.put(e, found)
	case *net.FlowMeasurement:
		r.flows.put(e, found)
		r.flowDB[e] = found.SQNR()
	case *net.Score:
		r.harms[e] = found
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
	switch {
	case a.run.bench == nil:
	case a.page == pageLayers && a.inputs:
		return a.nextFlow()
	case a.page == pageMeasures && !a.measures.stopped:
		return a.nextMeasure()
	}
	return errand{}, false
}

// settled reports whether an errand need not be done: it has been, or cannot
// be.
func (r *running) settled(e errand) bool {
	if r.failed[e] != nil {
		return true
	}
	switch e.kind {
	case calibrate:
		return r.cal != nil
	case measureCurve:
		return r.curve != nil
	case lookAtFlow:
		return r.seen.has(e.tensor)
	case markRanges:
		return r.marks.has(e)
	case measureFlow:
		return r.flows.has(e)
	case forecast:
		return !math.IsNaN(r.cost(e))
	}
	return r.harms[e] != nil
}

// cost returns what was forecast, NaN if nothing was.
func (r *running) cost(e errand) float64 {
	if v, ok := r.costs[e]; ok {
		return v
	}
	return math.NaN()
}

// firstUnknown returns the first of some errands that is to be done. One that
// another needs stands before it, and where that failed, it is not done either.
func (r *running) firstUnknown(list ...errand) (errand, bool) {
	for _, e := range list {
		if r.failed[e] != nil {
			return errand{}, false
		}
		if !r.settled(e) {
			return e, true
		}
	}
	return errand{}, false
}
