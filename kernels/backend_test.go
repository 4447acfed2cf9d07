package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// awkward are floats at which implementations part ways, if anywhere: ties,
// clipping bounds, denormals, signed zeros, the largest and what is no number.
var awkward = []float32{
	0, float32(math.Copysign(0, -1)), 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 6.5, -6.5, 7.5, -7.5, 7.4999995, 0.49999997, -0.49999997,
	1, -1, 7, -7, 8, -8, 127.5, -128.5, 1e-45, -1e-45, 0x1p-126, -0x1.fffffep-127, 65504, 65519.996, 65520, -65536, 0x1p-24, 0x1p-25, 0x1.000002p-25,
	1 << 21, 1<<23 - 0.5, 1<<24 + 2, -(1 << 22), math.MaxFloat32, -math.MaxFloat32, 3e38,
	float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.Float32frombits(0x7f800001), math.Float32frombits(0xffa0beef),
}

// weights returns n floats of one kind, starting off words past an aligned
// address.
func weights(kind string, n, off int, draw *rand.Rand) []float32 {
	x := make([]float32, n+off)[off:]
	for i := range x {
		switch kind {
		case "gaussian":
			x[i] = float32(draw.NormFloat64())
		case "awkward":
			x[i] = awkward[draw.IntN(len(awkward))]
		case "bits":
			x[i] = math.Float32frombits(draw.Uint32())
		case "halves":
			x[i] = float32(draw.IntN(40)-20) / 2
		case "equal":
			x[i] = -0.75
		case "nan":
			x[i] = float32(math.NaN())
		}
	}
	return x
}

var kinds = []string{"gaussian", "awkward", "bits", "halves", "equal", "nan"}

// weights returns those that k can run on.
func (k Kernel) weights(kind string, n, off int, draw *rand.Rand) []float32 {
	x := weights(kind, n, off, draw)
	for i := range x {
		if k.Finite && !Finite(x[i]) {
			x[i] = 0
		}
	}
	return x
}

// work returns what any kernel can run on.
func work(x []float32, unit int, draw *rand.Rand) *Work {
	w := &Work{X: x, Y: make([]float32, len(x)), Packed: make([]byte, 2*len(x)), Codes: make([]uint16, len(x)), Importance: make([]float32, len(x)), Unit: unit}
	for i := range w.Packed {
		w.Packed[i] = byte(draw.Uint32())
	}
	for i := range units(max(1, len(x)), unit) {
		fit := Fit{Bits: 2 + draw.IntN(15), Asymmetric: i%2 == 1, Store: Stores[draw.IntN(len(Stores))]}
		a := fit.Affine(float32(draw.NormFloat64()-1), float32(draw.ExpFloat64()))
		switch draw.IntN(8) {
		case 0:
			a.Scale = 0
		case 1:
			a.Scale = 1
		case 2:
			a.Scale = 0x1p-126
		case 3:
			a.Scale = 0x1p100
		}
		w.Maps = append(w.Maps, a)
	}
	w.Extents, w.Losses = make([]Extent, len(w.Maps)), make([]float64, len(w.Maps))
	for i, v := range x {
		switch y := v * float32(draw.Float64()); {
		case draw.IntN(4) == 0:
			w.Y[i] = 0
		case Finite(v):
			w.Y[i] = y
		}
	}
	return w
}

// bits returns all that a kernel may have written, NaN comparable.
func (w *Work) written() any {
	y := make([]uint32, len(w.Y))
	for i, v := range w.Y {
		y[i] = math.Float32bits(v)
	}
	var rest []uint64
	for _, e := range w.Extents {
		rest = append(rest, uint64(math.Float32bits(e.Lo)), uint64(math.Float32bits(e.Hi)))
	}
	for _, l := range w.Losses {
		rest = append(rest, math.Float64bits(l))
	}
	return []any{y, w.Packed, w.Codes, rest, w.Sums, w.Clipped, w.Bits}
}

// on returns what k writes with b in use.
func on(b Backend, k Kernel, w Work) any {
	defer Use(Use(b))
	w.Y = append(make([]float32, 0, len(w.Y)+1), w.Y...)
	w.Packed = append([]byte(nil), w.Packed...)
	w.Codes = append([]uint16(nil), w.Codes...)
	w.Extents = append([]Extent(nil), w.Extents...)
	w.Losses = append([]float64(nil), w.Losses...)
	k.Run(&w)
	return w.written()
}

