package llama2c

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/modeltest"
)

// begun returns the numbers that a checkpoint begins with.
func begun(numbers ...int32) []byte {
	var b []byte
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return b
}

// counted returns b and n weights that count from 0.
func counted(b []byte, n int) []byte {
	for i := range n {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(i)))
	}
	return b
}

// newer returns the header of version 1.
func newer(shared byte, numbers ...int32) []byte {
	b := append([]byte("24ka\x01\x00\x00\x00"), begun(numbers...)...)
	return append(append(b, shared), make([]byte, header-len(b)-1)...)
}

// Eight wide, two layers, four heads of which two share a key, six tokens, five
// long: how many weights each kind has.
const (
	embedding = 6 * 8
	norms     = 2 * 8
	attention = 2 * (8*8 + 4*8 + 4*8 + 8*8)
	feed      = 2 * 3 * 12 * 8
	turns     = 2 * 5 * 1
)

func TestWeightsAreWhereTheNumbersPutThem(t *testing.T) {
	type place struct {
		name  string
		first float32
	}
	for _, c := range []struct {
		what   string
		file   []byte
		n      int
		places []place
	}{
		{
			"without a magic number", counted(begun(8, 12, 2, 4, 2, 6, 5), embedding+2*norms+attention+feed+8+turns), 2 + 2*9 + 2,
			[]place{{"tok_embeddings.weight", 0}, {"layers.1.attention_norm.weight", 56}, {"layers.0.attention.wq.weight", 64}, {"layers.1.attention.wk.weight", 224}, {"freqs_sin", 48 + 32 + 384 + 576 + 8 + 5}},
		},
		{
			"with a last layer", counted(begun(8, 12, 2, 4, 2, -6, 5), 2*embedding+2*norms+attention+feed+8+turns), 2 + 2*9 + 3,
			[]place{{"output.weight", 48 + 32 + 384 + 576 + 8 + 10}},
		},
		{
			"version 1", counted(newer(1, 8, 12, 2, 4, 2, 6, 5), embedding+2*norms+attention+feed+8), 2 + 2*9,
			[]place{{"layers.0.attention_norm.weight", 0}, {"layers.1.ffn_norm.weight", 24}, {"norm.weight", 32}, {"tok_embeddings.weight", 40}, {"layers.0.attention.wq.weight", 88}},
		},
		{
			"version 1 with a last layer", counted(newer(0, 8, 12, 2, 4, 2, 6, 5), 2*embedding+2*norms+attention+feed+8), 2 + 2*9 + 1,
			[]place{{"output.weight", 40 + 48 + 384 + 576}},
		},
	} {
		m, err := Parse(c.what, c.file)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Tensors) != c.n || len(m.Metadata) != 7 {
			t.Errorf("%s: %d tensors, want %d", c.what, len(m.Tensors), c.n)
		}
		for _, p := range c.places {
			if x := modeltest.Weights(t, modeltest.Tensor(t, m, p.name)); x[0] != p.first {
				t.Errorf("%s: %s begins with %v, want %v", c.what, p.name, x[0], p.first)
			}
		}
		modeltest.ReadAll(t, m, 1<<20)
		path := filepath.Join(t.TempDir(), "stories.bin")
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		if !Recognises(path, c.file[:100]) {
			t.Errorf("%s is not recognised", c.what)
		}
	}
}

func TestEveryLieIsNamed(t *testing.T) {
	good := counted(begun(8, 12, 2, 4, 2, 6, 5), embedding+2*norms+attention+feed+8+turns)
	for _, c := range []struct {
		lie  string
		file []byte
		rule string
	}{
		{"nothing", nil, ruleHeader},
		{"six numbers", good[:24], ruleHeader},
		{"no weights", good[:28], ruleSize},
		{"a weight too few", good[:len(good)-4], ruleSize},
		{"a byte too many", append(good[:len(good):len(good)], 0), ruleSize},
		{"a dim of 0", begun(0, 12, 2, 4, 2, 6, 5), ruleHeader},
		{"negative layers", begun(8, 12, -2, 4, 2, 6, 5), ruleHeader},
		{"no tokens", begun(8, 12, 2, 4, 2, 0, 5), ruleHeader},
		{"−2³¹ tokens", begun(8, 12, 2, 4, 2, math.MinInt32, 5), ruleHeader},
		{"2³¹ layers", begun(8, 12, math.MaxInt32, 4, 2, 6, 5), ruleNumbers},
		{"heads that do not divide", begun(8, 12, 2, 3, 3, 6, 5), ruleNumbers},
		{"keys that do not divide", begun(8, 12, 2, 4, 3, 6, 5), ruleNumbers},
		{"heads of one weight", begun(8, 12, 2, 8, 2, 6, 5), ruleNumbers},
		{"2⁹⁰ bytes", begun(1<<30, math.MaxInt32, maxLayers, 1, 1, math.MaxInt32, math.MaxInt32), ruleNumbers},
		{"2⁶³ bytes", begun(1<<30, 1<<30, 3, 1, 1, 1<<30, 1), ruleNumbers},
		{"another version", append([]byte("24ka\x02\x00\x00\x00"), make([]byte, 248)...), ruleVersion},
		{"half a header", newer(1, 8, 12, 2, 4, 2, 6, 5)[:200], ruleHeader},
		{"a header and no weights", newer(1, 8, 12, 2, 4, 2, 6, 5), ruleSize},
		{"a negative number of tokens", newer(1, 8, 12, 2, 4, 2, -6, 5), ruleHeader},
	} {
		_, err := modeltest.Bounded(t, len(c.file), func() (*model.Model, error) { return Parse("x.bin", c.file) })
		modeltest.Refused(t, c.lie, err)
		if broken := (*model.Error)(nil); errors.As(err, &broken) && broken.Rule != c.rule {
			t.Errorf("%s: %v\nwant the rule %q", c.lie, err, c.rule)
		}
		path := filepath.Join(t.TempDir(), "x.bin")
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		if magical := len(c.file) > 4 && string(c.file[:4]) == magic; Recognises(path, c.file[:min(len(c.file), 4096)]) != magical {
			t.Errorf("%s: recognised: %v", c.lie, !magical)
		}
	}
}

// FuzzOpen holds the reader to its promise for any bytes.
func FuzzOpen(f *testing.F) {
	f.Add(counted(begun(8, 12, 2, 4, 2, 6, 5), embedding+2*norms+attention+feed+8+turns))
	f.Add(counted(newer(1, 8, 12, 2, 4, 2, 6, 5), embedding+2*norms+attention+feed+8))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := modeltest.Bounded(t, len(b), func() (*model.Model, error) { return Parse("fuzz", b) })
		if err != nil {
			modeltest.Refused(t, "fuzz", err)
			return
		}
		modeltest.ReadAll(t, m, 1<<20)
	})
}

func TestDamagedFilesAreRefusedOrReadWithinBounds(t *testing.T) {
	b := newer(1, 2, 2, 1, 1, 1, 2, 1)
	b = counted(b, 2*2+3*2+4*4+3*4)
	modeltest.Damaged(t, b, len(b), func(data []byte) (*model.Model, error) { return Parse("damaged", data) })
}
