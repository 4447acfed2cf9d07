package export

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/imatrix"
)

// matrix returns an importance matrix of these values, by tensor.
func matrix(t *testing.T, values map[string][]float32) *imatrix.Matrix {
	t.Helper()
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(values)))
	for name, list := range values {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(name))), name...)
		b = binary.LittleEndian.AppendUint32(b, 1)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(list)))
		for _, v := range list {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	m, err := imatrix.Parse("some/imatrix.dat", b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestImportanceGivesTheBytesOfTheReference packs rows that the reference has
// packed, with and without the same importance.
func TestImportanceGivesTheBytesOfTheReference(t *testing.T) {
	shared := os.Getenv("BITDIAL_SHARED")
	if shared == "" {
		t.Skip("BITDIAL_SHARED is not set: it names the folder of corpus/ and golden/")
	}
	golden := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(shared, "golden", "ggml", name))
		if err != nil {
			return nil
		}
		return b
	}
	x, row := golden("input.f32"), make([]float32, 1024)
	model.F32.Decode(row, golden("imatrix.f32"))
	tensor, err := model.NewTensor("w", model.F32, []int{32, 1024}, model.NewFile("m", x), 0)
	if err != nil {
		t.Fatal(err)
	}
	m := &model.Model{Name: "m", Format: "safetensors", Tensors: []*model.Tensor{tensor}}
	guide := matrix(t, map[string][]float32{"w": row})
	seen := 0
	for _, f := range kernels.Formats {
		if f.Packing == nil {
			continue
		}
		g, err := PlanGGUF(m, quant.Everywhere(quant.Choice{Scheme: quant.Scheme{Format: f}}))
		if err != nil {
			t.Fatal(err)
		}
		want := golden(f.Packing.Name + ".imatrix.bin")
		if want == nil { // the same without
			want = golden(f.Packing.Name + ".bin")
		}
		if without, err := g.Guide(guide); err != nil || without != 0 {
			t.Fatalf("%d tensors without, %v", without, err)
		}
		path := filepath.Join(t.TempDir(), "out.gguf")
		if err := g.Write(t.Context(), path, Writing{}); err != nil {
			t.Fatal(err)
		}
		out := opened(t, path)
		if got := bytesOf(t, out.Tensors[0]); !bytes.Equal(got, want) {
			t.Errorf("%s: other bytes than the reference's", f.Name)
		}
		if value(out, "quantize.imatrix.file") != "str imatrix.dat" || value(out, "quantize.imatrix.entries_count") != "u32 1" {
			t.Errorf("metadata %v", out.Metadata)
		}
		seen++
	}
	if seen != len(kernels.Packings) {
		t.Errorf("%d formats", seen)
	}
}

// TestEachExpertHasImportanceOfItsOwn compares a tensor of three experts with
// three tensors.
func TestEachExpertHasImportanceOfItsOwn(t *testing.T) {
	const row = 256
	m := made(t, []int{3, 5, row})
	values := make([]float32, 3*row)
	for i := range values {
		values[i] = float32((i*i)%97) / 7
	}
	g, err := PlanGGUF(m, plan(t, "q4_K"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Guide(matrix(t, map[string][]float32{"a": values})); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "out.gguf")
	if err := g.Write(t.Context(), path, Writing{}); err != nil {
		t.Fatal(err)
	}
	x := weights(t, m.Tensors[0])
	var want []byte
	for i := range 15 {
		b := make([]byte, 144)
		kernels.FormatOf("q4_K").Packing.Quantize(b, x[i*row:][:row], values[i/5*row:][:row])
		want = append(want, b...)
	}
	if !bytes.Equal(bytesOf(t, opened(t, path).Tensors[0]), want) {
		t.Error("the experts do not have their own importance")
	}
}

func TestImportanceThatDoesNotFitIsRefused(t *testing.T) {
	m := made(t, []int{5, 256}, []int{5, 256}, []int{2, 32})
	g, err := PlanGGUF(m, plan(t, "q4_K").With("c", plan(t, "q8_0").Default))
	if err != nil {
		t.Fatal(err)
	}
	if without, err := g.Guide(matrix(t, map[string][]float32{"a": slices.Repeat([]float32{1}, 256)})); err != nil || without != 1 {
		t.Errorf("%d tensors without importance, %v; want b alone, since q8_0 does not use it", without, err)
	}
	_, err = g.Guide(matrix(t, map[string][]float32{"b": slices.Repeat([]float32{1}, 255)}))
	if err == nil || !strings.Contains(err.Error(), `"b" has 255 values, the tensor has shape [5 256]`) {
		t.Errorf("error %v", err)
	}
}
