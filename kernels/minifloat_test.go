package kernels

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

// neighbours returns the values of the ascending grid beside x, equal if x is
// one of them; beyond its ends both are the end.
func neighbours(grid []float32, x float32) (lo, hi float32) {
	lo, hi = grid[0], grid[len(grid)-1]
	if x <= lo {
		return lo, lo
	}
	if x >= hi {
		return hi, hi
	}
	for _, v := range grid {
		if v <= x {
			lo = v
		}
	}
	for i := range grid {
		if v := grid[len(grid)-1-i]; v >= x {
			hi = v
		}
	}
	return lo, hi
}

// naiveChoice is what each rounding is defined as, for any grid: even(v) says
// which of two equally near values wins.
func naiveChoice(name string, grid []float32, x float32, even func(v float32) bool) float32 {
	lo, hi := neighbours(grid, x)
	down, up := float64(x)-float64(lo), float64(hi)-float64(x)
	inner, outer := lo, hi
	if x < 0 {
		inner, outer = hi, lo
	}
	switch {
	case lo == hi:
		return lo
	case name == "trunc":
		return inner
	case name == "floor":
		return lo
	case name == "ceil":
		return hi
	case down < up:
		return lo
	case up < down:
		return hi
	case name == "away":
		return outer
	case even(lo):
		return lo
	}
	return hi
}

var directed = []string{"even", "away", "trunc", "floor", "ceil"}

func evenCode(f *Minifloat) func(v float32) bool {
	return func(v float32) bool { return f.code(v)&1 == 0 }
}

func TestSmallFloatsAreTheirReferences(t *testing.T) {
	root := os.Getenv("BITDIAL_SHARED")
	if root == "" {
		t.Skip("BITDIAL_SHARED is not set")
	}
	text, err := os.ReadFile(filepath.Join(root, "golden", "minifloat.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]struct {
		Exponent int       `json:"exponent_bits"`
		Mantissa int       `json:"mantissa_bits"`
		Bias     int       `json:"bias"`
		Max      float32   `json:"max_finite"`
		X        []float32 `json:"x"`
		Y        []float32 `json:"y"`
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	for _, f := range Minifloats {
		name := f.Name
		if name == "e4m3" {
			name = "e4m3fn"
		}
		want, ok := golden[name]
		if !ok {
			t.Errorf("%s: no golden values", f.Name)
			continue
		}
		if f.Exponent != want.Exponent || f.Mantissa != want.Mantissa || f.Bias != want.Bias || f.Max != want.Max {
			t.Errorf("%s is described as %d, %d, %d, %v", f.Name, f.Exponent, f.Mantissa, f.Bias, f.Max)
		}
		y, code, back := make([]float32, len(want.X)), make([]byte, len(want.X)), make([]float32, len(want.X))
		f.RoundTrip(y, want.X, 1, Roundings[0], 0, 0)
		f.Encode(code, want.X, Roundings[0], 0, 0)
		f.Decode(back, code)
		for i, x := range want.X {
			if y[i] != want.Y[i] || back[i] != want.Y[i] {
				t.Errorf("%s: %v becomes %v, by its code %v, want %v", f.Name, x, y[i], back[i], want.Y[i])
			}
		}
	}
}

// TestEveryBfloatIsRoundedByDefinition tries all upper halves of a float32 and
// their successors, so that exact ties and what lies just past them occur.
func TestEveryBfloatIsRoundedByDefinition(t *testing.T) {
	for _, f := range Minifloats {
		grid := f.Values()
		var x []float32
		for key := range uint32(1 << 16) {
			x = append(x, math.Float32frombits(key<<16), math.Float32frombits(key<<16|1))
		}
		y, code, back := make([]float32, len(x)), make([]byte, len(x)), make([]float32, len(x))
		for _, name := range directed {
			f.RoundTrip(y, x, 1, rounding(t, name), 0, 0)
			f.Encode(code, x, rounding(t, name), 0, 0)
			f.Decode(back, code)
			for i, v := range x {
				if !Finite(v) {
					if math.Float32bits(y[i]) != math.Float32bits(v) {
						t.Fatalf("%s: %v becomes %v", f.Name, v, y[i])
					}
					continue
				}
				if want := naiveChoice(name, grid, v, evenCode(f)); y[i] != want {
					t.Fatalf("%s, %s: %v becomes %v, want %v", f.Name, name, v, y[i], want)
				}
				if math.Float32bits(back[i]) != math.Float32bits(y[i]) {
					t.Fatalf("%s, %s: %v becomes %v, by its code %02x %v", f.Name, name, v, y[i], code[i], back[i])
				}
			}
		}
	}
}

func TestEveryCodeComesBack(t *testing.T) {
	for _, f := range Minifloats {
		for c := range 1 << f.Bits() {
			var v [1]float32
			var again [1]byte
			f.Decode(v[:], []byte{byte(c)})
			f.Encode(again[:], v[:], Roundings[0], 0, 0)
			nan := v[0] != v[0]
			if int(again[0]) != c && !nan || nan && f.values[again[0]] == f.values[again[0]] {
				t.Errorf("%s: code %02x, %v, comes back as %02x", f.Name, c, v[0], again[0])
			}
		}
	}
	for _, c := range []struct {
		f    *Minifloat
		x    float64
		want byte
	}{
		{E4M3, math.Inf(-1), 0xfe},
		{E5M2, math.Inf(-1), 0xfc},
		{E5M2FNUZ, math.Inf(1), 0x7f},
		{E2M1, math.Inf(-1), 0xf},
		{E4M3, math.NaN(), 0x7f},
		{E5M2, math.NaN(), 0x7f},
		{E4M3FNUZ, math.NaN(), 0x80},
		{E2M1, math.NaN(), 0},
		{E4M3, math.Copysign(0, -1), 0x80},
		{E4M3FNUZ, math.Copysign(0, -1), 0},
		{E4M3FNUZ, -1e-9, 0},
	} {
		var code [1]byte
		if c.f.Encode(code[:], []float32{float32(c.x)}, Roundings[0], 0, 0); code[0] != c.want {
			t.Errorf("%s: the code of %v is %02x, want %02x", c.f.Name, c.x, code[0], c.want)
		}
	}
}

func TestSmallFloatsRoundTripAnyFloatAtAnyScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(Minifloats).Draw(t, "format")
		r := rapid.SampledFrom(Roundings).Draw(t, "rounding")
		bits := rapid.SliceOfN(rapid.Uint32(), 0, 600).Draw(t, "x")
		scale := math.Float32frombits(rapid.Uint32Range(0, 0x7f7fffff).Draw(t, "scale"))
		if rapid.Bool().Draw(t, "unit scale") {
			scale = 1
		}
		x, y, v := make([]float32, len(bits)), make([]float32, len(bits)), make([]float32, len(bits))
		for i, b := range bits {
			x[i] = math.Float32frombits(b)
			v[i] = x[i] * (1 / scale)
		}
		clipped := f.RoundTrip(y, x, scale, r, 5, 1000)
		if math.IsInf(float64(1/scale), 0) {
			for i := range y {
				if Finite(x[i]) && y[i] != 0 {
					t.Fatalf("%v has no inverse, but %v becomes %v", scale, x[i], y[i])
				}
			}
			return
		}
		grid := f.Values()
		half := (grid[len(grid)-1] - grid[len(grid)-2]) / 2
		for i := range x {
			if !Finite(x[i]) {
				if math.Float32bits(y[i]) != math.Float32bits(x[i]) {
					t.Fatalf("%v becomes %v", x[i], y[i])
				}
				continue
			}
			lo, hi := neighbours(grid, v[i])
			if r.Name != "stochastic" {
				lo = naiveChoice(r.Name, grid, v[i], evenCode(f))
				hi = lo
			}
			if y[i] != lo*scale && y[i] != hi*scale {
				t.Fatalf("%s, %s: %v at scale %v becomes %v, want %v or %v", f.Name, r.Name, x[i], scale, y[i], lo*scale, hi*scale)
			}
			if math.Abs(float64(v[i])) > float64(f.Max+half) {
				clipped--
			}
		}
		if clipped != 0 {
			t.Fatalf("clipped is off by %d", clipped)
		}
	})
}

