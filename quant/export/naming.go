package export

import (
	"fmt"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/gguf"
	"github.com/bitdial/bitdial/quant/model/names"
)

// naming is whose names of tensors a tool goes by.
type naming uint8

const (
	byLlama  naming = iota // blk.0.attn_q.weight
	byModule               // model.layers.0.self_attn.q_proj, of Hugging Face
	byNode                 // the initializers of an ONNX graph
)

// embedding is the module that rows are taken from.
const embedding = "model.embed_tokens"

// paired lists the architectures, as GGUF calls them, to which the names belong.
const paired = " llama qwen2 qwen2moe qwen3 qwen3moe gemma gemma2 gemma3 "

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
			if name := names.GGUF(t.Name); name != "" && isModule(t) {
				return name, ""
			}
			return "", "llama.cpp's name of it is not known: convert the model to GGUF first"
		}, nil
	case m.Format == gguf.Format:
		a := architecture(m)
		if !strings.Contains(paired, " "+a+" ") {
			return nil, fmt.Errorf("it goes by Hugging Face's names of modules, which are known for a GGUF of %s; this is %q: open the safetensors that it was made from", strings.TrimSpace(paired), a)
		}
		return func(t *model.Tensor) (string, string) {
			if list := names.HF(a, t.Name); len(list) > 0 && !list[0].Stacked() && isModule(t) {
				return strings.TrimSuffix(list[0].Name, weightSuffix), ""
			}
			return "", "Hugging Face's name of it is not known"
		}, nil
	}
	return func(t *model.Tensor) (string, string) {
		if !isModule(t) {
			return "", "it is not the weight of a module; the tool quantizes those alone"
		}
		return strings.TrimSuffix(t.Name, weightSuffix), ""
	}, nil
}

// isModule reports whether t is what a module multiplies with, or takes rows from.
func isModule(t *model.Tensor) bool {
	return strings.HasSuffix(t.Name, weightSuffix) && len(t.Shape) >= 2
}

func architecture(m *model.Model) string {
	for _, kv := range m.Metadata {
		if kv.Key == "general.architecture" {
			return kv.Value
		}
	}
	return ""
}
