package gguf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/bitdial/bitdial/quant/model"
)

func TestEveryVersionAndByteOrderSaysTheSame(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for version := 1; version <= 3; version++ {
			name := fmt.Sprintf("version %d, %v", version, order)
			m, err := Parse(name, everything(order, version))
			if err != nil {
				t.Error(err)
				continue
			}
			holdsEverything(t, m)
		}
	}
	turned := everything(binary.BigEndian, 3)
	copy(turned, "FUGG")
	m, err := Parse("FUGG", turned)
	if err != nil {
		t.Fatal(err)
	}
	holdsEverything(t, m)
}

func holdsEverything(t *testing.T, m *model.Model) {
	t.Helper()
	for i, kv := range m.Metadata {
		if kv != everythingShown[i] {
			t.Errorf("%s: %+v, want %+v", m.Name, kv, everythingShown[i])
		}
	}
	var shapes []string
	for _, w := range m.Tensors {
		shapes = append(shapes, fmt.Sprint(w.Name, " ", w.DType, " ", w.Shape))
		x := make([]float32, w.Len())
		if err := w.Read(x, 0); err != nil || !slices.Equal(x, everythingHeld[w.Name]) {
			t.Errorf("%s: %s holds %v, %v", m.Name, w.Name, x, err)
		}
	}
	if want := []string{"blk.0.w Q4_0 [2 32]", "blk.0.b F32 [3]", "blk.0.h F16 [4]"}; !slices.Equal(shapes, want) {
		t.Errorf("%s: %q, want %q", m.Name, shapes, want)
	}
	if m.Format != "gguf" || len(m.Metadata) != len(everythingShown) || m.Bytes() != 36+12+8 {
		t.Errorf("%s: %s, %d metadata, %d bytes", m.Name, m.Format, len(m.Metadata), m.Bytes())
	}
}

// TestTheHeaderSaysWhereTheMetadataAre: a writer copies them as they are.
func TestTheHeaderSaysWhereTheMetadataAre(t *testing.T) {
	b := everything(binary.LittleEndian, 3)
	h, err := ReadHeader(model.NewFile("x", b))
	if err != nil {
		t.Fatal(err)
	}
	end := h.KVFrom
	for i, kv := range h.KVs {
		if kv.From != end || !strings.Contains(string(b[kv.From:kv.Value]), kv.Key) || kv.Key != everythingShown[i].Key {
			t.Errorf("%s stands from %d to %d", kv.Key, kv.From, kv.To)
		}
		end = kv.To
	}
	if end != h.KVTo || h.Version != 3 || h.BigEndian || h.Alignment != 64 || h.Data%64 != 0 || h.Tensors[0].Offset != h.Data {
		t.Errorf("%+v", h)
	}
	x := h.KVs[1]
	if x.Key != "x.u8" || x.Type != Uint8 || b[x.Value] != 200 {
		t.Errorf("%+v", x)
	}
}

