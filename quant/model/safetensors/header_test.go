package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/bitdial/bitdial/quant/model"
)

// image returns a file of this header and n bytes of data.
func image(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

// tensors returns a header that describes tensors so.
func tensors(descriptions ...string) string { return "{" + strings.Join(descriptions, ",") + "}" }

// described returns the description of a tensor.
func described(name, dtype, shape, offsets string) string {
	return fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":%s}`, name, dtype, shape, offsets)
}

func TestEveryLieIsNamedWithItsPlace(t *testing.T) {
	w := described("w", "F32", "[2]", "[0,8]")
	many := strings.Repeat("1,", maxDims) + "1"
	for _, c := range []struct {
		lie    string
		file   []byte
		rule   string
		offset int64
	}{
		{"an empty file", nil, ruleNoLength, 0},
		{"seven bytes", make([]byte, 7), ruleNoLength, 0},
		{"a length and nothing else", image("", 0), ruleBrace, 8},
		{"a header past the end", image("{}", 0)[:9], rulePastEnd, 0},
		{"a length of 2⁶⁴-1", []byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"), rulePastEnd, 0},
		{"a space before the brace", image(" {}", 0), ruleBrace, 8},
		{"a list", image("[]", 0), ruleBrace, 8},
		{"half a header", image(`{"w":`, 0), ruleTensor, 13},
		{"no colon", image(`{"w" 1}`, 0), ruleJSON, 13},
		{"a comma too many", image(`{"w":{},}`, 0), ruleTensor, 9},
		{"a comma before the end", image("{"+w+",}", 8), ruleJSON, 62},
		{"a key without quotes", image(`{w:1}`, 0), ruleJSON, 9},
		{"something after the header", image("{}x", 0), ruleAfter, 10},
		{"a second object", image("{}{}", 0), ruleAfter, 10},
		{"a tensor that is a number", image(`{"w":1}`, 0), ruleTensor, 13},
		{"no dtype", image(`{"w":{"shape":[],"data_offsets":[0,0]}}`, 0), ruleTensor, 9},
		{"no shape", image(`{"w":{"dtype":"U8","data_offsets":[0,0]}}`, 0), ruleTensor, 9},
		{"no offsets", image(`{"w":{"dtype":"U8","shape":[]}}`, 1), ruleTensor, 9},
		{"an unknown dtype", image(tensors(described("w", "F31", "[2]", "[0,8]")), 8), ruleDType, 22},
		{"half a byte", image(tensors(described("w", "F4", "[3]", "[0,2]")), 2), ruleCut, 9},
		{"six bits of a byte", image(tensors(described("w", "F6_E2M3", "[3,1]", "[0,3]")), 3), ruleCut, 9},
		{"more bytes than four bits need", image(tensors(described("w", "F4", "[4]", "[0,4]")), 4), ruleOffsetsSize, 9},
		{"half the bytes of complex numbers", image(tensors(described("w", "C64", "[2]", "[0,8]")), 8), ruleOffsetsSize, 9},
		{"a dtype that is a number", image(`{"w":{"dtype":7}}`, 0), ruleDType, 22},
		{"a negative dimension", image(tensors(described("w", "F32", "[-2]", "[0,8]")), 8), ruleShape, 37},
		{"a dimension and a half", image(tensors(described("w", "F32", "[1.5]", "[0,8]")), 8), ruleShape, 38},
		{"a dimension in exponents", image(tensors(described("w", "F32", "[2e0]", "[0,8]")), 8), ruleShape, 38},
		{"a dimension of 2⁶³", image(tensors(described("w", "F32", "[9223372036854775808]", "[0,8]")), 8), ruleShape, 37},
		{"a dimension that begins with 0", image(tensors(described("w", "F32", "[02]", "[0,8]")), 8), ruleJSON, 37},
		{"a shape that is a number", image(tensors(described("w", "F32", "2", "[0,8]")), 8), ruleShape, 36},
		{"too many dimensions", image(tensors(described("w", "U8", "["+many+"]", "[0,1]")), 1), ruleDims, 36 + 2*maxDims},
		{"a product past 2⁶³", image(tensors(described("w", "F32", "[3037000500,3037000500]", "[0,8]")), 8), ruleOverflow, 9},
		{"2⁶² weights of four bytes", image(tensors(described("w", "F32", "[4611686018427387904]", "[0,8]")), 8), ruleOverflow, 9},
		{"a product past 2⁶⁴ that comes round", image(tensors(described("w", "U8", "[4294967296,4294967296]", "[0,0]")), 0), ruleOverflow, 9},
		{"one offset", image(tensors(described("w", "F32", "[2]", "[8]")), 8), ruleOffsets, 55},
		{"three offsets", image(tensors(described("w", "F32", "[2]", "[0,4,8]")), 8), ruleOffsets, 55},
		{"a negative offset", image(tensors(described("w", "F32", "[2]", "[-8,0]")), 8), ruleOffsets, 56},
		{"reversed offsets", image(tensors(described("w", "F32", "[2]", "[8,0]")), 8), ruleReversed, 55},
		{"offsets past the end", image(tensors(described("w", "F32", "[4]", "[0,16]")), 8), ruleOffsetsEnd, 55},
		{"offsets of another size", image(tensors(described("w", "F32", "[3]", "[0,8]")), 8), ruleOffsetsSize, 9},
		{"an overlap", image(tensors(w, described("v", "F32", "[2]", "[4,12]")), 12), ruleOverlap, 62},
		{"an empty tensor within another", image(tensors(w, described("v", "F32", "[0]", "[4,4]")), 8), ruleOverlap, 62},
		{"a hole", image(tensors(w, described("v", "F32", "[1]", "[12,16]")), 16), ruleHole, 62},
		{"a hole at the beginning", image(tensors(described("w", "F32", "[2]", "[8,16]")), 16), ruleHole, 9},
		{"bytes after the last tensor", image(tensors(w), 9), ruleTrailing, 70},
		{"bytes of no tensor", image("{}", 1), ruleTrailing, 10},
		{"a name twice", image(tensors(w, described("w", "F32", "[2]", "[8,16]")), 16), ruleDuplicate, 62},
		{"a name twice, once escaped", image(tensors(w, strings.Replace(described("w", "F32", "[2]", "[8,16]"), "w", `\u0077`, 1)), 16), ruleDuplicate, 62},
		{"a dtype twice", image(`{"w":{"dtype":"U8","dtype":"U8"}}`, 0), ruleDuplicate, 27},
		{"metadata twice", image(`{"__metadata__":{},"__metadata__":{}}`, 0), ruleDuplicate, 27},
		{"a key of the metadata twice", image(`{"__metadata__":{"a":"b","a":"c"}}`, 0), ruleDuplicate, 33},
		{"metadata of numbers", image(`{"__metadata__":{"a":1}}`, 0), ruleMetadata, 29},
		{"a list of metadata", image(`{"__metadata__":["a"]}`, 0), ruleMetadata, 24},
		{"a name that is not UTF-8", image("{\"\xff\":{}}", 0), ruleUTF8, 10},
		{"half a surrogate pair", image(`{"\ud800":{}}`, 0), ruleJSON, 10},
		{"two halves of different pairs", image(`{"\ud800\u0041":{}}`, 0), ruleJSON, 10},
		{"an unknown escape", image(`{"\x":{}}`, 0), ruleJSON, 10},
		{"a control character in a string", image("{\"\n\":{}}", 0), ruleJSON, 10},
		{"a string without an end", image(`{"abc`, 0), ruleJSON, 13},
		{"depth where a tensor should be", image(`{"w":`+strings.Repeat("[", 100_000), 0), ruleTensor, 13},
		{"depth where anything may be", image(`{"w":{"x":`+strings.Repeat("[", 100_000), 0), ruleDepth, 18 + maxDepth},
		{"an unknown field that is not JSON", image(`{"w":{"x":nil}}`, 0), ruleJSON, 18},
	} {
		m, err := Parse("x.safetensors", c.file)
		var broken *model.Error
		if m != nil || !errors.As(err, &broken) {
			t.Errorf("%s: opened (%v)", c.lie, err)
			continue
		}
		if broken.Rule != c.rule || broken.Offset != c.offset || broken.File != "x.safetensors" {
			t.Errorf("%s: %v\nwant the rule %q at %d", c.lie, err, c.rule, c.offset)
		}
	}
}

func TestNamesThatMoveTheCursorAreRefused(t *testing.T) {
	for _, name := range []string{`\u001b[31m`, `a\nb`, `\u009b`, `\u202e`, `del` + "\x7f"} {
		for _, header := range []string{
			`{"` + name + `":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`,
			`{"__metadata__":{"` + name + `":"value"}}`,
		} {
			_, err := Parse("x", image(header, 0))
			if err == nil {
				t.Errorf("%s was taken", header)
				continue
			}
			if strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("the error itself moves the cursor: %q", err)
			}
		}
	}
}

func TestWhatTheFormatAllowsIsRead(t *testing.T) {
	for what, header := range map[string]string{
		"nothing":                  `{}`,
		"spaces":                   "{ \n\t\r}    ",
		"metadata that are absent": `{"__metadata__":null}`,
		"a field of the future":    `{"w":{"dtype":"U8","x":[{"y":-1.5e+3},null,true,false,"z\"",{}],"shape":[0],"data_offsets":[0,0]}}`,
		"a name in UTF-8":          `{"größe 🐈":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`,
		"a name in escapes":        `{"\u0067r\u00f6\u00dfe \ud83d\udc08\/\"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`,
		"the name of no metadata":  `{"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`,
	} {
		if _, err := Parse("x", image(header, 0)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestTensorsComeInTheOrderOfTheirDataAndAreDecoded(t *testing.T) {
	file := image(`{"b":{"dtype":"F32","shape":[1,2],"data_offsets":[2,10]},"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},"s":{"dtype":"F16","shape":[],"data_offsets":[10,12]},"__metadata__":{"z":"1\n2","a":""}}`, 0)
	file = append(file, 1, 0xff, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0x3c)
	m, err := Parse("x", file)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range m.Tensors {
		dst := make([]float32, w.Len())
		if err := w.Read(dst, 0); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(w.Name, " ", w.DType, " ", w.Shape, " ", dst))
	}
	if want := []string{"a I8 [2] [1 -1]", "b F32 [1 2] [1 -2]", "s F16 [] [1]"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if m.Params() != 5 || m.Bytes() != 12 || m.Format != "safetensors" {
		t.Errorf("%d weights in %d bytes of %s", m.Params(), m.Bytes(), m.Format)
	}
	if want := []model.KeyValue{{Key: "z", Value: "1\n2"}, {Key: "a", Value: ""}}; fmt.Sprint(m.Metadata) != fmt.Sprint(want) {
		t.Errorf("metadata %v, want %v", m.Metadata, want)
	}
}

// readAll reads every tensor of m to its end.
func readAll(t testing.TB, m *model.Model) {
	t.Helper()
	for _, w := range m.Tensors {
		if err := w.Read(make([]float32, w.Len()), 0); err != nil {
			t.Error(err)
		}
		if err := w.ReadRaw(make([]byte, w.Bytes()), 0); err != nil {
			t.Error(err)
		}
	}
}

func TestHostileFilesAreRefusedByARule(t *testing.T) {
	paths := corpus(t, "hostile", "*.safetensors")
	for _, path := range paths {
		_, err := Open(path)
		var broken *model.Error
		if !errors.As(err, &broken) || broken.Rule == "" || broken.Offset < 0 || broken.File != path {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestRealFilesOpenAndAreRead(t *testing.T) {
	for _, path := range corpus(t, "safetensors", "*") {
		m, err := Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(m.Tensors) == 0 {
			t.Errorf("%s has no tensors", path)
		}
		readAll(t, m)
		if err := m.Close(); err != nil {
			t.Error(err)
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
