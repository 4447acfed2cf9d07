package quant

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

// gaussian returns a tensor of normal weights, σ = 0.1, whose channels differ
// in size by up to four times.
func gaussian(t testing.TB, shape ...int) *model.Tensor {
	t.Helper()
	n := 1
	for _, d := range shape {
		n *= d
	}
	draw := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, n)
	size := 1.0
	for i := range x {
		if i%(n/shape[0]) == 0 {
			size = 0.05 * (1 + 3*draw.Float64())
		}
		x[i] = float32(draw.NormFloat64() * size)
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

func summarize(t testing.TB, tensor *model.Tensor) *Summary {
	t.Helper()
	sum, err := Summarize(t.Context(), tensor, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func measure(t testing.TB, tensor *model.Tensor, scheme string) *Measurement {
	t.Helper()
	m, err := Measure(t.Context(), tensor, summarize(t, tensor), mustParse(t, scheme), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// shared returns a path in the folder of reference data, or skips the test
// where that folder is not at hand.
func shared(t testing.TB, path string) string {
	t.Helper()
	root := os.Getenv("BITDIAL_SHARED")
	if root == "" {
		t.Skip("BITDIAL_SHARED is not set")
	}
	return filepath.Join(root, path)
}

// schemesFor returns the schemes of someSchemes that fit a tensor of the given
// shape.
func schemesFor(shape ...int) (fit []string) {
	for _, text := range someSchemes {
		s, err := Parse(text)
		if err != nil {
			panic(err)
		}
		if s.WhyNot(shape) == "" {
			fit = append(fit, text)
		}
	}
	return fit
}
