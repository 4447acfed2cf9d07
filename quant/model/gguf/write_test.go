package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

// rewritten copies the file that data are.
func rewritten(t *testing.T, data []byte) []byte {
	t.Helper()
	m, err := Parse("in", data)
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := CopyMetadata(m.Files)
	if err != nil {
		t.Fatal(err)
	}
	var entries []Entry
	for _, w := range m.Tensors {
		entries = append(entries, Entry{w.Name, w.DType, w.Shape})
	}
	var out bytes.Buffer
	err = Write(&out, metadata, entries, func(i int, w io.Writer) error {
		b := make([]byte, m.Tensors[i].Bytes())
		if err := m.Tensors[i].ReadRaw(b, 0); err != nil {
			return err
		}
		_, err := w.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if size, err := Size(metadata, entries); err != nil || size != int64(out.Len()) {
		t.Errorf("%d bytes were written, %d foretold, %v", out.Len(), size, err)
	}
	return out.Bytes()
}

// TestEveryOrderAndVersionIsRewrittenAsTheLatest rewrites the same content from
// every kind of file.
func TestEveryOrderAndVersionIsRewrittenAsTheLatest(t *testing.T) {
	want := rewritten(t, everything(binary.LittleEndian, 3))
	whole, err := Parse("want", want)
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.Metadata) == 0 || len(whole.Tensors) == 0 {
		t.Fatal("nothing was copied")
	}
	for version := 1; version <= 3; version++ {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			if got := rewritten(t, everything(order, version)); !bytes.Equal(got, want) {
				t.Errorf("version %d, %v: other bytes", version, order)
			}
		}
	}
	if !bytes.Equal(rewritten(t, want), want) {
		t.Error("a copy of a copy is another")
	}
}

func TestMetadataAreSetInTheirPlace(t *testing.T) {
	file := little(0, 3).kv("a", Uint8).raw(1).kv("split.count", Uint16).raw(0, 0).kv("b", String).str("x").pad(32)
	m, err := CopyMetadata([]*model.File{model.NewFile("in", file.b)})
	if err != nil {
		t.Fatal(err)
	}
	m.SetUint32("a", 7)
	m.SetUint32("c", 8)
	m.SetString("b", "long text")
	m.SetUint32(alignmentKey, 64)
	var out bytes.Buffer
	if err := Write(&out, m, []Entry{{"t", model.F32, nil}}, func(_ int, w io.Writer) error {
		_, err := w.Write(make([]byte, 4))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	got, err := Parse("out", out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := []model.KeyValue{
		{Key: "a", Value: "7", Type: "u32"},
		{Key: "b", Value: "long text", Type: "str"},
		{Key: "c", Value: "8", Type: "u32"},
		{Key: alignmentKey, Value: "64", Type: "u32"},
	}
	if !slices.Equal(got.Metadata, want) || out.Len()%64 != 0 {
		t.Errorf("metadata %v, want %v; %d bytes", got.Metadata, want, out.Len())
	}
}

func TestWhatCouldNotBeReadBackIsNotWritten(t *testing.T) {
	for _, test := range []struct {
		entries []Entry
		says    string
	}{
		{[]Entry{{"a", model.F32, nil}, {"a", model.F32, nil}}, ruleDuplicate},
		{[]Entry{{"a\n", model.F32, nil}}, "control"},
		{[]Entry{{"a", model.Bool, nil}}, ruleNoType},
		{[]Entry{{"a", model.F8E4M3, []int{2}}}, ruleNoType},
		{[]Entry{{strings.Repeat("n", 64), model.F32, nil}}, ruleWrittenName},
		{[]Entry{{"a", model.F32, []int{1, 1, 1, 1, 1}}}, ruleWrittenDims},
		{[]Entry{{"a", model.Blocks[0], []int{32, 2}}}, ruleRows},
		{[]Entry{{"a", model.F32, []int{1 << 40, 1 << 40}}}, ruleOverflow},
		{[]Entry{{"a", model.I8, []int{1 << 62}}, {"b", model.I8, []int{1 << 62}}}, ruleOverflow},
	} {
		var out bytes.Buffer
		err := Write(&out, new(Metadata), test.entries, func(int, io.Writer) error { return nil })
		if err == nil || !strings.Contains(err.Error(), test.says) || out.Len() > 0 {
			t.Errorf("%v: error %v, want %q; %d bytes written", test.entries, err, test.says, out.Len())
		}
	}
}

func TestATensorMustHaveExactlyItsBytes(t *testing.T) {
	for _, n := range []int{3, 5} {
		err := Write(io.Discard, new(Metadata), []Entry{{"a", model.F32, nil}}, func(_ int, w io.Writer) error {
			_, err := w.Write(make([]byte, n))
			return err
		})
		if err == nil {
			t.Errorf("%d bytes for 4 are no error", n)
		}
	}
	broken := fmt.Errorf("broken")
	if err := Write(io.Discard, new(Metadata), []Entry{{"a", model.F32, nil}}, func(int, io.Writer) error { return broken }); err != broken { //nolint:errorlint // as it is
		t.Errorf("error %v", err)
	}
}

// FuzzRewrite copies whatever can be read: the copy says the same.
func FuzzRewrite(f *testing.F) {
	for version := 1; version <= 3; version++ {
		f.Add(everything(binary.LittleEndian, version))
		f.Add(everything(binary.BigEndian, version))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse("in", data)
		if err != nil {
			return
		}
		metadata, err := CopyMetadata(m.Files)
		if err != nil {
			t.Fatal(err)
		}
		var entries []Entry
		for _, w := range m.Tensors {
			entries = append(entries, Entry{w.Name, w.DType, w.Shape})
		}
		if size, err := Size(metadata, entries); err != nil || size > 1<<20 {
			return // wider than the reference reads, or aligned by gigabytes
		}
		var out bytes.Buffer
		err = Write(&out, metadata, entries, func(i int, w io.Writer) error {
			_, err := w.Write(make([]byte, m.Tensors[i].Bytes()))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		copied, err := Parse("out", out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(m.Metadata, func(kv model.KeyValue) bool { return strings.HasPrefix(kv.Key, splitKeys) })
		if !slices.Equal(copied.Metadata, want) || len(copied.Tensors) != len(m.Tensors) {
			t.Errorf("%v became %v", m.Metadata, copied.Metadata)
		}
	})
}