func TestEveryBackendGivesTheSameBits(t *testing.T) {
	for _, b := range Backends()[1:] {
		for _, k := range Kernels {
			if !k.Implemented(b) {
				continue
			}
			t.Run(fmt.Sprintf("%v/%s/%s", b, k.Op, k.Format), func(t *testing.T) {
				draw := rand.New(rand.NewPCG(5, 6))
				for _, kind := range kinds {
					for n := range 131 {
						w := work(k.weights(kind, n, n%5, draw), 1+draw.IntN(70), draw)
						if got, want := on(b, k, *w), on(Portable, k, *w); !reflect.DeepEqual(got, want) {
							t.Fatalf("%d %s weights %v in units of %d, maps %+v:\n%v, the specification gives\n%v", n, kind, w.X, w.Unit, w.Maps, got, want)
						}
					}
				}
				rapid.Check(t, func(t *rapid.T) {
					n := rapid.IntRange(0, 5000).Draw(t, "n")
					draw := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
					kind := rapid.SampledFrom(kinds).Draw(t, "kind")
					w := work(k.weights(kind, n, n%16, draw), rapid.IntRange(1, 2*n+1).Draw(t, "unit"), draw)
					if got, want := on(b, k, *w), on(Portable, k, *w); !reflect.DeepEqual(got, want) {
						t.Fatalf("%d %s weights in units of %d differ from the specification", n, kind, w.Unit)
					}
				})
			})
		}
	}
}

func TestKernelsWriteNothingBesideTheirResult(t *testing.T) {
	for _, b := range Backends() {
		defer Use(Use(b))
		for n := range 40 {
			const guard = 12345
			y := make([]float32, n+1)
			y[n] = guard
			a := Symmetric(1, 4, false, Stores[0])
			for _, r := range Roundings {
				a.RoundTrip(y[:n], weights("halves", n, 0, rand.New(rand.NewPCG(1, 1))), r, 0, 0)
			}
			if y[n] != guard {
				t.Fatalf("%v: %d weights write %v past their end", b, n, y[n])
			}
		}
	}
}

// Benchmarks of what was never packed would read memory that was never written,
// which a cache serves.
func TestKernelsThatUnpackHaveSomethingToUnpack(t *testing.T) {
	const n = 1 << 12
	for _, k := range Kernels {
		if k.Op != "decode" && k.Op != "dequantize" {
			continue
		}
		w := &Work{X: make([]float32, n), Y: make([]float32, n), Importance: make([]float32, n), Packed: make([]byte, 2*n)}
		for i := range w.X {
			w.X[i], w.Importance[i] = float32(i%17-8)/8, 1
		}
		k.Before(w)
		k.Run(w)
		if sums := Compare(w.X, w.Y, 0); sums.E2 > 0.8*sums.X2 {
			t.Errorf("%s %s: the error is %.2f of the weights", k.Op, k.Format, sums.E2/sums.X2)
		}
	}
}

// BenchmarkKernels runs every kernel on every backend: over 64 MiB, so that
// memory is the measure, and in groups of 32 from the cache. "GB/s" counts the
// weights alone, in the fastest of all runs. "share" is that speed over the one
// at which plain loads of the same weights ran in between.
func BenchmarkKernels(b *testing.B) {
	for _, size := range []struct {
		name    string
		n, unit int
	}{{"memory", 1 << 24, 1 << 24}, {"groups", 1 << 13, 32}} {
		draw := rand.New(rand.NewPCG(1, 2))
		w := &Work{X: weights("gaussian", size.n, 0, draw), Y: make([]float32, size.n), Packed: make([]byte, 2*size.n), Codes: make([]uint16, size.n), Importance: make([]float32, size.n), Unit: size.unit}
		for i := range w.Importance {
			w.Importance[i] = 1
		}
		for range size.n / size.unit {
			w.Maps = append(w.Maps, Symmetric(4, 4, false, Stores[0]))
		}
		w.Extents = make([]Extent, len(w.Maps))
		for _, k := range Kernels {
			for _, impl := range Backends() {
				if !k.Implemented(impl) {
					continue
				}
				b.Run(fmt.Sprintf("%s/%s:%s/%v", size.name, k.Op, k.Format, impl), func(b *testing.B) {
					u := *w
					if k.Op == "loss" && size.name == "groups" {
						u.X = u.X[:32] // under each map
					}
					u.Losses = make([]float64, len(u.Maps))
					if k.Before != nil {
						k.Before(&u)
					}
					best, reading := time.Hour, time.Hour
					fastest := Backends()[len(Backends())-1]
					for b.Loop() {
						Use(fastest)
						start := time.Now()
						read(w.X)
						reading = min(reading, time.Since(start))
						Use(impl)
						start = time.Now()
						k.Run(&u)
						best = min(best, time.Since(start))
					}
					Use(fastest)
					b.ReportMetric(float64(4*size.n)/float64(best.Nanoseconds()), "GB/s")
					b.ReportMetric(float64(reading)/float64(best), "share")
				})
			}
		}
	}
}
