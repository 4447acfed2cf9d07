package quant

import (
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// Trait is something that a model's metadata say of it.
type Trait struct{ Name, Value string }

// traits is the table of what is worth knowing first, by the keys that GGUF
// gives it; a star stands for the architecture. What a checkout of Hugging Face
// says comes after, by the keys of its config.json.
var traits = []struct{ name, key string }{
	{"name", "general.name"},
	{"architecture", "general.architecture"},
	{"size", "general.size_label"},
	{"licence", "general.license"},
	{"context", "*.context_length"},
	{"layers", "*.block_count"},
	{"embedding", "*.embedding_length"},
	{"feed forward", "*.feed_forward_length"},
	{"heads", "*.attention.head_count"},
	{"key/value heads", "*.attention.head_count_kv"},
	{"experts", "*.expert_count"},
	{"experts used", "*.expert_used_count"},
	{"tokenizer", "tokenizer.ggml.model"},
	{"tokens", tokens},
	{"architecture", "config.architectures"},
	{"kind", "config.model_type"},
	{"context", "config.max_position_embeddings"},
	{"layers", "config.num_hidden_layers"},
	{"hidden size", "config.hidden_size"},
	{"feed forward", "config.intermediate_size"},
	{"heads", "config.num_attention_heads"},
	{"key/value heads", "config.num_key_value_heads"},
	{"tokens", "config.vocab_size"},
	{"tied embeddings", "config.tie_word_embeddings"},
	{"context", "config.text_config.max_position_embeddings"},
	{"layers", "config.text_config.num_hidden_layers"},
	{"hidden size", "config.text_config.hidden_size"},
	{"heads", "config.text_config.num_attention_heads"},
	{"tokens", "config.text_config.vocab_size"},
	{"quantized by", "config.quantization_config.quant_method"},
	{"bits", "config.quantization_config.bits"},
	{"groups of", "config.quantization_config.group_size"},
}

// tokens is the key of a vocabulary, of which the size is worth knowing.
const tokens = "tokenizer.ggml.tokens"

// About returns the traits of m that its metadata say, in the table's order.
func About(m *model.Model) []Trait {
	values := make(map[string]model.KeyValue, len(m.Metadata))
	for _, kv := range m.Metadata {
		values[kv.Key] = kv
	}
	architecture := values["general.architecture"].Value
	var list []Trait
	for _, t := range traits {
		kv, known := values[strings.Replace(t.key, "*", architecture, 1)]
		switch {
		case known && t.key == tokens:
			list = append(list, Trait{t.name, strconv.Itoa(kv.Items)})
		case known: // an array has a value per layer
			list = append(list, Trait{t.name, kv.Value})
		}
	}
	return list
}
