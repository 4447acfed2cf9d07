package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/x448/float16"
	"pgregory.net/rapid"
)

func rounding(t testing.TB, name string) *Rounding {
	t.Helper()
	for _, r := range Roundings {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("no rounding %q", name)
	return nil
}

func TestRoundingsAgreeWithTheirDefinition(t *testing.T) {
	want := map[string]func(float64) float64{
		"even":  math.RoundToEven,
		"away":  math.Round,
		"trunc": math.Trunc,
		"floor": math.Floor,
		"ceil":  math.Ceil,
	}
	for name, round := range want {
		r := rounding(t, name)
		rapid.Check(t, func(t *rapid.T) {
			x := float32(rapid.OneOf(
				rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(-200000, 200000).Draw(t, "halves")) / 2 }),
				rapid.Float64Range(-100000, 100000),
				rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 0x1p-149, 0.49999997, -0.49999997, 0.5, -0.5}),
			).Draw(t, "x"))
			if got := r.Round(x, 0, 0); float64(got) != round(float64(x)) {
				t.Fatalf("%s(%v) = %v, want %v", name, x, got, round(float64(x)))
			}
		})
	}
}

func TestStochasticRoundingIsUnbiasedAndRepeats(t *testing.T) {
	r := rounding(t, "stochastic")
	for _, x := range []float32{0.1, 2.5, -3.75, 7} {
		var sum float64
		const n = 1 << 16
		for at := range uint64(n) {
			y := r.Round(x, 1, at)
			if y != r.Round(x, 1, at) || math.Abs(float64(y-x)) >= 1 {
				t.Fatalf("%v becomes %v", x, y)
			}
			sum += float64(y)
		}
		// Five standard errors of a fair coin.
		if got := sum / n; math.Abs(got-float64(x)) > 5*0.5/math.Sqrt(n) {
			t.Errorf("the mean of %v rounded is %v", x, got)
		}
	}
}

func TestRoundTripIsItsTraceForEveryFloat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fit := Fit{
			Bits:       rapid.IntRange(2, 16).Draw(t, "bits"),
			Asymmetric: rapid.Bool().Draw(t, "asym"),
			Store:      rapid.SampledFrom(Stores).Draw(t, "store"),
		}
		fit.Full = !fit.Asymmetric && rapid.Bool().Draw(t, "full")
		r := rapid.SampledFrom(Roundings).Draw(t, "rounding")
		bits := rapid.SliceOfN(rapid.Uint32(), 0, 100).Draw(t, "x")
		x, y := make([]float32, len(bits)), make([]float32, len(bits))
		for i, b := range bits {
			x[i] = math.Float32frombits(b)
		}
		lo, hi := Extremes(x)
		a := fit.Clip(lo, hi, float32(rapid.Float32Range(0, math.MaxFloat32).Draw(t, "bound")))
		clipped := a.RoundTrip(y, x, r, 5, 1000)
		for i, v := range x {
			if !Finite(v) {
				if math.Float32bits(y[i]) != math.Float32bits(v) {
					t.Fatalf("%v became %v", v, y[i])
				}
				continue
			}
			step := a.Trace(v, r, 5, uint64(1000+i))
			if step.Value != y[i] {
				t.Fatalf("%+v: %v became %v, its trace says %v", a, v, y[i], step.Value)
			}
			if step.Clipped {
				clipped--
			}
			if step.Code < a.Min || step.Code > a.Max {
				t.Fatalf("%+v: %v has code %d", a, v, step.Code)
			}
		}
		if clipped != 0 {
			t.Fatalf("clipped differs from the traces by %d", clipped)
		}
	})
}

func TestHalfFloatsRoundLikeTheirLibrary(t *testing.T) {
	for b := range 1 << 16 {
		v := float16.Frombits(uint16(b)).Float32()
		if one, many := f16Value(uint16(b)), f16Values()[b]; math.Float32bits(one) != math.Float32bits(v) || math.Float32bits(many) != math.Float32bits(v) {
			t.Fatalf("%04x is %x, in the table %x, want %x", b, math.Float32bits(one), math.Float32bits(many), math.Float32bits(v))
		}
		var back [2]byte
		EncodeF16(back[:], []float32{v})
		var again [1]float32
		DecodeF16(again[:], back[:])
		if math.Float32bits(again[0]) != math.Float32bits(v) && v == v {
			t.Fatalf("%04x: %v comes back as %v", b, v, again[0])
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		x := math.Float32frombits(rapid.Uint32().Draw(t, "bits"))
		if got, want := F16(x), float16.Fromfloat32(x).Float32(); math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("f16 of %x is %x, want %x", math.Float32bits(x), math.Float32bits(got), math.Float32bits(want))
		}
	})
	for _, c := range []struct{ x, want float32 }{
		{1 + 0x1p-8, 1}, {1 + 3*0x1p-8, 1 + 0x1p-6}, {1 + 0x1p-8 + 0x1p-20, 1 + 0x1p-7}, {-1 - 3*0x1p-8, -1 - 0x1p-6},
	} {
		if got := BF16(c.x); got != c.want {
			t.Errorf("bf16 of %v is %v, want %v", c.x, got, c.want)
		}
	}
	if nan := BF16(math.Float32frombits(0x7f800001)); nan == nan {
		t.Errorf("bf16 of a NaN is %v", nan)
	}
}

