package kernels

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func gridNamed(t testing.TB, name string) *Grid {
	t.Helper()
	for _, g := range Grids {
		if g.Name == name {
			return g
		}
	}
	t.Fatalf("no grid %q", name)
	return nil
}

// evenIndex says of the values of a grid whether their index, counted from
// that of 0, is even.
func evenIndex(values []float32) func(v float32) bool {
	return func(v float32) bool {
		return (slices.Index(values, v)-slices.Index(values, 0))%2 == 0
	}
}

func TestGridsRoundByDefinition(t *testing.T) {
	for _, g := range Grids {
		if !g.Rounds {
			continue
		}
		values := g.Values()
		even := evenIndex(values)
		if g.float != nil {
			even = evenCode(g.float)
		}
		var x []float32
		for k, v := range values {
			x = append(x, v)
			if k > 0 {
				middle := float32((float64(v) + float64(values[k-1])) / 2)
				x = append(x, middle, math.Nextafter32(middle, v), math.Nextafter32(middle, values[k-1]))
			}
			x = append(x, math.Nextafter32(v, float32(math.Inf(1))), math.Nextafter32(v, float32(math.Inf(-1))))
		}
		for _, v := range gauss(2000) {
			x = append(x, v*g.Max, v*g.Max/30)
		}
		y := make([]float32, len(x))
		m := GridMap{Grid: g, Scale: 1, Inverse: 1}
		for _, name := range directed {
			m.RoundTrip(y, x, rounding(t, name), 0, 0)
			for i, v := range x {
				if want := naiveChoice(name, values, v, even); y[i] != want {
					t.Errorf("%s, %s: %v becomes %v, want %v", g.Name, name, v, y[i], want)
				}
			}
		}
	}
}

func TestStochasticGridsAreUnbiased(t *testing.T) {
	const n = 1 << 16
	x, y := make([]float32, n), make([]float32, n)
	for _, g := range Grids {
		if !g.Rounds {
			continue
		}
		for _, share := range []float32{0.01, -0.3, 0.8} {
			v := share * g.Max
			for i := range x {
				x[i] = v
			}
			GridMap{Grid: g, Scale: 1, Inverse: 1}.RoundTrip(y, x, rounding(t, "stochastic"), 1, 0)
			var sum float64
			for _, v := range y {
				sum += float64(v)
			}
			lo, hi := neighbours(g.Values(), v)
			if got := sum / n; math.Abs(got-float64(v)) > 5*0.5*float64(hi-lo)/math.Sqrt(n) {
				t.Errorf("%s: the mean of %v rounded is %v", g.Name, v, got)
			}
		}
	}
}

// bitsandbytesNF4 and bitsandbytesFP4Value are the decisions of its kernels.
func bitsandbytesNF4(x float32) float32 {
	values := []float32{
		-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
		-0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
		0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
	}
	for k, bound := range []float32{
		-0.8480964004993439, -0.6106329262256622, -0.4599952697753906, -0.33967943489551544, -0.23460740596055984,
		-0.13791173323988914, -0.045525018125772476, 0.03979014977812767, 0.1202552504837513, 0.2035212516784668,
		0.2920137718319893, 0.3893125355243683, 0.5016634166240692, 0.6427869200706482, 0.8614784181118011,
	} {
		if !(x > bound) {
			return values[k]
		}
	}
	return 1
}

func bitsandbytesFP4Value(x float32) float32 {
	sign := float32(1)
	if x < 0 {
		sign, x = -1, -x
	}
	switch {
	case x > 0.8333333:
		return sign
	case x > 0.583333:
		return sign * 0.66666667
	case x > 0.4166667:
		return sign * 0.5
	case x > 0.29166667:
		return sign * 0.33333333
	case x > 0.20833333:
		return sign * 0.25
	case x > 0.0859375:
		return sign * 0.16666667
	case x > 0.00260417:
		return sign * 0.005208333333
	}
	return 0
}

