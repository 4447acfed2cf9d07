package quant

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/bitdial/bitdial/quant/model"
)

// Task is a tensor and the schemes to measure it under: by estimates, or by every
// weight.
type Task struct {
	Tensor  *model.Tensor
	Schemes []Scheme
	Exact   bool
}

// Tasks returns a task for each of the tensors that are weights, of all schemes
// that fit its shape.
func Tasks(tensors []*model.Tensor, schemes []Scheme, exact bool) []Task {
	var tasks []Task
	for _, t := range tensors {
		if !IsWeight(t) {
			continue
		}
		task := Task{Tensor: t, Exact: exact}
		for _, s := range schemes {
			if !s.Keep() && s.WhyNot(t.Shape) == "" {
				task.Schemes = append(task.Schemes, s)
			}
		}
		if len(task.Schemes) > 0 {
			tasks = append(tasks, task)
		}
	}
	return tasks
}

// SweepOptions are what a sweep begins with and whom it tells. Everything may be
// left out.
type SweepOptions struct {
	Known      *Results                               // what need not be measured again; gets what is
	Importance func(*model.Tensor) ([]float32, error) // as [SummarizeWith] has it; nil where all weights count alike
	Emit       func(*Result) error                    // hears every new result, one at a time
	Progress   func(share float64)                    // hears the share done, one at a time
}

// Sweep measures the tensors of tasks under their schemes, on all cores: small
// tensors side by side, large ones in parts. Each is read for its digest and its
// summary, which serve all its schemes, and these follow one another, so that
// a tensor that fits the memory comes from the disk once. What is known at least as
// exactly is left out; where it is known of another tensor that holds the same, it is
// emitted for this one. It stops soon after ctx is done; what was emitted stands.
func Sweep(ctx context.Context, tasks []Task, o SweepOptions) error {
	if o.Known == nil {
		o.Known = NewResults()
	}
	s := &sweep{SweepOptions: o, slots: semaphore.NewWeighted(2 * int64(workers()))}
	tasks = slices.Clone(tasks)
	slices.SortStableFunc(tasks, func(a, b Task) int { return cmp.Compare(b.cost(), a.cost()) }) // so that no large one is left for the end
	for _, t := range tasks {
		s.total += t.cost()
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	return parallel(ctx, workers()+1, len(tasks), nil, func(_, i int) error {
		err := s.do(ctx, tasks[i])
		if err != nil {
			stop(err) // what else is under way
		}
		return err
	})
}

// sweep is one under way.
type sweep struct {
	SweepOptions
	slots *semaphore.Weighted // a measurement takes one for each core that it can use

	mu          sync.Mutex
	done, total float64 // costs
}

// do measures one tensor.
func (s *sweep) do(ctx context.Context, task Task) error {
	t := task.Tensor
	var sum *Summary
	var subject Subject
	err := s.on(ctx, coresFor(t.Len()), func() (err error) {
		subject, err = s.Known.identify(ctx, t, s.Importance)
		return err
	})
	if err != nil {
		return err
	}
	for _, scheme := range task.Schemes {
		cost := scheme.cost(t, task.Exact)
		if f := s.Known.Figures(t, scheme); f != nil && (f.Exact || !task.Exact) {
			if !s.Known.told(t, scheme) {
				if err := s.found(&Result{t.Name, subject, scheme, *f}); err != nil {
					return err
				}
			}
			s.progress(cost)
			continue
		}
		if sum == nil {
			if sum, err = s.summarize(ctx, t); err != nil {
				return err
			}
		}
		f, err := s.measure(ctx, t, sum, scheme, task.Exact, cost)
		if err != nil {
			return err
		}
		if err := s.found(&Result{t.Name, subject, scheme, *f}); err != nil {
			return err
		}
	}
	t.Release(0, t.Bytes())
	s.progress(summaryCost(t))
	return nil
}

// on does work that uses so many cores when their slots are free.
func (s *sweep) on(ctx context.Context, cores int, work func() error) error {
	if s.slots.Acquire(ctx, int64(cores)) != nil {
		return context.Cause(ctx)
	}
	defer s.slots.Release(int64(cores))
	return work()
}

func (s *sweep) summarize(ctx context.Context, t *model.Tensor) (sum *Summary, err error) {
	var importance []float32
	if s.Importance != nil {
		if importance, err = s.Importance(t); err != nil {
			return nil, err
		}
	}
	err = s.on(ctx, coresFor(t.Len()), func() (err error) {
		sum, err = SummarizeWith(ctx, t, importance, nil)
		return err
	})
	return sum, err
}

func (s *sweep) measure(ctx context.Context, t *model.Tensor, sum *Summary, scheme Scheme, exact bool, cost float64) (f *Figures, err error) {
	size, cores := scheme.sampleLen(), 1
	if exact {
		size, cores = sum.N, coresFor(sum.N)
	}
	told := 0.0
	err = s.on(ctx, cores, func() (err error) {
		f, err = figures(ctx, t, sum, scheme, size, cores, func(share float64) {
			s.progress((share - told) * cost)
			told = share
		})
		return err
	})
	s.progress((1 - told) * cost)
	return f, err
}

// coresFor returns how many cores a tensor of n weights can keep busy.
func coresFor(n int) int { return max(1, min(workers(), n/chunkLen)) }

// found keeps a result and tells it.
func (s *sweep) found(r *Result) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Known.Add(r); err != nil {
		return err
	}
	if s.Emit == nil {
		return nil
	}
	return s.Emit(r)
}

// progress tells that a part of the work is done.
func (s *sweep) progress(cost float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done += cost
	if s.Progress != nil {
		s.Progress(s.done / s.total)
	}
}