func TestEveryLieIsNamedWithItsPlace(t *testing.T) {
	one := func() *image { return little(1, 0) }
	kv := func() *image { return little(0, 1) }
	deep := kv().kv("k", Array)
	for range maxDepth {
		deep.array(Array, 1)
	}
	deep.array(Uint8, 0)
	for _, c := range []struct {
		lie    string
		file   []byte
		rule   string
		offset int
	}{
		{"an empty file", nil, rulePastEnd, 0},
		{"three bytes", []byte("GGU"), rulePastEnd, 0},
		{"another format", []byte("GGML00000000"), ruleMagic, 0},
		{"no version", []byte("GGUF"), rulePastEnd, 4},
		{"version 0", begun(binary.LittleEndian, 0, 0, 0).b, ruleVersion, 4},
		{"version 4", begun(binary.LittleEndian, 4, 0, 0).b, ruleVersion, 4},
		{"version 4 of a big-endian file", begun(binary.BigEndian, 4, 0, 0).b, ruleVersion, 4},
		{"no counts", little(0, 0).b[:8], rulePastEnd, 8},
		{"half the counts", little(0, 0).b[:20], rulePastEnd, 16},
		{"too many tensors", little(maxTensors+1, 0).b, ruleMany, 8},
		{"less than no tensors", little(-1, 0).b, ruleMany, 8},
		{"too many metadata", little(0, maxKVs+1).b, ruleManyKVs, 16},
		{"metadata that are not there", kv().b, rulePastEnd, 24},
		{"a key past the end", kv().count(5).raw('a').b, rulePastEnd, 24},
		{"a key of 2⁶⁴-1 bytes", kv().count(-1).raw('a').b, rulePastEnd, 24},
		{"an empty key", kv().kv("", Uint8).raw(1).b, ruleKey, 24},
		{"a key twice", little(0, 2).kv("k", Uint8).raw(1).kv("k", Int8).raw(1).b, ruleDuplicate, 38},
		{"a type of value that is not there", kv().kv("k", 13).raw(1).b, ruleValueType, 37},
		{"no type", kv().str("k").b, rulePastEnd, 33},
		{"no value", kv().kv("k", Uint64).u32(1).b, rulePastEnd, 37},
		{"a string past the end", kv().kv("k", String).count(2).raw('a').b, rulePastEnd, 37},
		{"a truth value of 2", kv().kv("k", Bool).raw(2).b, ruleBool, 37},
		{"an array of truth values, one of them 2", kv().kv("k", Array).array(Bool, 3).raw(0, 1, 2).b, ruleBool, 51},
		{"an array of what is not there", kv().kv("k", Array).array(13, 1).raw(1).b, ruleValueType, 37},
		{"an array past the end", kv().kv("k", Array).array(Uint32, 2).u32(1).b, rulePastEnd, 41},
		{"an array whose size comes round", kv().kv("k", Array).array(Uint64, 1<<61).b, rulePastEnd, 41},
		{"an array of strings, one past the end", kv().kv("k", Array).array(String, 2).str("abc").raw(0, 0, 0, 0, 0, 0, 0).b, rulePastEnd, 60},
		{"an array of more strings than fit", kv().kv("k", Array).array(String, 3).str("abc").str("").b, rulePastEnd, 41},
		{"an array of more arrays than fit", kv().kv("k", Array).array(Array, 2).array(Uint8, 0).b, rulePastEnd, 41},
		{"arrays too deep", deep.b, ruleDepth, 37 + 12*maxDepth},
		{"an alignment of 0", kv().kv("general.alignment", Uint32).u32(0).b, ruleAlignment, 53},
		{"an alignment of 12", kv().kv("general.alignment", Uint32).u32(12).b, ruleAlignment, 53},
		{"an alignment that is text", kv().kv("general.alignment", String).str("\x1b[31m").b, ruleAlignment, 53},
		{"an alignment of another type", kv().kv("general.alignment", Uint64).u64(32).b, ruleAlignment, 53},
		{"a tensor that is not there", one().b, rulePastEnd, 24},
		{"a tensor twice", little(2, 0).tensor("w", 0, 0, 1).tensor("w", 0, 32, 1).pad(32).zeros(64).b, ruleDuplicate, 57},
		{"too many dimensions", one().str("w").u32(maxDims + 1).zeros(100).b, ruleDims, 33},
		{"a dimension past the end", one().str("w").u32(2).count(1).b, rulePastEnd, 45},
		{"a dimension of 2⁶³", one().tensor("w", 0, 0, math.MinInt).zeros(64).b, ruleOverflow, 37},
		{"a product past 2⁶³", one().tensor("w", 0, 0, 3037000500, 3037000500).zeros(64).b, ruleOverflow, 24},
		{"a product past 2⁶⁴ that comes round", one().tensor("w", 24, 0, 1<<32, 1<<32).zeros(64).b, ruleOverflow, 24},
		{"2⁶² weights of four bytes", one().tensor("w", 0, 0, 1<<62).zeros(64).b, ruleOverflow, 24},
		{"a type that was given up", one().tensor("w", 4, 0, 32).zeros(64).b, ruleType, 45},
		{"a type of products", one().tensor("w", 9, 0, 32).zeros(64).b, ruleType, 45},
		{"a type that is not there", one().tensor("w", 43, 0, 32).zeros(64).b, ruleType, 45},
		{"rows that are not whole blocks", one().tensor("w", 2, 0, 31, 32).zeros(1000).b, ruleRows, 24},
		{"a scalar in blocks", one().tensor("w", 2, 0).zeros(1000).b, ruleRows, 24},
		{"an offset past the end", one().tensor("w", 0, 1<<40, 1).zeros(64).b, ruleOutside, 49},
		{"an offset of 2⁶⁴-32", one().tensor("w", 0, -32, 1).zeros(64).b, ruleOutside, 49},
		{"no offset", one().str("w").u32(0).u32(0).u32(0).b, rulePastEnd, 41},
		{"data past the end", one().tensor("w", 0, 0, 9).pad(32).zeros(32).b, ruleOutside, 24},
		{"more data than the file has", one().tensor("w", 0, 0, 1<<40).pad(32).zeros(32).b, ruleOutside, 24},
		{"data after the end of the file", one().tensor("w", 0, 0, 1).b, ruleOutside, 24},
		{"an offset that is not aligned", one().tensor("w", 0, 4, 1).pad(32).zeros(64).b, ruleAligned, 24},
		{"an overlap", little(2, 0).tensor("w", 0, 32, 1).tensor("v", 0, 0, 9).pad(32).zeros(64).b, ruleOverlap, 24},
		{"the same place twice", little(2, 0).tensor("w", 0, 0, 1).tensor("v", 0, 0, 1).pad(32).zeros(64).b, ruleOverlap, 57},
	} {
		m, err := Parse("x.gguf", c.file)
		var broken *model.Error
		if m != nil || !errors.As(err, &broken) {
			t.Errorf("%s: opened (%v)", c.lie, err)
			continue
		}
		if broken.Rule != c.rule || broken.Offset != int64(c.offset) || broken.File != "x.gguf" {
			t.Errorf("%s: %v\nwant the rule %q at %d", c.lie, err, c.rule, c.offset)
		}
		if strings.ContainsFunc(err.Error(), unicode.IsControl) {
			t.Errorf("%s: the error itself moves the cursor: %q", c.lie, err)
		}
	}
}

