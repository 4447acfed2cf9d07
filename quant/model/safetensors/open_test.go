package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// layers returns a header of n tensors of size bytes each, and the bytes of
// their data.
func layers(n int, size int64) (header string, data int64) {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(described(
			fmt.Sprintf("model.layers.%d.mlp.experts.weight", i), "BF16", fmt.Sprintf("[%d]", size/2),
			fmt.Sprintf("[%d,%d]", data, data+size)))
		data += size
	}
	b.WriteByte('}')
	return b.String(), data
}

// sparse writes a file of that header whose data are a hole of the file system.
func sparse(t testing.TB, header string, data int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "big.safetensors")
	if err := os.WriteFile(path, image(header, 0), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(8+len(header))+data); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFilesAreRecognisedByContentAndByName(t *testing.T) {
	for _, c := range []struct {
		name string
		head []byte
		want bool
	}{
		{"model.bin", image("{}", 0), true},
		{"model.bin", image("{}", 0)[:8], false},
		{"damaged.safetensors", []byte("rubbish"), true},
		{"a.safetensors.index.json", []byte("{}"), true},
		{"notes.txt", []byte("Shopping{milk"), false},
		{"config.json", []byte(`{"a": 1}`), false},
	} {
		if got := Recognises(c.name, c.head); got != c.want {
			t.Errorf("%s, %q: %t", c.name, c.head, got)
		}
	}
}

// FuzzOpen holds the reader to its promise for any bytes: an error, or a model
// whose every tensor can be read.
func FuzzOpen(f *testing.F) {
	f.Add([]byte{})
	f.Add(image("{}", 0))
	f.Add(image(tensors(described("w", "F32", "[2]", "[0,8]")), 8))
	f.Add(image(tensors(described("v", "I64", "[]", "[0,8]"), described("w", "F8_E4M3", "[2,0,3]", "[8,8]"))+"  ", 8))
	f.Add(image(`{"__metadata__":{"\u00e9\n":"b"},"w":{"x":[1e3,{}],"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}`, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse("fuzz", b)
		if err != nil {
			if m != nil {
				t.Error("both a model and an error")
			}
			_ = err.Error()
			return
		}
		end := int64(8 + binary.LittleEndian.Uint64(b))
		for _, w := range m.Tensors {
			end += w.Bytes()
		}
		if end != int64(len(b)) {
			t.Errorf("the tensors end at %d of %d bytes", end, len(b))
		}
		readAll(t, m)

		// What was read can be written, and is the same when it is read again.
		var out bytes.Buffer
		entries := make([]Entry, len(m.Tensors))
		for i, w := range m.Tensors {
			entries[i] = Entry{w.Name, w.DType, w.Shape}
		}
		if err := Write(&out, m.Metadata, entries, copyOf(m)); err != nil {
			t.Fatal(err)
		}
		again, err := Parse("again", out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		compare(t, again, m)
	})
}

func benchmarkOpen(b *testing.B, n int) {
	header, data := layers(n, 4096)
	path := sparse(b, header, data)
	b.SetBytes(int64(len(header)))
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

func BenchmarkOpen700(b *testing.B)    { benchmarkOpen(b, 700) }
func BenchmarkOpen300000(b *testing.B) { benchmarkOpen(b, 300_000) }
