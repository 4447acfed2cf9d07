package tui

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/imatrix"
)

// sweep is the figures that choosing a plan takes: of all weights under all
// schemes to choose from, and under the plans to hold one against. They are
// estimated by batches, many in one job.
type sweep struct {
	turn    int            // how often it began anew: batches of another one are not wanted
	schemes []quant.Scheme // to choose from
	known   []quant.Known
	order   []int  // the tensors to estimate, those of most weights first
	swept   []bool // by tensor, whether it is in order
	at      int    // tensors before this index in order are done
	have    int    // figures that are there,
	all     int    // of all
	left    int    // weights that are not swept: there are too many
}

// maxSwept bounds the figures of a sweep, which stay in memory. The smallest weights
// of a model that has more keep the scheme that they have.
const maxSwept = 1 << 20

// batchTime is how long a batch takes, batchTensors how many tensors it is given at
// most: small enough that a key does not wait for it, large enough that all cores have
// something to do.
const (
	batchTime    = 50 * time.Millisecond
	batchTensors = 512
)

// beginSweep looks for what is missing, from the start.
func (a *app) beginSweep() {
	b := &a.budget
	sw := sweep{turn: b.sweep.turn + 1, schemes: b.candidates()}
	sw.known = quant.KnownPlans(a.model, sw.schemes, a.weighted())
	for i, t := range a.model.Tensors {
		if quant.IsWeight(t) && a.work.failed[t] == nil {
			sw.order = append(sw.order, i)
		}
	}
	slices.SortStableFunc(sw.order, func(i, j int) int { return cmp.Compare(a.model.Tensors[j].Len(), a.model.Tensors[i].Len()) })
	if most := maxSwept / max(1, len(sw.schemes)); len(sw.order) > most {
		sw.left = len(sw.order) - most
		sw.order = sw.order[:most]
	}
	sw.swept = make([]bool, len(a.model.Tensors))
	b.sweep, b.stale = sw, true
	var list []quant.Scheme
	for _, i := range sw.order {
		sw.swept[i] = true
		list = a.wanted(i, list[:0])
		for _, s := range list {
			b.sweep.all++
			if a.work.figures[fact{a.model.Tensors[i], s}] != nil {
				b.sweep.have++
			}
		}
	}
}

// wanted appends the schemes whose figures tensor i is to have.
func (a *app) wanted(i int, list []quant.Scheme) []quant.Scheme {
	t, sw := a.model.Tensors[i], &a.budget.sweep
	from := len(list)
	for _, s := range sw.schemes {
		if s.WhyNot(t.Shape) == "" {
			list = append(list, s)
		}
	}
	for k := range sw.known {
		if !sw.known[k].Mix {
			break // they come first, and the others' schemes are among those to choose from
		}
		if s := sw.known[k].Scheme(i, t); !s.Keep() && !slices.Contains(list[from:], s) {
			list = append(list, s)
		}
	}
	return list
}

// batchOf is a tensor and the schemes to estimate it under.
type batchOf struct {
	i       int
	tensor  *model.Tensor
	summary *quant.Summary // nil if it is not known
	schemes []quant.Scheme
}

// swept is what a batch found out of a tensor.
type swept struct {
	of      batchOf
	summary *quant.Summary
	figures []*quant.Figures // as far as it came
	err     error
}

// missingOf returns what is missing of tensor i, the scheme that it has included.
func (a *app) missingOf(i int) batchOf {
	return a.missingUnder(i, append(a.wanted(i, nil), a.planned.schemes[i]))
}

// missingUnder returns those of the schemes under which tensor i is not known.
func (a *app) missingUnder(i int, schemes []quant.Scheme) batchOf {
	t := a.model.Tensors[i]
	of := batchOf{i: i, tensor: t}
	if a.work.failed[t] != nil {
		return of
	}
	for _, s := range schemes {
		if a.work.missing(t, s) && !slices.Contains(of.schemes, s) {
			of.schemes = append(of.schemes, s)
		}
	}
	if len(of.schemes) > 0 && a.work.summaries.has(t) {
		of.summary, _ = a.work.summaries.get(t)
	}
	return of
}