func TestFourBitCodebooksChooseLikeBitsandbytes(t *testing.T) {
	for name, choose := range map[string]func(float32) float32{"nf4": bitsandbytesNF4, "fp4_bnb": bitsandbytesFP4Value} {
		g := gridNamed(t, name)
		var x []float32
		for k, v := range g.Values()[1:] {
			middle := (g.Values()[k] + v) / 2
			for range 64 { // the bounds are near the middles
				x, middle = append(x, middle, -middle), math.Nextafter32(middle, 2)
			}
		}
		for _, b := range []float32{0.00260417, 0.0859375, 0.20833333, 0.29166667, 0.4166667, 0.583333, 0.8333333} {
			x = append(x, b, -b, math.Nextafter32(b, 2), -math.Nextafter32(b, 2), math.Nextafter32(b, 0), -math.Nextafter32(b, 0))
		}
		for _, v := range gauss(4096) {
			x = append(x, max(-1, min(1, v/3)))
		}
		x = append(x, 1, -1, 0)
		m := g.Fit(x, 1, Stores[0])
		y := make([]float32, len(x))
		if m.RoundTrip(y, x, rounding(t, "ceil"), 0, 0); m.Scale != 1 {
			t.Errorf("%s: scale %v", name, m.Scale)
		}
		for i, v := range x {
			if want := choose(v); y[i] != want {
				t.Errorf("%s: %v becomes %v, want %v", name, v, y[i], want)
			}
		}
	}
}

func TestFewValuedGridsTakeTheirScaleFromTheWeights(t *testing.T) {
	x := []float32{3, -1, 0, 0.25, -2, float32(math.NaN()), float32(math.Inf(1))}
	nan, inf := x[5], x[6]
	mean := float32(6.25 / 5) // 1.25; TWN's threshold is 0.875 and its scale 2
	for _, c := range []struct {
		name  string
		scale float32
		want  []float32
	}{
		{"binary", mean, []float32{mean, -mean, mean, mean, -mean, nan, inf}},
		{"ternary", mean, []float32{mean, -mean, 0, 0, -mean, nan, inf}},
		{"twn", 2, []float32{2, -2, 0, 0, -2, nan, inf}},
	} {
		m := gridNamed(t, c.name).Fit(x, 100, Stores[0])
		y := make([]float32, len(x))
		m.RoundTrip(y, x, Roundings[0], 0, 0)
		for i := range y {
			if y[i] != c.want[i] && c.want[i] == c.want[i] {
				t.Errorf("%s: %v becomes %v, want %v", c.name, x[i], y[i], c.want[i])
			}
		}
		if m.Scale != c.scale {
			t.Errorf("%s: scale %v, want %v", c.name, m.Scale, c.scale)
		}
	}
	if clipped := gridNamed(t, "ternary").Fit(x, 0, Stores[0]).RoundTrip(make([]float32, len(x)), x, Roundings[0], 0, 0); clipped != 2 {
		t.Errorf("ternary: %d of 2 weights past 1.5 times the mean count as clipped", clipped)
	}
}

func TestMeasuredScalesComeFromADistributionToo(t *testing.T) {
	x := gauss(1 << 16)
	s := new(Spectrum)
	s.Count(x)
	for _, name := range []string{"binary", "ternary", "twn"} {
		want := gridNamed(t, name).Fit(x, 0, Stores[0])
		got := gridNamed(t, name).FitDistribution(s.Distribution(), 0, Stores[0])
		if math.Abs(float64(got.Scale/want.Scale-1)) > 0x1p-8 || math.Abs(float64(got.Threshold-want.Threshold)) > 0x1p-8 {
			t.Errorf("%s: %v and %v, the weights' are %v and %v", name, got.Scale, got.Threshold, want.Scale, want.Threshold)
		}
	}
}

