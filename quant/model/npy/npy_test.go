package npy

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/modeltest"
	"github.com/bitdial/bitdial/quant/model/safetensors"
)

// array returns an array with this header.
func array(header string, data ...byte) []byte {
	b := append([]byte(magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	return append(append(b, header...), data...)
}

// described returns a header.
func described(descr, order, shape string) string {
	return fmt.Sprintf("{'descr': %s, 'fortran_order': %s, 'shape': %s, }", descr, order, shape)
}

// zipped returns an archive of these members, name and content by turns.
func zipped(t testing.TB, method uint16, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		m, err := w.CreateHeader(&zip.FileHeader{Name: members[i], Method: method})
		if err == nil {
			_, err = m.Write([]byte(members[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArraysOfEveryTypeAndOrderAreRead(t *testing.T) {
	for _, c := range []struct {
		descr, order, shape string
		data                string
		dtype               *model.DType
		want                []float32
	}{
		{"'<f4'", "False", "(2,)", "\x00\x00\x80\x3f\x00\x00\x00\xc0", model.F32, []float32{1, -2}},
		{"'>f4'", "False", "(2,)", "\x3f\x80\x00\x00\xc0\x00\x00\x00", model.F32, []float32{1, -2}},
		{"'<f8'", "False", "()", "\x00\x00\x00\x00\x00\x00\xf0\x3f", model.F64, []float32{1}},
		{"'>f8'", "False", "(1,)", "\x3f\xf0\x00\x00\x00\x00\x00\x00", model.F64, []float32{1}},
		{"'<f2'", "False", "(1, 1)", "\x00\x3c", model.F16, []float32{1}},
		{"'>f2'", "False", "(1, 2)", "\x3c\x00\xbc\x00", model.F16, []float32{1, -1}},
		{"'|i1'", "False", "(3,)", "\x01\xff\x80", model.I8, []float32{1, -1, -128}},
		{"'|u1'", "True", "(2,2)", "\x01\x02\x03\x04", model.U8, []float32{1, 3, 2, 4}},
		{"'>i2'", "True", "(2L, 1L)", "\x00\x01\xff\xff", model.I16, []float32{1, -1}},
		{"'>u4'", "True", "(1, 2)", "\x00\x00\x00\x01\x00\x00\x00\x02", model.U32, []float32{1, 2}},
		{"'<i8'", "False", "(0,)", "", model.I64, []float32{}},
		{"'>i8'", "True", "(0, 3)", "", model.I64, []float32{}},
		{"'|b1'", "False", "(2,)", "\x00\x01", model.Bool, []float32{0, 1}},
		{"'<V2'", "False", "(1,)", "\x80\x3f", model.BF16, []float32{1}},
		{"\"bfloat16\"", "False", "(1,)", "\x80\x3f", model.BF16, []float32{1}},
		{"'<f1'", "False", "(1,)", "\x3c", model.F8E5M2, []float32{1}},
		{"'float8_e4m3fn'", "False", "(1,)", "\x38", model.F8E4M3, []float32{1}},
		{"'=f4'", "True", "(2,3)", "\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x40\x40\x00\x00\x80\x40\x00\x00\xa0\x40\x00\x00\xc0\x40", model.F32, []float32{1, 3, 5, 2, 4, 6}},
	} {
		b := array(described(c.descr, c.order, c.shape), []byte(c.data)...)
		for what, file := range map[string][]byte{
			"alone":    b,
			"stored":   zipped(t, zip.Store, "w.npy", string(b)),
			"deflated": zipped(t, zip.Deflate, "w.npy", string(b)),
		} {
			m, err := Parse("w", file)
			if err != nil {
				t.Errorf("%s %s: %v", c.descr, what, err)
				continue
			}
			w := m.Tensors[0]
			if got := modeltest.Weights(t, w); w.Name != "w" || w.DType != c.dtype || !slices.Equal(got, c.want) {
				t.Errorf("%s %s: %q of %s holds %v, want %v", c.descr, what, w.Name, w.DType, got, c.want)
			}
			modeltest.ReadAll(t, m, 1<<20)
		}
	}
}

func TestEveryLieIsNamedWithItsPlace(t *testing.T) {
	good := described("'<f4'", "False", "(1,)")
	version := array(good, 0, 0, 0, 0)
	version[6] = 4
	long := append([]byte(magic), 2, 0, 0xff, 0xff, 0xff, 0xff)
	for _, c := range []struct {
		lie    string
		file   []byte
		rule   string
		offset int64
	}{
		{"nothing", nil, ruleMagic, 0},
		{"half the magic", []byte(magic[:4]), ruleMagic, 0},
		{"no length", []byte(magic + "\x01\x00"), ruleMagic, 0},
		{"half a long length", []byte(magic + "\x02\x00\x00\x00"), ruleMagic, 0},
		{"version 4", version, ruleVersion, 6},
		{"a header of 4 GiB", long, ruleHeaderEnd, 8},
		{"a header of 20 kB", array(strings.Repeat(" ", 20_000)), ruleTooLong, 8},
		{"no dictionary", array("[]"), ruleHeader, 10},
		{"half a dictionary", array("{'descr': '<f4', "), ruleHeader, 27},
		{"a key twice", array("{'descr': '<f4', 'descr': '<f4'}"), ruleHeader, 27},
		{"another key", array("{'x': 1}"), ruleHeader, 11},
		{"an escape", array(`{'descr\x00': 1}`), ruleHeader, 11},
		{"no shape", array("{'descr': '<f4', 'fortran_order': False}"), ruleHeader, 50},
		{"no order", array(described("'<f4'", "0", "(1,)")), ruleHeader, 44},
		{"something after it", array(good + "x"), ruleHeader, 67},
		{"Python objects", array(described("'|O'", "False", "(1,)")), ruleObjects, 20},
		{"records", array(described("[('a', '<f4')]", "False", "(1,)")), ruleRecords, 20},
		{"text", array(described("'<U4'", "False", "(1,)")), ruleDescr, 20},
		{"complex numbers", array(described("'<c8'", "False", "(1,)")), ruleDescr, 20},
		{"a negative dimension", array(described("'<f4'", "False", "(-1,)")), ruleShape, 61},
		{"a dimension of 2⁶³", array(described("'<f4'", "False", "(9223372036854775808,)")), ruleShape, 61},
		{"a shape that is a number", array(described("'<f4'", "False", "3")), ruleShape, 60},
		{"too many dimensions", array(described("'<f4'", "False", "("+strings.Repeat("1,", 65)+")")), ruleDims, 61 + 128},
		{"too few bytes", array(good, 0, 0, 0), "", 67},
		{"too many bytes", array(good, 0, 0, 0, 0, 0), ruleTrailing, 71},
	} {
		_, err := Parse("x.npy", c.file)
		var broken *model.Error
		if !errors.As(err, &broken) {
			t.Errorf("%s: opened (%v)", c.lie, err)
			continue
		}
		if broken.Offset != c.offset || c.rule != "" && broken.Rule != c.rule {
			t.Errorf("%s: %v\nwant the rule %q at %d", c.lie, err, c.rule, c.offset)
		}
	}
}

func TestArchivesThatLieAreRefused(t *testing.T) {
	good := string(array(described("'<f4'", "False", "(1,)"), 0, 0, 0, 0))
	short := string(array(described("'<f4'", "False", "(1,)"), 0, 0))
	bomb := zipped(t, zip.Deflate, "w.npy", good) // says that it is of 70 MB
	binary.LittleEndian.PutUint32(bomb[bytes.Index(bomb, []byte("PK\x01\x02"))+24:], 70_000_000)
	for lie, file := range map[string][]byte{
		"no members":               zipped(t, zip.Store),
		"no array":                 zipped(t, zip.Store, "notes.txt", "x"),
		"an escape":                zipped(t, zip.Store, "../w.npy", good),
		"an absolute path":         zipped(t, zip.Store, "/w.npy", good),
		"a name twice":             zipped(t, zip.Store, "w.npy", good, "w.npy", good),
		"a name for the terminal":  zipped(t, zip.Store, "w\x1b[2J.npy", good),
		"an array of another size": zipped(t, zip.Store, "w.npy", short, "v.npy", good),
		"a bomb":                   bomb,
		"a cut":                    zipped(t, zip.Store, "w.npy", good)[:60],
	} {
		_, err := modeltest.Bounded(t, len(file), func() (*model.Model, error) { return Parse(lie, file) })
		modeltest.Refused(t, lie, err)
	}
}

func TestADeflatedMemberIsHeldToItsChecksum(t *testing.T) {
	good := string(array(described("'<f4'", "False", "(64,)"), make([]byte, 256)...))
	file := zipped(t, zip.Deflate, "w.npy", good)
	at := bytes.Index(file, []byte("PK\x01\x02")) + 16
	file[at] ^= 1
	m, err := Parse("x.npz", file)
	if err != nil {
		t.Fatal(err)
	}
	modeltest.Refused(t, "x.npz", m.Tensors[0].Read(make([]float32, 1), 0))
}

func TestAClosedArchiveIsAnErrorToRead(t *testing.T) {
	file := zipped(t, zip.Deflate, "w.npy", string(array(described("'<f4'", "False", "(1,)"), 0, 0, 0, 0)))
	for _, read := range []bool{false, true} {
		m, err := Parse("x.npz", file)
		if err != nil {
			t.Fatal(err)
		}
		if read {
			modeltest.Weights(t, m.Tensors[0])
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if err := m.Tensors[0].Read(make([]float32, 1), 0); !errors.Is(err, os.ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
}

func TestRealArraysHoldTheWeightsOfTheirSiblings(t *testing.T) {
	sibling, err := safetensors.Open(modeltest.Corpus(t, "safetensors", "silero_vad_16k.safetensors")[0])
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, path := range modeltest.Corpus(t, "npz", "*") {
		m, err := Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		modeltest.ReadAll(t, m, 1<<30)
		for _, w := range m.Tensors {
			for _, s := range sibling.Tensors {
				if s.Name == w.Name {
					modeltest.Same(t, w, s)
					compared++
				}
			}
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	if compared < 20 {
		t.Errorf("only %d arrays were compared", compared)
	}
	if err := sibling.Close(); err != nil {
		t.Error(err)
	}
}

func TestHostileFilesAreRefusedByARule(t *testing.T) {
	for _, path := range append(modeltest.Corpus(t, "hostile", "*.npy"), modeltest.Corpus(t, "hostile", "*.npz")...) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = modeltest.Bounded(t, int(info.Size()), func() (*model.Model, error) { return Open(path) })
		modeltest.Refused(t, path, err)
		t.Log(err)
	}
}

func FuzzOpen(f *testing.F) {
	good := array(described("'<f4'", "True", "(2, 1)"), 0, 0, 0x80, 0x3f, 0, 0, 0, 0)
	f.Add(good)
	f.Add(array(described("'>f2'", "True", "(2, 3)"), make([]byte, 12)...))
	f.Add(zipped(f, zip.Store, "a.npy", string(good), "b.npy", string(good)))
	f.Add(zipped(f, zip.Deflate, "a.npy", string(good), "notes", ""))
	modeltest.Seed(f, "npz", "*", 100_000)
	modeltest.Seed(f, "hostile", "*.np*", 100_000)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := modeltest.Bounded(t, len(b), func() (*model.Model, error) { return Parse("fuzz", b) })
		if err != nil {
			modeltest.Refused(t, "fuzz", err)
			return
		}
		modeltest.ReadAll(t, m, 1<<20)
	})
}

// FuzzHeader gives the reader any header, without its length in the way.
func FuzzHeader(f *testing.F) {
	for _, descr := range []string{"'<f4'", "'>f8'", "'|b1'", `"bfloat16"`, "'|O'", "[('a', '<f4')]"} {
		f.Add(described(descr, "True", "(2, 1L)"))
	}
	f.Add("{'shape': (), 'fortran_order': False, 'descr': '<i8'}  \n")
	f.Fuzz(func(t *testing.T, header string) {
		file := array(header, make([]byte, 8)...)
		m, err := modeltest.Bounded(t, len(file), func() (*model.Model, error) { return Parse("fuzz", file) })
		if err != nil {
			modeltest.Refused(t, "fuzz", err)
			return
		}
		modeltest.ReadAll(t, m, 1<<20)
	})
}

func TestDamagedFilesAreRefusedOrReadWithinBounds(t *testing.T) {
	plain := array(described("'<f4'", "True", "(2, 3)"), make([]byte, 24)...)
	for _, b := range [][]byte{plain, zipped(t, zip.Store, "a.npy", string(plain)), zipped(t, zip.Deflate, "a.npy", string(plain))} {
		modeltest.Damaged(t, b, len(b), func(data []byte) (*model.Model, error) { return Parse("damaged", data) })
	}
}
