package safetensors

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bitdial/bitdial/quant/model"
)

// copyOf returns the data of m's tensors, for Write.
func copyOf(m *model.Model) func(int, io.Writer) error {
	return func(i int, w io.Writer) error {
		b := make([]byte, m.Tensors[i].Bytes())
		if err := m.Tensors[i].ReadRaw(b, 0); err != nil {
			return err
		}
		_, err := w.Write(b)
		return err
	}
}

// compare fails unless both models hold the same tensors and metadata.
func compare(t interface{ Errorf(string, ...any) }, got, want *model.Model) {
	if !slices.Equal(got.Metadata, want.Metadata) {
		t.Errorf("metadata %v, want %v", got.Metadata, want.Metadata)
	}
	byName := map[string]*model.Tensor{}
	for _, w := range got.Tensors {
		byName[w.Name] = w
	}
	if len(got.Tensors) != len(want.Tensors) {
		t.Errorf("%d tensors, want %d", len(got.Tensors), len(want.Tensors))
	}
	for _, w := range want.Tensors {
		g := byName[w.Name]
		if g == nil {
			t.Errorf("%q is lost", w.Name)
			continue
		}
		if g.DType != w.DType || !slices.Equal(g.Shape, w.Shape) {
			t.Errorf("%q became %s %v", w.Name, g.DType, g.Shape)
			continue
		}
		a, b := make([]byte, g.Bytes()), make([]byte, w.Bytes())
		if err := errors.Join(g.ReadRaw(a, 0), w.ReadRaw(b, 0)); err != nil {
			t.Errorf("%v", err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("the data of %q changed", w.Name)
		}
	}
}

func TestWhatIsWrittenIsReadBackBitForBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Filter(func(s string) bool { return model.CheckName("", 0, s) == nil && s != metadataKey })
		var metadata []model.KeyValue
		for _, key := range rapid.SliceOfNDistinct(name, 0, 4, rapid.ID).Draw(t, "keys") {
			metadata = append(metadata, model.KeyValue{Key: key, Value: rapid.String().Draw(t, "value")})
		}
		var entries []Entry
		var data [][]byte
		for _, n := range rapid.SliceOfNDistinct(name, 0, 6, rapid.ID).Draw(t, "names") {
			e := Entry{n, rapid.SampledFrom(model.DTypes).Draw(t, "dtype"), rapid.SliceOfN(rapid.IntRange(0, 5), 0, 4).Draw(t, "shape")}
			weights, _ := model.Count(e.Shape)
			size, _ := e.DType.Size(weights)
			entries = append(entries, e)
			data = append(data, rapid.SliceOfN(rapid.Byte(), int(size), int(size)).Draw(t, "data"))
		}
		var out bytes.Buffer
		err := Write(&out, metadata, entries, func(i int, w io.Writer) error {
			half := len(data[i]) / 2
			_, err := w.Write(data[i][:half])
			_, err2 := w.Write(data[i][half:])
			return errors.Join(err, err2)
		})
		if err != nil {
			t.Fatal(err)
		}
		if size, err := Size(metadata, entries); err != nil || size != int64(out.Len()) {
			t.Errorf("the size was said to be %d (%v), it is %d", size, err, out.Len())
		}
		m, err := Parse("written", out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(m.Metadata, metadata) || len(m.Tensors) != len(entries) {
			t.Errorf("got %v and %d tensors", m.Metadata, len(m.Tensors))
		}
		for _, w := range m.Tensors {
			i := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == w.Name })
			if i < 0 || entries[i].DType != w.DType || !slices.Equal(entries[i].Shape, w.Shape) {
				t.Fatalf("%q: %s %v", w.Name, w.DType, w.Shape)
			}
			b := make([]byte, w.Bytes())
			if err := w.ReadRaw(b, 0); err != nil || !bytes.Equal(b, data[i]) {
				t.Errorf("%q holds %x (%v), want %x", w.Name, b, err, data[i])
			}
		}
	})
}

