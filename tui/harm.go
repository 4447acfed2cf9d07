package tui

import (
	"context"
	"math"

	"github.com/bitdial/bitdial/quant/net"
)

// What the harm of layers is measured over, in inputs and answers: enough that
// figures do not jump, little enough to wait for.
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

// trialOfHarm returns the network before what it is chosen by, prepared once.
func (b *bench) trialOfHarm() (*net.Trial, error) {
	if b.validation == nil {
		var err error
		if b.validation, err = net.NewTrial(b.task.Network, b.task.Validation); err != nil {
			return nil, err
		}
	}
	return b.validation, nil
}

func doScoreFloat(ctx context.Context, _ errand, g given, progress func(float64)) (any, error) {
	trial, err := g.trialOfHarm()
	if err != nil {
		return nil, err
	}
	return trial.Score(ctx, nil, g.scored(), progress)
}

func doScorePlan(ctx context.Context, _ errand, g given, progress func(float64)) (any, error) {
	trial, err := g.trialOfHarm()
	if err != nil {
		return nil, err
	}
	return g.task.Score(ctx, trial, g.plan, g.scored(), progress)
}

func doScoreAlone(ctx context.Context, e errand, g given, progress func(float64)) (any, error) {
	trial, err := g.trialOfHarm()
	if err != nil {
		return nil, err
	}
	return g.task.Alone(ctx, trial, g.plan, e.tensor.Name, g.scored(), progress)
}

func doScoreAllBut(ctx context.Context, e errand, g given, progress func(float64)) (any, error) {
	trial, err := g.trialOfHarm()
	if err != nil {
		return nil, err
	}
	return g.task.AllBut(ctx, trial, g.plan, e.tensor.Name, g.scored(), progress)
}

func doMeasureCurve(ctx context.Context, _ errand, g given, progress func(float64)) (any, error) {
	return net.MeasureCurvature(ctx, g.task.Network.Graph, g.task.Train, some(g.task.Train, curvatureInputs), progress)
}

func doForecast(ctx context.Context, e errand, g given, _ func(float64)) (any, error) {
	return g.task.Network.Forecast(ctx, g.curve, e.tensor.Name, e.scheme)
}

// settled reports whether an errand of a layer need not be done: it has been, or
// cannot be.
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
