package quant

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestTheTextbooksNumber(t *testing.T) {
	const x = 0.789654321
	for _, c := range []struct {
		scheme string
		bound  float32
		code   int32
		value  float64
	}{
		{"int8", 1.27, 79, 0.79},
		{"int8:round=trunc", 1.27, 78, 0.78},
		{"int8:round=floor", 1.27, 78, 0.78},
		{"int8:round=ceil", 1.27, 79, 0.79},
		{"int8", 1, 100, 100.0 / 127},
		{"f16", 1, 0, 0.78955078125},
		{"bf16", 1, 0, 0.7890625},
		{"f32", 1, 0, float64(float32(x))},
	} {
		got := Explain(x, mustParse(t, c.scheme), -c.bound, c.bound, 0)
		if got.Step.Code != c.code || math.Abs(float64(got.Step.Value)-c.value) > 1e-7 {
			t.Errorf("%s, ±%v: code %d, %v; want %d, %v", c.scheme, c.bound, got.Step.Code, got.Step.Value, c.code, c.value)
		}
	}
}

func TestAWeightIsExplainedAsItIsMeasured(t *testing.T) {
	tensor := gaussian(t, 3, 256)
	sum := summarize(t, tensor)
	rapid.Check(t, func(r *rapid.T) {
		s := anyScheme(r)
		if s.WhyNot(tensor.Shape) != "" {
			return
		}
		var y []float32
		err := Dequantize(t.Context(), tensor, sum, s, nil, func(part []float32) error {
			y = append(y, part...)
			return nil
		})
		if err != nil {
			r.Fatal(err)
		}
		first := rapid.IntRange(0, tensor.Len()-1).Draw(r, "first")
		traces, err := ExplainWeights(t.Context(), tensor, sum, s, first, min(20, tensor.Len()-first))
		if err != nil {
			r.Fatal(err)
		}
		for i, trace := range traces {
			if math.Float32bits(trace.Step.Value) != math.Float32bits(y[first+i]) && trace.Step.Value != y[first+i] {
				r.Fatalf("%s: weight %d comes back as %v, is explained as %v", s, first+i, y[first+i], trace.Step.Value)
			}
			if !slices.IsSorted(trace.Grid) || len(trace.Grid) > 4 {
				r.Fatalf("%s: grid %v", s, trace.Grid)
			}
			if trace.Map != nil && !slices.Contains(trace.Grid, trace.Step.Value) {
				r.Fatalf("%s: %v is not in the grid %v", s, trace.Step.Value, trace.Grid)
			}
		}
	})
}

func TestCodeBitsAreTheCode(t *testing.T) {
	for _, c := range []struct {
		x            float32
		scheme, want string
	}{
		{0.6, "int4", "0100"},
		{-0.6, "int4", "1100"},
		{-1, "int8", "10000001"},
		{1, "f16", "0 01111 0000000000"},
		{-2, "bf16", "1 10000000 0000000"},
		{1, "f32", "0 01111111 00000000000000000000000"},
	} {
		trace := Explain(c.x, mustParse(t, c.scheme), -1, 1, 0)
		if got := trace.CodeBits(); got != c.want {
			t.Errorf("%v at %s: %s, want %s", c.x, c.scheme, got, c.want)
		}
	}
}
