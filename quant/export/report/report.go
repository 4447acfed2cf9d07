// Package report writes what a plan does to a model as one page that needs nothing
// else: HTML to read, print and send, or Markdown.
//
// Whatever a model file says is hostile until it is escaped: HTML goes through
// html/template, which knows where a value stands, Markdown through escape.
package report

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// Source is what a report is about, and what it says of itself.
type Source struct {
	Model    *model.Model
	Plan     quant.Plan
	PlanName string // what people call the plan
	Command  string // that makes the report again
	Version  string // of the program
	Estimate bool   // look at a sample of each tensor under the plan
}

// Report is everything that a page shows.
type Report struct {
	Source
	Tensors []Tensor // in the order of the file
	Totals  quant.Totals
	Worst   []*quant.Measurement // the quantized tensors of least SQNR
	Curve   Curve
}

// Tensor is a tensor under the plan.
type Tensor struct {
	*model.Tensor
	Scheme  quant.Scheme
	Figures *quant.Figures
}

// SQNR returns that of the tensor in dB, +Inf where it is kept.
func (t *Tensor) SQNR() float64 { return t.Figures.SQNR() }

// shownWorst is how many tensors are shown in full.
const shownWorst = 6

// Make measures the model under the plan: exactly, or by a sample where the source
// says so. The curve and the plans that it is held against are estimates. It keeps a
// few numbers for each tensor, and stops soon after ctx is done. progress, which may
// be nil, hears the share done.
func Make(ctx context.Context, s Source, progress func(float64)) (*Report, error) {
	r := &Report{Source: s}
	schemes := s.Plan.Schemes(s.Model.Tensors)
	r.Curve.choose(s.Model, schemes)
	total, done := float64(max(1, 2*s.Model.Params())), 0.0
	for i, t := range s.Model.Tensors {
		part := func(from, to float64) func(float64) {
			if progress == nil {
				return nil
			}
			return func(share float64) { progress((done + (from+share*(to-from))*2*float64(t.Len())) / total) }
		}
		m, err := r.measure(ctx, t, schemes[i], part)
		if err != nil {
			return nil, err
		}
		r.Tensors = append(r.Tensors, Tensor{t, schemes[i], &m.Figures})
		r.Totals.Add(t, schemes[i], &m.Figures)
		if !schemes[i].Keep() {
			r.Worst = append(r.Worst, m)
			slices.SortStableFunc(r.Worst, func(a, b *quant.Measurement) int { return cmp.Compare(a.SQNR(), b.SQNR()) })
			r.Worst = r.Worst[:min(len(r.Worst), shownWorst)]
		}
		done += 2 * float64(t.Len())
	}
	r.Curve.draw(s.Model, r)
	return r, nil
}

// measure measures t under s, and estimates what the curve wants to know of it.
func (r *Report) measure(ctx context.Context, t *model.Tensor, s quant.Scheme, part func(from, to float64) func(float64)) (*quant.Measurement, error) {
	kept := &quant.Measurement{Tensor: t}
	kept.Bytes, kept.N, kept.Exact = t.Bytes(), t.Len(), true
	wanted := r.Curve.wanted(t)
	if s.Keep() && len(wanted) == 0 {
		return kept, ctx.Err()
	}
	sum, err := quant.Summarize(ctx, t, part(0, 0.4))
	if err != nil {
		return nil, err
	}
	for _, w := range wanted {
		m, err := quant.Estimate(ctx, t, sum, w)
		if err != nil {
			return nil, err
		}
		r.Curve.figures[subject{t, w}] = &m.Figures
	}
	switch {
	case s.Keep():
		return kept, nil
	case r.Estimate:
		return quant.Estimate(ctx, t, sum, s)
	}
	return quant.Measure(ctx, t, sum, s, part(0.5, 1))
}

// least returns the tensor of least SQNR, nil if the plan keeps everything.
func (r *Report) least() *quant.Measurement {
	if len(r.Worst) == 0 {
		return nil
	}
	return r.Worst[0]
}

// ramp turns SQNRs into steps of a ramp of colours: from good, of the least concern
// in this model, to bad.
type ramp struct{ good, bad float64 }

const (
	steps  = 12
	minDB  = 12 // that the ramp spans: smaller differences are not to look large
	mostDB = 60 // what is better looks no better
)

// ramp returns the ramp from the best quantized tensor to the worst.
func (r *Report) ramp() ramp {
	lo, hi := math.Inf(1), math.Inf(-1)
	for i := range r.Tensors {
		if t := &r.Tensors[i]; !t.Scheme.Keep() {
			db := max(0, min(mostDB, t.SQNR()))
			lo, hi = min(lo, db), max(hi, db)
		}
	}
	if lo > hi {
		return ramp{mostDB, 0}
	}
	if more := minDB - (hi - lo); more > 0 {
		lo, hi = lo-more/2, hi+more/2
	}
	return ramp{math.Ceil(hi), math.Floor(lo)}
}

// step returns the step of an SQNR.
func (r ramp) step(db float64) int {
	at := (r.good - db) / (r.good - r.bad) * steps
	if !(at > 0) { // NaN too
		return 0
	}
	return int(min(at, steps-1))
}
