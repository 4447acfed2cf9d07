package export

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/gguf"
)

// naming is whose names of tensors a tool goes by.
type naming uint8

const (
	byLlama  naming = iota // blk.0.attn_q.weight
	byModule               // model.layers.0.self_attn.q_proj, of Hugging Face
	byNode                 // the initializers of an ONNX graph
)

// modules pairs llama.cpp's names of weights with the modules of Hugging Face's
// models, for architectures whose layers are those of llama. Those of a layer
// follow "blk.N." and "model.layers.N.".
var modules = []struct{ llama, module string }{
	{"token_embd", embedding},
	{"output", "lm_head"},
	{"blk.N.attn_q", "model.layers.N.self_attn.q_proj"},
	{"blk.N.attn_k", "model.layers.N.self_attn.k_proj"},
	{"blk.N.attn_v", "model.layers.N.self_attn.v_proj"},
	{"blk.N.attn_output", "model.layers.N.self_attn.o_proj"},
	{"blk.N.ffn_gate", "model.layers.N.mlp.gate_proj"},
	{"blk.N.ffn_up", "model.layers.N.mlp.up_proj"},
	{"blk.N.ffn_down", "model.layers.N.mlp.down_proj"},
	{"blk.N.ffn_gate_inp", "model.layers.N.mlp.gate"},
}

// embedding is the module that rows are taken from.
const embedding = "model.embed_tokens"

// paired lists the architectures, as GGUF calls them, to which the names belong.
const paired = " llama qwen2 qwen2moe qwen3 qwen3moe gemma gemma2 gemma3 "

// layerMark stands for a layer's number in the table.
const layerMark = "N"

const weightSuffix = ".weight"

// of returns what names the tensors of m, and why one has no name.
func (n naming) of(m *model.Model) (rename func(t *model.Tensor) (name, why string), err error) {
	switch {
	case n == byNode:
		if m.Format != "onnx" {
			return nil, fmt.Errorf("it quantizes ONNX graphs, this is %s", m.Format)
		}
		return func(t *model.Tensor) (string, string) { return t.Name, "" }, nil
	case m.Format == "onnx":
		return nil, fmt.Errorf("it goes by the modules of a network, which an ONNX file does not have")
	case n == byLlama && m.Format == gguf.Format:
		return func(t *model.Tensor) (string, string) { return t.Name, "" }, nil
	case n == byLlama:
		return func(t *model.Tensor) (string, string) {
			name, ok := renamed(t.Name, func(i int) (from, to string) { return modules[i].module, modules[i].llama })
			if !ok {
				return "", "llama.cpp's name of it is not known: convert the model to GGUF first"
			}
			return name + weightSuffix, ""
		}, nil
	case m.Format == gguf.Format:
		if a := architecture(m); !strings.Contains(paired, " "+a+" ") {
			return nil, fmt.Errorf("it goes by Hugging Face's names of modules, which are known for a GGUF of %s; this is %q: open the safetensors that it was made from", strings.TrimSpace(paired), a)
		}
		return func(t *model.Tensor) (string, string) {
			name, ok := renamed(t.Name, func(i int) (from, to string) { return modules[i].llama, modules[i].module })
			if !ok {
				return "", "Hugging Face's name of it is not known"
			}
			return name, ""
		}, nil
	}
	return func(t *model.Tensor) (string, string) {
		name, ok := strings.CutSuffix(t.Name, weightSuffix)
		if !ok || len(t.Shape) < 2 {
			return "", "it is not the weight of a module; the tool quantizes those alone"
		}
		return name, ""
	}, nil
}

// renamed looks a weight's name up in the table of modules.
func renamed(name string, pair func(i int) (from, to string)) (string, bool) {
	name, ok := strings.CutSuffix(name, weightSuffix)
	if !ok {
		return "", false
	}
	p, layer := placed(name)
	if p.numbered {
		name = p.before + layerMark + p.after
	}
	for i := range modules {
		if from, to := pair(i); from == name {
			return strings.Replace(to, layerMark, strconv.Itoa(layer), 1), true
		}
	}
	return "", false
}

func architecture(m *model.Model) string {
	for _, kv := range m.Metadata {
		if kv.Key == "general.architecture" {
			return kv.Value
		}
	}
	return ""
}
