package tui

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/imatrix"
	"github.com/bitdial/bitdial/quant/net"
)

// fact names something that can be found out: what a scheme does to a tensor.
type fact struct {
	tensor *model.Tensor
	scheme quant.Scheme
}

// request is a fact and how well it is to be known.
type request struct {
	fact
	i       int // the tensor's index in the model
	exact   bool
	picture bool   // histograms too, not the figures alone
	errand  errand // instead of all these: something that takes a run of the model
	sweep   int    // likewise: a batch of the sweep of this turn
}

// work is what is known of the model and the one job that finds out more.
// Whenever something has happened, schedule looks for the most urgent request
// and, if the job under way is another one, cancels that first.
type work struct {
	figures   map[fact]*quant.Figures
	pictures  recent[fact, *quant.Measurement]
	summaries recent[*model.Tensor, *quant.Summary]
	failed    map[*model.Tensor]error
	job       *job
	shown     *quant.Measurement // the picture on the screen, until the next is there
	fill      int                // tensors before this index have their figures
	settle    int                // and before this one exact ones
	found     int                // figures so far
	forgotten int                // how often all was forgotten
	ticking   bool
}

// job is a request under way.
type job struct {
	request
	cancel   context.CancelFunc
	started  time.Time
	progress atomic.Uint64 // bits of the share done
	matrix   *imatrix.Matrix
}

func (j *job) done() float64 { return math.Float64frombits(j.progress.Load()) }

type resultMsg struct {
	job     *job
	summary *quant.Summary
	m       *quant.Measurement
	found   any // by an errand
	swept   []swept
	err     error
}

type tickMsg struct{}

func newWork() work {
	return work{
		figures:   map[fact]*quant.Figures{},
		pictures:  newRecent[fact, *quant.Measurement](128),
		summaries: newRecent[*model.Tensor, *quant.Summary](128),
		failed:    map[*model.Tensor]error{},
	}
}

// forget drops all facts, not the job under way.
func (w *work) forget() {
	job, ticking, found, forgotten := w.job, w.ticking, w.found, w.forgotten
	*w = newWork()
	w.job, w.ticking, w.found, w.forgotten = job, ticking, found, forgotten+1
}

// stop cancels the job under way.
func (w *work) stop() {
	if w.job != nil {
		w.job.cancel()
	}
}

// schedule starts the most urgent request, or cancels the job that is in its
// way and will be called again when that has ended.
func (a *app) schedule() tea.Cmd {
	next, more := a.next()
	w := &a.work
	if w.job != nil {
		if !more || next != w.job.request {
			w.job.cancel()
		}
		return nil
	}
	if !more {
		return nil
	}
	ctx, cancel := context.WithCancel(a.ctx)
	j := &job{request: next, cancel: cancel, started: time.Now(), matrix: a.importance.matrix}
	w.job = j
	summary, _ := w.summaries.get(next.tensor)
	run := func() tea.Msg { return j.run(ctx, summary) }
	if next.errand.kind != noErrand {
		given := a.given(next.errand)
		run = func() tea.Msg { return j.runErrand(ctx, given) }
	}
	if next.sweep != 0 {
		list := a.nextBatch()
		run = func() tea.Msg { return j.runBatch(ctx, list) }
	}
	if w.ticking {
		return run
	}
	w.ticking = true
	return tea.Batch(run, tick())
}

func (j *job) run(ctx context.Context, summary *quant.Summary) tea.Msg {
	defer j.cancel()
	r := resultMsg{job: j, summary: summary}
	progress := func(share float64) { j.progress.Store(math.Float64bits(share)) }
	if r.summary == nil {
		if r.summary, r.err = summarize(ctx, j.tensor, j.matrix, progress); r.err != nil {
			return r
		}
	}
	if j.exact {
		r.m, r.err = quant.Measure(ctx, j.tensor, r.summary, j.scheme, progress)
	} else {
		r.m, r.err = quant.Estimate(ctx, j.tensor, r.summary, j.scheme)
	}
	return r
}

