package quant

import (
	"context"
	"errors"
	"math"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

var someSchemes = []string{
	"keep", "f32", "f16", "bf16", "int8", "int8:channel", "int8:asym", "int8:range=full", "int4", "int4:range=mse", "int4:range=p99",
	"int4:channel:range=mse", "int4:channel:asym:range=p99.5", "int4:g32", "int4:g32:asym:scale=f32", "int3:g64:range=mse",
	"int2:channel:range=mse", "int5:g24:round=stochastic:seed=3", "int16", "int6:g128:round=trunc", "int1:channel", "int4:range=entropy", "int3:g32:search=optimal", "q4_0:search=optimal",
	"fp8_e4m3", "fp8_e5m2:unscaled:round=trunc", "fp4_e2m1:g32:range=mse", "nf4:g64", "nf4:g64:scale=dq", "fp4_bnb:g32:scale=dq", "fp4_bnb:channel", "posit8", "kmeans3", "kmeans4:g200",
	"binary:channel", "ternary:g64", "twn:channel", "pot4:channel", "apot4:range=p99", "mxfp4", "mxfp8_e4m3:round=stochastic", "mxint8", "nvfp4",
	"q4_0", "q8_0", "q4_K", "q6_K", "iq4_xs", "iq3_s", "iq2_xxs", "tq2_0", "mxfp4_ggml",
}

func TestAMeasurementIsTheSameForAnyNumberOfCores(t *testing.T) {
	tensor := gaussian(t, 64, 3072)
	for _, scheme := range schemesFor(tensor.Shape...) {
		with := func(cores int) *Measurement {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
			return measure(t, tensor, scheme)
		}
		if diff := cmp.Diff(with(1), with(7), cmp.AllowUnexported(kernels.Rounding{}), cmpopts.IgnoreFields(Measurement{}, "Tensor", "Scheme")); diff != "" {
			t.Errorf("%s: one core and seven differ:\n%s", scheme, diff)
		}
	}
}

// TestAMeasurementAgreesWithItsDefinition recomputes every figure from the
// dequantized weights, as the formulas have it.
func TestAMeasurementAgreesWithItsDefinition(t *testing.T) {
	for _, shape := range [][]int{{48, 5, 3, 3}, {6, 512}} {
		agreeWithDefinition(t, gaussian(t, shape...))
	}
}

func agreeWithDefinition(t *testing.T, tensor *model.Tensor) {
	t.Helper()
	x := make([]float32, tensor.Len())
	if err := tensor.Read(x, 0); err != nil {
		t.Fatal(err)
	}
	for _, scheme := range schemesFor(tensor.Shape...) {
		m := measure(t, tensor, scheme)
		var y []float32
		err := Dequantize(t.Context(), tensor, summarize(t, tensor), m.Scheme, nil, func(part []float32) error {
			y = append(y, part...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var e2, x2, y2, xy, worst float64
		at, zeros := 0, 0
		for i := range x {
			a, b := float64(x[i]), float64(y[i])
			e2 += (a - b) * (a - b)
			x2 += a * a
			y2 += b * b
			xy += a * b
			if e := math.Abs(a - b); e > worst {
				worst, at = e, i
			}
			if b == 0 && a != 0 {
				zeros++
			}
		}
		near := func(name string, got, want float64) {
			if math.Abs(got-want) > 1e-9*math.Abs(want) {
				t.Errorf("%s: %s is %v, its definition gives %v", scheme, name, got, want)
			}
		}
		near("MSE", m.MSE(), e2/float64(len(x)))
		near("cosine", m.Cosine(), xy/math.Sqrt(x2*y2))
		near("max |error|", m.MaxAbs, worst)
		if e2 > 0 {
			near("SQNR", m.SQNR(), 10*math.Log10(x2/e2))
		} else if !math.IsInf(m.SQNR(), 1) {
			t.Errorf("%s: no error, and the SQNR is %v", scheme, m.SQNR())
		}
		if m.MaxAt != at || m.Zeros != zeros {
			t.Errorf("%s: worst at %d with %d zeros, want %d with %d", scheme, m.MaxAt, m.Zeros, at, zeros)
		}
		for _, h := range []Histogram{m.Original, m.Quantized, m.Error, m.Close} {
			var n int64
			for _, c := range h.Bins {
				n += c
			}
			if n != int64(len(x)) {
				t.Errorf("%s: a histogram holds %d of %d weights", scheme, n, len(x))
			}
		}
		var channels float64
		for _, c := range m.Channels {
			channels += c.E2
		}
		near("the channels' Σe²", channels, e2)
	}
}

func TestNonFiniteWeightsAreCountedAndPoisonNothing(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	clean := []float32{1, -2, 0.5, 0.25, 3, -1, 0.75, 0.1}
	dirty := append([]float32{nan, inf, -inf, nan, nan, nan, nan, nan}, clean...)
	for _, scheme := range schemesFor(2, 8) {
		m, want := measure(t, tensorOf(t, dirty, 2, 8), scheme), measure(t, tensorOf(t, clean, 1, 8), scheme)
		if m.NonFinite != 8 || m.N != 8 {
			t.Errorf("%s: %d finite and %d not, want 8 and 8", scheme, m.N, m.NonFinite)
		}
		// Stochastic rounding draws by the weight's index, which has moved.
		if m.Scheme.Rounding != stochastic && (m.SQNR() != want.SQNR() || m.MaxAbs != want.MaxAbs) {
			t.Errorf("%s: SQNR %v with NaN about, %v without", scheme, m.SQNR(), want.SQNR())
		}
	}
}

func TestNoFloatBreaksAMeasurement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.SliceOfN(rapid.Uint32(), 1, 300).Draw(t, "bits")
		x := make([]float32, len(bits))
		data := make([]byte, 4*len(bits))
		for i, b := range bits {
			x[i] = math.Float32frombits(b)
		}
		model.F32.Encode(data, x)
		tensor, err := model.NewTensor("w", model.F32, []int{1, len(x)}, model.NewFile("memory", data), 0)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := Summarize(context.Background(), tensor, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(rapid.SampledFrom(schemesFor(1, len(x))).Draw(t, "scheme"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Measure(context.Background(), tensor, sum, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []float64{m.MSE(), m.MaxAbs, m.Cosine(), m.X2, m.Y2, m.XY, m.E} {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("%s: a figure is %v: %+v", s, v, m.Sums)
			}
		}
	})
}

func TestBytesCountEveryScaleAndZeroPoint(t *testing.T) {
	for _, c := range []struct {
		shape  []int
		scheme string
		bpw    float64
	}{
		{[]int{64, 64}, "int4:g32", 4.5},
		{[]int{64, 64}, "int4:g32:asym", 4.5 + 4.0/32},
		{[]int{64, 64}, "int4:g32:scale=f32", 5},
		{[]int{64, 64}, "int8:channel", 8 + 32.0/64},
		{[]int{64, 64}, "int8:channel:asym:scale=bf16", 8 + 24.0/64},
		{[]int{64, 64}, "int8", 8 + 32.0/4096},
		{[]int{64, 64}, "f16", 16},
		{[]int{64, 64}, "keep", 32},
		{[]int{4, 40}, "int4:g32", 4 + 2*16/40.0}, // a row ends with a group of 8
		{[]int{2, 8, 3, 3}, "int4:g32", 4 + 3*16/72.0},
		{[]int{32}, "int4:g32", 4.5},
		{[]int{2, 3}, "int3", (18 + 6 + 32) / 6.0}, // 18 bits of codes, up to whole bytes
		{[]int{64, 256}, "q4_K", 4.5},
		{[]int{64, 256}, "q6_K", 6.5625},
		{[]int{64, 256}, "iq2_xxs", 2.0625},
		{[]int{64, 256}, "tq1_0", 1.6875},
		{[]int{64, 256}, "mxfp4", 4.25},
		{[]int{64, 256}, "nvfp4", 4.5 + 32.0/16384},
		{[]int{64, 256}, "fp8_e4m3", 8 + 32.0/16384},
		{[]int{64, 256}, "fp8_e4m3:unscaled", 8},
		{[]int{64, 256}, "kmeans4:channel", 4 + 16*32.0/256},
		{[]int{64, 256}, "nf4:g64", 4.25},
		{[]int{64, 256}, "nf4:g64:scale=dq", 4 + (256*8+32+32)/16384.0}, // QLoRA's 0.127 bits, and one mean
	} {
		n := int64(1)
		for _, d := range c.shape {
			n *= int64(d)
		}
		if got := 8 * float64(mustParse(t, c.scheme).Bytes(c.shape, 4*n)) / float64(n); got != c.bpw {
			t.Errorf("%v %s: %v bpw, want %v", c.shape, c.scheme, got, c.bpw)
		}
	}
}

func TestACancelledMeasurementStops(t *testing.T) {
	tensor := gaussian(t, 256, 4096)
	sum := summarize(t, tensor)
	ctx, cancel := context.WithCancel(t.Context())
	seen := 0
	_, err := Measure(ctx, tensor, sum, mustParse(t, "int4:g32"), func(float64) {
		seen++
		cancel()
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	if seen > 4 {
		t.Errorf("%d chunks were measured after the cancel", seen)
	}
}

func BenchmarkMeasure(b *testing.B) {
	tensor := gaussian(b, 1024, 1024)
	sum := summarize(b, tensor)
	for _, scheme := range []string{"f16", "int8", "int4:g32", "int4:g32:round=stochastic", "int4:g32:range=mse", "int4:channel:range=mse"} {
		s := mustParse(b, scheme)
		b.Run("exact/"+scheme, func(b *testing.B) {
			b.SetBytes(4 << 20)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Measure(b.Context(), tensor, sum, s, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("estimate/"+scheme, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Estimate(b.Context(), tensor, sum, s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSummarize(b *testing.B) {
	tensor := gaussian(b, 1024, 1024)
	b.SetBytes(4 << 20)
	for b.Loop() {
		if _, err := Summarize(b.Context(), tensor, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// A weight near the end of float32 comes back beyond it: its error is infinite, and
// the pictures are of what is left.
func TestAnErrorBeyondFloat32HasPictures(t *testing.T) {
	x := tensorOf(t, []float32{0.5, -0.25, math.MaxFloat32, 0.125}, 1, 4)
	m, err := Measure(t.Context(), x, summarize(t, x), mustParse(t, "int8"), nil)
	if err != nil {
		t.Fatal(err)
	}
	counted := int64(0)
	for _, n := range m.Close.Bins {
		counted += n
	}
	if !math.IsInf(m.MaxAbs, 1) || counted < 3 || math.IsInf(m.Close.Hi, 0) {
		t.Errorf("largest error %v, %d weights from %v to %v", m.MaxAbs, counted, m.Close.Lo, m.Close.Hi)
	}
}
