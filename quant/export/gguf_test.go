package export

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/files"
)

// made returns a model of F32 tensors called a, b, … of these shapes.
func made(t *testing.T, shapes ...[]int) *model.Model {
	t.Helper()
	m := &model.Model{Name: "made", Format: "safetensors"}
	for i, shape := range shapes {
		n, _ := model.Count(shape)
		x, b := make([]float32, n), make([]byte, 4*n)
		for j := range x {
			x[j] = float32(math.Sin(float64(j*(i+1)))) * 0.1
		}
		model.F32.Encode(b, x)
		tensor, err := model.NewTensor(string(rune('a'+i)), model.F32, shape, model.NewFile("made", b), 0)
		if err != nil {
			t.Fatal(err)
		}
		m.Tensors = append(m.Tensors, tensor)
	}
	return m
}

// corpus opens a file of the corpus.
func corpus(t *testing.T, name string) *model.Model {
	t.Helper()
	shared := os.Getenv("BITDIAL_SHARED")
	if shared == "" {
		t.Skip("BITDIAL_SHARED is not set: it names the folder of corpus/ and golden/")
	}
	return opened(t, filepath.Join(shared, "corpus", name))
}

func opened(t *testing.T, path string) *model.Model {
	t.Helper()
	m, err := files.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() }) // only read
	return m
}

// written writes m as p has it and opens the file, which must have the size that
// was foretold.
func written(t *testing.T, m *model.Model, p quant.Plan) *model.Model {
	t.Helper()
	g, err := PlanGGUF(m, p)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "out.gguf")
	share := 0.0
	if err := g.Write(t.Context(), path, Writing{Progress: func(s float64) { share = s }}); err != nil {
		t.Fatal(err)
	}
	files, size := g.Files(path), int64(0)
	for _, f := range files {
		info, err := os.Stat(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if size += f.Bytes; info.Size() != f.Bytes {
			t.Errorf("%s has %d bytes, %d were foretold", f.Path, info.Size(), f.Bytes)
		}
	}
	if size != g.Size {
		t.Errorf("%d bytes were foretold, of all files %d", size, g.Size)
	}
	if share != 1 {
		t.Errorf("the progress ended at %v", share)
	}
	return opened(t, files[0].Path)
}

