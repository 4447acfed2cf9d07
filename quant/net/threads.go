package net

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// threads are goroutines that wait for work, so that handing it out costs a
// microsecond. They are as many as the program may use, the caller included.
type threads struct {
	count int
	jobs  chan *job
}

// job is a number of items that threads take one by one.
type job struct {
	items   int
	next    atomic.Int64
	threads atomic.Int64 // that have joined
	work    func(thread, item int)
	done    sync.WaitGroup
	panic   atomic.Pointer[any]
}

// newThreads starts count-1 goroutines; close ends them.
func newThreads(count int) *threads {
	t := &threads{count: max(1, count), jobs: make(chan *job, count)}
	for range t.count - 1 {
		go func() {
			for j := range t.jobs {
				j.run()
				j.done.Done()
			}
		}()
	}
	return t
}

func (t *threads) close() { close(t.jobs) }

// all are the threads of this process, one for each core.
var all = sync.OnceValue(func() *threads { return newThreads(runtime.GOMAXPROCS(0)) })

// do runs work for every item from 0 to items-1, in no order, and returns when
// all are done. thread, below count, says whose scratch space is free. Work must
// not call do.
func (t *threads) do(items int, work func(thread, item int)) {
	if t.count == 1 || items <= 1 {
		for i := range items {
			work(0, i)
		}
		return
	}
	j := &job{items: items, work: work}
	for range min(t.count, items) - 1 {
		j.done.Add(1)
		select {
		case t.jobs <- j:
		default: // everyone is busy with others' work
			j.done.Done()
		}
	}
	j.run()
	j.done.Wait()
	if p := j.panic.Load(); p != nil {
		panic(*p) // where the caller can restore its terminal
	}
}

func (j *job) run() {
	defer func() {
		if p := recover(); p != nil {
			j.panic.CompareAndSwap(nil, &p)
			j.next.Store(int64(j.items))
		}
	}()
	thread := int(j.threads.Add(1)) - 1
	for {
		i := int(j.next.Add(1)) - 1
		if i >= j.items {
			return
		}
		j.work(thread, i)
	}
}

// parts cuts n things into pieces of at least least, enough for every thread,
// and runs work for each.
func (t *threads) parts(n, least int, work func(thread, from, to int)) {
	size := max(least, (n+4*t.count-1)/(4*t.count))
	t.do((n+size-1)/size, func(thread, i int) {
		work(thread, i*size, min(n, (i+1)*size))
	})
}
