package tui

import (
	"context"
	"fmt"

	"github.com/bitdial/bitdial/quant/net"
)

// What the first answer is over, within one tenth of a second's patience: so
// many pictures, or texts of so many tokens.
const (
	quickPictures = 100
	quickTokens   = 1024
)

// trialOf names a network before data: a test, or the first of it, which need
// smaller batches.
type trialOf struct{ set, n int }

// trial returns the trial of an errand, prepared once.
func (b *bench) trial(e errand) (*net.Trial, error) {
	of := trialOf{e.set, e.n}
	if b.trials[of] == nil {
		var data net.Data = b.task.Tests[e.set]
		if e.n < data.Len() {
			data = net.First(data, e.n, b.reference.InputLen())
		}
		t, err := net.NewTrial(b.reference, data)
		if err != nil {
			return nil, err
		}
		b.trials[of] = t
	}
	return b.trials[of], nil
}

func doScore(ctx context.Context, e errand, g given, progress func(float64)) (any, error) {
	trial, err := g.trial(e)
	if err != nil {
		return nil, err
	}
	v, err := g.variant(ctx, e, nil)
	if err != nil {
		return nil, err
	}
	s, err := trial.Score(ctx, v, e.n, progress)
	if err != nil {
		return nil, err
	}
	if g.task.Classes == nil { // there are as many as tokens
		s.Said, s.Labels = nil, nil
	}
	return s, nil
}

// score returns the errand that scores the test under plan, "" for the float
// network: exactly, or over its first inputs.
func (r *running) score(set int, plan string, exact bool) errand {
	test := r.task().Tests[set]
	n := test.Len()
	if !exact {
		quick := quickPictures
		if test.Labels() > 1 {
			quick = max(1, quickTokens/test.Labels())
		}
		n = min(n, quick)
	}
	return errand{kind: scoreTest, plan: plan, set: set, n: n}
}

// known returns the best score of the test under plan, and whether it is over
// all of it; nil if there is none.
func (r *running) known(set int, plan string) (s *net.Score, exact bool) {
	if s, ok := r.scores.get(r.score(set, plan, true)); ok {
		return s, true
	}
	s, _ = r.scores.get(r.score(set, plan, false))
	return s, false
}

// nextScore returns the next score that is not known of the present test, the
// float network's first.
func (a *app) nextScore(exact bool) (errand, bool) {
	if a.run.bench == nil || len(a.run.task().Tests) == 0 {
		return errand{}, false
	}
	for _, plan := range [...]string{"", a.planSum()} {
		e := a.run.score(a.view.set, plan, exact)
		if a.run.failed[e] != nil || a.run.failed[a.run.score(a.view.set, plan, false)] != nil {
			return errand{}, false
		}
		if !a.run.scores.has(e) && !a.run.scores.has(a.run.score(a.view.set, plan, true)) {
			return e, true
		}
	}
	return errand{}, false
}

// meritText returns the accuracy under the plan, or the bits per byte, for the
// first row; "" where there is no room or nothing is known.
func (a *app) meritText(w int) string {
	if a.run.bench == nil || len(a.run.task().Tests) == 0 || w < 100 {
		return ""
	}
	s, exact := a.run.known(a.view.set, a.planSum())
	if s == nil {
		return ""
	}
	approx := ""
	if !exact {
		approx = "≈"
	}
	if a.run.task().Classes == nil {
		return fmt.Sprintf(" %s%.3f bits/byte ", approx, s.BitsPerToken())
	}
	return fmt.Sprintf(" right %s%s ", approx, percentText(s.Accuracy()))
}
