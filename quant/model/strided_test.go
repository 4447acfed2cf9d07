package model_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bitdial/bitdial/quant/model"
)

// walk returns the numbers that a tensor of these strides has when the number at
// each place is the place, one weight after the other.
func walk(shape, strides []int) []float32 {
	if len(shape) == 0 {
		return []float32{0}
	}
	var all []float32
	for i := range shape[0] {
		for _, x := range walk(shape[1:], strides[1:]) {
			all = append(all, float32(i*strides[0])+x)
		}
	}
	return all
}

func TestAnyStretchOfAStridedTensorIsGathered(t *testing.T) {
	const places, lead = 4096, 5
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SampledFrom([]*model.DType{model.U16, model.I32, model.I64, model.F64}).Draw(t, "dtype")
		big := rapid.Bool().Draw(t, "big-endian")
		x := make([]float32, places)
		for i := range x {
			x[i] = float32(i)
		}
		b := encoded(d, x...)
		if big {
			for i := 0; i < len(b); i += d.Bytes {
				slices.Reverse(b[i : i+d.Bytes])
			}
		}
		f := model.NewFile("x", append(make([]byte, lead), b...))
		shape := rapid.SliceOfN(rapid.IntRange(0, 5), 0, 4).Draw(t, "shape")
		strides := make([]int, len(shape))
		step := 1
		order := rapid.Permutation(indices(len(shape))).Draw(t, "order")
		for _, i := range order {
			strides[i] = step
			step *= max(shape[i], 1)
			if rapid.IntRange(0, 5).Draw(t, "kind") == 0 {
				strides[i] = rapid.IntRange(0, 200).Draw(t, "stride")
			}
		}
		tensor, err := model.NewStrided("w", d, shape, strides, big, f, lead, f.Size())
		if err != nil {
			t.Fatal(err)
		}
		want := walk(shape, strides)
		from := rapid.IntRange(0, len(want)).Draw(t, "from")
		got := make([]float32, rapid.IntRange(0, len(want)-from).Draw(t, "n"))
		if err := tensor.Read(got, from); err != nil || !slices.Equal(got, want[from:from+len(got)]) {
			t.Fatalf("from %d: %v (%v), want %v", from, got, err, want[from:])
		}
		stored := encoded(d, want...)
		at := rapid.IntRange(0, len(stored)).Draw(t, "at")
		raw := make([]byte, rapid.IntRange(0, len(stored)-at).Draw(t, "bytes"))
		if err := tensor.ReadRaw(raw, int64(at)); err != nil || !slices.Equal(raw, stored[at:at+len(raw)]) {
			t.Fatalf("bytes from %d: %v (%v), want %v", at, raw, err, stored[at:])
		}
	})
}

func indices(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

func TestAStridedTensorMustLieInItsFile(t *testing.T) {
	f := model.NewFile("x", make([]byte, 16))
	for _, c := range []struct {
		shape, strides []int
		offset         int64
	}{
		{[]int{2, 2}, []int{1, 3}, 0},
		{[]int{2, 2}, []int{1, 2}, 4},
		{[]int{2, 2}, []int{1}, 0},
		{[]int{2, 2}, []int{1, -1}, 0},
		{[]int{2, 2}, []int{1, 2}, -4},
		{[]int{2, 2}, []int{1, math.MaxInt}, 0},
		{[]int{3, 3}, []int{math.MaxInt, math.MaxInt}, 0},
		{[]int{math.MaxInt, 2}, []int{0, 0}, 0},
		{[]int{0}, []int{1}, 17},
	} {
		if _, err := model.NewStrided("w", model.F32, c.shape, c.strides, false, f, c.offset, f.Size()); err == nil {
			t.Errorf("shape %v by %v at %d was taken", c.shape, c.strides, c.offset)
		}
	}
}

func TestALazyFileIsMadeOnceAndHeldToItsSize(t *testing.T) {
	calls := 0
	f := model.NewLazyFile("x", 8, func() ([]byte, error) {
		calls++
		return binary.LittleEndian.AppendUint64(nil, 7), nil
	})
	tensor, err := model.NewTensor("w", model.I64, []int{1}, f, 0)
	if err != nil {
		t.Fatal(err)
	}
	if calls > 0 {
		t.Error("it was made for nothing")
	}
	x := make([]float32, 1)
	for range 2 {
		if err := tensor.Read(x, 0); err != nil || x[0] != 7 {
			t.Errorf("got %v (%v)", x, err)
		}
	}
	if calls != 1 {
		t.Errorf("it was made %d times", calls)
	}
	short := model.NewLazyFile("x", 8, func() ([]byte, error) { return make([]byte, 7), nil })
	if err := short.View(0, 1, func([]byte) error { return nil }); err == nil {
		t.Error("seven bytes were taken for eight")
	}
}

func BenchmarkReadTransposed(b *testing.B) {
	const rows, columns = 1024, 1024
	x := make([]byte, 4*rows*columns)
	for i := range x {
		x[i] = byte(rand.Uint32())
	}
	tensor, err := model.NewStrided("w", model.F32, []int{rows, columns}, []int{1, rows}, false, model.NewFile("x", x), 0, 4*rows*columns)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float32, rows*columns)
	b.SetBytes(tensor.Bytes())
	b.ReportAllocs()
	for b.Loop() {
		if err := tensor.Read(dst, 0); err != nil {
			b.Fatal(err)
		}
	}
}
