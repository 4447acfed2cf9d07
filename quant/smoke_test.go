package quant

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

func randomTensor(t testing.TB, shape ...int) *model.Tensor {
	t.Helper()
	n := 1
	for _, d := range shape {
		n *= d
	}
	draw := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(draw.NormFloat64()) * 0.1
	}
	return tensorOf(t, x, shape...)
}

func tensorOf(t testing.TB, x []float32, shape ...int) *model.Tensor {
	t.Helper()
	data := make([]byte, 4*len(x))
	model.F32.Encode(data, x)
	tensor, err := model.NewTensor("weight", model.F32, shape, model.NewFile("memory", data), 0)
	if err != nil {
		t.Fatal(err)
	}
	return tensor
}

func mustParse(t testing.TB, text string) Scheme {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSmoke(t *testing.T) {
	tensor := randomTensor(t, 1024, 1024)
	ctx := context.Background()
	sum, err := Summarize(ctx, tensor, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"keep", "f16", "bf16", "int8", "int8:channel", "int4:g32", "int4:g32:asym", "int4:range=mse", "int4:channel:range=p99.9", "int3:g64:range=mse", "int2:channel:range=mse", "int8:range=full"} {
		s := mustParse(t, text)
		m, err := Measure(ctx, tensor, sum, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Estimate(ctx, tensor, sum, s)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%-26s %8.3f bpw %7.3f dB  est %7.3f [%7.3f %7.3f] clip %.4f zero %.4f cos %.6f\n", s, m.BPW(), m.SQNR(), e.SQNR(), e.SQNRLo, e.SQNRHi, m.ClippedShare(), m.ZeroShare(), m.Cosine())
	}
}

func BenchmarkMeasure(b *testing.B) {
	tensor := randomTensor(b, 1024, 1024)
	ctx := context.Background()
	sum, _ := Summarize(ctx, tensor, nil)
	for _, text := range []string{"f16", "int8", "int4:g32", "int4:g32:round=stochastic", "int4:g32:range=mse", "int4:channel:range=mse"} {
		s := mustParse(b, text)
		b.Run(text, func(b *testing.B) {
			b.SetBytes(4 << 20)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Measure(ctx, tensor, sum, s, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("≈"+text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Estimate(ctx, tensor, sum, s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("Summarize", func(b *testing.B) {
		b.SetBytes(4 << 20)
		for b.Loop() {
			if _, err := Summarize(ctx, tensor, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
