package names

// entry is one place in a network.
type entry struct {
	gguf, hf   string // without suffix; # is a number, * that of an expert
	only       []string
	heads      Heads
	transposed bool
}

var (
	sandwich = []string{"gemma2", "gemma3", "gemma3n", "gemma4"} // norms before and after each part
	gpt2     = []string{"gpt2"}
	phi3     = []string{"phi3"}
)

// permuted lists the architectures of which the rows of q and k are reordered. A
// llama in Mistral's own format has other names, and is left as it is.
var permuted = []string{"llama", "granite", "granitemoe", "smollm3", "arcee", "deci", "minicpm", "xverse"}

// plusOne lists the architectures whose norms multiply by 1 + w in transformers and
// by w in llama.cpp.
var plusOne = []string{"gemma", "gemma2", "gemma3"}

var table = []entry{
	{gguf: "token_embd", hf: "model.embed_tokens"},
	{gguf: "output", hf: "lm_head"},
	{gguf: "output_norm", hf: "model.norm"},

	{gguf: "blk.#.attn_norm", hf: "model.layers.#.input_layernorm"},
	{gguf: "blk.#.attn_q", hf: "model.layers.#.self_attn.q_proj", heads: QueryHeads},
	{gguf: "blk.#.attn_k", hf: "model.layers.#.self_attn.k_proj", heads: KeyHeads},
	{gguf: "blk.#.attn_v", hf: "model.layers.#.self_attn.v_proj"},
	{gguf: "blk.#.attn_output", hf: "model.layers.#.self_attn.o_proj"},
	{gguf: "blk.#.attn_qkv", hf: "model.layers.#.self_attn.qkv_proj", only: phi3},
	{gguf: "blk.#.attn_q_norm", hf: "model.layers.#.self_attn.q_norm"},
	{gguf: "blk.#.attn_k_norm", hf: "model.layers.#.self_attn.k_norm"},
	{gguf: "blk.#.attn_q_a", hf: "model.layers.#.self_attn.q_a_proj"},
	{gguf: "blk.#.attn_q_a_norm", hf: "model.layers.#.self_attn.q_a_layernorm"},
	{gguf: "blk.#.attn_q_b", hf: "model.layers.#.self_attn.q_b_proj"},
	{gguf: "blk.#.attn_kv_a_mqa", hf: "model.layers.#.self_attn.kv_a_proj_with_mqa"},
	{gguf: "blk.#.attn_kv_a_norm", hf: "model.layers.#.self_attn.kv_a_layernorm"},
	{gguf: "blk.#.attn_kv_b", hf: "model.layers.#.self_attn.kv_b_proj"},

	{gguf: "blk.#.ffn_norm", hf: "model.layers.#.pre_feedforward_layernorm", only: sandwich},
	{gguf: "blk.#.ffn_norm", hf: "model.layers.#.post_attention_layernorm"},
	{gguf: "blk.#.post_attention_norm", hf: "model.layers.#.post_attention_layernorm", only: sandwich},
	{gguf: "blk.#.post_ffw_norm", hf: "model.layers.#.post_feedforward_layernorm", only: sandwich},
	{gguf: "blk.#.ffn_up", hf: "model.layers.#.mlp.gate_up_proj", only: phi3},
	{gguf: "blk.#.ffn_gate", hf: "model.layers.#.mlp.gate_proj"},
	{gguf: "blk.#.ffn_up", hf: "model.layers.#.mlp.up_proj"},
	{gguf: "blk.#.ffn_down", hf: "model.layers.#.mlp.down_proj"},

	// Experts: as qwen, then as mixtral has them.
	{gguf: "blk.#.ffn_gate_inp", hf: "model.layers.#.mlp.gate"},
	{gguf: "blk.#.ffn_gate_exps", hf: "model.layers.#.mlp.experts.*.gate_proj"},
	{gguf: "blk.#.ffn_up_exps", hf: "model.layers.#.mlp.experts.*.up_proj"},
	{gguf: "blk.#.ffn_down_exps", hf: "model.layers.#.mlp.experts.*.down_proj"},
	{gguf: "blk.#.ffn_gate_inp_shexp", hf: "model.layers.#.mlp.shared_expert_gate"},
	{gguf: "blk.#.ffn_gate_shexp", hf: "model.layers.#.mlp.shared_expert.gate_proj"},
	{gguf: "blk.#.ffn_up_shexp", hf: "model.layers.#.mlp.shared_expert.up_proj"},
	{gguf: "blk.#.ffn_down_shexp", hf: "model.layers.#.mlp.shared_expert.down_proj"},
	{gguf: "blk.#.ffn_gate_shexp", hf: "model.layers.#.mlp.shared_experts.gate_proj"},
	{gguf: "blk.#.ffn_up_shexp", hf: "model.layers.#.mlp.shared_experts.up_proj"},
	{gguf: "blk.#.ffn_down_shexp", hf: "model.layers.#.mlp.shared_experts.down_proj"},
	{gguf: "blk.#.ffn_gate_inp", hf: "model.layers.#.block_sparse_moe.gate"},
	{gguf: "blk.#.ffn_gate_exps", hf: "model.layers.#.block_sparse_moe.experts.*.w1"},
	{gguf: "blk.#.ffn_down_exps", hf: "model.layers.#.block_sparse_moe.experts.*.w2"},
	{gguf: "blk.#.ffn_up_exps", hf: "model.layers.#.block_sparse_moe.experts.*.w3"},
	{gguf: "blk.#.ffn_gate.#", hf: "model.layers.#.block_sparse_moe.experts.#.w1"},
	{gguf: "blk.#.ffn_down.#", hf: "model.layers.#.block_sparse_moe.experts.#.w2"},
	{gguf: "blk.#.ffn_up.#", hf: "model.layers.#.block_sparse_moe.experts.#.w3"},

	{gguf: "token_embd", hf: "transformer.wte", only: gpt2},
	{gguf: "position_embd", hf: "transformer.wpe", only: gpt2},
	{gguf: "output_norm", hf: "transformer.ln_f", only: gpt2},
	{gguf: "blk.#.attn_norm", hf: "transformer.h.#.ln_1", only: gpt2},
	{gguf: "blk.#.attn_qkv", hf: "transformer.h.#.attn.c_attn", only: gpt2, transposed: true},
	{gguf: "blk.#.attn_output", hf: "transformer.h.#.attn.c_proj", only: gpt2, transposed: true},
	{gguf: "blk.#.ffn_norm", hf: "transformer.h.#.ln_2", only: gpt2},
	{gguf: "blk.#.ffn_up", hf: "transformer.h.#.mlp.c_fc", only: gpt2, transposed: true},
	{gguf: "blk.#.ffn_down", hf: "transformer.h.#.mlp.c_proj", only: gpt2, transposed: true},
}