func bytesOf(t *testing.T, tensor *model.Tensor) []byte {
	t.Helper()
	b := make([]byte, tensor.Bytes())
	if err := tensor.ReadRaw(b, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

// value returns the metadata of m under key.
func value(m *model.Model, key string) string {
	for _, kv := range m.Metadata {
		if kv.Key == key {
			return kv.Type + " " + kv.Value
		}
	}
	return ""
}

// TestEveryPackingIsWrittenAsItsKernelPacks writes rows of several lengths, some
// more than a worker takes at a time, in every format of ggml.
func TestEveryPackingIsWrittenAsItsKernelPacks(t *testing.T) {
	m := made(t, []int{3, 256}, []int{2, 3, 512}, []int{5, 33 * 1024}, []int{256})
	for _, f := range kernels.Formats {
		if f.Packing == nil {
			continue
		}
		if f.Packing.Slow() && testing.Short() {
			continue
		}
		tensors := m.Tensors
		if f.Packing.Slow() {
			tensors = tensors[:2]
		}
		some := &model.Model{Name: m.Name, Format: m.Format, Tensors: tensors}
		out := written(t, some, quant.Everywhere(quant.Choice{Scheme: quant.Scheme{Format: f}}))
		for i, tensor := range out.Tensors {
			if !quant.IsWeight(tensor) {
				if tensor.DType != model.F32 {
					t.Errorf("%s became %s, with no rule for it", tensor.Name, tensor.DType)
				}
				continue
			}
			x := weights(t, m.Tensors[i])
			row := tensor.Shape[len(tensor.Shape)-1]
			var want []byte
			for at := 0; at < len(x); at += row {
				b := make([]byte, row/f.Packing.Block*f.Packing.Bytes)
				var importance []float32
				if f.Packing.NeedsImportance {
					importance = slices.Repeat([]float32{1}, row)
				}
				f.Packing.Quantize(b, x[at:at+row], importance)
				want = append(want, b...)
			}
			if tensor.DType.Packing != f.Packing || !bytes.Equal(bytesOf(t, tensor), want) {
				t.Errorf("%s: %s of %v holds other bytes", f.Name, tensor.DType, tensor.Shape)
			}
		}
	}
}

// TestTheFileHoldsWhatWasMeasuredInEveryTypeOfGGUF compares weights with the round
// trip that is measured.
func TestTheFileHoldsWhatWasMeasuredInEveryTypeOfGGUF(t *testing.T) {
	m := made(t, []int{7, 512})
	for _, scheme := range []string{"f32", "f16", "bf16", "q8_0", "q4_0:search=optimal", "mxfp4_ggml", "q6_K"} {
		p := plan(t, scheme)
		sum, err := quant.Summarize(t.Context(), m.Tensors[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		var want []float32
		err = quant.Dequantize(t.Context(), m.Tensors[0], sum, p.Default.Scheme, nil, func(y []float32) error {
			want = append(want, y...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(weights(t, written(t, m, p).Tensors[0]), want) {
			t.Errorf("%s: the file holds other weights", scheme)
		}
	}
}

func TestWhatIsKeptIsCopiedByteForByte(t *testing.T) {
	for _, name := range []string{"silero_every_type", "silero_align64", "silero_v2", "silero_split-00002-of-00002"} {
		m := corpus(t, "gguf/"+name+".gguf")
		out := written(t, m, quant.Plan{})
		if len(out.Tensors) != len(m.Tensors) {
			t.Fatalf("%s: %d tensors became %d", name, len(m.Tensors), len(out.Tensors))
		}
		for i, tensor := range m.Tensors {
			o := out.Tensors[i]
			if o.Name != tensor.Name || o.DType != tensor.DType || !slices.Equal(o.Shape, tensor.Shape) || !bytes.Equal(bytesOf(t, o), bytesOf(t, tensor)) {
				t.Errorf("%s: %s is another", name, tensor.Name)
			}
		}
		for _, key := range []string{"split.no", "split.count", "split.tensors.count"} {
			if got, want := value(out, key), value(m, key); got != want {
				t.Errorf("%s: %s is %q, want %q", name, key, got, want)
			}
		}
		unsplit := func(kvs []model.KeyValue) []model.KeyValue {
			return slices.DeleteFunc(slices.Clone(kvs), func(kv model.KeyValue) bool { return strings.HasPrefix(kv.Key, "split.") })
		}
		got, want := unsplit(out.Metadata), unsplit(m.Metadata)
		if !slices.Equal(got[:len(want)], want) {
			t.Errorf("%s: metadata %v, want %v", name, got, want)
		}
		if more := got[len(want):]; len(more) > 1 || len(more) == 1 && more[0].Key != "general.quantization_version" {
			t.Errorf("%s: metadata %v were added", name, more)
		}
	}
}

func TestTheFileTypeIsThatOfMostWeights(t *testing.T) {
	m := made(t, []int{4, 256}, []int{2, 256}, []int{100_000})
	for scheme, want := range map[string]string{
		"f16": "u32 1", "bf16": "u32 32", "q8_0": "u32 7", "q4_K": "u32 15", "q2_K": "u32 10", "iq4_nl": "u32 25", "mxfp4_ggml": "u32 38", "q1_0": "u32 40",
	} {
		p := plan(t, scheme).With("b", plan(t, "q6_K").Default)
		out := written(t, m, p)
		if got := value(out, "general.file_type"); got != want {
			t.Errorf("%s: general.file_type is %s, want %s", scheme, got, want)
		}
		if got := value(out, "general.quantization_version"); got != "u32 2" {
			t.Errorf("general.quantization_version is %s", got)
		}
	}
}

// TestWhatIsInTheRightTypeIsNotQuantizedAgain takes a file with a tensor of each
// type to q4_K.
func TestWhatIsInTheRightTypeIsNotQuantizedAgain(t *testing.T) {
	m := corpus(t, "gguf/silero_every_type.gguf")
	out := written(t, m, plan(t, "q4_K"))
	g, err := PlanGGUF(m, plan(t, "q4_K"))
	if err != nil {
		t.Fatal(err)
	}
	for i, tensor := range m.Tensors {
		p := g.Tensors[i]
		if want := tensor.DType.Packing != nil && tensor.DType.Name != "Q4_K"; p.Requantized() != want {
			t.Errorf("%s, %s: requantized %t", tensor.Name, tensor.DType, p.Requantized())
		}
		if !quant.IsWeight(tensor) {
			continue
		}
		want := make([]byte, p.Size)
		if kernel := kernels.FormatOf("q4_K").Packing; tensor.DType.Packing == kernel {
			want = bytesOf(t, tensor)
		} else {
			kernel.Quantize(want, weights(t, tensor), nil)
		}
		if !bytes.Equal(bytesOf(t, out.Tensors[i]), want) {
			t.Errorf("%s holds other bytes", tensor.Name)
		}
	}
}

func TestWhatGGUFCannotHoldIsRefusedByName(t *testing.T) {
	m := made(t, []int{2, 64}, []int{2, 256}, []int{2, 7})
	for scheme, want := range map[string]string{
		"int4:g32": "a: GGUF cannot hold int4:g32; near it these fit: mxfp4_ggml q4_0 iq4_nl",
		"nf4:g64":  "a: GGUF cannot hold nf4:g64",
		"mxfp4":    "mxfp4_ggml",
		"int8":     "q8_0",
		"fp8_e4m3": "q8_0",
	} {
		if _, err := PlanGGUF(m, plan(t, scheme)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", scheme, err, want)
		}
	}
	if _, err := PlanGGUF(m, plan(t, "f16").With("c", plan(t, "int4").Default)); err == nil || !strings.Contains(err.Error(), "c: ") || !strings.Contains(err.Error(), "f16") {
		t.Errorf("error %v, want one that names c and f16", err)
	}
	u8, err := model.NewTensor("mask", model.Bool, []int{4}, model.NewFile("m", make([]byte, 4)), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := PlanGGUF(&model.Model{Tensors: []*model.Tensor{u8}}, quant.Plan{}); err == nil || !strings.Contains(err.Error(), "mask: GGUF has no type for BOOL") {
		t.Errorf("error %v", err)
	}
}

// TestWeightsWithoutACodeAreRefusedByIndex writes NaN, an infinity, and weights
// whose block scale would be infinite.
func TestWeightsWithoutACodeAreRefusedByIndex(t *testing.T) {
	const at = 300_001
	for _, test := range []struct {
		scheme string
		weight float32
		says   string
	}{
		{"q4_K", float32(math.NaN()), "a: weight 300001 is NaN: q4_K has no code for it"},
		{"iq4_nl", float32(math.Inf(-1)), "a: weight 300001 is -Inf: iq4_nl has no code for it"},
		{"q8_0", 3e38, "too large for the scale that a block of q8_0 has"},
		{"f16", float32(math.NaN()), ""},
		{"f16", 3e38, ""},
	} {
		b := make([]byte, 4*4*(1<<17))
		model.F32.Encode(b[4*at:4*at+4], []float32{test.weight})
		tensor, err := model.NewTensor("a", model.F32, []int{4 << 8, 512}, model.NewFile("m", b), 0)
		if err != nil {
			t.Fatal(err)
		}
		m := &model.Model{Tensors: []*model.Tensor{tensor}}
		g, err := PlanGGUF(m, plan(t, test.scheme))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		err = g.Write(t.Context(), filepath.Join(dir, "out.gguf"), Writing{})
		left, _ := os.ReadDir(dir)
		switch {
		case test.says == "" && err != nil:
			t.Errorf("%s of %v: %v", test.scheme, test.weight, err)
		case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says) || len(left) > 0):
			t.Errorf("%s of %v: error %v, %d files left; want %q", test.scheme, test.weight, err, len(left), test.says)
		}
	}
}

func TestACancelledGGUFLeavesNothing(t *testing.T) {
	g, err := PlanGGUF(made(t, []int{64, 65536}), plan(t, "q4_K"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	err = g.Write(ctx, filepath.Join(dir, "out.gguf"), Writing{Progress: func(float64) { cancel() }})
	if left, e := os.ReadDir(dir); !errors.Is(err, context.Canceled) || e != nil || len(left) > 0 {
		t.Errorf("error %v; %v is left, %v", err, left, e)
	}
}

func TestAModelOfAnotherFormatIsNamedAndSaysWhatIsMissing(t *testing.T) {
	m := made(t, []int{2, 32})
	m.Metadata = []model.KeyValue{{Key: "format", Value: "pt"}, {Key: "general.alignment", Value: "x"}}
	if why := Missing(m); !strings.Contains(why, "general.architecture") {
		t.Errorf("%q", why)
	}
	out := written(t, m, plan(t, "q8_0"))
	if value(out, "general.name") != "str made" || value(out, "format") != "str pt" || value(out, "general.alignment") != "" {
		t.Errorf("metadata %v", out.Metadata)
	}
	if Missing(out) != "" {
		t.Errorf("a GGUF model misses %q", Missing(out))
	}
}

// TestAKeptSplitIsTheSameFiles compares them with those that were read, whose writer was another.
func TestAKeptSplitIsTheSameFiles(t *testing.T) {
	m := corpus(t, "gguf/silero_split-00001-of-00002.gguf")
	out := written(t, m, quant.Plan{})
	for i, f := range out.Files {
		got, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(m.Files[i].Name())
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Files) != 2 || !bytes.Equal(got, want) {
			t.Errorf("%s holds other bytes than %s", f.Name(), m.Files[i].Name())
		}
	}
}
