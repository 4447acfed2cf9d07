package safetensors

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/quantized"
)

// configName is the file of a checkout that says what the network is.
const configName = "config.json"

// quantizeNames are files that say how it is quantized where config.json does
// not, as older quantizers write them.
var quantizeNames = []string{"quantize_config.json", "quant_config.json"}

// prefix is what the keys of a config get as metadata.
const prefix = "config."

// facts are the keys of a config that are kept, in the order in which they are
// shown. What describes the text part of a model of several, and how it is
// quantized, are objects of their own.
var facts = []string{
	"architectures", "model_type", "torch_dtype", "dtype", "hidden_size", "intermediate_size", "num_hidden_layers",
	"num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size", "max_position_embeddings", "sliding_window", "tie_word_embeddings",
	"num_experts", "num_local_experts", "n_routed_experts", "num_experts_per_tok", "moe_intermediate_size",
	"text_config.model_type", "text_config.torch_dtype", "text_config.dtype", "text_config.hidden_size", "text_config.intermediate_size",
	"text_config.num_hidden_layers", "text_config.num_attention_heads", "text_config.num_key_value_heads", "text_config.head_dim",
	"text_config.vocab_size", "text_config.max_position_embeddings", "text_config.tie_word_embeddings",
	"text_config.num_experts", "text_config.num_experts_per_tok",
	quantization + "quant_method", quantization + "format", quantization + "checkpoint_format", quantization + "bits", quantization + "w_bit",
	quantization + "group_size", quantization + "q_group_size", quantization + "desc_act", quantization + "sym", quantization + "zero_point",
	quantization + "load_in_4bit", quantization + "load_in_8bit", quantization + "bnb_4bit_quant_type", quantization + "bnb_4bit_use_double_quant",
	quantization + "fmt", quantization + "weight_block_size", quantization + "quant_algo",
}

const quantization = "quantization_config."

// config is what a checkout says about its network.
type config struct {
	values map[string]model.KeyValue // those of facts that there are, by their key without prefix
	bits   []int                     // of weights of all groups of layers
	groups []int                     // weights that share a scale there
	block  []int
	order  bool
	kept   int // bytes of keys and values
}

