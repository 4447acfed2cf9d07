package quant

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/bitdial/bitdial/quant/model"
)

// span is a run of weights, first ≤ i < end.
type span struct{ first, end int }

// chunkLen is about how many weights a worker takes at a time: small enough to
// stay in its cache and to stop soon, large enough that the hand-over is free.
const chunkLen = 1 << 15

// stream reads the spans of t and gives each to work, in parallel on every
// core and in no order; work gets the span's index and its weights, valid for
// the call, and worker, from 0 to workers-1, so that it can keep scratch space
// of its own. It returns the first error, or ctx's. progress, if not nil, is
// called now and then with the share done, from one goroutine at a time.
func stream(ctx context.Context, t *model.Tensor, spans []span, progress func(float64), work func(worker, i int, x []float32) error) error {
	return streamOn(ctx, workers(), t, spans, progress, work)
}

// streamOn is stream on a given number of cores.
func streamOn(ctx context.Context, cores int, t *model.Tensor, spans []span, progress func(float64), work func(worker, i int, x []float32) error) error {
	longest := 0
	for _, s := range spans {
		longest = max(longest, s.end-s.first)
	}
	buf := make([][]float32, cores)
	return parallel(ctx, cores, len(spans), progress, func(worker, i int) error {
		if buf[worker] == nil {
			buf[worker] = make([]float32, longest)
		}
		x := buf[worker][:spans[i].end-spans[i].first]
		if err := t.Read(x, spans[i].first); err != nil {
			return err
		}
		return work(worker, i, x)
	})
}

// parallel does the pieces of work from 0 to n-1 on so many cores, in no order,
// as stream does spans.
func parallel(ctx context.Context, cores, n int, progress func(float64), work func(worker, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, done atomic.Int64
	var reporting sync.Mutex
	var wait sync.WaitGroup
	var panicked atomic.Value
	defer func() {
		if p := panicked.Load(); p != nil {
			panic(p) // where the caller can restore its terminal
		}
	}()
	for worker := range min(cores, n) {
		wait.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panicked.CompareAndSwap(nil, fmt.Sprintf("%v\n%s", p, debug.Stack()))
					cancel(nil)
				}
			}()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := work(worker, i); err != nil {
					cancel(err)
					return
				}
				if d := done.Add(1); progress != nil && reporting.TryLock() {
					progress(float64(d) / float64(n))
					reporting.Unlock()
				}
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}

func workers() int { return runtime.GOMAXPROCS(0) }

// chunks cuts n weights into spans of about chunkLen that end between units
// where units are short; a unit longer than a chunk is cut inside, unless none
// may be.
func (l layout) chunks() []span {
	var spans []span
	for first := 0; first < l.n; {
		end := min(l.n, first+chunkLen)
		if end < l.n && (l.unit <= chunkLen || l.entire) {
			end = l.start(max(l.unitOf(end), l.unitOf(first)+1))
		}
		spans = append(spans, span{first, end})
		first = end
	}
	return spans
}
