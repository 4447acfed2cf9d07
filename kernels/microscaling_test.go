package kernels

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func microscaling(t testing.TB, name string) *Microscaling {
	t.Helper()
	for _, m := range Microscalings {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no format %q", name)
	return nil
}

// naiveMX is a block of MX by the letter of the specification, in float64:
// shared exponent, division, nearest element.
func naiveMX(m *Microscaling, rounding string, x []float32) []float32 {
	var top float64
	for _, v := range x {
		if Finite(v) {
			top = math.Max(top, math.Abs(float64(v)))
		}
	}
	grid := m.Values()
	emax := math.Floor(math.Log2(float64(grid[len(grid)-1])))
	scale := 0x1p-127
	if top > 0 {
		// The logarithm itself is rounded near powers of two: step to its floor.
		e := math.Round(math.Log2(top))
		if math.Pow(2, e) > top {
			e--
		}
		scale = math.Max(math.Pow(2, e-emax), scale)
	}
	y := slices.Clone(x)
	for i, v := range x {
		if Finite(v) {
			y[i] = float32(float64(naiveChoice(rounding, grid, float32(float64(v)/scale), evenCode(m.element))) * scale)
		}
	}
	return y
}

func TestBlockScaledFormatsFollowTheSpecification(t *testing.T) {
	for _, m := range Microscalings {
		if m.TensorBits > 0 {
			continue
		}
		for _, name := range directed {
			r := rounding(t, name)
			rapid.Check(t, func(t *rapid.T) {
				exp := rapid.IntRange(-150, 120).Draw(t, "exponent")
				x := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float32 {
					switch rapid.IntRange(0, 4).Draw(t, "kind") {
					case 0:
						return float32(math.Ldexp(float64(rapid.IntRange(-512, 512).Draw(t, "tie")), exp-6))
					case 1:
						return math.Float32frombits(rapid.Uint32().Draw(t, "bits"))
					}
					return float32(math.Ldexp(rapid.Float64Range(-1, 1).Draw(t, "value"), exp))
				}), 1, 2*m.Block+5).Draw(t, "x")
				y := make([]float32, len(x))
				m.RoundTrip(y, x, 0, r, 0, 0)
				for i := 0; i < len(x); i += m.Block {
					end := min(i+m.Block, len(x))
					for j, want := range naiveMX(m, name, x[i:end]) {
						if got := y[i+j]; got != want && want == want {
							t.Fatalf("%s, %s: %v becomes %v, want %v", m.Name, name, x[i+j], got, want)
						}
					}
				}
			})
		}
	}
}

func TestAnIntegerElementHasNoExponent(t *testing.T) {
	var want []float32
	for k := -127; k <= 127; k++ {
		want = append(want, float32(k)/64)
	}
	if got := int8in64ths.Values(); !slices.Equal(got, want) {
		t.Errorf("the elements of mxint8 are %v", got)
	}
}

func TestNvfp4ScalesTwice(t *testing.T) {
	m := microscaling(t, "nvfp4")
	x := gauss(16 * 64)
	for i := range 16 {
		x[i] = 0
		x[16+i] *= 1e-6 // its scale is too small for E4M3
	}
	var top float32
	for _, v := range x {
		top = max(top, float32(math.Abs(float64(v))))
	}
	y := make([]float32, len(x))
	if clipped := m.RoundTrip(y, x, top, Roundings[0], 0, 0); clipped != 0 {
		t.Errorf("%d clipped", clipped)
	}
	encode := float32(448*6) / top
	decode := 1 / encode
	for i := 0; i < len(x); i += 16 {
		var amax float32
		for _, v := range x[i : i+16] {
			amax = max(amax, float32(math.Abs(float64(v))))
		}
		s := naiveChoice("even", E4M3.Values(), amax/6*encode, evenCode(E4M3))
		for j := i; j < i+16; j++ {
			var want float32
			if s > 0 {
				want = naiveChoice("even", E2M1.Values(), x[j]*(1/(s*decode)), evenCode(E2M1)) * s * decode
			}
			if y[j] != want {
				t.Fatalf("%v becomes %v, want %v", x[j], y[j], want)
			}
		}
	}
	for _, c := range []struct{ x, max float32 }{{0x1p-149, 0x1p-149}, {math.MaxFloat32, math.MaxFloat32}, {1, 0}, {0, 0}} {
		var y [1]float32
		m.RoundTrip(y[:], []float32{c.x}, c.max, Roundings[0], 0, 0)
		if !Finite(y[0]) {
			t.Errorf("%v in a tensor of at most %v becomes %v", c.x, c.max, y[0])
		}
	}
}

func TestBlockScaledFormatsLeaveWhatIsNotFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom(Microscalings).Draw(t, "format")
		r := rapid.SampledFrom(Roundings).Draw(t, "rounding")
		bits := rapid.SliceOfN(rapid.Uint32(), 0, 70).Draw(t, "x")
		x, y := make([]float32, len(bits)), make([]float32, len(bits))
		for i, b := range bits {
			x[i] = math.Float32frombits(b)
		}
		top := math.Float32frombits(rapid.Uint32Range(0, 0x7f7fffff).Draw(t, "max"))
		m.RoundTrip(y, x, top, r, 1, 2)
		for i := range x {
			if !Finite(x[i]) && math.Float32bits(x[i]) != math.Float32bits(y[i]) {
				t.Fatalf("%v becomes %v", x[i], y[i])
			}
			if Finite(x[i]) && y[i] != y[i] {
				t.Fatalf("%v becomes %v", x[i], y[i])
			}
		}
	})
}

func BenchmarkMicroscaling(b *testing.B) {
	x := gauss(1 << 15)
	y := make([]float32, len(x))
	for _, m := range Microscalings {
		b.Run(m.Name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				m.RoundTrip(y, x, 5, Roundings[0], 1, 0)
			}
		})
	}
	b.Run("mxfp4/stochastic", func(b *testing.B) {
		b.SetBytes(int64(4 * len(x)))
		for b.Loop() {
			microscaling(b, "mxfp4").RoundTrip(y, x, 5, rounding(b, "stochastic"), 1, 0)
		}
	})
}
