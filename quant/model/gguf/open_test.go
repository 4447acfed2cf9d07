package gguf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/modeltest"
	"github.com/bitdial/bitdial/quant/model/safetensors"
)

func TestFilesAreRecognisedByContentAndByName(t *testing.T) {
	for _, c := range []struct {
		name, head string
		want       bool
	}{
		{"model.bin", "GGUF\x03", true},
		{"model.bin", "FUGG\x00", true},
		{"model.bin", "GGU", false},
		{"damaged.gguf", "rubbish", true},
		{"notes.txt", "What GGUF is", false},
	} {
		if got := Recognises(c.name, []byte(c.head)); got != c.want {
			t.Errorf("%s, %q: %t", c.name, c.head, got)
		}
	}
}

// corpus returns the paths that match pattern in a folder of the corpus.
func corpus(t testing.TB, folder, pattern string) []string {
	t.Helper()
	shared := os.Getenv("BITDIAL_SHARED")
	if shared == "" {
		t.Skip("BITDIAL_SHARED is not set: it names the folder of corpus/ and golden/")
	}
	paths, err := filepath.Glob(filepath.Join(shared, "corpus", folder, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("nothing in the corpus: %v", err)
	}
	return paths
}

// opened opens the model at path for the test.
func opened(t testing.TB, path string) *model.Model {
	t.Helper()
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func weights(t testing.TB, w *model.Tensor) []float32 {
	t.Helper()
	x := make([]float32, w.Len())
	if err := w.Read(x, 0); err != nil {
		t.Fatal(err)
	}
	return x
}

// original returns the weights that the corpus' GGUF files were made of.
func original(t testing.TB, name string) []float32 {
	t.Helper()
	m, err := safetensors.Open(corpus(t, "safetensors", "silero_vad_16k.safetensors")[0])
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close() //nolint:errcheck // only read
	for _, w := range m.Tensors {
		if w.Name == name {
			return weights(t, w)
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

// relative returns Σ(x−y)²/Σx².
func relative(x, y []float32) float64 {
	e, s := 0.0, 0.0
	for i := range x {
		d := float64(x[i]) - float64(y[i])
		e += d * d
		s += float64(x[i]) * float64(x[i])
	}
	return e / s
}

// lost returns what packing x costs, of its energy.
func lost(p *kernels.Packing, x []float32) float64 {
	const row = 256
	importance := slices.Repeat([]float32{1}, row)
	b, y := make([]byte, row/p.Block*p.Bytes), make([]float32, len(x))
	for i := 0; i < len(x); i += row {
		p.Quantize(b, x[i:i+row], importance)
		p.Dequantize(y[i:i+row], b)
	}
	return relative(x, y)
}

func TestEveryTypeIsReadAsItsPackingUnpacksIt(t *testing.T) {
	path := corpus(t, "gguf", "silero_every_type.gguf")[0]
	m := opened(t, path)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := ReadHeader(model.NewFile(path, file))
	if err != nil {
		t.Fatal(err)
	}
	x := original(t, "lstm_cell.weight_hh")
	seen := 0
	for i, w := range m.Tensors {
		y := weights(t, w)
		if w.Len() == len(x) {
			bound := map[string]float64{"F16": 1e-7, "BF16": 1e-5}[w.DType.Name]
			if w.DType.Packing != nil {
				bound = 1.7 * lost(w.DType.Packing, x) // the file's maker had other importance weights
			}
			if got := relative(x, y); got > bound {
				t.Errorf("%s: %.3g of the energy is lost, at most %.3g is right", w.Name, got, bound)
			}
		}
		p := w.DType.Packing
		if p == nil {
			continue
		}
		seen++
		if !strings.Contains(w.Name, "."+p.Name+".") {
			t.Errorf("%s is read as %s", w.Name, w.DType)
		}
		raw := file[h.Tensors[i].Offset:][:w.Bytes()]
		z := make([]float32, len(y))
		p.Dequantize(z, raw)
		if !slices.Equal(y, z) {
			t.Errorf("%s: other weights than its packing has", w.Name)
		}
		copied := make([]byte, w.Bytes())
		if err := w.ReadRaw(copied, 0); err != nil || !bytes.Equal(copied, raw) {
			t.Errorf("%s: other bytes than the file has, %v", w.Name, err)
		}
	}
	if seen != len(kernels.Packings) {
		t.Errorf("%d types of blocks, want %d", seen, len(kernels.Packings))
	}
}

func TestAnyRangeIsPartOfTheWhole(t *testing.T) {
	m := opened(t, corpus(t, "gguf", "silero_every_type.gguf")[0])
	random := rand.New(rand.NewPCG(3, 4))
	for _, w := range m.Tensors {
		whole := weights(t, w)
		for range 200 {
			from := random.IntN(w.Len() + 1)
			dst := make([]float32, random.IntN(min(2000, w.Len()-from+1)))
			if err := w.Read(dst, from); err != nil || !slices.Equal(dst, whole[from:from+len(dst)]) {
				t.Fatalf("%s: %d weights from %d on differ, %v", w.Name, len(dst), from, err)
			}
		}
	}
}

func TestVersionTwoAndAnotherAlignmentHoldTheSameWeights(t *testing.T) {
	a := opened(t, corpus(t, "gguf", "silero_align64.gguf")[0])
	b := opened(t, corpus(t, "gguf", "silero_v2.gguf")[0])
	if !slices.Equal(a.Metadata, b.Metadata) {
		t.Errorf("%v\n%v", a.Metadata, b.Metadata)
	}
	for i, w := range a.Tensors {
		x, y, z := original(t, w.Name), weights(t, w), weights(t, b.Tensors[i])
		if !slices.Equal(y, z) || relative(x, y) > 1e-4 {
			t.Errorf("%s: %.3g of the energy is lost, the versions agree: %t", w.Name, relative(x, y), slices.Equal(y, z))
		}
	}
}

func TestASplitModelIsOpenedByAnyOfItsFilesOrTheirFolder(t *testing.T) {
	dir := t.TempDir()
	for _, path := range corpus(t, "gguf", "silero_split-*.gguf") {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, second := filepath.Join(dir, "silero_split-00001-of-00002.gguf"), filepath.Join(dir, "silero_split-00002-of-00002.gguf")
	for _, path := range []string{first, second, dir} {
		m := opened(t, path)
		if m.Name != "silero_split" || m.Path != path || len(m.Tensors) != 3 || len(m.Files) != 2 || m.Metadata[0].Value != "silero-vad" {
			t.Errorf("%s: %q of %d tensors in %d files", m.Path, m.Name, len(m.Tensors), len(m.Files))
		}
		for _, w := range m.Tensors {
			if e := relative(original(t, w.Name), weights(t, w)); e > 1e-6 {
				t.Errorf("%s: %.3g of the energy is lost", w.Name, e)
			}
		}
	}
	if err := os.Rename(second, filepath.Join(dir, "other.gguf")); err != nil {
		t.Fatal(err)
	}
	_, err := Open(first)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), second) || !strings.Contains(err.Error(), ruleSplitMissing) {
		t.Errorf("got %v", err)
	}
}

// written writes a file of a split model of two with one tensor and returns its
// path.
func written(t *testing.T, dir, name string, number, files, tensors int, tensor string) string {
	t.Helper()
	i := little(1, 3).kv("split.no", Uint16).raw(byte(number), 0).kv("split.count", Uint16).raw(byte(files), 0)
	i.kv("split.tensors.count", Int32).u32(tensors)
	i.tensor(tensor, 0, 0, 1).pad(32).zeros(32)
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, i.b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLiesAboutASplitModelAreNamed(t *testing.T) {
	type file struct {
		name                   string
		number, files, tensors int
		tensor                 string
	}
	const one, two = "m-00001-of-00002.gguf", "m-00002-of-00002.gguf"
	for _, c := range []struct {
		lie   string
		files []file
		rule  string
	}{
		{"another name", []file{{"m.gguf", 0, 2, 2, "a"}}, ruleSplitName},
		{"a part of none", []file{{"m-00001-of-00000.gguf", 0, 2, 2, "a"}}, ruleSplitName},
		{"no second", []file{{one, 0, 2, 2, "a"}}, ruleSplitMissing},
		{"the first twice", []file{{one, 0, 2, 2, "a"}, {two, 0, 2, 2, "b"}}, ruleSplitNumber},
		{"another count", []file{{one, 0, 2, 2, "a"}, {two, 1, 3, 2, "b"}}, ruleSplitNumber},
		{"a whole model for the second", []file{{one, 0, 2, 2, "a"}, {two, 0, 0, 0, "b"}}, ruleSplitNumber},
		{"the same tensor", []file{{one, 0, 2, 2, "a"}, {two, 1, 2, 2, "a"}}, ruleSplitTwice},
		{"another total", []file{{one, 0, 2, 3, "a"}, {two, 1, 2, 3, "b"}}, ruleSplitTotal},
	} {
		dir := t.TempDir()
		for _, f := range c.files {
			written(t, dir, f.name, f.number, f.files, f.tensors, f.tensor)
		}
		_, err := Open(filepath.Join(dir, c.files[0].name))
		if broken := (*model.Error)(nil); !errors.As(err, &broken) || broken.Rule != c.rule {
			t.Errorf("%s: %v", c.lie, err)
		}
	}
}

func TestAFolderOfSeveralModelsIsAmbiguous(t *testing.T) {
	dir := t.TempDir()
	a := written(t, dir, "a.gguf", 0, 1, 1, "w")
	if m := opened(t, dir); m.Name != "a" {
		t.Errorf("%q", m.Name)
	}
	written(t, dir, ".b.gguf", 0, 1, 1, "w") // a download under way
	opened(t, dir)
	written(t, dir, "b.gguf", 0, 1, 1, "w")
	_, err := Open(dir)
	if err == nil || !strings.Contains(err.Error(), ruleManyModels) || !strings.Contains(err.Error(), "b.gguf") {
		t.Errorf("got %v", err)
	}
	if _, err := Open(a); err != nil {
		t.Error(err)
	}
}

func TestHostileFilesAreRefusedByARule(t *testing.T) {
	for _, path := range corpus(t, "hostile", "*.gguf") {
		_, err := Open(path)
		var broken *model.Error
		if !errors.As(err, &broken) || broken.Rule == "" || broken.Offset < 0 || broken.File != path {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// vocabulary returns a file of n tokens with scores and kinds, without tensors.
func vocabulary(n int) []byte {
	i := little(0, 3).kv("tokenizer.ggml.tokens", Array).array(String, n)
	for k := range n {
		i.str(fmt.Sprintf("token%d", k))
	}
	i.kv("tokenizer.ggml.scores", Array).array(Float32, n).zeros(4 * n)
	i.kv("tokenizer.ggml.token_type", Array).array(Int32, n).zeros(4 * n)
	return i.b
}

func TestALargeVocabularyCostsNothing(t *testing.T) {
	b := vocabulary(150_000)
	var m *model.Model
	begun := time.Now()
	allocated := testing.AllocsPerRun(1, func() {
		var err error
		if m, err = Parse("x", b); err != nil {
			t.Fatal(err)
		}
	})
	if took := time.Since(begun) / 2; took > 500*time.Millisecond && !testing.Short() { // AllocsPerRun runs it twice
		t.Errorf("it took %v", took)
	}
	if allocated > 200 {
		t.Errorf("%v allocations", allocated)
	}
	if kv := m.Metadata[0]; kv.Items != 150_000 || !strings.HasPrefix(kv.Value, `["token0", "token1", `) {
		t.Errorf("%+v", kv)
	}
}

// huge writes a file of n tensors of 144 MB in Q4_K, whose data are a hole of
// the file system, and returns its path.
func huge(t testing.TB, n int) string {
	t.Helper()
	const side = 16384
	i := little(n, 1).kv("general.architecture", String).str("llama")
	for k := range n {
		i.tensor(fmt.Sprintf("blk.%d.ffn_down.weight", k), 12, k*(side*side/256*144), side, side)
	}
	i.pad(32)
	path := filepath.Join(t.TempDir(), "huge.gguf")
	if err := os.WriteFile(path, i.b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(len(i.b)+n*(side*side/256*144))); err != nil {
		t.Skip("no sparse files here: ", err)
	}
	return path
}

func TestAHundredGigabytesOpenAtOnce(t *testing.T) {
	path := huge(t, 700)
	begun := time.Now()
	m := opened(t, path)
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	if m.Bytes() < 100e9 {
		t.Errorf("only %d bytes", m.Bytes())
	}
	last := m.Tensors[699]
	if err := last.Read(make([]float32, 1000), last.Len()-1000); err != nil {
		t.Error(err)
	}
}

// FuzzOpen holds the reader to its promise for any bytes: an error, or a model
// whose every tensor can be read.
func FuzzOpen(f *testing.F) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for version := 1; version <= 3; version++ {
			f.Add(everything(order, version))
		}
	}
	f.Add([]byte("FUGG"))
	f.Add(vocabulary(3))
	for number, d := range dtypes {
		f.Add(little(1, 0).tensor("w", int(number), 0, d.Block, 2).pad(32).zeros(2 * d.Bytes).b)
	}
	if shared := os.Getenv("BITDIAL_SHARED"); shared != "" {
		for _, pattern := range []string{"gguf", "hostile"} {
			paths, err := filepath.Glob(filepath.Join(shared, "corpus", pattern, "*.gguf"))
			if err != nil {
				f.Fatal(err)
			}
			for _, path := range paths {
				b, err := os.ReadFile(path)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse("fuzz", b)
		if err != nil {
			if m != nil {
				t.Error("both a model and an error")
			}
			if broken := (*model.Error)(nil); !errors.As(err, &broken) || broken.Rule == "" || broken.Offset < 0 {
				t.Errorf("no rule: %v", err)
			}
			return
		}
		if m.Bytes() > int64(len(b)) {
			t.Errorf("tensors of %d bytes in %d", m.Bytes(), len(b))
		}
		names := map[string]bool{}
		for _, w := range m.Tensors {
			if names[w.Name] {
				t.Errorf("%q twice", w.Name)
			}
			names[w.Name] = true
		}
		readAll(t, m)
	})
}

func BenchmarkOpenVocabulary150000(b *testing.B) {
	data := vocabulary(150_000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("x", data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen700(b *testing.B) {
	path := huge(b, 700)
	b.ReportAllocs()
	for b.Loop() {
		m, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if err := m.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadQ4K is the reading of a mapped file, 2^15 weights at a time.
func BenchmarkReadQ4K(b *testing.B) {
	m := opened(b, huge(b, 1))
	w := m.Tensors[0]
	dst := make([]float32, 1<<15)
	at := 0
	b.SetBytes(4 << 15)
	for b.Loop() {
		if err := w.Read(dst, at); err != nil {
			b.Fatal(err)
		}
		at = (at + len(dst)) % (1 << 22)
	}
}

func TestDamagedFilesAreRefusedOrReadWithinBounds(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		b := everything(order, 3)
		b = b[:len(b):len(b)]
		if len(b) > 4096 {
			t.Skip("the file is too long to damage everywhere")
		}
		modeltest.Damaged(t, b, 1, func(data []byte) (*model.Model, error) { return Parse("damaged", data) })
	}
}