// configOf reads the config of the folder. A folder without one has none of its
// facts.
func configOf(folder string) (*config, error) {
	c := &config{values: map[string]model.KeyValue{}}
	if err := c.read(filepath.Join(folder, configName), ""); err != nil {
		return nil, err
	}
	for _, name := range quantizeNames {
		if c.quantized() {
			break
		}
		if err := c.read(filepath.Join(folder, name), quantization); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// quantized reports whether there is anything about it.
func (c *config) quantized() bool {
	for key := range c.values {
		if strings.HasPrefix(key, quantization) {
			return true
		}
	}
	return len(c.bits) > 0
}

// read reads the file at path, if there is one, whose keys come under a path.
func (c *config) read(path, under string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	f, err := model.OpenFile(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it is only read
	if f.Size() > maxConfig {
		return &model.Error{
			File: path, Offset: model.NoOffset, Rule: ruleConfigLong,
			Found: strconv.FormatInt(f.Size(), 10) + " bytes, at most " + strconv.Itoa(maxConfig),
		}
	}
	return f.View(0, f.Size(), func(b []byte) error { return c.parse(path, b, under) })
}

// parse reads the JSON b of the file. Of b it keeps nothing.
func (c *config) parse(file string, b []byte, under string) error {
	s := &scanner{file: file, b: b, python: true}
	if err := c.object(s, under, maxDepth); err != nil {
		return err
	}
	return s.end()
}

// object reads an object whose keys come under a path.
func (c *config) object(s *scanner, under string, depth int) error {
	seen := map[string]bool{}
	return s.object(ruleConfig, func(key []byte, at int) error {
		if len(key) > model.MaxName {
			return s.skip(depth - 1)
		}
		path := under + string(key)
		if !wanted(path) {
			return s.skip(depth - 1)
		}
		if seen[path] {
			return s.fail(at, ruleDuplicate, "%.80q", path)
		}
		seen[path] = true
		if c.kept += len(path); c.kept > maxFacts {
			return s.fail(at, ruleConfigLong, "more than %d bytes of what is looked at", maxFacts)
		}
		return c.member(s, path, depth-1)
	})
}

// wanted reports whether anything at or under path is kept.
func wanted(path string) bool {
	if of, ok := strings.CutPrefix(path, grouped); ok {
		_, what, inside := strings.Cut(of, ".")
		return !inside || slices.Contains(ofWeights, what)
	}
	return slices.Contains(facts, path) || slices.Contains(opened, path+".") || path+"." == grouped
}

// opened are the objects that are looked into.
var opened = []string{"text_config.", quantization}

// grouped is the object of the groups of layers that compressed-tensors knows,
// each with what it does to weights.
const grouped = quantization + "config_groups."

// ofWeights are the keys of such a group that are looked at.
var ofWeights = []string{"weights", "weights.num_bits", "weights.group_size", "weights.actorder", "weights.block_structure"}

// member reads the value at path.
func (c *config) member(s *scanner, path string, depth int) error {
	if depth == 0 {
		return s.fail(s.pos, ruleDepth, "more than %d levels", maxDepth)
	}
	first := s.space()
	switch {
	case first == '{' && (slices.Contains(opened, path+".") || strings.HasPrefix(path+".", grouped)):
		return c.object(s, path+".", depth)
	case first == '[':
		return c.list(s, path, depth)
	case first == '{':
		return s.skip(depth)
	}
	kv, err := s.scalar()
	if err != nil {
		return err
	}
	return c.keep(s, path, kv)
}

// keep keeps the value at path.
func (c *config) keep(s *scanner, path string, kv model.KeyValue) error {
	if rest, ok := strings.CutPrefix(path, grouped); ok {
		number, err := strconv.Atoi(kv.Value)
		switch _, what, _ := strings.Cut(rest, "."); {
		case what == "weights.num_bits" && err == nil:
			c.bits = append(c.bits, number)
		case what == "weights.group_size" && err == nil:
			c.groups = append(c.groups, number)
		case what == "weights.actorder" && kv.Type == "str":
			c.order = true
		}
		return nil
	}
	if kv.Type == "" || !slices.Contains(facts, path) { // null says nothing
		return nil
	}
	if c.kept += len(kv.Value); c.kept > maxFacts {
		return s.fail(s.pos, ruleConfigLong, "more than %d bytes of what is looked at", maxFacts)
	}
	kv.Key = prefix + path
	c.values[path] = kv
	return nil
}

// list reads a list, of which the first value is kept: the architecture, and of
// numbers the first two, the sides of a block.
func (c *config) list(s *scanner, path string, depth int) error {
	n := 0
	block := path == quantization+"weight_block_size" || strings.HasPrefix(path, grouped) && strings.HasSuffix(path, ".weights.block_structure")
	var text []string
	err := s.array(ruleConfig, func() error {
		if first := s.space(); first == '{' || first == '[' || n >= 2 {
			n++
			return s.skip(depth - 1)
		}
		n++
		kv, err := s.scalar()
		if err != nil {
			return err
		}
		if side, err := strconv.Atoi(kv.Value); block && err == nil && kv.Type == "i64" {
			c.block = append(c.block, side)
			text = append(text, kv.Value)
			return nil
		}
		if n == 1 {
			return c.keep(s, path, kv)
		}
		return nil
	})
	if err == nil && len(text) == 2 {
		err = c.keep(s, path, model.KeyValue{Value: strings.Join(text, "×"), Type: "str"})
	}
	return err
}

// scalar reads text, a number or a truth value; null has no type.
func (s *scanner) scalar() (model.KeyValue, error) {
	c, start := s.space(), s.pos
	switch {
	case c == '"':
		text, err := s.string(ruleConfig)
		return model.KeyValue{Value: string(text), Type: "str"}, err
	case s.unreal():
		return model.KeyValue{Value: string(s.b[start:s.pos]), Type: "f64"}, nil
	case c == '-' || digit(c):
		err := s.number()
		text := string(s.b[start:s.pos])
		if _, bad := strconv.ParseInt(text, 10, 64); bad == nil {
			return model.KeyValue{Value: text, Type: "i64"}, err
		}
		return model.KeyValue{Value: text, Type: "f64"}, err
	}
	for _, w := range []string{"true", "false"} {
		if s.word(w) {
			return model.KeyValue{Value: w, Type: "bool"}, nil
		}
	}
	if s.word("null") {
		return model.KeyValue{}, nil
	}
	return model.KeyValue{}, s.expected(ruleJSON, "a value")
}

// metadata returns the facts in their order.
func (c *config) metadata() []model.KeyValue {
	var list []model.KeyValue
	for _, key := range facts {
		if kv, ok := c.values[key]; ok {
			list = append(list, kv)
		}
	}
	return list
}

// scheme returns what the config says about quantized weights.
func (c *config) scheme() quantized.Config {
	text := func(key string) string { return c.values[quantization+key].Value }
	number := func(keys ...string) int {
		for _, key := range keys {
			if n, err := strconv.Atoi(text(key)); err == nil && n > 0 {
				return n
			}
		}
		return 0
	}
	q := quantized.Config{
		Method: strings.ToLower(text("quant_method")), Format: text("checkpoint_format"), Bits: c.bits,
		Group: number("group_size", "q_group_size"), Order: c.order || text("desc_act") == "true",
	}
	if bits := number("bits", "w_bit"); bits > 0 {
		q.Bits = append(q.Bits, bits)
	}
	if len(c.block) >= 2 {
		q.Block = [2]int{c.block[0], c.block[1]}
	}
	if q.Group == 0 && len(c.groups) == 1 {
		q.Group = c.groups[0]
	}
	return q
}

// describe makes m say what the config says, in place of what a file that was made
// under another one says, and joins the parts of its quantized weights.
func (c *config) describe(m *model.Model) {
	m.Metadata = slices.DeleteFunc(m.Metadata, func(kv model.KeyValue) bool {
		key, ok := strings.CutPrefix(kv.Key, prefix)
		return ok && c.values[key].Key != ""
	})
	m.Metadata = append(m.Metadata, c.metadata()...)
	m.Tensors = quantized.Join(m.Tensors, c.scheme())
}
