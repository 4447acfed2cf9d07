package quant

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

// described returns a model of F16 tensors that have shapes and no weights.
func described(t *testing.T, metadata map[string]string, shapes map[string][]int) *model.Model {
	t.Helper()
	m := &model.Model{Name: "m", Format: "gguf"}
	for key, value := range metadata {
		m.Metadata = append(m.Metadata, model.KeyValue{Key: key, Value: value})
	}
	f := model.NewFile("m", nil)
	for name, shape := range shapes {
		tensor, err := model.NewComputed(name, model.F16, shape, f, 0, func([]byte, int) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		m.Tensors = append(m.Tensors, tensor)
	}
	return m
}

// llama8B returns Llama 3 8B without its weights.
func llama8B(t *testing.T) *model.Model {
	t.Helper()
	shapes := map[string][]int{"token_embd.weight": {128256, 4096}, "output.weight": {128256, 4096}, "output_norm.weight": {4096}}
	for i := range 32 {
		for name, shape := range map[string][]int{
			"attn_q": {4096, 4096}, "attn_k": {1024, 4096}, "attn_v": {1024, 4096}, "attn_output": {4096, 4096},
			"ffn_gate": {14336, 4096}, "ffn_up": {14336, 4096}, "ffn_down": {4096, 14336}, "attn_norm": {4096}, "ffn_norm": {4096},
		} {
			shapes[fmt.Sprintf("blk.%d.%s.weight", i, name)] = shape
		}
	}
	return described(t, map[string]string{
		"general.architecture": "llama", "llama.block_count": "32", "llama.attention.head_count": "32", "llama.attention.head_count_kv": "8",
	}, shapes)
}

// TestMixesWeighWhatLlamaQuantizeSays compares sizes of Llama 3 8B with those in
// the help of llama-quantize, in GiB.
func TestMixesWeighWhatLlamaQuantizeSays(t *testing.T) {
	m := llama8B(t)
	for name, want := range map[string]float64{
		"Q4_0": 4.34, "Q4_1": 4.78, "Q5_0": 5.21, "Q5_1": 5.65, "Q2_K": 2.96, "Q3_K_S": 3.41, "Q3_K_M": 3.74, "Q3_K_L": 4.03,
		"Q4_K_S": 4.37, "Q4_K_M": 4.58, "Q5_K_S": 5.21, "Q5_K_M": 5.33, "Q6_K": 6.14, "Q8_0": 7.95,
	} {
		p, err := MixOf(name).Plan(m, false)
		if err != nil {
			t.Fatal(err)
		}
		bytes := int64(0)
		for _, tensor := range m.Tensors {
			size := int64(4 * tensor.Len()) // norms are F32
			if s := p.For(tensor); !s.Keep() {
				size = s.Bytes(tensor.Shape, tensor.Bytes())
			}
			bytes += size
		}
		if got := float64(bytes) / (1 << 30); got < want-0.0125 || got > want+0.0125 {
			t.Errorf("%s: %.3f GiB, llama-quantize has %.2f", name, got, want)
		}
	}
}

func TestMixesGiveLayersTheirTypes(t *testing.T) {
	llama := llama8B(t)
	for _, test := range []struct {
		mix, tensor, want string
		guided            bool
	}{
		{"Q4_K_M", "blk.0.ffn_down.weight", "q6_K", false},
		{"Q4_K_M", "blk.4.ffn_down.weight", "q4_K", false},
		{"Q4_K_M", "blk.6.ffn_down.weight", "q6_K", false},
		{"Q4_K_M", "blk.10.attn_v.weight", "q4_K", false},
		{"Q4_K_M", "blk.28.attn_v.weight", "q6_K", false},
		{"q4_k", "output.weight", "q6_K", false},
		{"Q4_K_M", "output_norm.weight", "keep", false},
		{"Q4_K_S", "blk.3.attn_v.weight", "q5_K", false},
		{"Q4_K_S", "blk.4.attn_v.weight", "q4_K", false},
		{"Q3_K_M", "blk.1.ffn_down.weight", "q5_K", false},
		{"Q3_K_M", "blk.2.ffn_down.weight", "q4_K", false},
		{"IQ4_XS", "blk.0.ffn_down.weight", "q5_K", false},
		{"IQ4_XS", "blk.0.ffn_down.weight", "iq4_xs", true},
		{"IQ4_XS", "blk.9.attn_v.weight", "q5_K", true},
		{"IQ3_XXS", "blk.9.attn_q.weight", "iq2_s", true},
		{"IQ3_XS", "blk.9.ffn_up.weight", "iq3_xxs", true},
		{"IQ3_XS", "blk.31.ffn_up.weight", "iq3_s", true},
		{"IQ2_XXS", "token_embd.weight", "q2_K", true},
		{"IQ2_XXS", "output.weight", "q5_K", true},
		{"IQ1_S", "blk.5.attn_output.weight", "iq2_xxs", true},
		{"IQ2_M", "blk.3.ffn_down.weight", "iq3_s", true},
		{"Q4_0", "blk.0.ffn_down.weight", "q4_1", true},
	} {
		p, err := MixOf(test.mix).Plan(llama, test.guided)
		if err != nil {
			t.Fatal(err)
		}
		for _, tensor := range llama.Tensors {
			if tensor.Name == test.tensor && p.For(tensor).String() != test.want {
				t.Errorf("%s: %s is %s, want %s", test.mix, test.tensor, p.For(tensor), test.want)
			}
		}
	}
}

// TestMixesKnowTiedEmbeddingsExpertsAndOddRows uses a model that has all three.
func TestMixesKnowTiedEmbeddingsExpertsAndOddRows(t *testing.T) {
	m := described(t, map[string]string{
		"general.architecture": "qwen3moe", "qwen3moe.block_count": "16", "qwen3moe.expert_count": "8",
		"qwen3moe.attention.head_count": "32", "qwen3moe.attention.head_count_kv": "[32, 32]",
	}, map[string][]int{
		"token_embd.weight":             {100, 512},
		"blk.9.attn_v.weight":           {64, 512},
		"blk.9.attn_output.weight":      {512, 96},
		"blk.9.attn_q.weight":           {512, 24},
		"blk.9.ffn_gate_inp.weight":     {8, 512},
		"blk.15.ffn_down_exps.weight":   {8, 512, 256},
		"blk.3.ffn_down_exps.weight":    {8, 512, 256},
		"blk.3.ffn_gate_inp_one.weight": {1, 512},
	})
	p, err := MixOf("Q4_K_M").Plan(m, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"token_embd.weight":             "q6_K", // is the last layer too
		"blk.9.attn_v.weight":           "q8_0", // eight experts
		"blk.9.attn_output.weight":      "q5_1", // rows of 96 for q5_K
		"blk.9.attn_q.weight":           "f16",  // rows of 24
		"blk.9.ffn_gate_inp.weight":     "keep",
		"blk.15.ffn_down_exps.weight":   "q6_K",
		"blk.3.ffn_down_exps.weight":    "q4_K", // by its layer, not its place
		"blk.3.ffn_gate_inp_one.weight": "keep",
	} {
		for _, tensor := range m.Tensors {
			if tensor.Name == name && p.For(tensor).String() != want {
				t.Errorf("%s is %s, want %s", name, p.For(tensor), want)
			}
		}
	}
}

func TestAMixOfAnotherArchitectureIsRefused(t *testing.T) {
	for architecture, want := range map[string]string{"falcon": `this is "falcon"`, "llama": "llama.block_count"} {
		m := described(t, map[string]string{"general.architecture": architecture}, nil)
		if _, err := MixOf("Q4_K_M").Plan(m, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	m := described(t, map[string]string{"config.model_type": "qwen3"}, nil)
	if _, err := MixOf("Q4_K_M").Plan(m, false); err == nil || !strings.Contains(err.Error(), "Hugging Face (qwen3): convert it") {
		t.Errorf("error %v", err)
	}
	if MixOf("Q9_K") != nil || MixOf("mine.toml") != nil {
		t.Error("there are mixes that there are not")
	}
}
