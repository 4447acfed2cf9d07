package safetensors

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/modeltest"
)

func TestNarrowFloatsFollowEachOtherWithoutGaps(t *testing.T) {
	for _, c := range []struct {
		dtype, shape string
		data         []byte
		want         []float32
	}{
		{"F4", "[3,2]", []byte{0x21, 0x43, 0xf5}, []float32{0.5, 1, 1.5, 2, 3, -6}},
		// Six bits each from the lowest up: 1, 31, 32, 33 and 8, 0, 0, 63.
		{"F6_E2M3", "[2,4]", []byte{1 | 31<<6&0xff, 31>>2 | 32<<4&0xff, 32>>4 | 33<<2, 8, 0, 63 << 2}, []float32{0.125, 7.5, 0, -0.125, 1, 0, 0, -7.5}},
		{"F6_E3M2", "[4]", []byte{1 | 31<<6&0xff, 31>>2 | 32<<4&0xff, 32>>4 | 33<<2}, []float32{0.0625, 28, 0, -0.0625}},
		{"F8_E8M0", "[3]", []byte{127, 0, 130}, []float32{1, 0x1p-127, 8}},
		{"F8_E4M3FNUZ", "[2]", []byte{0x7f, 0x81}, []float32{240, -0x1p-10}},
		{"F8_E5M2FNUZ", "[2]", []byte{0x7f, 0x81}, []float32{57344, -0x1p-17}},
		{"C64", "[2]", []byte{0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 0, 0}, []float32{1, 3}},
	} {
		header := image(tensors(described("w", c.dtype, c.shape, fmt.Sprintf("[0,%d]", len(c.data)))), 0)
		m, err := Parse("narrow", append(header, c.data...))
		if err != nil {
			t.Fatal(err)
		}
		w := m.Tensors[0]
		if x := modeltest.Weights(t, w); !slices.Equal(x, c.want) || w.DType.Name != c.dtype || w.Bytes() != int64(len(c.data)) {
			t.Errorf("%s %d bytes: %v, want %s %v", w.DType, w.Bytes(), x, c.dtype, c.want)
		}
		modeltest.ReadAll(t, m, 1<<20)
	}
}