func TestTheFileIsTheReferencesByteForByte(t *testing.T) {
	var out bytes.Buffer
	entries := []Entry{{"attn0", model.F32, []int{1, 1, 2, 3}}}
	err := Write(&out, nil, entries, func(_ int, w io.Writer) error {
		_, err := w.Write(make([]byte, 24))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// From a test of the reference implementation, which pads to eight bytes.
	want := "H\x00\x00\x00\x00\x00\x00\x00" + `{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       ` + strings.Repeat("\x00", 24)
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestWideTypesComeFirstSoThatAllAreAligned(t *testing.T) {
	var out bytes.Buffer
	entries := []Entry{{"bytes", model.U8, []int{3}}, {"half", model.F16, []int{1}}, {"one", model.F32, nil}, {"two", model.F32, nil}, {"six bits", model.F6E2M3, []int{4}}}
	err := Write(&out, nil, entries, func(i int, w io.Writer) error {
		_, err := w.Write(bytes.Repeat([]byte{byte(i)}, []int{3, 2, 4, 4, 3}[i]))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "\x02\x02\x02\x02\x03\x03\x03\x03\x01\x01\x00\x00\x00\x04\x04\x04"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %q", out.String())
	}
}

func TestATensorMustBeGivenExactlyItsBytes(t *testing.T) {
	for _, n := range []int{0, 7, 9} {
		err := Write(io.Discard, nil, []Entry{{"w", model.F32, []int{2}}}, func(_ int, w io.Writer) error {
			_, err := w.Write(make([]byte, n))
			return err
		})
		if err == nil {
			t.Errorf("%d bytes were taken for 8", n)
		}
	}
}

func TestNothingIsWrittenThatCouldNotBeReadBack(t *testing.T) {
	w := Entry{"w", model.F32, nil}
	for _, c := range []struct {
		metadata []model.KeyValue
		entries  []Entry
	}{
		{nil, []Entry{w, w}},
		{nil, []Entry{{metadataKey, model.F32, nil}}},
		{nil, []Entry{{"a\nb", model.F32, nil}}},
		{nil, []Entry{{"w", model.F32, []int{-1}}}},
		{nil, []Entry{{"w", model.F32, []int{math.MaxInt}}}},
		{nil, []Entry{{"w", model.Blocks[0], []int{32}}}},
		{nil, []Entry{{"w", model.Int4, []int{32}}}},
		{nil, []Entry{{"w", model.F4, []int{3}}}},
		{nil, []Entry{{"w", model.U8, []int{math.MaxInt}}, {"v", model.U8, []int{1}}}},
		{nil, []Entry{{"w", model.U8, make([]int, maxDims+1)}}},
		{[]model.KeyValue{{Key: "k", Value: "a"}, {Key: "k", Value: "b"}}, nil},
		{[]model.KeyValue{{Key: "k", Value: "\xff"}}, nil},
		{[]model.KeyValue{{Key: "\x1b", Value: ""}}, nil},
		{[]model.KeyValue{{Key: "k", Value: strings.Repeat("x", maxHeader)}}, nil},
	} {
		var out bytes.Buffer
		err := Write(&out, c.metadata, c.entries, func(int, io.Writer) error { return nil })
		if err == nil || out.Len() > 0 {
			t.Errorf("%v: %d bytes were written", c.entries, out.Len())
		}
	}
}

func ExampleWrite() {
	var file bytes.Buffer
	entries := []Entry{{Name: "w", DType: model.F16, Shape: []int{2, 2}}}
	err := Write(&file, nil, entries, func(i int, w io.Writer) error {
		b := make([]byte, 8)
		entries[i].DType.Encode(b, []float32{0.5, 1, 1.5, 2})
		_, err := w.Write(b)
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := Parse("example", file.Bytes())
	if err != nil {
		fmt.Println(err)
		return
	}
	row := make([]float32, 2)
	err = m.Tensors[0].Read(row, 2)
	fmt.Println(m.Tensors[0].Name, m.Tensors[0].Shape, row, err)
	// Output: w [2 2] [1.5 2] <nil>
}