func TestPositsAreTheStandards(t *testing.T) {
	values := gridNamed(t, "posit8").Values()
	if len(values) != 255 {
		t.Fatalf("%d values", len(values))
	}
	for _, c := range []struct {
		code int
		want float32
	}{{1, 0x1p-24}, {2, 0x1p-20}, {3, 0x1p-18}, {0x40, 1}, {0x41, 1.125}, {0x48, 2}, {0x60, 16}, {0x61, 20}, {0x7e, 0x1p20}, {0x7d, 0x1p18}, {0x7f, 0x1p24}} {
		if got := values[127+c.code]; got != c.want {
			t.Errorf("the posit %02x is %v, want %v", c.code, got, c.want)
		}
	}
	var x, want []float32
	for _, c := range []struct{ x, want float32 }{
		{1e-30, 0x1p-24},
		{1e30, 0x1p24},
		{1, 1},
		{1.0625, 1},
		{1.1875, 1.25},
		{1.07, 1.125},
		{131072, 65536},
		{131073, 262144},
		{144179.2, 262144},
		{100000, 65536}, // the 9-bit posit between 2^16 and 2^18 is 2^17
		{0x1p22, 0x1p20},
		{0x1p22 + 1, 0x1p24},
		{0x1p-22, 0x1p-20},
		{0x1p-23, 0x1p-24},
	} {
		x, want = append(x, c.x, -c.x), append(want, c.want, -c.want)
	}
	y := make([]float32, len(x))
	GridMap{Grid: gridNamed(t, "posit8"), Scale: 1, Inverse: 1}.RoundTrip(y, x, Roundings[0], 0, 0)
	for i := range x {
		if y[i] != want[i] {
			t.Errorf("%v becomes %v, want %v", x[i], y[i], want[i])
		}
	}
}

func TestPowersOfTwoAndTheirSums(t *testing.T) {
	for name, c := range map[string]struct {
		numerators  []float64
		denominator float64
	}{
		"pot3":  {[]float64{0, 1, 2, 4}, 4},
		"pot4":  {[]float64{0, 1, 2, 4, 8, 16, 32, 64}, 64},
		"apot4": {[]float64{0, 1, 2, 3, 4, 6, 8, 10}, 10},                                // {0 1 4 8} + {0 2} sixteenths
		"apot5": {[]float64{0, 1, 2, 3, 4, 6, 8, 9, 12, 16, 18, 24, 32, 33, 36, 48}, 48}, // {0 2 8 32} + {0 1 4 16} 64ths
	} {
		var want []float32
		for _, n := range c.numerators {
			want = append(want, float32(n/c.denominator))
		}
		values := gridNamed(t, name).Values()
		if got := values[len(values)/2:]; !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", name, got, want)
		}
	}
}

func TestGridsHaveAsManyValuesAsCodes(t *testing.T) {
	for _, g := range Grids {
		values := g.Values()
		if len(values) > 1<<g.Bits || len(values) <= 1<<(g.Bits-1) {
			t.Errorf("%s has %d values in %d bits", g.Name, len(values), g.Bits)
		}
		if !slices.IsSorted(values) || len(slices.Compact(values)) != len(values) {
			t.Errorf("%s: values are not ascending", g.Name)
		}
	}
}

func TestGridsRoundTripAnyFloat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := rapid.SampledFrom(Grids).Draw(t, "grid")
		r := rapid.SampledFrom(Roundings).Draw(t, "rounding")
		store := rapid.SampledFrom(Stores).Draw(t, "store")
		bits := rapid.SliceOfN(rapid.Uint32(), 0, 70).Draw(t, "x")
		x, y := make([]float32, len(bits)), make([]float32, len(bits))
		for i, b := range bits {
			x[i] = math.Float32frombits(b)
		}
		lo, hi := Extremes(x)
		m := g.Fit(x, max(-lo, hi), store)
		clipped := m.RoundTrip(y, x, r, 1, 2)
		values := g.Values()
		traced := 0
		for i := range x {
			if !Finite(x[i]) {
				if math.Float32bits(x[i]) != math.Float32bits(y[i]) {
					t.Fatalf("%v becomes %v", x[i], y[i])
				}
				continue
			}
			if !slices.ContainsFunc(values, func(v float32) bool { return v*m.Scale == y[i] }) && y[i] != 0 {
				t.Fatalf("%s, scale %v: %v becomes %v", g.Name, m.Scale, x[i], y[i])
			}
			step := m.Trace(x[i], r, 1, 2+uint64(i))
			if step.Value != y[i] {
				t.Fatalf("%s, scale %v: %v becomes %v, its trace says %v", g.Name, m.Scale, x[i], y[i], step.Value)
			}
			if step.Clipped {
				traced++
			}
		}
		if clipped != traced || !g.Measured && store == Stores[0] && clipped > 0 {
			t.Fatalf("%d clipped, by their traces %d", clipped, traced)
		}
	})
}

