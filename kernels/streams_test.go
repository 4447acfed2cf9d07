package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// onBackends runs f on each backend but Portable, by name.
func onBackends(t *testing.T, f func(t *testing.T)) {
	for _, b := range Backends()[1:] {
		t.Run(fmt.Sprint(b), func(t *testing.T) {
			defer Use(Use(b))
			f(t)
		})
	}
}

// guarded returns n results to write, starting off floats past an aligned
// address, and what tells whether something else was written.
func guarded(n, off int, before []float32) (dst []float32, intact func() bool) {
	const guard = 12345
	all := make([]float32, off+n+1)
	all[off+n] = guard
	dst = all[off : off+n]
	copy(dst, before)
	return dst, func() bool { return all[off+n] == guard }
}

// checkSame fails the test where got is not want.
func checkSame(t *testing.T, what string, got, want []float32, intact bool) {
	t.Helper()
	for i := range want {
		if !sameNumber(got[i], want[i]) {
			t.Fatalf("%s: number %d of %d is %v (%x), the specification gives %v (%x)", what, i, len(want), got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
	}
	if !intact {
		t.Fatalf("%s: something was written past the end", what)
	}
}

// everyStream calls f with weights of all kinds, lengths and alignments.
func everyStream(f func(what string, x []float32, draw *rand.Rand)) {
	draw := rand.New(rand.NewPCG(8, 9))
	for _, kind := range kinds {
		for n := range 131 {
			f(fmt.Sprintf("%d %s weights", n, kind), weights(kind, n, n%17, draw), draw)
		}
		f("many "+kind+" weights", weights(kind, 5003, 3, draw), draw)
	}
}

func TestBytesAreTheSameOnEveryBackend(t *testing.T) {
	onBackends(t, func(t *testing.T) {
		everyStream(func(what string, x []float32, draw *rand.Rand) {
			fit := Fit{Bits: 2 + draw.IntN(7), Asymmetric: draw.IntN(2) == 0, Store: Stores[draw.IntN(len(Stores))]}
			a := fit.Affine(float32(draw.NormFloat64()-1), float32(draw.ExpFloat64()))
			switch draw.IntN(6) {
			case 0:
				a.Scale = 0
			case 1:
				a.Scale = 1
			case 2:
				a.Scale = 0x1p-126
			case 3:
				a.Scale = 0x1p100
			}
			const guard = 77
			got, want := make([]uint8, len(x)+5)[5:], make([]uint8, len(x))
			got = append(got, guard)
			a.Bytes(got[:len(x)], x)
			a.bytesGo(want, x)
			if string(got[:len(x)]) != string(want) || got[len(x)] != guard {
				t.Fatalf("%s under %+v: %v\nare %v, the specification gives\n%v", what, a, x, got, want)
			}
		})
	})
}

// The codes are those of the round trip.
func TestBytesAreCodesOfTheRoundTrip(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 1))
	x := weights("gaussian", 1000, 0, draw)
	a := Asymmetric(-2, 1, 8, Stores[0])
	codes, y := make([]uint8, len(x)), make([]float32, len(x))
	a.Bytes(codes, x)
	a.RoundTrip(y, x, Roundings[0], 0, 0)
	for i, code := range codes {
		if v := float32(int32(code)+a.Min-a.Zero) * a.Scale; v != y[i] {
			t.Fatalf("%v has code %d, which is %v, not %v", x[i], code, v, y[i])
		}
	}
}

