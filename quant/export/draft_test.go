package export

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// kinds are the ways to make a draft.
var kinds = []struct {
	ext   string
	draft func(m *model.Model, p quant.Plan) (*Draft, error)
}{
	{".gguf", func(m *model.Model, p quant.Plan) (*Draft, error) {
		g, err := PlanGGUF(m, p)
		if err != nil {
			return nil, err
		}
		return &g.Draft, nil
	}},
	{".safetensors", func(m *model.Model, p quant.Plan) (*Draft, error) {
		d, err := PlanSafetensors(m, p)
		if err != nil {
			return nil, err
		}
		return &d.Draft, nil
	}},
}

// found returns what is in dir, by name.
func found(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	items, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int64{}
	for _, item := range items {
		info, err := item.Info()
		if err != nil {
			t.Fatal(err)
		}
		sizes[item.Name()] = info.Size()
	}
	return sizes
}

// TestFilesHaveTheSizesThatWereForetold writes models of any shapes, in any number of
// files, and reads them back.
func TestFilesHaveTheSizesThatWereForetold(t *testing.T) {
	scheme := rapid.SampledFrom([]string{"f16", "bf16", "f32", "fp8_e4m3:unscaled", "fp8_e5m2:unscaled:round=trunc"})
	shape := rapid.SliceOfN(rapid.IntRange(0, 9), 0, 4)
	rapid.Check(t, func(rt *rapid.T) {
		m := made(t, rapid.SliceOfN(shape, 1, 8).Draw(rt, "shapes")...)
		for i := range m.Tensors[0].Len() % 5 {
			m.Metadata = append(m.Metadata, model.KeyValue{Key: fmt.Sprint("k", i), Value: strings.Repeat("ü", i)})
		}
		for _, kind := range kinds {
			text := scheme.Draw(rt, "scheme")
			if kind.ext == ".gguf" && strings.HasPrefix(text, "fp8") {
				text = "f16"
			}
			d, err := kind.draft(m, plan(t, text))
			if err != nil {
				rt.Fatal(err)
			}
			if err := d.Split(int64(rapid.IntRange(0, 3000).Draw(rt, "split"))); err != nil {
				rt.Fatal(err)
			}
			dir := t.TempDir()
			path := filepath.Join(dir, "out"+kind.ext)
			if err := d.Write(t.Context(), path, Writing{Verify: true}); err != nil {
				rt.Fatal(err)
			}
			files := d.Files(path)
			sizes := found(t, dir)
			if len(sizes) != len(files) {
				rt.Fatalf("%v, want %v", sizes, files)
			}
			for _, f := range files {
				if sizes[filepath.Base(f.Path)] != f.Bytes {
					rt.Errorf("%v, foretold %v", sizes, files)
				}
			}
			out := opened(t, files[0].Path)
			if len(out.Tensors) != len(m.Tensors) {
				rt.Errorf("%d tensors came back of %d", len(out.Tensors), len(m.Tensors))
			}
		}
	})
}

// TestSmallFloatsAreStoredAsTheyAreMeasured compares every float that safetensors
// stores with what comes back from its scheme.
func TestSmallFloatsAreStoredAsTheyAreMeasured(t *testing.T) {
	m := made(t, []int{7, 300}, []int{40})
	for text, want := range map[string]*model.DType{
		"f16": model.F16, "bf16": model.BF16, "f32": model.F32, "fp8_e4m3:unscaled": model.F8E4M3,
		"fp8_e5m2:unscaled": model.F8E5M2, "fp8_e4m3:unscaled:round=stochastic:seed=3": model.F8E4M3,
	} {
		p := plan(t, text)
		d, err := PlanSafetensors(m, p)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "out.safetensors")
		if err := d.Write(t.Context(), path, Writing{}); err != nil {
			t.Fatal(err)
		}
		for _, tensor := range opened(t, path).Tensors {
			of := m.Tensors[strings.Index("ab", tensor.Name)]
			if !quant.IsWeight(of) {
				if tensor.DType != model.F32 || !bytes.Equal(bytesOf(t, tensor), bytesOf(t, of)) {
					t.Errorf("%s: %s, which is kept, is %s with other bytes", text, tensor.Name, tensor.DType)
				}
				continue
			}
			sum, err := quant.Summarize(t.Context(), of, nil)
			if err != nil {
				t.Fatal(err)
			}
			var y []float32
			if err := quant.Dequantize(t.Context(), of, sum, p.For(of), nil, func(part []float32) error { y = append(y, part...); return nil }); err != nil {
				t.Fatal(err)
			}
			if tensor.DType != want || !slices.Equal(weights(t, tensor), y) {
				t.Errorf("%s: %s is %s and holds other values", text, tensor.Name, tensor.DType)
			}
		}
	}
}

func TestSafetensorsRefusesWhatItCannotStore(t *testing.T) {
	m := made(t, []int{2, 256})
	for _, text := range []string{"int4:g32", "q4_K", "fp8_e4m3", "fp8_e4m3:channel", "mxfp4"} {
		_, err := PlanSafetensors(m, plan(t, text))
		if err == nil || !strings.Contains(err.Error(), "a: safetensors cannot hold "+text) || !strings.Contains(err.Error(), "f16") {
			t.Errorf("%s: %v", text, err)
		}
	}
	g := written(t, m, plan(t, "q4_K"))
	if _, err := PlanSafetensors(g, quant.Plan{}); err == nil || !strings.Contains(err.Error(), "no type for Q4_K") {
		t.Error(err)
	}
}