func TestStochasticSmallFloatsAreUnbiasedAndKeyedByIndex(t *testing.T) {
	r := rounding(t, "stochastic")
	const n = 1 << 16
	x, y := make([]float32, n), make([]float32, n)
	for _, f := range Minifloats {
		for _, v := range []float32{0.3, -2.1, f.Max * 0.97} {
			for i := range x {
				x[i] = v
			}
			f.RoundTrip(y, x, 1, r, 1, 0)
			var sum float64
			for _, v := range y {
				sum += float64(v)
			}
			lo, hi := neighbours(f.Values(), v)
			if got := sum / n; math.Abs(got-float64(v)) > 5*0.5*float64(hi-lo)/math.Sqrt(n) {
				t.Errorf("%s: the mean of %v rounded is %v", f.Name, v, got)
			}
			var part [100]float32
			f.RoundTrip(part[:], x[777:877], 1, r, 1, 777)
			if part != [100]float32(y[777:877]) {
				t.Errorf("%s: a chunk of its own is rounded differently", f.Name)
			}
		}
	}
}

func BenchmarkMinifloat(b *testing.B) {
	x := gauss(1 << 15)
	y, code := make([]float32, len(x)), make([]byte, len(x))
	for _, r := range Roundings {
		b.Run("e4m3/"+r.Name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				E4M3.RoundTrip(y, x, 0.01, r, 1, 0)
			}
		})
	}
	b.Run("e4m3/groups of 32", func(b *testing.B) {
		b.SetBytes(int64(4 * len(x)))
		for b.Loop() {
			for i := 0; i < len(x); i += 32 {
				E4M3.RoundTrip(y[i:i+32], x[i:i+32], 0.01, Roundings[0], 1, 0)
			}
		}
	})
	b.Run("e4m3/Encode", func(b *testing.B) {
		b.SetBytes(int64(4 * len(x)))
		for b.Loop() {
			E4M3.Encode(code, x, Roundings[0], 0, 0)
		}
	})
	b.Run("e4m3/Decode", func(b *testing.B) {
		b.SetBytes(int64(4 * len(x)))
		for b.Loop() {
			E4M3.Decode(y, code)
		}
	})
}