func TestClampIsTheSameOnEveryBackend(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	onBackends(t, func(t *testing.T) {
		for _, bound := range [][2]float32{
			{0, math.MaxFloat32},
			{negativeZero, 6},
			{0, inf},
			{-inf, inf},
			{-1, 1},
			{-1, 0},
			{-1, negativeZero},
			{0, 0},
			{negativeZero, 0},
			{0, negativeZero},
			{0.5, 7},
			{3, -3},
			{nan, 1},
			{0, nan},
		} {
			everyStream(func(what string, x []float32, _ *rand.Rand) {
				got, intact := guarded(len(x), len(x)%5, nil)
				want := make([]float32, len(x))
				Clamp(got, x, bound[0], bound[1])
				clampGo(want, x, bound[0], bound[1])
				checkSame(t, fmt.Sprint(what, " between ", bound), got, want, intact())
				Clamp(x, x, bound[0], bound[1])
				checkSame(t, fmt.Sprint(what, " in place between ", bound), x, want, true)
			})
		}
	})
}

func TestAddIsTheSameOnEveryBackend(t *testing.T) {
	onBackends(t, func(t *testing.T) {
		everyStream(func(what string, x []float32, draw *rand.Rand) {
			before := weights(kinds[draw.IntN(len(kinds))], len(x), 0, draw)
			got, intact := guarded(len(x), len(x)%5, before)
			Add(got, x)
			addGo(before, x)
			checkSame(t, what, got, before, intact())
		})
	})
}

func TestShiftIsTheSameOnEveryBackend(t *testing.T) {
	onBackends(t, func(t *testing.T) {
		everyStream(func(what string, x []float32, draw *rand.Rand) {
			got, intact := guarded(len(x), len(x)%5, x)
			v := awkward[draw.IntN(len(awkward))]
			Shift(got, v)
			shiftGo(x, v)
			checkSame(t, fmt.Sprint(what, " by ", v), got, x, intact())
		})
	})
}

func TestAddWherePositiveIsTheSameOnEveryBackend(t *testing.T) {
	onBackends(t, func(t *testing.T) {
		everyStream(func(what string, x []float32, draw *rand.Rand) {
			src := weights(kinds[draw.IntN(len(kinds))], len(x), 0, draw)
			before := weights(kinds[draw.IntN(len(kinds))], len(x), 0, draw)
			got, intact := guarded(len(x), len(x)%5, before)
			AddWherePositive(got, src, x)
			addWherePositiveGo(before, src, x)
			checkSame(t, what, got, before, intact())
		})
	})
}

func TestMaxOfSquaresIsTheSameOnEveryBackend(t *testing.T) {
	onBackends(t, func(t *testing.T) {
		everyStream(func(what string, a []float32, draw *rand.Rand) {
			b := weights(kinds[draw.IntN(len(kinds))], len(a), draw.IntN(5), draw)
			n := len(a) / 2
			got, intact := guarded(n, n%5, nil)
			want := make([]float32, n)
			MaxOfSquares(got, a, b)
			maxOfSquaresGo(want, a, b)
			checkSame(t, what, got, want, intact())
		})
	})
}

func TestAddToSquaresIsTheSameOnEveryBackend(t *testing.T) {
	onBackends(t, func(t *testing.T) {
		everyStream(func(what string, a []float32, draw *rand.Rand) {
			b := weights(kinds[draw.IntN(len(kinds))], len(a), draw.IntN(5), draw)
			n := len(a) / 2
			m, src := make([]float32, n), weights("awkward", n, 0, draw)
			MaxOfSquares(m, a, b)
			for i := range m {
				if draw.IntN(20) == 0 {
					m[i] = 99 // nowhere
				}
			}
			da, db := weights("awkward", 2*n, 0, draw), weights("awkward", 2*n, 0, draw)
			gotA, intactA := guarded(2*n, n%5, da)
			gotB, intactB := guarded(2*n, n%3, db)
			AddToSquares(gotA, gotB, src, a, b, m)
			addToSquaresGo(da, db, src, a, b, m)
			checkSame(t, what+", above", gotA, da, intactA())
			checkSame(t, what+", below", gotB, db, intactB())
		})
	})
}