// summarize reads t once, with what the matrix says of it.
func summarize(ctx context.Context, t *model.Tensor, matrix *imatrix.Matrix, progress func(float64)) (*quant.Summary, error) {
	importance, err := matrix.Of(t)
	if err != nil {
		return nil, err
	}
	return quant.SummarizeWith(ctx, t, importance, progress)
}

func (j *job) runErrand(ctx context.Context, g given) tea.Msg {
	defer j.cancel()
	found, err := errands[j.errand.kind].do(ctx, j.errand, g, func(share float64) { j.progress.Store(math.Float64bits(share)) })
	return resultMsg{job: j, found: found, err: err}
}

// take keeps what a job has found out.
func (a *app) take(r resultMsg) tea.Cmd {
	w := &a.work
	if w.job != r.job { // of a model that was closed
		return nil
	}
	w.job = nil
	if r.job.matrix != a.importance.matrix && r.job.errand.kind == noErrand {
		return nil // weights count otherwise now
	}
	if r.summary != nil {
		w.summaries.put(r.job.tensor, r.summary)
	}
	switch {
	case r.job.sweep != 0:
		a.takeBatch(r.swept)
		return a.followFacts()
	case isCanceled(r.err):
		return nil
	case r.job.errand.kind == comparePairs:
		a.takeCompared(int(r.job.errand.seed), r.found.([]comparedPair))
		return nil
	case r.job.errand.kind != noErrand && r.err != nil:
		a.run.failed[r.job.errand] = r.err
		a.notice = r.err.Error()
		return nil
	case r.job.errand.kind != noErrand:
		if trainer, ok := r.found.(*net.Trainer); ok {
			a.begin(r.job.errand, trainer)
		}
		a.run.keep(r.job.errand, r.found, time.Since(r.job.started))
		return nil
	case r.err != nil:
		w.failed[r.job.tensor] = r.err
		a.notice = r.err.Error()
		return nil
	}
	key := r.job.fact
	w.figures[key] = &r.m.Figures
	w.found++
	if r.job.picture {
		w.pictures.put(key, r.m)
	}
	if a.page == pageMicroscope {
		a.micro.settle(a)
	}
	a.touch(r.job.i)
	return nil
}

func isCanceled(err error) bool { return errors.Is(err, context.Canceled) }

// tick redraws while a job runs, so that its progress shows, and ends with it.
func tick() tea.Cmd {
	return tea.Tick(100*time.Millisecond, func(time.Time) tea.Msg { return tickMsg{} })
}

func (a *app) tick() tea.Cmd {
	if a.work.job == nil && a.writing == nil {
		a.work.ticking = false
		return nil
	}
	return tick()
}

// next returns the most urgent request: the picture of what is under the
// cursor, estimated and then exact; then what else the page shows, from what
// can be seen to what cannot. While files are written there is none.
func (a *app) next() (request, bool) {
	if a.writing != nil {
		return request{}, false
	}
	if e, ok := a.nextErrand(); ok {
		return request{errand: e}, true
	}
	w := &a.work
	if a.page == pagePlan && !a.paused && a.sweeping() {
		return request{sweep: a.budget.sweep.turn}, true
	}
	if r, ok := a.nextDifference(); ok {
		return r, true
	}
	i := a.layers.selected()
	var focus []fact
	if t, s := a.selected(); t != nil && t.Len() > 0 && w.failed[t] == nil && a.page != pagePlan && a.page != pageCompare {
		focus = append(focus, fact{t, s})
		if before, ok := a.planned.previous[t]; ok && a.compare {
			focus = append(focus, fact{t, before})
		}
	}
	for _, f := range focus {
		if _, ok := w.pictures.get(f); !ok {
			return request{fact: f, i: i, picture: true}, true
		}
	}
	if e, ok := a.nextScore(false); ok {
		return request{errand: e}, true
	}
	for _, f := range focus {
		if m, _ := w.pictures.get(f); !m.Exact {
			return request{fact: f, i: i, exact: true, picture: true}, true
		}
	}
	if find := sideFills[a.page]; find != nil && !a.paused {
		if r, ok := find(a); ok {
			return r, true
		}
	}
	for row := range a.layers.rows {
		if i, ok := a.layers.at(a.layers.top + row); ok && w.missing(a.model.Tensors[i], a.planned.schemes[i]) {
			return request{fact: fact{a.model.Tensors[i], a.planned.schemes[i]}, i: i}, true
		}
	}
	for ; w.fill < len(a.model.Tensors); w.fill++ {
		if t, s := a.model.Tensors[w.fill], a.planned.schemes[w.fill]; w.missing(t, s) {
			return request{fact: fact{t, s}, i: w.fill}, true
		}
	}
	if a.page == pagePlan { // plans are chosen by estimates: they do not change under one's hands
		e, ok := a.nextScore(true)
		return request{errand: e}, ok
	}
	if r, ok := a.settleDifference(); ok {
		return r, true
	}
	for row := range a.layers.rows {
		if i, ok := a.layers.at(a.layers.top + row); ok && a.estimated(i) {
			return a.settled(i), true
		}
	}
	if a.planned.totals.Params <= settleAll {
		for ; w.settle < len(a.model.Tensors); w.settle++ {
			if a.estimated(w.settle) {
				return a.settled(w.settle), true
			}
		}
	}
	if e, ok := a.nextScore(true); ok {
		return request{errand: e}, true
	}
	return request{}, false
}

