package samples

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"strings"
	"testing"
	"testing/fstest"
)

// idx returns an idx file that claims dimensions and holds n bytes of a value.
func idx(n int, value byte, dimensions ...uint32) []byte {
	file := []byte{0, 0, 8, byte(len(dimensions))}
	for _, d := range dimensions {
		file = binary.BigEndian.AppendUint32(file, d)
	}
	return append(file, bytes.Repeat([]byte{value}, n)...)
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// folder is twenty pictures of one kind, and five to test.
func folder() fstest.MapFS {
	return fstest.MapFS{
		"train-images-idx3-ubyte.gz": {Data: gzipped(idx(20*784, 200, 20, 28, 28))},
		"train-labels-idx1-ubyte.gz": {Data: gzipped(idx(20, 7, 20))},
		"t10k-images-idx3-ubyte":     {Data: idx(5*784, 100, 5, 28, 28)},
		"t10k-labels-idx1-ubyte":     {Data: idx(5, 9, 5)},
	}
}

func TestAFolderOfFashionIsRead(t *testing.T) {
	p, err := ReadFashion(folder())
	if err != nil {
		t.Fatal(err)
	}
	if v, s := p.Validation(), p.Tests[0].Set(); v.Len() != 2 || s.Len() != 5 {
		t.Errorf("%d pictures for validation and %d for the test", v.Len(), s.Len())
	}
	x := make([]float32, p.Size())
	if label := p.Tests[0].Set().Read(4, x); label != 9 || x[0] != float32(100)/255-0.5 {
		t.Errorf("class %d, %v", label, x[0])
	}
	if label := p.Train(0).Read(1_000_000, x); label != 7 {
		t.Errorf("class %d", label)
	}
}

func TestWhatIsWrongWithAFolderIsNamed(t *testing.T) {
	for _, c := range []struct {
		file string
		data []byte
		says string
	}{
		{"train-images-idx3-ubyte.gz", nil, "the first 4 bytes"},
		{"train-images-idx3-ubyte.gz", []byte("PK\x03\x04"), "00 00 08"},
		{"train-images-idx3-ubyte.gz", []byte{0x1f, 0x8b, 0, 0}, "EOF"},
		{"train-images-idx3-ubyte.gz", idx(20*784, 0, 20, 784), "2 dimensions instead of 3"},
		{"train-images-idx3-ubyte.gz", idx(20*784, 0, 20, 28, 29), "dimension 3 is 29 instead of 28"},
		{"train-images-idx3-ubyte.gz", idx(20*784-1, 0, 20, 28, 28), "it ends after 15679 of 15680"},
		{"train-images-idx3-ubyte.gz", idx(20*784+1, 0, 20, 28, 28), "there is more"},
		{"train-images-idx3-ubyte.gz", idx(0, 0, 0, 28, 28), "from 1 to"},
		{"train-images-idx3-ubyte.gz", idx(0, 0, 1<<32-1, 28, 28), "from 1 to"},
		{"train-images-idx3-ubyte.gz", gzipped(idx(20*784, 0, 20, 28, 28))[:30], "EOF"},
		{"train-images-idx3-ubyte.gz", idx(9*784, 0, 9, 28, 28), ""},
		{"train-labels-idx1-ubyte.gz", idx(19, 0, 19), "19 labels for 20 pictures"},
		{"t10k-labels-idx1-ubyte", idx(5, 10, 5), "label 0 is 10"},
		{"t10k-labels-idx1-ubyte", []byte{0, 0, 8, 1, 0}, "the dimensions"},
		{"t10k-labels-idx1-ubyte", []byte{0, 0, 9, 1}, "00 00 09"},
	} {
		fsys := folder()
		fsys[c.file] = &fstest.MapFile{Data: c.data}
		_, err := ReadFashion(fsys)
		if err == nil {
			t.Errorf("%q: no error", c.says)
			continue
		}
		base := strings.TrimSuffix(c.file, ".gz")
		if c.says == "" {
			base = "train-labels-idx1-ubyte" // it does not have as many
		}
		if !strings.HasPrefix(err.Error(), base) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v", c.says, err)
		}
	}
}

func TestAMissingFileIsNamed(t *testing.T) {
	for name := range folder() {
		fsys := folder()
		delete(fsys, name)
		if _, err := ReadFashion(fsys); err == nil || !strings.HasPrefix(err.Error(), strings.TrimSuffix(name, ".gz")+": there is no such file") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzIDX(f *testing.F) {
	f.Add(idx(6, 1, 2, 3), 3)
	f.Add(gzipped(idx(6, 1, 2, 3)), 3)
	f.Add(idx(3, 1, 3), 0)
	f.Add(idx(0, 1, 1<<20, 1<<10), 1<<10)
	f.Fuzz(func(t *testing.T, data []byte, width int) {
		var shape []int
		if width > 0 {
			shape = []int{width}
		}
		values, items, err := parseIDX(bytes.NewReader(data), shape)
		if err != nil {
			if values != nil {
				t.Error("values and an error")
			}
			return
		}
		if items <= 0 || len(values) != items*max(width, 1) {
			t.Errorf("%d values of %d items", len(values), items)
		}
	})
}