func TestRescaleIsTheSameOnEveryBackend(t *testing.T) {
	const guard = 12345
	draw := rand.New(rand.NewPCG(2, 3))
	onBackends(t, func(t *testing.T) {
		for rows := range 35 {
			for cols := range 21 {
				kind := kinds[(rows+cols)%len(kinds)]
				scale, bias := weights(kind, cols, rows%3, draw), weights(kind, cols, rows%4, draw)
				codes := make([]int32, rows*cols)
				for i := range codes {
					codes[i] = int32(draw.Uint32()) >> draw.IntN(32)
				}
				sums := inMemory(Dense(rows, cols, codes), draw, guard)
				want := Dense(rows, cols, make([]float32, rows*cols))
				rescaleGo(want, sums, scale, bias)
				y := inMemory(Dense(rows, cols, make([]float32, rows*cols)), draw, guard)
				Rescale(y, sums, scale, bias)
				err := differ(y, want)
				if err == nil {
					err = touched(y, guard)
				}
				if err != nil {
					t.Fatalf("sums of %v, strides %d and %d, to %d and %d: %v", sums, sums.RowStride, sums.ColStride, y.RowStride, y.ColStride, err)
				}
			}
		}
	})
}

func TestCopiedRunsAreTheSameOnEveryBackend(t *testing.T) {
	draw := rand.New(rand.NewPCG(4, 5))
	onBackends(t, func(t *testing.T) {
		for n := range 70 {
			for range 20 {
				runs, count, runStep, step := draw.IntN(5), draw.IntN(9), draw.IntN(40), draw.IntN(40)
				src := make([]uint8, 8*step+4*runStep+n+RunSlack)
				for i := range src {
					src[i] = uint8(draw.Uint32())
				}
				size := count * runs * n
				const guard = 99
				got, want := make([]uint8, size+RunSlack+1), make([]uint8, size)
				got[size+RunSlack] = guard
				CopyRuns(got, src, n, runs, runStep, count, step)
				copyRunsGo(want, src, n, runs, runStep, count, step)
				if string(got[:size]) != string(want) || got[size+RunSlack] != guard {
					t.Fatalf("%d times %d runs of %d bytes, steps %d and %d: %v, the specification gives %v", count, runs, n, step, runStep, got, want)
				}
			}
		}
	})
}

// BenchmarkStreams runs what stands between products on every backend, over
// numbers from the second-level cache.
func BenchmarkStreams(b *testing.B) {
	const n = 1 << 15
	x, y := weights("gaussian", n, 0, rand.New(rand.NewPCG(1, 2))), make([]float32, n)
	codes, patched, sums := make([]uint8, n), make([]uint8, n), make([]int32, n)
	scale := weights("gaussian", n, 0, rand.New(rand.NewPCG(1, 3)))
	a := Asymmetric(-3, 3, 8, Stores[0])
	const channels = 16
	planes := Dense(channels, n/channels, y).T()
	for _, stream := range []struct {
		name string
		run  func()
	}{
		{"bytes", func() { a.Bytes(codes, x) }},
		{"clamp", func() { Clamp(y, x, 0, math.MaxFloat32) }},
		{"add", func() { Add(y, x) }},
		{"shift", func() { Shift(y, 1e-3) }},
		{"add where positive", func() { AddWherePositive(y, x, scale) }},
		{"add to squares", func() { AddToSquares(y[:n/2], y[n/2:], scale[:n/4], x[:n/2], x[n/2:], scale[:n/4]) }},
		{"runs of 9", func() { CopyRuns(codes, patched, 9, 3, n/3, n/27-1, 3) }},
		{"max of squares", func() { MaxOfSquares(y[:n/4], x[:n/2], x[n/2:]) }},
		{"rescale", func() { Rescale(planes, Dense(n/channels, channels, sums), scale, scale) }},
	} {
		for _, impl := range Backends() {
			b.Run(fmt.Sprintf("%s/%v", stream.name, impl), func(b *testing.B) {
				defer Use(Use(impl))
				b.SetBytes(4 * n)
				for b.Loop() {
					stream.run()
				}
			})
		}
	}
}
