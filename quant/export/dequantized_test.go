package export

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/files"
	"github.com/bitdial/bitdial/samples"
)

func animals(t *testing.T) *model.Model {
	t.Helper()
	m, err := samples.Open("animals")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func plan(t *testing.T, scheme string) quant.Plan {
	t.Helper()
	s, err := quant.Parse(scheme)
	if err != nil {
		t.Fatal(err)
	}
	return quant.Everywhere(quant.Choice{Scheme: s})
}

func weights(t *testing.T, tensor *model.Tensor) []float32 {
	t.Helper()
	x := make([]float32, tensor.Len())
	if err := tensor.Read(x, 0); err != nil {
		t.Fatal(err)
	}
	return x
}

// TestTheFileHoldsWhatWasMeasured compares the error between the two files
// with the measurement.
func TestTheFileHoldsWhatWasMeasured(t *testing.T) {
	m, p := animals(t), plan(t, "int4:g32:asym")
	path := filepath.Join(t.TempDir(), "out.safetensors")
	if err := Dequantized(t.Context(), path, m, p, false, nil); err != nil {
		t.Fatal(err)
	}
	out, err := files.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close() //nolint:errcheck // only read
	after := map[string]*model.Tensor{}
	for _, tensor := range out.Tensors {
		after[tensor.Name] = tensor
	}
	for _, tensor := range m.Tensors {
		sum, err := quant.Summarize(t.Context(), tensor, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := quant.Measure(t.Context(), tensor, sum, p.For(tensor), nil)
		if err != nil {
			t.Fatal(err)
		}
		x, y := weights(t, tensor), weights(t, after[tensor.Name])
		e2 := 0.0
		for i := range x {
			e := float64(x[i]) - float64(y[i])
			e2 += e * e
		}
		if diff := e2 - want.E2; diff > 1e-9*want.E2 || diff < -1e-9*want.E2 {
			t.Errorf("%s: squared error %v in the file, %v measured", tensor.Name, e2, want.E2)
		}
	}
}

func TestAnExistingFileIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.safetensors")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Dequantized(t.Context(), path, animals(t), plan(t, "int8"), false, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v, want one that says that the file exists", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestACancelledExportLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	err := Dequantized(ctx, filepath.Join(dir, "out.safetensors"), animals(t), plan(t, "int8"), false, func(float64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
