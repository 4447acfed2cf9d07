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
	Share      float64 // of the bytes per second at which as many threads read memory, or copy it where the kernel writes
	OverGo     float64 // how many times as fast as plain Go with as many threads
}

const (
	// benchLen is how many weights a kernel that is fast enough runs over: 64
	// MiB of them, more than caches hold.
	benchLen = 1 << 24
	// benchTime is about how long one row may take.
	benchTime = 120 * time.Millisecond
	benchRuns = 3
	// benchLeast weights are whole blocks of every format: the least that a core
	// runs over.
	benchLeast = 1 << 12

	// What memory alone allows.
	opRead, opCopy = "read", "copy"
)

// Bench runs the kernels that choose takes, each in every implementation that
// this machine has, over normal weights, and gives report their speeds as they
// come. A kernel too slow for all weights runs over fewer.
func Bench(ctx context.Context, threads int, choose func(op, format string) bool, report func(Speed) error) error {
	defer kernels.Use(kernels.Use(kernels.Portable))
	backends := kernels.Backends()
	parts := split(benchWork(benchLen), threads)
	memory := map[string]float64{} // the most bytes per second, by operation
	for _, k := range kernels.Kernels {
		for _, impl := range backends {
			if (k.Op == opRead || k.Op == opCopy) && k.Implemented(impl) {
				kernels.Use(impl)
				seconds, n := timeKernel(k, parts)
				memory[k.Op] = max(memory[k.Op], float64(n)*k.Bytes/seconds)
			}
		}
	}
	for _, k := range kernels.Kernels {
		if !choose(k.Op, k.Format) {
			continue
		}
		limit := opRead
		if k.Writes {
			limit = opCopy
		}
		if k.Before != nil {
			for _, p := range parts {
				k.Before(p)
			}
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
			seconds, n := timeKernel(k, parts)
			s := Speed{Op: k.Op, Format: k.Format, Impl: impl, Threads: threads, Weights: float64(n) / seconds}
			s.Bytes = s.Weights * k.Bytes
			s.Share = s.Bytes / memory[limit]
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

// split divides w among threads.
func split(w *kernels.Work, threads int) []*kernels.Work {
	n := len(w.X) / threads &^ (benchLeast - 1)
	parts := make([]*kernels.Work, threads)
	for t := range parts {
		parts[t] = share(w, t*n, n)
	}
	return parts
}

// timeKernel returns the least time of a run of k over the beginning of all
// parts at once, and over how many weights together.
func timeKernel(k kernels.Kernel, parts []*kernels.Work) (seconds float64, n int) {
	n = benchLeast
	once := func() float64 {
		var wait sync.WaitGroup
		start := time.Now()
		for _, p := range parts {
			part := share(p, 0, n)
			if k.Op == "loss" { // one unit, under each of a few maps
				part.Maps, part.Losses = part.Maps[:1], part.Losses[:1]
			}
			wait.Go(func() { k.Run(part) })
		}
		wait.Wait()
		return time.Since(start).Seconds()
	}
	once() // builds tables, touches memory
	for all := len(parts[0].X); n < all && once() < benchTime.Seconds()/(4*benchRuns); {
		n = min(4*n, all)
	}
	seconds = math.Inf(1)
	for start := time.Now(); time.Since(start) < benchTime || math.IsInf(seconds, 1); {
		seconds = min(seconds, once())
	}
	return seconds, n * len(parts)
}

// share returns the part of w that begins at weight first and has n.
func share(w *kernels.Work, first, n int) *kernels.Work {
	return &kernels.Work{
		X: w.X[first:][:n], Y: w.Y[first:][:n], Importance: w.Importance[first:][:n],
		Packed: w.Packed[2*first:][:2*n], Codes: w.Codes[first:][:n], Unit: w.Unit,
		Maps: w.Maps[first/w.Unit:][:n/w.Unit], Extents: w.Extents[first/w.Unit:][:n/w.Unit], Losses: w.Losses[first/w.Unit:][:n/w.Unit],
	}
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
