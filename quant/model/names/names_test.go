package names

import (
	"slices"
	"testing"
)

func TestNamesOfTransformers(t *testing.T) {
	for _, c := range []struct {
		architecture, gguf string
		want               Name
	}{
		{"llama", "blk.31.attn_q.weight", Name{Name: "model.layers.31.self_attn.q_proj.weight", Heads: QueryHeads}},
		{"llama", "blk.0.attn_k.bias", Name{Name: "model.layers.0.self_attn.k_proj.bias", Heads: KeyHeads}},
		{"qwen2", "blk.0.attn_k.bias", Name{Name: "model.layers.0.self_attn.k_proj.bias"}},
		{"qwen3", "blk.7.ffn_norm.weight", Name{Name: "model.layers.7.post_attention_layernorm.weight"}},
		{"gemma3", "blk.7.ffn_norm.weight", Name{Name: "model.layers.7.pre_feedforward_layernorm.weight", PlusOne: true}},
		{"gemma3", "blk.7.post_attention_norm.weight", Name{Name: "model.layers.7.post_attention_layernorm.weight", PlusOne: true}},
		{"gemma", "output_norm.weight", Name{Name: "model.norm.weight", PlusOne: true}},
		{"qwen3moe", "blk.2.ffn_up_exps.weight", Name{Name: "model.layers.2.mlp.experts.*.up_proj.weight"}},
		{"llama", "blk.2.ffn_gate.7.weight", Name{Name: "model.layers.2.block_sparse_moe.experts.7.w1.weight"}},
		{"phi3", "blk.2.ffn_up", Name{Name: "model.layers.2.mlp.gate_up_proj"}},
		{"gpt2", "blk.2.ffn_up.bias", Name{Name: "transformer.h.2.mlp.c_fc.bias"}},
	} {
		if got := HF(c.architecture, c.gguf); !slices.Contains(got, c.want) {
			t.Errorf("%s %s: got %+v, want %+v", c.architecture, c.gguf, got, c.want)
		}
	}
	for _, name := range []string{"rope_freqs.weight", "blk.attn_q.weight", "", "blk.0.nothing.weight"} {
		if got := HF("llama", name); got != nil {
			t.Errorf("%q: got %+v", name, got)
		}
	}
}

func TestNamesOfLlamaCPP(t *testing.T) {
	for hf, want := range map[string]string{
		"model.layers.31.self_attn.q_proj.weight":             "blk.31.attn_q.weight",
		"model.layers.2.mlp.down_proj":                        "blk.2.ffn_down",
		"lm_head.weight":                                      "output.weight",
		"model.layers.2.block_sparse_moe.experts.7.w1.weight": "",
		"model.layers.2.mlp.experts.7.up_proj.weight":         "",
		"transformer.h.2.mlp.c_fc.weight":                     "",
		"model.layers.2.nothing":                              "",
	} {
		if got := GGUF(hf); got != want {
			t.Errorf("%s: got %q, want %q", hf, got, want)
		}
	}
}

func TestTheNamesOfExpertsAreNumbered(t *testing.T) {
	n := HF("qwen3moe", "blk.2.ffn_up_exps.weight")[0]
	if got := n.Expert("11"); !n.Stacked() || got != "model.layers.2.mlp.experts.11.up_proj.weight" {
		t.Errorf("got %q", got)
	}
}

func TestRowsAreThoseOfPermute(t *testing.T) {
	// weights.reshape(heads, 2, rows/2, …).swapaxes(1, 2).reshape(…), of two heads of six rows
	want := []int{0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11}
	var got []int
	for r := range want {
		got = append(got, Row(r, 6))
		if back := Back(Row(r, 6), 6); back != r {
			t.Errorf("row %d comes back as %d", r, back)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBareNames(t *testing.T) {
	for _, name := range []string{"layers.0.x", "model.layers.0.x", "model.language_model.layers.0.x", "language_model.model.layers.0.x", "module.model.layers.0.x"} {
		if got := Bare(name); got != "layers.0.x" {
			t.Errorf("%s: %s", name, got)
		}
	}
}
