package quant

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// Mix is a mix of types that llama-quantize knows by name, as of August 2026. Its
// [Mix.Plan] gives each tensor the type that llama-quantize gives it.
type Mix struct {
	Name     string
	FileType uint32 // that general.file_type says of such a file

	base                     string // of all weights that nothing else is said of
	output                   string // of the last layer, q6_K if empty
	embedding                string // where it is not the last layer too, base if empty
	key, query               string // base if empty
	value, down, out, gateUp clauses

	tiny bool
}

// MixOf returns the mix called name, in letters of either case, nil if there is
// none. As in llama-quantize, Q4_K is Q4_K_M.
func MixOf(name string) *Mix {
	name = strings.ToUpper(name)
	switch name {
	case "Q3_K", "Q4_K", "Q5_K":
		name += "_M"
	}
	for _, m := range Mixes {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Base returns the name of the format of all weights that the mix says nothing else
// of.
func (m *Mix) Base() string { return m.base }

// Mixed lists the architectures for which mixes are known to give the types of
// llama-quantize: those whose tensors its rules do not treat in a way of their own.
var Mixed = []string{"llama", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "gemma", "gemma2", "gemma3"}

// site is a tensor among those of its kind.
type site struct {
	i, n    int // which it is, of how many
	heads   int // that share a key
	experts int
	guided  bool // by an importance matrix
}

// family is what of a model the rules look at.
type family struct {
	site
	layers int
	big    bool // of 70 billion weights, as one knows it by its layers
	tied   bool // the embedding is the last layer too
}

// Plan returns the plan that gives each tensor of m its type: a rule for each that
// is not kept, and where its rows do not fit the type, what llama-quantize takes
// instead. guided says whether there is an importance matrix. A model of an
// architecture that is not in [Mixed] is an error.
func (m *Mix) Plan(of *model.Model, guided bool) (Plan, error) {
	f, err := familyOf(of)
	if err != nil {
		return Plan{}, err
	}
	f.guided = guided
	values, seen := 0, map[kind]int{}
	for _, t := range of.Tensors {
		if kindOf(t.Name) == valueKind {
			values++
		}
	}
	plan := Plan{}
	for _, t := range inLayers(of.Tensors) {
		if !mixable(t) {
			continue
		}
		k, s := kindOf(t.Name), f.site
		s.i, s.n = seen[k], f.layers
		if k == valueKind {
			s.n = values
		} else if s.experts > 1 && !m.tiny { // experts stand in any order
			s.i = layerOf(t.Name)
		}
		seen[k]++
		plan.Rules = append(plan.Rules, Rule{Literal(t.Name), orInstead(m.typeOf(t, k, s, f), t.Shape)})
	}
	return plan, nil
}

// typeOf returns the name of the type of a tensor.
func (m *Mix) typeOf(t *model.Tensor, k kind, s site, f family) string {
	switch {
	case k == outputKind || k == embeddingKind && f.tied:
		if t.Shape[len(t.Shape)-1]%kernels.FormatOf(m.base).Packing.Block != 0 {
			return "q8_0"
		}
		return cmp.Or(m.output, "q6_K")
	case k == embeddingKind:
		return cmp.Or(m.embedding, m.base)
	case k == valueKind:
		return m.valueType(s, f)
	case k == keyKind && eight(s):
		if m.tiny {
			return "q4_K"
		}
		return "q8_0"
	case k == keyKind:
		return cmp.Or(m.key, m.base)
	case k == queryKind:
		return cmp.Or(m.query, m.base)
	}
	return m.first(map[kind]clauses{downKind: m.down, outKind: m.out, gateKind: m.gateUp, upKind: m.gateUp}[k], s)
}

// valueType is typeOf for what makes values of attention, which are few and matter
// much.
func (m *Mix) valueType(s site, f family) string {
	name := m.first(m.value, s)
	switch {
	case m.tiny:
	case eight(s):
		return "q8_0"
	case f.big && (name == "q3_K" || name == "q4_K"):
		return "q5_K"
	}
	return name
}

func (m *Mix) first(list clauses, s site) string {
	for _, c := range list {
		if c.when(s) {
			return c.then
		}
	}
	return m.base
}

// orInstead returns the type and what llama-quantize takes where it does not fit
// the shape. Where that is nothing, f16 is taken.
func orInstead(name string, shape []int) Choice {
	instead := "f16"
	switch {
	case name == "q4_K":
		instead = "q5_0"
	case name == "q5_K":
		instead = "q5_1"
	case name == "q6_K":
		instead = "q8_0"
	case slices.Contains([]string{"q2_0", "q2_K", "q3_K", "tq1_0", "tq2_0"}, name):
		instead = "q4_0"
	case strings.HasPrefix(name, "iq") && name != "iq4_nl":
		instead = "iq4_nl"
	}
	c := Choice{Scheme: Scheme{Format: kernels.FormatOf(name)}, Else: Scheme{Format: kernels.FormatOf(instead)}}
	if c.Else.WhyNot(shape) != "" {
		c.Else.Format = kernels.FormatOf("f16")
	}
	return c
}

// familyOf returns what the rules look at of m.
func familyOf(m *model.Model) (f family, err error) {
	values := map[string]string{}
	for _, kv := range m.Metadata {
		values[kv.Key] = kv.Value
	}
	architecture := values["general.architecture"]
	if kind := values["config.model_type"]; architecture == "" && kind != "" {
		return f, fmt.Errorf("%s: the mixes are known for llama.cpp's names of tensors, and this is a checkout of Hugging Face (%s): convert it to GGUF first; -s SCHEME gives all weights one format", m.Name, kind)
	}
	if !slices.Contains(Mixed, architecture) {
		return f, fmt.Errorf("%s: the mixes are known for the architectures %s, this is %q; -s SCHEME gives all weights one format", m.Name, strings.Join(Mixed, " "), architecture)
	}
	number := func(key string) int {
		text := strings.TrimPrefix(values[architecture+"."+key], "[") // of an array the first: a number for each layer
		text, _, _ = strings.Cut(strings.TrimSuffix(text, "]"), ",")
		n, _ := strconv.Atoi(text)
		return n
	}
	f.layers, f.experts = number("block_count"), number("expert_count")
	heads, keys := number("attention.head_count"), number("attention.head_count_kv")
	if f.layers < 1 || heads < 1 {
		return f, fmt.Errorf("%s: a mix depends on %s.block_count and %s.attention.head_count, which the metadata do not say", m.Name, architecture, architecture)
	}
	f.heads = heads / max(1, cmp.Or(keys, heads))
	f.big = f.layers == 80 && (architecture == "qwen2" || architecture == "llama" && f.heads > 1)
	f.tied = !slices.ContainsFunc(m.Tensors, func(t *model.Tensor) bool { return kindOf(t.Name) == outputKind })
	return f, nil
}

// kind is what a tensor is for, as far as the rules ask.
type kind uint8

const (
	otherKind kind = iota
	outputKind
	embeddingKind
	valueKind
	keyKind
	queryKind
	outKind
	upKind
	gateKind
	downKind
)

// kinds is the table of them by a part of the name; the first that occurs decides.
var kinds = []struct {
	part string
	kind kind
}{
	{"attn_qkv.weight", valueKind},
	{"attn_kv_b.weight", valueKind},
	{"attn_v.weight", valueKind},
	{"attn_k.weight", keyKind},
	{"attn_q.weight", queryKind},
	{"attn_output.weight", outKind},
	{"ffn_up", upKind},
	{"ffn_gate", gateKind},
	{"ffn_down", downKind},
}

func kindOf(name string) kind {
	switch name {
	case "output.weight":
		return outputKind
	case "token_embd.weight", "per_layer_token_embd.weight":
		return embeddingKind
	}
	for _, k := range kinds {
		if strings.Contains(name, k.part) {
			return k.kind
		}
	}
	return otherKind
}

// mixable reports whether a mix quantizes t at all.
func mixable(t *model.Tensor) bool {
	rows := slices.ContainsFunc(t.Shape[:max(0, len(t.Shape)-1)], func(d int) bool { return d > 1 })
	return Quantizable(t) && rows && strings.HasSuffix(t.Name, "weight") &&
		!strings.Contains(t.Name, "_norm.weight") && !strings.Contains(t.Name, "ffn_gate_inp.weight")
}

// inLayers returns the tensors as llama-quantize goes through them: layer by
// layer, by name.
func inLayers(tensors []*model.Tensor) []*model.Tensor {
	return slices.SortedFunc(slices.Values(tensors), func(a, b *model.Tensor) int {
		return cmp.Or(cmp.Compare(layerOf(a.Name), layerOf(b.Name)), cmp.Compare(a.Name, b.Name))
	})
}

// layerOf returns the number of the layer that a tensor is named after, -1 if of
// none.
func layerOf(name string) int {
	rest, ok := strings.CutPrefix(name, "blk.")
	digits, _, dotted := strings.Cut(rest, ".")
	n, err := strconv.Atoi(digits)
	if !ok || !dotted || err != nil {
		return -1
	}
	return n
}