// split writes three tensors as a file each and opens them.
func split(t *testing.T, ext string) *model.Model {
	t.Helper()
	for _, kind := range kinds {
		if kind.ext != ext {
			continue
		}
		d, err := kind.draft(made(t, []int{2, 256}, []int{3, 256}, []int{256}), plan(t, "f16"))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "in"+ext)
		if err := d.Split(1); err != nil {
			t.Fatal(err)
		}
		if err := d.Write(t.Context(), path, Writing{}); err != nil {
			t.Fatal(err)
		}
		return opened(t, d.Files(path)[0].Path)
	}
	panic(ext)
}

func TestASplitModelStaysSplit(t *testing.T) {
	for _, kind := range kinds {
		m := split(t, kind.ext)
		d, err := kind.draft(m, plan(t, "bf16"))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "out-00007-of-00009"+kind.ext)
		if err := d.Write(t.Context(), path, Writing{Verify: true}); err != nil {
			t.Fatal(err)
		}
		files := d.Files(path)
		out := opened(t, files[0].Path)
		for i, tensor := range out.Tensors {
			if want := fmt.Sprintf("out-%05d-of-00003%s", i+1, kind.ext); filepath.Base(tensor.File().Name()) != want {
				t.Errorf("%s is in %s, want %s", tensor.Name, tensor.File().Name(), want)
			}
		}
		if kind.ext == ".gguf" {
			for i, f := range out.Files {
				part := opened(t, f.Name()) // the whole model, from any of its files
				if got := value(part, "split.count") + value(part, "split.tensors.count"); got != "u16 3i32 3" {
					t.Errorf("part %d says %q", i, got)
				}
			}
			if got := value(out, "split.no"); got != "u16 0" {
				t.Errorf("split.no is %q", got)
			}
		}
		if err := d.Split(0); err != nil {
			t.Fatal(err)
		}
		whole := filepath.Join(t.TempDir(), "whole"+kind.ext)
		if err := d.Write(t.Context(), whole, Writing{}); err != nil {
			t.Fatal(err)
		}
		if one := opened(t, whole); len(one.Tensors) != 3 || value(one, "split.count") != "" {
			t.Errorf("%d tensors in one file, split.count %q", len(one.Tensors), value(one, "split.count"))
		}
	}
}

var errDisk = errors.New("no space left on device")

// TestPartsAppearTogetherOrNotAtAll lets the last of three files fail, over files that
// are there and where there are none.
func TestPartsAppearTogetherOrNotAtAll(t *testing.T) {
	for _, kind := range kinds {
		for _, before := range []bool{false, true} {
			m := split(t, kind.ext)
			d, err := kind.draft(m, plan(t, "bf16"))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			path := filepath.Join(dir, "out"+kind.ext)
			if before {
				for _, f := range d.Files(path) {
					if err := os.WriteFile(f.Path, []byte("old"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			was := found(t, dir)
			last := &d.outputs[len(d.outputs)-1]
			whole := last.write
			last.write = func(w io.Writer, data func(int, io.Writer) error) error {
				return whole(w, func(int, io.Writer) error { return errDisk })
			}
			if err := d.Write(t.Context(), path, Writing{Force: before}); !errors.Is(err, errDisk) {
				t.Errorf("%v, want %v", err, errDisk)
			}
			if is := found(t, dir); fmt.Sprint(is) != fmt.Sprint(was) {
				t.Errorf("%v became %v", was, is)
			}
			last.write = whole
			if err := d.Write(t.Context(), path, Writing{Force: before}); err != nil {
				t.Fatal(err)
			}
			if n := len(found(t, dir)); n != len(d.outputs) {
				t.Errorf("%d files are there, want %d", n, len(d.outputs))
			}
		}
	}
}

// flipped writes to w with the bit at one place changed.
type flipped struct {
	w  io.Writer
	at int64
}

func (f *flipped) Write(p []byte) (int, error) {
	if f.at >= 0 && f.at < int64(len(p)) {
		p = bytes.Clone(p)
		p[f.at] ^= 4
	}
	f.at -= int64(len(p))
	return f.w.Write(p)
}

// TestVerifyFindsOneBitThatChanged flips a bit of the data on their way to the disk.
func TestVerifyFindsOneBitThatChanged(t *testing.T) {
	for _, kind := range kinds {
		d, err := kind.draft(made(t, []int{4, 256}), plan(t, "f16"))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "out"+kind.ext)
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		whole := d.outputs[0].write
		d.outputs[0].write = func(w io.Writer, data func(int, io.Writer) error) error {
			return whole(&flipped{w, d.Size - 100}, data)
		}
		if err := d.Write(t.Context(), path, Writing{Force: true, Verify: true}); err == nil || !strings.Contains(err.Error(), `tensor "a" has the checksum`) {
			t.Errorf("%s: %v", kind.ext, err)
		}
		if b, err := os.ReadFile(path); string(b) != "old" || err != nil || len(found(t, dir)) != 1 {
			t.Errorf("%q is there, %v", b, found(t, dir))
		}
		d.outputs[0].write = whole
		if err := d.Write(t.Context(), path, Writing{Force: true, Verify: true}); err != nil {
			t.Error(err)
		}
	}
}

func TestNoTensorIsLostWhereFilesAreMixed(t *testing.T) {
	for _, kind := range kinds {
		m := split(t, kind.ext)
		slices.Reverse(m.Tensors)
		d, err := kind.draft(m, quant.Plan{})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "out"+kind.ext)
		if err := d.Write(t.Context(), path, Writing{}); err != nil {
			t.Fatal(err)
		}
		if out := opened(t, d.Files(path)[0].Path); len(out.Tensors) != 3 {
			t.Errorf("%s: %d tensors of 3", kind.ext, len(out.Tensors))
		}
	}
}
