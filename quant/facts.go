package quant

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// Facts are what a language model's memory besides its weights depends on.
type Facts struct {
	Layers                int
	KeyHeads              int // for each of which a layer keeps a key and a value of every token
	KeyLength, ValueLen   int
	Context               int // that it was trained for; 0 if it does not say
	Embedding, Vocabulary int
	Unknown               string // why its keys and values are not known, "" if they are
}

// CacheBytes returns what the keys and values of context tokens take as f16 if
// every layer keeps all of them, 2⁶² at most: what a file says may be anything.
func (f Facts) CacheBytes(context int) int64 {
	n := 2 * float64(f.Layers) * float64(f.KeyHeads) * float64(f.KeyLength+f.ValueLen) * float64(context)
	return int64(min(n, 1<<62))
}

// maxFact bounds each of the numbers.
const maxFact = 1 << 24

// FactsOf returns what a GGUF file's metadata say, or the config.json that lies
// beside the files of a Hugging Face model.
func FactsOf(m *model.Model) Facts {
	look := ggufFact(m)
	names := ggufFacts
	if _, ok := look("general.architecture"); !ok {
		if look = configFact(m.Path); look == nil {
			return Facts{Unknown: "neither metadata nor a config.json beside it say its layers and heads"}
		}
		names = configFacts
	}
	number := func(key string) int {
		text, _ := look(key)
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n >= 0 && n <= maxFact) {
			return 0
		}
		return int(n)
	}
	f := Facts{
		Layers: number(names.layers), KeyHeads: number(names.keyHeads), KeyLength: number(names.keyLength), ValueLen: number(names.valueLength),
		Context: number(names.context), Embedding: number(names.embedding), Vocabulary: number(names.vocabulary),
	}
	heads := number(names.heads)
	if f.KeyHeads == 0 {
		f.KeyHeads = heads
	}
	if f.KeyLength == 0 && heads > 0 {
		f.KeyLength = f.Embedding / heads
	}
	if f.ValueLen == 0 {
		f.ValueLen = f.KeyLength
	}
	if rank := number(names.latent); rank > 0 { // one latent vector instead, and the key's turned part
		f.KeyHeads, f.KeyLength, f.ValueLen = 1, rank, number(names.rotary)
	}
	if f.Layers == 0 || f.KeyHeads == 0 || f.KeyLength == 0 {
		f.Unknown = "the model does not say its layers and heads"
	}
	return f
}

// factNames are the keys of facts.
type factNames struct {
	layers, heads, keyHeads, keyLength, valueLength, context, embedding, vocabulary, latent, rotary string
}

var ggufFacts = factNames{
	"*.block_count", "*.attention.head_count", "*.attention.head_count_kv", "*.attention.key_length", "*.attention.value_length",
	"*.context_length", "*.embedding_length", tokens, "*.attention.kv_lora_rank", "*.rope.dimension_count",
}

var configFacts = factNames{
	"num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "v_head_dim",
	"max_position_embeddings", "hidden_size", "vocab_size", "kv_lora_rank", "qk_rope_head_dim",
}

// ggufFact returns how to look at a model's metadata, a star standing for its
// architecture: of arrays, which have a number for each layer, the largest shown,
// and of the vocabulary its size.
func ggufFact(m *model.Model) func(key string) (string, bool) {
	values := make(map[string]model.KeyValue, len(m.Metadata))
	for _, kv := range m.Metadata {
		values[kv.Key] = kv
	}
	architecture := values["general.architecture"].Value
	return func(key string) (string, bool) {
		kv, ok := values[strings.Replace(key, "*", architecture, 1)]
		switch {
		case ok && key == tokens:
			return strconv.Itoa(kv.Items), true
		case ok && kv.Array():
			most := 0
			for item := range strings.SplitSeq(strings.Trim(kv.Value, "[]"), ",") {
				n, _ := strconv.Atoi(strings.TrimSpace(item)) // the last may be …
				most = max(most, n)
			}
			return strconv.Itoa(most), true
		}
		return kv.Value, ok
	}
}

// maxConfig bounds a config.json.
const maxConfig = 1 << 20

// configFact returns how to look at the config.json in the folder of path, or in
// path if that is one; nil if there is none.
func configFact(path string) func(key string) (string, bool) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		path = filepath.Dir(path)
	}
	f, err := os.Open(filepath.Join(path, "config.json"))
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, maxConfig))
	if err != nil {
		return nil
	}
	var config map[string]json.RawMessage
	if json.Unmarshal(text, &config) != nil {
		return nil
	}
	if inner, ok := config["text_config"]; ok { // of models that see, too
		var of map[string]json.RawMessage
		if json.Unmarshal(inner, &of) == nil {
			for key, value := range of {
				config[key] = value
			}
		}
	}
	return func(key string) (string, bool) {
		value, ok := config[key]
		return string(value), ok
	}
}
