package model_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

// stored writes the weights 0, 1, 2, … n-1 as d into a file, after lead bytes
// of something else, and opens them.
func stored(t testing.TB, d *model.DType, n, lead int) *model.Tensor {
	t.Helper()
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i)
	}
	path := filepath.Join(t.TempDir(), "weights")
	if err := os.WriteFile(path, append(make([]byte, lead), encoded(d, x...)...), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := model.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	tensor, err := model.NewTensor("w", d, []int{n}, f, int64(lead))
	if err != nil {
		t.Fatal(err)
	}
	return tensor
}

func TestAnyStretchOfATensorCanBeReadByManyAtOnce(t *testing.T) {
	tensor := stored(t, model.F32, 10_000, 3)
	var readers sync.WaitGroup
	for from := range 40 {
		readers.Go(func() {
			dst := make([]float32, 100*from)
			if err := tensor.Read(dst, from); err != nil {
				t.Error(err)
			}
			for i, x := range dst {
				if x != float32(from+i) {
					t.Errorf("weight %d is %v", from+i, x)
					return
				}
			}
		})
	}
	readers.Wait()
}

func TestRawBytesAreThoseOfTheFile(t *testing.T) {
	tensor := stored(t, model.I16, 100, 1)
	b := make([]byte, 4)
	if err := tensor.ReadRaw(b, 2); err != nil {
		t.Fatal(err)
	}
	if want := []byte{1, 0, 2, 0}; !slices.Equal(b, want) {
		t.Errorf("got %v, want %v", b, want)
	}
}

func TestAReadPastTheTensorIsAnError(t *testing.T) {
	tensor := stored(t, model.F16, 10, 0)
	for _, err := range []error{
		tensor.Read(make([]float32, 1), 10),
		tensor.Read(make([]float32, 11), 0),
		tensor.Read(make([]float32, 1), -1),
		tensor.Read(make([]float32, 1), math.MaxInt),
		tensor.ReadRaw(make([]byte, 2), 19),
		tensor.ReadRaw(nil, -1),
	} {
		if broken := (*model.Error)(nil); !errors.As(err, &broken) {
			t.Errorf("got %v", err)
		}
	}
	if err := tensor.Read(nil, 10); err != nil {
		t.Error(err)
	}
}

func TestATensorMustLieInItsFile(t *testing.T) {
	f := model.NewFile("x", make([]byte, 16))
	for _, c := range []struct {
		shape  []int
		offset int64
	}{
		{[]int{5}, 0}, {[]int{4}, 1}, {[]int{1}, -1}, {[]int{-1}, 0}, {[]int{math.MaxInt}, 0}, {[]int{math.MaxInt, 2}, 0}, {nil, math.MaxInt64},
	} {
		if _, err := model.NewTensor("w", model.F32, c.shape, f, c.offset); err == nil {
			t.Errorf("shape %v at %d was taken", c.shape, c.offset)
		}
	}
	if _, err := model.NewTensor("w", model.F32, []int{2, 2}, f, 0); err != nil {
		t.Error(err)
	}
}

func TestAnEmptyFileOpens(t *testing.T) {
	tensor := stored(t, model.F32, 0, 0)
	if err := tensor.Read(nil, 0); err != nil {
		t.Error(err)
	}
}

func TestAClosedFileIsAnErrorToRead(t *testing.T) {
	tensor := stored(t, model.F32, 10, 0)
	f, err := model.OpenFile(filepath.Join(t.TempDir(), "missing"))
	if f != nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	m := &model.Model{Tensors: []*model.Tensor{tensor}}
	memory := model.NewFile("memory", make([]byte, 8))
	m.Files = append(m.Files, memory)
	inMemory, err := model.NewTensor("m", model.F32, []int{2}, memory, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := inMemory.Read(make([]float32, 2), 0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	if _, err := model.OpenFile(t.TempDir()); err == nil {
		t.Error("a folder was opened as a file")
	}
}

func TestAPanicOfTheLookerIsNotSwallowed(t *testing.T) {
	f, err := model.OpenFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() != "mine" {
			t.Error("the panic is gone")
		}
		if err := f.Close(); err != nil { // would wait for ever if the view still held it
			t.Error(err)
		}
	}()
	_ = f.View(0, 1, func([]byte) error { panic("mine") })
}

func benchmarkRead(b *testing.B, d *model.DType) {
	const n = 1 << 20
	tensor := stored(b, d, n, 3) // misaligned, as safetensors may be
	dst := make([]float32, n)
	b.SetBytes(tensor.Bytes())
	b.ReportAllocs()
	for b.Loop() {
		if err := tensor.Read(dst, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadF32(b *testing.B)  { benchmarkRead(b, model.F32) }
func BenchmarkReadF16(b *testing.B)  { benchmarkRead(b, model.F16) }
func BenchmarkReadBF16(b *testing.B) { benchmarkRead(b, model.BF16) }
func BenchmarkReadE4M3(b *testing.B) { benchmarkRead(b, model.F8E4M3) }
func BenchmarkReadI8(b *testing.B)   { benchmarkRead(b, model.I8) }

// BenchmarkReadOne is what a single read costs before the first weight.
func BenchmarkReadOne(b *testing.B) {
	tensor := stored(b, model.F32, 1<<20, 0)
	dst := make([]float32, 1)
	b.ReportAllocs()
	for b.Loop() {
		if err := tensor.Read(dst, 77); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCopy is the speed of memory that reading F32 is held against.
func BenchmarkCopy(b *testing.B) {
	src, dst := make([]float32, 1<<20), make([]float32, 1<<20)
	b.SetBytes(4 << 20)
	for b.Loop() {
		copy(dst, src)
	}
}

// TestWhatWasReleasedIsReadAgain releases the pages of a tensor, parts of pages
// and ranges that do not exist.
func TestWhatWasReleasedIsReadAgain(t *testing.T) {
	b := make([]byte, 1<<18)
	for i := range b {
		b[i] = byte(i * 7 / 5)
	}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := model.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tensor, err := model.NewTensor("t", model.I8, []int{1<<18 - 100}, f, 100)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, tensor.Bytes())
	for _, r := range [][2]int64{{0, 1}, {5, 100_000}, {0, tensor.Bytes()}, {-10, 1 << 40}, {9, 3}} {
		tensor.Release(r[0], r[1])
		if err := tensor.ReadRaw(got, 0); err != nil || !bytes.Equal(got, b[100:]) {
			t.Errorf("after %v: other bytes, %v", r, err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	tensor.Release(0, tensor.Bytes()) // of a closed file: nothing
}
