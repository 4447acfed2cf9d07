package imatrix

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/gguf"
)

// older is a file of the older form that grows.
type older []byte

func (o older) i32(n int) older { return binary.LittleEndian.AppendUint32(o, uint32(n)) }

func (o older) entry(name string, calls int, values ...float32) older {
	o = append(o.i32(len(name)), name...).i32(calls).i32(len(values))
	for _, v := range values {
		o = o.i32(int(math.Float32bits(v)))
	}
	return o
}

// tensor is one of a GGUF file.
type tensor struct {
	name   string
	dtype  *model.DType
	shape  []int
	values []float32
}

// present returns a GGUF file.
func present(t testing.TB, tensors ...tensor) []byte {
	t.Helper()
	metadata := new(gguf.Metadata)
	metadata.SetString("general.type", "imatrix")
	metadata.SetUint32("imatrix.chunk_count", 12)
	var entries []gguf.Entry
	for _, x := range tensors {
		entries = append(entries, gguf.Entry{Name: x.name, DType: x.dtype, Shape: x.shape})
	}
	var out bytes.Buffer
	err := gguf.Write(&out, metadata, entries, func(i int, w io.Writer) error {
		size, _ := tensors[i].dtype.Size(len(tensors[i].values))
		b := make([]byte, size)
		tensors[i].dtype.Encode(b, tensors[i].values)
		_, err := w.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// f32 is a tensor of F32.
func f32(name string, shape []int, values ...float32) tensor {
	return tensor{name, model.F32, shape, values}
}

// TestBothFormsGiveMeans reads matrices whose means are known.
func TestBothFormsGiveMeans(t *testing.T) {
	files := map[string][]byte{
		"older": older{}.i32(2).entry("a", 4, 4, 8, 0).entry("b", 0, 1, 2, 3, 4).i32(12).i32(4),
		"gguf": present(t,
			f32("a.in_sum2", []int{1, 3}, 8, 16, 0), f32("a.counts", []int{1, 1}, 8),
			f32("a.in_sum", []int{1, 3}, 1, 1, 1),
			f32("b.in_sum2", []int{2, 2}, 3, 6, 7, 9), f32("b.counts", []int{2, 1}, 3, 0)),
	}
	for form, data := range files {
		m, err := Parse(form, data)
		if err != nil {
			t.Fatal(err)
		}
		if m.Len() != 2 || m.Chunks != 12 || !m.Knows("a") || m.Knows("c") {
			t.Errorf("%s: %d entries from %d chunks", form, m.Len(), m.Chunks)
		}
		wantB := []float32{1, 2, 1, 1} // an expert without inputs counts alike
		if form == "older" {
			wantB = []float32{1, 2, 3, 4} // means already
		}
		for name, want := range map[string][]float32{"a": {1, 2, 0}, "b": wantB} {
			if got, err := m.Importance(name); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s, %s: %v, %v; want %v", form, name, got, err, want)
			}
		}
		for _, test := range []struct {
			name  string
			shape []int
			fits  bool
		}{
			{"a", []int{7, 3}, true},
			{"a", []int{3}, true},
			{"a", []int{3, 4}, false},
			{"b", []int{2, 7, 2}, true},
			{"b", []int{7, 4}, form == "older"}, // two counts are two experts
			{"b", []int{4, 7, 2}, false},
		} {
			if err := m.Check(test.name, test.shape); (err == nil) != test.fits {
				t.Errorf("%s, %s as %v: %v", form, test.name, test.shape, err)
			}
		}
	}
}

func TestEachLieHasAName(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, test := range []struct {
		data []byte
		rule string
	}{
		{nil, rulePastEnd},
		{older{}.i32(0), ruleEntries},
		{older{}.i32(-1), ruleEntries},
		{older{}.i32(1 << 30), ruleEntries},
		{older{}.i32(1), rulePastEnd},
		{older{}.i32(1).i32(1 << 30), ruleName},
		{older{}.i32(1).i32(-5), ruleName},
		{older{}.i32(1).i32(100).i32(0), rulePastEnd},
		{older{}.i32(1).i32(4).i32(0), "control"},
		{older{}.i32(1).entry("a", 1), ruleValues},
		{append(older{}.i32(1).i32(1), 'a').i32(1).i32(math.MaxInt32), rulePastEnd},
		{older{}.i32(2).entry("a", 1, 1).entry("a", 1, 1), ruleDuplicate},
		{present(t), ruleEntries},
		{present(t, f32("a.weight", []int{1}, 1)), ruleEntries},
		{present(t, f32("a.in_sum2", []int{1}, 1)), rulePair},
		{present(t, f32("a.counts", []int{1}, 1)), rulePair},
		{present(t, f32(".counts", []int{1}, 1), f32(".in_sum2", []int{1}, 1)), ruleName},
		{present(t, tensor{"a.in_sum2", model.F16, []int{1}, []float32{1}}, f32("a.counts", []int{1}, 1)), rulePair},
		{present(t, f32("a.in_sum2", []int{0}), f32("a.counts", []int{1}, 1)), ruleValues},
		{present(t, f32("a.in_sum2", []int{3}, 1, 1, 1), f32("a.counts", []int{2}, 1, 1)), ruleCounts},
		{older{}.i32(1).entry("a", 1, 1, -1), ruleNumber},
		{older{}.i32(1).entry("a", 1, 1, inf), ruleNumber},
		{present(t, f32("a.in_sum2", []int{1}, 1), f32("a.counts", []int{1}, float32(math.NaN()))), ""},
	} {
		m, err := Parse("m", test.data)
		if err == nil {
			_, err = m.Importance("a")
		}
		if test.rule == "" && err != nil || test.rule != "" && (err == nil || !strings.Contains(err.Error(), test.rule)) {
			t.Errorf("%q: error %v, want %q", test.data, err, test.rule)
		}
	}
}

func TestAMatrixIsOpenedAndClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "imatrix.dat")
	if err := os.WriteFile(path, older{}.i32(1).entry("a", 2, 2), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if _, err := m.Importance("a"); err == nil {
		t.Error("a closed matrix gives values")
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there was opened")
	}
}

// FuzzParse holds the readers to errors, whatever the bytes.
func FuzzParse(f *testing.F) {
	f.Add([]byte(older{}.i32(2).entry("a", 4, 4, 8, 0).entry("b", 0, 1, 2).i32(12).i32(1)))
	f.Add(present(f, f32("a.in_sum2", []int{2, 2}, 3, 6, 7, 9), f32("a.counts", []int{2, 1}, 3, 0)))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse("fuzz", data)
		if err != nil {
			return
		}
		for name, e := range m.entries {
			values, err := m.Importance(name)
			if err == nil && len(values) != e.sums.Len() {
				t.Errorf("%q has %d values of %d", name, len(values), e.sums.Len())
			}
			if e.sums.Len() > len(data) {
				t.Errorf("%q has %d values, of %d bytes", name, e.sums.Len(), len(data))
			}
			_ = m.Check(name, []int{1, len(values)}) // either
		}
	})
}