func TestDynamicMapIsBitsandbytes(t *testing.T) {
	values := dynamicMap.values
	if len(values) != 256 || values[255] != 1 || values[127] != 0 {
		t.Fatalf("%d values, %v", len(values), values)
	}
	// The hash is that of what create_dynamic_map gives, above 0.
	h := sha256.New()
	for i, v := range values[128:] {
		if i < 127 && values[126-i] != -v {
			t.Errorf("%v has no negative", v)
		}
		if err := binary.Write(h, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	if got := hex.EncodeToString(h.Sum(nil)[:8]); got != "35f74c6d5ad44594" {
		t.Errorf("the hash of the values is %s", got)
	}
}

// TestScalesAreQuantizedLikeBitsandbytes holds the search to its kernel's:
// a walk over odd steps to an even index, then the middle to its neighbour.
func TestScalesAreQuantizedLikeBitsandbytes(t *testing.T) {
	walk := func(x float32) float32 {
		v := dynamicMap.values
		pivot, upper, lower := 127, 255, 0
		for step := 64; step > 0; step /= 2 {
			if x > v[pivot] {
				lower, pivot = pivot, pivot+step
			} else {
				upper, pivot = pivot, pivot-step
			}
		}
		switch {
		case x > v[pivot] && x > (v[upper]+v[pivot])*0.5:
			return v[upper]
		case x <= v[pivot] && x < (v[lower]+v[pivot])*0.5:
			return v[lower]
		}
		return v[pivot]
	}
	scales := make([]float32, 700)
	var sum float64
	for i, v := range gauss(len(scales)) {
		scales[i] = float32(math.Abs(float64(v)))
		sum += float64(scales[i])
	}
	for i, v := range dynamicMap.values[:255] { // a block whose differences are the middles
		scales[i] = (v + dynamicMap.values[i+1]) * 0.5
	}
	scales[255] = 1
	for _, mean := range []float32{0, float32(sum / 700)} {
		dst := make([]float32, len(scales))
		DoubleQuantize(dst, scales, mean)
		for i := range scales {
			block := scales[i/256*256 : min(i/256*256+256, len(scales))]
			var top float32
			for _, s := range block {
				top = max(top, float32(math.Abs(float64(s-mean))))
			}
			if want := float32(walk((scales[i]-mean)*(1/top))*top) + mean; dst[i] != want {
				t.Fatalf("the scale %v becomes %v, want %v", scales[i], dst[i], want)
			}
		}
	}
	if got, want := DoubleQuantBits(700), 8*700+32*3+32; got != want {
		t.Errorf("700 scales take %d bits, want %d", got, want)
	}
	same := []float32{2, 2, 2}
	if DoubleQuantize(same, same, 2); same[0] != 2 {
		t.Errorf("equal scales become %v", same)
	}
}

func BenchmarkGrid(b *testing.B) {
	x := gauss(1 << 15)
	y := make([]float32, len(x))
	for _, name := range []string{"fp4_e2m1", "nf4", "fp4_bnb", "binary", "ternary", "twn", "pot4", "apot5", "posit8"} {
		m := gridNamed(b, name).Fit(x, 4, Stores[0])
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				m.RoundTrip(y, x, Roundings[0], 1, 0)
			}
		})
	}
	b.Run("apot5/away", func(b *testing.B) {
		m := gridNamed(b, "apot5").Fit(x, 4, Stores[0])
		b.SetBytes(int64(4 * len(x)))
		for b.Loop() {
			m.RoundTrip(y, x, Roundings[1], 1, 0)
		}
	})
	b.Run("nf4/groups of 64", func(b *testing.B) {
		m := gridNamed(b, "nf4").Fit(x, 4, Stores[0])
		b.SetBytes(int64(4 * len(x)))
		for b.Loop() {
			for i := 0; i < len(x); i += 64 {
				m.RoundTrip(y[i:i+64], x[i:i+64], Roundings[0], 1, 0)
			}
		}
	})
	b.Run("DoubleQuantize", func(b *testing.B) {
		b.SetBytes(int64(4 * len(x)))
		for b.Loop() {
			DoubleQuantize(y, x, 0)
		}
	})
}