func TestMeasuringIsTheRoundTripAndItsSums(t *testing.T) {
	defer Use(Use(Portable))
	seed := uint64(0)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 4000).Draw(t, "n")
		x := make([]float32, n)
		unit := rapid.OneOf(rapid.IntRange(1, 3000), rapid.Map(rapid.IntRange(1, 130), func(n int) int { return 16 * n })).Draw(t, "unit")
		seed++
		draw := rand.New(rand.NewPCG(31, seed))
		var maps []Affine
		for i := 0; i < n; i += unit {
			part := x[i:min(n, i+unit)]
			rapid.SampledFrom(blockKinds).Draw(t, "kind").fill(part, draw)
			lo, hi := Extremes(part)
			share := rapid.SampledFrom([]float32{1, 0.5, 0.01, 0}).Draw(t, "share of the range")
			bits := rapid.IntRange(2, 8).Draw(t, "bits")
			if rapid.Bool().Draw(t, "symmetric") {
				maps = append(maps, Symmetric(share*max(-lo, hi), bits, false, Stores[0]))
			} else {
				maps = append(maps, Asymmetric(share*lo, share*hi, bits, Stores[0]))
			}
		}
		for range rapid.IntRange(0, min(n, 5)).Draw(t, "other than finite") {
			x[draw.IntN(n)] = math.Float32frombits(expMask | draw.Uint32())
		}
		r := rapid.SampledFrom(Roundings).Draw(t, "rounding")
		y := make([]float32, n)
		Use(Portable)
		clipped := RoundTripUnits(y, x, unit, maps, r, 3, 4)
		want := Compare(x, y, 4)
		want.Clipped = clipped
		for _, b := range Backends() {
			Use(b)
			got := Measure(make([]float32, BlockLen), x, unit, maps, r, 3, 4)
			if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w { // a sum may be no number
				t.Fatalf("%v: %s, want %s", b, g, w)
			}
		}
	})
}

func TestACounterCountsPastItsTables(t *testing.T) {
	x := []float32{-2, -0.5, 0, 0.5, 0.5, 9, float32(math.NaN()), float32(math.Inf(1))}
	bins := NewBinCounter(-1, 1)
	spectrum, other := new(Spectrum), new(Spectrum)
	for range 3 { // as if the tables were full each time
		bins.counted, spectrum.counted = math.MaxUint32, math.MaxUint32
		bins.Count(x)
		spectrum.Count(x)
		other.CountDifferences(x, make([]float32, len(x)))
		other.Merge(spectrum)
	}
	counts := make([]int64, BinCount)
	bins.AddTo(counts)
	for bin, want := range map[int]int64{0: 3, BinCount / 4: 3, BinCount / 2: 3, BinCount * 3 / 4: 6, BinCount - 1: 3} {
		if counts[bin] != want {
			t.Errorf("bin %d holds %d, want %d", bin, counts[bin], want)
		}
	}
	want := Distribution{{-2, -2, 9}, {-0.5, -0.5, 9}, {0, 0, 9}, {0.5, 0.5, 18}, {9, 9, 9}}
	if got := other.Distribution(); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestAbsPercentileIsLinearBetweenOrderStatistics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Float32Range(-10, 10), 1, 200).Draw(t, "x")
		pct := rapid.Float64Range(0, 100).Draw(t, "pct")
		sorted := make([]float64, len(x))
		for i, v := range x {
			sorted[i] = math.Abs(float64(v))
		}
		slices.Sort(sorted)
		rank := pct / 100 * float64(len(x)-1)
		k := int(rank)
		want := sorted[k]
		if k+1 < len(sorted) {
			want += (rank - float64(k)) * (sorted[k+1] - sorted[k])
		}
		if got := AbsPercentile(x, pct, make([]float32, len(x))); math.Abs(float64(got)-want) > 1e-6*(1+want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func gauss(n int) []float32 {
	draw := rand.New(rand.NewPCG(3, 4))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(draw.NormFloat64())
	}
	return x
}