// sweeping reports whether figures of the plan page are missing.
func (a *app) sweeping() bool {
	sw := &a.budget.sweep
	for ; sw.at < len(sw.order); sw.at++ {
		if len(a.missingOf(sw.order[sw.at]).schemes) > 0 {
			return true
		}
	}
	return false
}

// nextBatch returns what to estimate next: the layers on the screen, then others,
// the largest first; for a comparison in the model's order.
func (a *app) nextBatch() []batchOf {
	var list []batchOf
	taken := map[int]bool{}
	missing := a.missingOf
	if a.page == pageCompare {
		missing = a.missingUnderBoth
	}
	add := func(i int) {
		if of := missing(i); len(of.schemes) > 0 && !taken[i] {
			taken[i] = true
			list = append(list, of)
		}
	}
	if g := &a.against; a.page == pageCompare {
		for row := range g.rows {
			if i, ok := g.at(g.top + row); ok {
				add(i)
			}
		}
		for i := g.next; i < len(a.model.Tensors) && len(list) < batchTensors; i++ {
			add(i)
		}
		return list
	}
	sw := &a.budget.sweep
	for row := range a.layers.rows {
		if i, ok := a.layers.at(a.layers.top + row); ok && sw.swept[i] {
			add(i)
		}
	}
	for n := sw.at; n < len(sw.order) && len(list) < batchTensors; n++ {
		add(sw.order[n])
	}
	return list
}

// runBatch estimates what it can in the time of a batch, tensors side by side. What
// it has found when ctx ends stands.
func (j *job) runBatch(ctx context.Context, list []batchOf) resultMsg {
	defer j.cancel()
	end := time.Now().Add(batchTime)
	found := make([]swept, len(list))
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(list)) {
		group.Go(func() {
			for first := true; first || time.Now().Before(end); first = false {
				n := int(next.Add(1)) - 1
				if n >= len(list) || ctx.Err() != nil {
					return
				}
				found[n] = list[n].estimate(ctx, j.matrix, end)
			}
		})
	}
	group.Wait()
	return resultMsg{job: j, swept: slices.DeleteFunc(found, func(s swept) bool { return s.summary == nil && s.err == nil })}
}

// estimate finds figures of a tensor until the time is over: one at least.
func (of batchOf) estimate(ctx context.Context, matrix *imatrix.Matrix, end time.Time) swept {
	s := swept{of: of, summary: of.summary}
	if s.summary == nil {
		if s.summary, s.err = summarize(ctx, of.tensor, matrix, nil); s.err != nil {
			return s
		}
	}
	for _, scheme := range of.schemes {
		if len(s.figures) > 0 && time.Now().After(end) {
			return s
		}
		f, err := quant.EstimateFigures(ctx, of.tensor, s.summary, scheme)
		if err != nil {
			s.err = err
			return s
		}
		s.figures = append(s.figures, f)
	}
	of.tensor.Release(0, of.tensor.Bytes())
	return s
}

// takeBatch keeps what a batch has found.
func (a *app) takeBatch(list []swept) {
	w, b, sw := &a.work, &a.budget, &a.budget.sweep
	failed := false
	for _, s := range list {
		t := s.of.tensor
		if t != a.model.Tensors[s.of.i] { // training has replaced it
			continue
		}
		wanted := a.wanted(s.of.i, nil)
		for n, f := range s.figures {
			key := fact{t, s.of.schemes[n]}
			if w.figures[key] != nil {
				continue
			}
			w.figures[key] = f
			w.found++
			if slices.Contains(wanted, key.scheme) {
				sw.have++
			}
		}
		if s.summary != nil && len(s.figures) < len(s.of.schemes) {
			w.summaries.put(t, s.summary)
		}
		if s.err != nil && !isCanceled(s.err) {
			w.failed[t] = s.err
			a.notice = s.err.Error()
			failed = true
		}
		a.touch(s.of.i)
	}
	if failed && b.sweep.turn > 0 { // the model is planned without it
		a.beginSweep()
	}
	b.stale = true
}
