// Package modeltest holds readers of model files to what all of them promise. It
// is imported by tests only.
package modeltest

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	"github.com/bitdial/bitdial/quant/model"
)

// Corpus returns the paths that match pattern in a folder of real and hostile
// files that are too many for the project. Without them the test is skipped.
func Corpus(t testing.TB, folder, pattern string) []string {
	t.Helper()
	shared := os.Getenv("BITDIAL_SHARED")
	if shared == "" {
		t.Skip("BITDIAL_SHARED is not set: it names the folder of corpus/ and golden/")
	}
	paths, err := filepath.Glob(filepath.Join(shared, "corpus", folder, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no %s in the corpus: %v", pattern, err)
	}
	return paths
}

// Seed adds to f the files of the corpus that match pattern in folder and have
// at most limit bytes.
func Seed(f *testing.F, folder, pattern string, limit int64) {
	shared := os.Getenv("BITDIAL_SHARED")
	if shared == "" {
		return // the seeds in the test remain
	}
	paths, err := filepath.Glob(filepath.Join(shared, "corpus", folder, pattern))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || info.Size() > limit {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// Refused fails unless err names the file and a rule.
func Refused(t testing.TB, path string, err error) {
	t.Helper()
	var broken *model.Error
	if !errors.As(err, &broken) || broken.Rule == "" || broken.File == "" {
		t.Errorf("%s: %v", path, err)
	}
}

// What opening a file of size bytes may take at most.
const (
	mostTime   = time.Second
	mostMemory = 64 << 20
)

// Bounded calls open for a file of size bytes and fails if it takes more time or
// memory than a reader may.
func Bounded(t testing.TB, size int, open func() (*model.Model, error)) (*model.Model, error) {
	t.Helper()
	before, begin := allocated(), time.Now()
	m, err := open()
	if spent := time.Since(begin); spent > 10*mostTime { // machines stall
		t.Errorf("opening took %v", spent)
	}
	if took := allocated() - before; took > uint64(mostMemory+2*size) {
		t.Errorf("opening took %d bytes of memory for a file of %d", took, size)
	}
	if err != nil && m != nil {
		t.Error("both a model and an error")
	}
	return m, err
}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// ReadAll reads the tensors of m that have at most limit bytes, as weights and
// as bytes, and fails unless both agree. An error is allowed if it names a rule,
// as it does for data that cannot be unpacked.
func ReadAll(t testing.TB, m *model.Model, limit int64) {
	t.Helper()
	for _, w := range m.Tensors {
		if n, ok := model.Count(w.Shape); !ok || n != w.Len() {
			t.Errorf("%q has %d weights in shape %v", w.Name, w.Len(), w.Shape)
		}
		if err := model.CheckName(m.Path, 0, w.Name); err != nil {
			t.Error(err)
		}
		if w.Bytes() > limit {
			continue
		}
		if w.RawBytes() > 8*limit { // of codes with scales it is that of the weights
			continue
		}
		x, raw := make([]float32, w.Len()), make([]byte, w.RawBytes())
		if err := errors.Join(w.Read(x, 0), w.ReadRaw(raw, 0)); err != nil {
			Refused(t, m.Path, err)
			continue
		}
		y := make([]float32, len(x))
		w.DType.Decode(y, raw)
		if !slices.EqualFunc(x, y, same) {
			t.Errorf("%q: the weights are not those of the bytes", w.Name)
		}
		parts(t, w, x, raw)
	}
}

// parts fails unless reading w by halves gives the same.
func parts(t testing.TB, w *model.Tensor, x []float32, raw []byte) {
	t.Helper()
	half, halfRaw := len(x)/2, len(raw)/3
	y, again := make([]float32, len(x)-half), make([]byte, len(raw)-halfRaw)
	if err := errors.Join(w.Read(y, half), w.ReadRaw(again, int64(halfRaw))); err != nil {
		t.Error(err)
		return
	}
	if !slices.EqualFunc(y, x[half:], same) || !bytes.Equal(again, raw[halfRaw:]) {
		t.Errorf("%q: half of it is not half of the whole", w.Name)
	}
}

func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// Weights returns all weights of w.
func Weights(t testing.TB, w *model.Tensor) []float32 {
	t.Helper()
	x := make([]float32, w.Len())
	if err := w.Read(x, 0); err != nil {
		t.Fatal(err)
	}
	return x
}

// Same fails unless both tensors hold the same weights in the same shape.
func Same(t testing.TB, got, want *model.Tensor) {
	t.Helper()
	if !slices.Equal(got.Shape, want.Shape) {
		t.Errorf("%q has shape %v, want %v of %q", got.Name, got.Shape, want.Shape, want.Name)
		return
	}
	if !slices.EqualFunc(Weights(t, got), Weights(t, want), same) {
		t.Errorf("%q does not hold the weights of %q", got.Name, want.Name)
	}
}

// Tensor returns the tensor of m called name.
func Tensor(t testing.TB, m *model.Model, name string) *model.Tensor {
	t.Helper()
	for _, w := range m.Tensors {
		if w.Name == name {
			return w
		}
	}
	t.Fatalf("%s has no tensor %q", m.Path, name)
	return nil
}

// wild are numbers that lengths, counts and offsets are replaced by.
var wild = [][]byte{
	{0},
	{0xff},
	{0x80},
	{0x7f}, // bytes, of varints too
	{0, 0, 0, 0},
	{0xff, 0xff, 0xff, 0xff},
	{0, 0, 0, 0x80},
	{0xff, 0xff, 0xff, 0x7f},
	{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	{0, 0, 0, 0, 0, 0, 0, 0x80},
	{0, 0, 0, 0, 0, 0, 0, 0x40},
	{1, 0, 0, 0, 1, 0, 0, 0},
}

// Damaged opens data, a file of a kilobyte or so that is whole, cut at every byte
// and with every number in it replaced by others. What cannot be opened must be
// refused by a rule, what can must be read within bounds. cuttable says of how
// many bytes at least a file may be that is opened although it was cut.
func Damaged(t *testing.T, data []byte, cuttable int, open func(data []byte) (*model.Model, error)) {
	t.Helper()
	try := func(b []byte) error {
		m, err := Bounded(t, len(b), func() (*model.Model, error) { return open(b) })
		if err != nil {
			Refused(t, "damaged", err)
			return err
		}
		ReadAll(t, m, 1<<16)
		return m.Close()
	}
	if err := try(data); err != nil {
		t.Fatalf("the whole file: %v", err)
	}
	for n := range data {
		if err := try(data[:n:n]); err == nil && n < cuttable {
			t.Errorf("the first %d of %d bytes were opened", n, len(data))
		}
	}
	for at := range data {
		for _, w := range wild {
			if at+len(w) > len(data) {
				continue
			}
			b := slices.Clone(data)
			copy(b[at:], w)
			_ = try(b)
		}
	}
}
