package export

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/x448/float16"

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

// dequantized writes m as p has it to a safetensors file.
func dequantized(ctx context.Context, path string, m *model.Model, p quant.Plan, force bool, progress func(float64)) error {
	d, err := PlanDequantized(m, p)
	if err != nil {
		return err
	}
	return d.Write(ctx, path, Writing{Force: force, Progress: progress})
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
	if err := dequantized(t.Context(), path, m, p, false, nil); err != nil {
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
	if err := dequantized(t.Context(), path, animals(t), plan(t, "int8"), false, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v, want one that says that the file exists", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestACancelledExportLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	err := dequantized(ctx, filepath.Join(dir, "out.safetensors"), animals(t), plan(t, "int8"), false, func(float64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// TestBlocksBecomeFloats writes tensors that are quantized already: what is kept
// has the weights that the blocks stand for, and everything else comes back
// from its scheme.
func TestBlocksBecomeFloats(t *testing.T) {
	m := &model.Model{Metadata: []model.KeyValue{
		{Key: "general.architecture", Value: "llama", Type: "str"},
		{Key: "llama.block_count", Value: "2", Type: "u32"},
		{Key: "general.alignment", Value: "32", Type: "u32"},
		{Key: "split.count", Value: "2", Type: "u16"},
		{Key: "tokenizer.ggml.tokens", Value: `["a", …]`, Type: "[]str", Items: 9},
	}}
	for i, d := range []*model.DType{model.Blocks[9], model.Blocks[0], model.F16} {
		size, _ := d.Size(512)
		b := make([]byte, size)
		for j := range b {
			b[j] = byte(j*7) & 0x3b // small scales, no NaN
		}
		f := model.NewFile("m", b)
		tensor, err := model.NewTensor([]string{"kept", "cast", "half"}[i], d, []int{2, 256}, f, 0)
		if err != nil {
			t.Fatal(err)
		}
		m.Tensors = append(m.Tensors, tensor)
	}
	path := filepath.Join(t.TempDir(), "out.safetensors")
	share := 0.0
	p := quant.Plan{}.With("cast", plan(t, "f16").Default)
	if err := dequantized(t.Context(), path, m, p, false, func(s float64) { share = s }); err != nil {
		t.Fatal(err)
	}
	if share != 1 {
		t.Errorf("the progress ended at %v", share)
	}
	out, err := files.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close() //nolint:errcheck // only read
	for _, tensor := range out.Tensors {
		i := slices.IndexFunc(m.Tensors, func(t *model.Tensor) bool { return t.Name == tensor.Name })
		want := weights(t, m.Tensors[i])
		if tensor.Name == "cast" {
			for j, x := range want {
				want[j] = float16.Fromfloat32(x).Float32()
			}
		}
		if d := map[string]*model.DType{"half": model.F16}[tensor.Name]; d == nil && tensor.DType != model.F32 || d != nil && tensor.DType != d {
			t.Errorf("%s is %s", tensor.Name, tensor.DType)
		}
		if !slices.Equal(weights(t, tensor), want) {
			t.Errorf("%s holds other weights", tensor.Name)
		}
	}
	if want := []model.KeyValue{{Key: "general.architecture", Value: "llama"}, {Key: "llama.block_count", Value: "2"}}; !slices.Equal(out.Metadata, want) {
		t.Errorf("metadata %v, want %v", out.Metadata, want)
	}
}