func TestNamesThatMoveTheCursorAreRefused(t *testing.T) {
	for _, name := range []string{"\x1b[31m", "a\nb", "\u009b", "\u202e", "\xff", strings.Repeat("a", model.MaxName+1)} {
		for _, b := range [][]byte{
			little(1, 0).tensor(name, 0, 0, 1).pad(32).zeros(32).b,
			little(0, 1).kv(name, Uint8).raw(1).b,
		} {
			_, err := Parse("x", b)
			if err == nil || strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
}

func TestWhatTheFormatAllowsIsRead(t *testing.T) {
	for what, b := range map[string][]byte{
		"nothing":                          little(0, 0).b,
		"a scalar":                         little(1, 0).tensor("w", 0, 0).pad(32).zeros(4).b,
		"a tensor without weights":         little(1, 0).tensor("w", 0, 0, 0, 5).pad(32).b,
		"blocks without weights":           little(1, 0).tensor("w", 2, 0, 32, 0).pad(32).b,
		"a gap between tensors":            little(2, 0).tensor("w", 0, 0, 1).tensor("v", 0, 64, 1).pad(32).zeros(96).b,
		"tensors in another order":         little(2, 0).tensor("w", 0, 32, 1).tensor("v", 0, 0, 1).pad(32).zeros(64).b,
		"bytes after the last tensor":      little(1, 0).tensor("w", 0, 0, 1).pad(32).zeros(1000).b,
		"an alignment of 8":                little(1, 1).kv("general.alignment", Uint32).u32(8).tensor("w", 0, 0, 1).pad(8).zeros(8).b,
		"an alignment of 24":               little(1, 1).kv("general.alignment", Uint32).u32(24).tensor("w", 0, 24, 1).pad(24).zeros(48).b,
		"an alignment of 1":                little(1, 1).kv("general.alignment", Uint32).u32(1).tensor("w", 0, 0, 1).zeros(4).b,
		"no padding after the last tensor": little(1, 1).kv("general.alignment", Uint32).u32(4096).tensor("w", 0, 0, 1).pad(4096).zeros(4).b,
		"a name in UTF-8":                  little(1, 0).tensor("größe 🐈", 0, 0, 1).pad(32).zeros(4).b,
		"arrays in arrays":                 little(0, 1).kv("k", Array).array(Array, 1).array(Array, 1).array(String, 1).str("a").b,
	} {
		m, err := Parse("x", b)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		readAll(t, m)
	}
}

// TestDataAreFoundWhereAWriterIgnoredItsOwnAlignment: the reference does, if
// the alignment is set by hand. The length of the file tells.
func TestDataAreFoundWhereAWriterIgnoredItsOwnAlignment(t *testing.T) {
	for _, says := range []int{8, 64, 256} {
		for _, obeys := range []int{says, defaultAlignment} {
			i := little(2, 1).kv("general.alignment", Uint32).u32(says)
			i.tensor("w", 0, 0, 1).tensor("v", 0, obeys, 1).pad(obeys)
			i.u32(int(math.Float32bits(7))).pad(obeys).zeros(4).pad(obeys)
			m, err := Parse("x", i.b)
			if err != nil {
				t.Errorf("aligned by %d, it says %d: %v", obeys, says, err)
				continue
			}
			x := make([]float32, 1)
			if err := m.Tensors[0].Read(x, 0); err != nil || x[0] != 7 {
				t.Errorf("aligned by %d, it says %d: %v, %v", obeys, says, x, err)
			}
		}
	}
}

// TestTheTextOfAnArrayIsShort however deep and long it is.
func TestTheTextOfAnArrayIsShort(t *testing.T) {
	i := little(0, 1).kv("k", Array).array(Array, 100)
	for range 100 {
		i.array(Array, 100)
		for range 100 {
			i.array(String, 1).str(strings.Repeat("\x00é", 300))
		}
	}
	m, err := Parse("x", i.b)
	if err != nil {
		t.Fatal(err)
	}
	if kv := m.Metadata[0]; len(kv.Value) > 4*shownText || kv.Items != 100 || !kv.Array() {
		t.Errorf("%d bytes: %.100s", len(kv.Value), kv.Value)
	}
}

// TestALongStringIsShownByItsBeginning so that a file cannot make its reader
// hold more text than anybody reads.
func TestALongStringIsShownByItsBeginning(t *testing.T) {
	m, err := Parse("x", little(0, 1).kv("k", String).str(strings.Repeat("a", shownString)+"bc").b)
	if err != nil {
		t.Fatal(err)
	}
	if text := m.Metadata[0].Value; text != strings.Repeat("a", shownString)+"…" {
		t.Errorf("%d bytes", len(text))
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