// settings writes the files of a folder that holds a model of one tensor.
func settings(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := checkout(t, "", whole("w", model.F32, []int{1}, 1))
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAConfigBecomesMetadata(t *testing.T) {
	dir := settings(t, map[string]string{"config.json": `{
		"vocab_size": 32000, "architectures": ["LlamaForCausalLM", "other"], "model_type": "llama", "rope_theta": 1e6,
		"tie_word_embeddings": false, "sliding_window": null, "hidden_size": 4096.5,
		"text_config": {"hidden_size": 64, "vision": {"a": [1, {"b": 2}]}},
		"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 64], "ignored": ["lm_head"],
			"config_groups": {"group_0": {"weights": {"num_bits": 4, "group_size": 128, "actorder": "group"}, "input_activations": null}}}}`})
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	want := []model.KeyValue{
		{Key: "config.architectures", Value: "LlamaForCausalLM", Type: "str"},
		{Key: "config.model_type", Value: "llama", Type: "str"},
		{Key: "config.hidden_size", Value: "4096.5", Type: "f64"},
		{Key: "config.vocab_size", Value: "32000", Type: "i64"},
		{Key: "config.tie_word_embeddings", Value: "false", Type: "bool"},
		{Key: "config.text_config.hidden_size", Value: "64", Type: "i64"},
		{Key: "config.quantization_config.quant_method", Value: "fp8", Type: "str"},
		{Key: "config.quantization_config.weight_block_size", Value: "128×64", Type: "str"},
	}
	if !slices.Equal(m.Metadata, want) {
		t.Errorf("got %v, want %v", m.Metadata, want)
	}
	c, err := configOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s := c.scheme(); s.Method != "fp8" || !slices.Equal(s.Bits, []int{4}) || s.Group != 128 || s.Block != [2]int{128, 64} || !s.Order {
		t.Errorf("the scheme is %+v", s)
	}
}

func TestAConfigMayHoldWhatPythonCallsNumbers(t *testing.T) {
	m, err := Open(settings(t, map[string]string{"config.json": `{"time_step_limit": [0.0, Infinity], "a": {"b": NaN}, "hidden_size": -Infinity, "head_dim": [NaN, 1]}`}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	want := []model.KeyValue{{Key: "config.hidden_size", Value: "-Infinity", Type: "f64"}, {Key: "config.head_dim", Value: "NaN", Type: "f64"}}
	if !slices.Equal(m.Metadata, want) {
		t.Errorf("got %v, want %v", m.Metadata, want)
	}
	if _, err := Parse("header", image(`{"__metadata__":{},"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"x":NaN}}`, 0)); err == nil {
		t.Error("a header may too")
	}
}

// TestAConfigReplacesWhatTheHeaderSaysOfAnother is for a file that was converted in one
// checkout and stands in another.
func TestAConfigReplacesWhatTheHeaderSaysOfAnother(t *testing.T) {
	dir := settings(t, map[string]string{"config.json": `{"hidden_size": 64}`})
	header := image(`{"__metadata__":{"config.hidden_size":"32","config.x":"1","format":"pt"}}`, 0)
	if err := os.WriteFile(filepath.Join(dir, "model.safetensors"), header, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	want := []model.KeyValue{{Key: "config.x", Value: "1"}, {Key: "format", Value: "pt"}, {Key: "config.hidden_size", Value: "64", Type: "i64"}}
	if !slices.Equal(m.Metadata, want) {
		t.Errorf("got %v, want %v", m.Metadata, want)
	}
}

func TestOlderQuantizersHaveAFileOfTheirOwn(t *testing.T) {
	older := `{"bits": 3, "group_size": 64, "desc_act": true, "checkpoint_format": "gptq_v2"}`
	for name, files := range map[string]map[string]string{
		"alone":           {"quantize_config.json": older},
		"beside a config": {"quantize_config.json": older, "config.json": `{"model_type":"llama"}`},
	} {
		c, err := configOf(settings(t, files))
		if err != nil {
			t.Fatal(err)
		}
		if s := c.scheme(); !slices.Equal(s.Bits, []int{3}) || s.Group != 64 || s.Format != "gptq_v2" || !s.Order {
			t.Errorf("%s: %+v", name, s)
		}
	}
	c, err := configOf(settings(t, map[string]string{"quantize_config.json": older, "config.json": `{"quantization_config":{"bits":4}}`}))
	if err != nil || !slices.Equal(c.scheme().Bits, []int{4}) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestAConfigThatLiesIsNamed(t *testing.T) {
	for _, c := range []struct{ text, rule string }{
		{"", ruleConfig},
		{"[]", ruleConfig},
		{`{"model_type"`, ruleJSON},
		{`{"model_type":}`, ruleJSON},
		{`{"model_type":"a","model_type":"b"}`, ruleDuplicate},
		{`{"quantization_config":{"bits":4},"quantization_config":{"bits":8}}`, ruleDuplicate},
		{`{"model_type":"\u001b[2J"}x`, ruleAfter},
		{`{"other":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}", ruleDepth},
		{`{"architectures":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}", ruleDepth},
		{`{"quantization_config":{"config_groups":{"a":{"weights":{"num_bits":` + strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat("}", 105), ruleDepth},
		{`{"model_type":"` + strings.Repeat("x", maxFacts) + `"}`, ruleConfigLong},
		{strings.Repeat(" ", maxConfig) + "{}", ruleConfigLong},
	} {
		dir := settings(t, map[string]string{"config.json": c.text})
		_, err := modeltest.Bounded(t, len(c.text), func() (*model.Model, error) { return Open(dir) })
		var broken *model.Error
		if !errors.As(err, &broken) || broken.Rule != c.rule || broken.File != filepath.Join(dir, "config.json") {
			t.Errorf("%.60s: %v, want %q", c.text, err, c.rule)
		}
		// Beside a file that is opened by its name it may be anything.
		m, err := Open(filepath.Join(dir, "model.safetensors"))
		if err != nil {
			t.Errorf("%.60s: %v", c.text, err)
			continue
		}
		_ = m.Close()
	}
}