// settleAll is the size of a model, in weights, up to which everything is
// measured exactly once there is nothing else to do; of a larger one only what
// is on the screen.
const settleAll = 1 << 27

// estimated reports whether the figures of tensor i are known as estimates.
func (a *app) estimated(i int) bool {
	f := a.work.figures[fact{a.model.Tensors[i], a.planned.schemes[i]}]
	return f != nil && !f.Exact && a.work.failed[a.model.Tensors[i]] == nil
}

// settled asks for the exact figures of tensor i.
func (a *app) settled(i int) request {
	return request{fact: fact{a.model.Tensors[i], a.planned.schemes[i]}, i: i, exact: true}
}

// missing reports whether figures of t under s are wanted and not known.
func (w *work) missing(t *model.Tensor, s quant.Scheme) bool {
	return !s.Keep() && w.figures[fact{t, s}] == nil && w.failed[t] == nil
}

// status says what is under way, if it takes long.
func (w *work) status() string {
	j := w.job
	if j == nil || time.Since(j.started) < 200*time.Millisecond {
		return ""
	}
	what := "reading"
	if j.exact {
		what = "measuring"
	}
	left := ""
	if done := j.done(); done > 0.02 {
		seconds := time.Since(j.started).Seconds() * (1 - done) / done
		left = fmt.Sprintf(" · %s left", time.Duration(math.Ceil(seconds))*time.Second)
	}
	switch {
	case j.errand.kind != noErrand:
		what = j.errand.doing()
	case j.sweep != 0:
		return "estimating"
	default:
		what += " " + cutMiddle(j.tensor.Name, 24)
	}
	return fmt.Sprintf("%s %2.0f%%%s", what, 100*j.done(), left)
}

// recent is a map that forgets what was not asked for longest.
type recent[K comparable, V any] struct {
	size   int
	values map[K]V
	order  []K // latest last
}

func newRecent[K comparable, V any](size int) recent[K, V] {
	return recent[K, V]{size: size, values: map[K]V{}}
}

func (r *recent[K, V]) get(k K) (V, bool) {
	v, ok := r.values[k]
	if n := len(r.order); ok && r.order[n-1] != k {
		i := slices.Index(r.order, k)
		r.order = append(slices.Delete(r.order, i, i+1), k)
	}
	return v, ok
}

// has reports whether a value is there, without asking for it.
func (r *recent[K, V]) has(k K) bool {
	_, ok := r.values[k]
	return ok
}

func (r *recent[K, V]) put(k K, v V) {
	if _, ok := r.values[k]; !ok {
		if len(r.order) == r.size {
			delete(r.values, r.order[0])
			r.order = slices.Delete(r.order, 0, 1)
		}
		r.order = append(r.order, k)
	}
	r.values[k] = v
}