func TestTheSpectrumStandsInForTheWeights(t *testing.T) {
	x := gauss(1 << 17)
	s := new(Spectrum)
	s.Count(x[:1000])
	rest := new(Spectrum)
	rest.Count(x[1000:])
	s.Merge(rest)
	d := s.Distribution()
	n := 0
	for i, b := range d {
		n += b.N
		if i > 0 && b.Lo < d[i-1].Hi {
			t.Fatalf("buckets %v and %v overlap", d[i-1], b)
		}
	}
	if n != len(x) {
		t.Fatalf("%d of %d weights counted", n, len(x))
	}
	for _, pct := range []float64{50, 95, 99, 99.9, 99.99} {
		want := AbsPercentile(x, pct, make([]float32, len(x)))
		if got := d.AbsPercentile(pct); math.Abs(float64(got/want-1)) > 0x1p-7 {
			t.Errorf("percentile %v is %v, the weights' is %v", pct, got, want)
		}
	}
	for bits := 2; bits <= 8; bits++ {
		for _, asym := range []bool{false, true} {
			fit := Fit{Bits: bits, Asymmetric: asym, Store: Stores[0]}
			a := fit.Affine(-2, 2.5)
			want := a.Loss(x, math.Inf(1))
			if got := d.Loss(a, math.Inf(1)); math.Abs(got/want-1) > 0.01 {
				t.Errorf("int%d: squared error %v, the weights' is %v", bits, got, want)
			}
		}
	}
}

// TestTheSearchFindsTheLeastError holds the search to a fine grid of clipping
// ranges: no more than 2 % above its best.
func TestTheSearchFindsTheLeastError(t *testing.T) {
	heavy := gauss(4096)
	for i := range heavy {
		heavy[i] *= heavy[i] * heavy[i]
	}
	for name, x := range map[string][]float32{"gaussian": gauss(4096), "heavy tails": heavy, "a group": gauss(32)} {
		lo, hi := Extremes(x)
		for _, bits := range []int{2, 3, 4, 8} {
			fit := Fit{Bits: bits, Store: Stores[0]}
			losses := func(out []float64, maps []Affine, limit float64) { Losses(out, x, maps, limit) }
			got := fit.SearchMSE(lo, hi, new(Search), losses).Loss(x, math.Inf(1))
			best := math.Inf(1)
			for k := range 2000 {
				f := float32(k+1) / 2000
				best = min(best, fit.Affine(lo*f, hi*f).Loss(x, math.Inf(1)))
			}
			tolerance := 1.02
			if len(x) < 100 {
				tolerance = 1.1 // the error of a few weights is jagged in the range
			}
			if got > best*tolerance {
				t.Errorf("%s, int%d: squared error %v, the best range has %v", name, bits, got, best)
			}
		}
	}
}

func TestARangeWiderThanFloat32StaysFinite(t *testing.T) {
	a := Asymmetric(-math.MaxFloat32, math.MaxFloat32, 8, Stores[0])
	if y := a.Trace(math.MaxFloat32, Roundings[0], 0, 0).Value; !Finite(y) || y < 0.9*math.MaxFloat32 {
		t.Errorf("the largest float comes back as %v", y)
	}
	if a := Symmetric(1e9, 4, false, Stores[1]); a.Scale != 65504 {
		t.Errorf("a scale past float16 is stored as %v", a.Scale)
	}
	if a := Symmetric(1e-40, 8, false, Stores[0]); a.Scale != 0 || a.Trace(1e-40, Roundings[0], 0, 0).Value != 0 {
		t.Errorf("a scale whose inverse overflows is %v", a.Scale)
	}
}

func TestNextIsTheNeighbour(t *testing.T) {
	for _, f := range Formats {
		c := f.Cast
		if c == nil {
			continue
		}
		for _, x := range gauss(200) {
			y, _ := c.Value(x)
			up := c.Next(y, 1)
			middle, _ := c.Value(float32((float64(y)*3 + float64(up)) / 4))
			if up <= y || middle != y || c.Next(up, -1) != y {
				t.Errorf("%s: after %v comes %v, before which %v", f.Name, y, up, c.Next(up, -1))
			}
		}
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	x := gauss(1 << 15)
	y := make([]float32, len(x))
	a := Symmetric(4, 4, false, Stores[0])
	for _, r := range Roundings {
		b.Run(r.Name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				a.RoundTrip(y, x, r, 1, 0)
			}
		})
	}
	b.Run("Compare", func(b *testing.B) {
		b.SetBytes(int64(8 * len(x)))
		for b.Loop() {
			Compare(x, y, 0)
		}
	})
	b.Run("Spectrum", func(b *testing.B) {
		b.SetBytes(int64(4 * len(x)))
		s := new(Spectrum)
		for b.Loop() {
			s.Count(x)
		}
	})
	b.Run("Loss", func(b *testing.B) {
		b.SetBytes(int64(4 * len(x)))
		for b.Loop() {
			a.Loss(x, math.Inf(1))
		}
	})
}
