package quant

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// Speed is how fast something ran on this machine: the best of several runs.
type Speed struct {
	Op, Format string
	Impl       kernels.Backend
	Threads    int
	Weights    float64 // per second
	Bytes      float64 // read and written per second
	Share      float64 // of the bytes per second at which as many threads read memory
	OverGo     float64 // how many times as fast as plain Go with as many threads
}

const (
	// benchLen is how many weights a kernel that is fast enough runs over: 64
	// MiB of them, more than caches hold.
	benchLen = 1 << 24
	// benchTime is about how long one row may take.
	benchTime = 120 * time.Millisecond
	benchRuns = 3
)

// Bench runs the kernels that choose takes, each in every implementation that
// this machine has, over normal weights, and gives report their speeds as they
// come. A kernel too slow for all weights runs over fewer.
func Bench(ctx context.Context, threads int, choose func(op, format string) bool, report func(Speed) error) error {
	defer kernels.Use(kernels.Use(kernels.Portable))
	backends := kernels.Backends()
	w := benchWork(benchLen)
	kernels.Use(backends[len(backends)-1])
	reading := 0.0
	for _, k := range kernels.Kernels {
		if k.Op == "read" {
			seconds, n := timeKernel(k, w, threads)
			reading = float64(n) * k.Bytes / seconds
		}
	}
	for _, k := range kernels.Kernels {
		if !choose(k.Op, k.Format) {
			continue
		}
		portable := 0.0
		for _, impl := range backends {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			if !k.Implemented(impl) {
				continue
			}
			kernels.Use(impl)
			seconds, n := timeKernel(k, w, threads)
			s := Speed{Op: k.Op, Format: k.Format, Impl: impl, Threads: threads, Weights: float64(n) / seconds}
			s.Bytes = s.Weights * k.Bytes
			s.Share = s.Bytes / reading
			if impl == kernels.Portable {
				portable = s.Weights
			}
			s.OverGo = s.Weights / portable
			if err := report(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// benchWork returns normal weights and room for whatever a kernel writes.
func benchWork(n int) *kernels.Work {
	const period = 1 << 16 // drawing takes longer than any kernel
	draw := rand.New(rand.NewPCG(1, 2))
	w := &kernels.Work{
		X: make([]float32, n), Y: make([]float32, n), Importance: make([]float32, n),
		Packed: make([]byte, 2*n), Codes: make([]uint16, n), Unit: 32,
	}
	for i := range w.X {
		w.Importance[i] = 1
		if i < period {
			w.X[i] = float32(draw.NormFloat64())
		} else {
			w.X[i] = w.X[i-period]
		}
	}
	fit := kernels.Fit{Bits: 4, Store: kernels.Stores[1]}
	for range n / w.Unit {
		w.Maps = append(w.Maps, fit.Affine(-4, 4))
	}
	w.Extents, w.Losses = make([]kernels.Extent, len(w.Maps)), make([]float64, len(w.Maps))
	return w
}

// timeKernel returns the least time of a run of k, and over how many weights.
func timeKernel(k kernels.Kernel, w *kernels.Work, threads int) (seconds float64, n int) {
	const least = 1 << 12 // whole blocks of every format
	n = least * threads
	once := func() float64 {
		var wait sync.WaitGroup
		start := time.Now()
		for t := range threads {
			part := share(w, k, t*(n/threads), n/threads)
			wait.Go(func() { k.Run(part) })
		}
		wait.Wait()
		return time.Since(start).Seconds()
	}
	once() // builds tables, touches memory
	for n*4 <= len(w.X) && once() < benchTime.Seconds()/(4*benchRuns) {
		n *= 4
	}
	seconds = math.Inf(1)
	for start := time.Now(); time.Since(start) < benchTime || math.IsInf(seconds, 1); {
		seconds = min(seconds, once())
	}
	return seconds, n
}

// share returns the part of w that begins at weight first and has n.
func share(w *kernels.Work, k kernels.Kernel, first, n int) *kernels.Work {
	p := &kernels.Work{
		X: w.X[first:][:n], Y: w.Y[first:][:n], Importance: w.Importance[first:][:n],
		Packed: w.Packed[2*first:][:2*n], Codes: w.Codes[first:][:n], Unit: w.Unit,
		Maps: w.Maps[first/w.Unit:][:n/w.Unit], Extents: w.Extents[first/w.Unit:][:n/w.Unit], Losses: w.Losses[first/w.Unit:][:n/w.Unit],
	}
	if k.Op == "loss" { // one unit, under each of a few maps
		p.Maps, p.Losses = p.Maps[:1], p.Losses[:1]
	}
	return p
}

// BenchMeasure measures a tensor in memory under s, exactly, on one core and on
// all, and gives report the speeds.
func BenchMeasure(ctx context.Context, s Scheme, report func(Speed) error) error {
	const rows, columns = 1 << 10, 1 << 12
	x := benchWork(rows * columns).X
	data := make([]byte, 4*len(x))
	model.F32.Encode(data, x)
	t, err := model.NewTensor("weights", model.F32, []int{rows, columns}, model.NewFile("memory", data), 0)
	if err != nil {
		return err
	}
	sum, err := Summarize(ctx, t, nil)
	if err != nil {
		return err
	}
	backends := kernels.Backends()
	cores := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(cores)
	for _, threads := range []int{1, cores} {
		runtime.GOMAXPROCS(threads)
		best := math.Inf(1)
		for begin := time.Now(); time.Since(begin) < 2*benchTime || math.IsInf(best, 1); {
			start := time.Now()
			if _, err := Measure(ctx, t, sum, s, nil); err != nil {
				return err
			}
			best = min(best, time.Since(start).Seconds())
		}
		speed := Speed{Op: "measure exactly", Format: s.String(), Impl: backends[len(backends)-1], Threads: threads, Weights: float64(t.Len()) / best}
		speed.Bytes = 4 * speed.Weights
		if err := report(speed); err != nil {
			return err
		}
		if cores == 1 {
			break
		}
	}
	return nil
}
