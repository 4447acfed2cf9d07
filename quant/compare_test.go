package quant

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

// modelOf returns a model of float32 tensors.
func modelOf(t testing.TB, architecture string, tensors map[string]array) *model.Model {
	t.Helper()
	m := &model.Model{}
	if architecture != "" {
		m.Metadata = []model.KeyValue{
			{Key: "general.architecture", Value: architecture, Type: "str"},
			{Key: architecture + ".attention.head_count", Value: "4", Type: "u32"},
			{Key: architecture + ".attention.head_count_kv", Value: "2", Type: "u32"},
		}
	}
	var order []string
	for name := range tensors {
		order = append(order, name)
	}
	slices.Sort(order)
	for _, name := range order {
		a := tensors[name]
		w := tensorOf(t, a.x, a.shape...)
		w.Name = name
		m.Tensors = append(m.Tensors, w)
	}
	return m
}

type array struct {
	shape []int
	x     []float32
}

func random(seed uint64, shape ...int) array {
	n, _ := model.Count(shape)
	draw := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(draw.NormFloat64())
	}
	return array{shape, x}
}

// permute is what convert_hf_to_gguf does to the rows of q and k:
// reshape(heads, 2, rows/heads/2, …).swapaxes(1, 2).
func permute(a array, heads int) array {
	rows, columns := a.shape[0], len(a.x)/a.shape[0]
	var x []float32
	for h := range heads {
		for i := range rows / heads / 2 {
			for half := range 2 {
				r := h*rows/heads + half*(rows/heads/2) + i
				x = append(x, a.x[r*columns:(r+1)*columns]...)
			}
		}
	}
	return array{a.shape, x}
}

func transpose(a array) array {
	x := make([]float32, len(a.x))
	for i, v := range a.x {
		x[i%a.shape[1]*a.shape[0]+i/a.shape[1]] = v
	}
	return array{[]int{a.shape[1], a.shape[0]}, x}
}

func plus(a array, v float32) array {
	x := slices.Clone(a.x)
	for i := range x {
		x[i] += v
	}
	return array{a.shape, x}
}

func stack(list ...array) array {
	s := array{shape: append([]int{len(list)}, list[0].shape...)}
	for _, a := range list {
		s.x = append(s.x, a.x...)
	}
	return s
}

// conversions are models as transformers have them, and as converting leaves them.
func conversions() map[string][2]map[string]array {
	q, k, embed := random(1, 64, 40), random(2, 32, 40), random(3, 100, 40)
	norm, one, two := random(4, 40), random(5, 24, 40), random(6, 24, 40)
	tall := random(7, 3000, 700)
	return map[string][2]map[string]array{
		"llama": {
			{
				"model.layers.0.self_attn.q_proj.weight": q, "model.layers.0.self_attn.k_proj.weight": k,
				"model.layers.0.self_attn.k_proj.bias": random(8, 32), "model.embed_tokens.weight": embed, "model.norm.weight": norm,
				"model.layers.0.block_sparse_moe.experts.0.w1.weight": one, "model.layers.0.block_sparse_moe.experts.1.w1.weight": two,
			},
			{
				"blk.0.attn_q.weight": permute(q, 4), "blk.0.attn_k.weight": permute(k, 2),
				"blk.0.attn_k.bias": permute(random(8, 32), 2), "token_embd.weight": embed, "output_norm.weight": norm,
				"blk.0.ffn_gate_exps.weight": stack(one, two),
			},
		},
		"qwen3": {
			{"model.embed_tokens.weight": embed, "model.layers.0.self_attn.q_proj.weight": q},
			{"token_embd.weight": embed, "blk.0.attn_q.weight": q},
		},
		"gemma3": {
			{
				"language_model.model.embed_tokens.weight": embed, "language_model.model.norm.weight": norm,
				"language_model.model.layers.0.pre_feedforward_layernorm.weight": random(9, 40), "language_model.model.layers.0.post_attention_layernorm.weight": random(10, 40),
			},
			{
				"token_embd.weight": embed, "output_norm.weight": plus(norm, 1),
				"blk.0.ffn_norm.weight": plus(random(9, 40), 1), "blk.0.post_attention_norm.weight": plus(random(10, 40), 1),
			},
		},
		"gpt2": {
			{"wte.weight": embed, "h.0.mlp.c_fc.weight": tall},
			{"token_embd.weight": embed, "blk.0.ffn_up.weight": transpose(tall)},
		},
		"": {
			{"module.fc1.weight": tall, "fc2/bias": norm},
			{"fc1.weight": transpose(tall), "FC2.bias": norm},
		},
	}
}

func TestAConvertedModelIsTheSame(t *testing.T) {
	for architecture, c := range conversions() {
		hf, gguf := modelOf(t, "", c[0]), modelOf(t, architecture, c[1])
		for _, way := range [][2]*model.Model{{hf, gguf}, {gguf, hf}} {
			pairs, onlyA, onlyB := Pairs(way[0], way[1])
			if len(onlyA)+len(onlyB) > 0 {
				t.Errorf("%q: no partners: %v %v", architecture, onlyA, onlyB)
			}
			if len(pairs) != len(c[1]) {
				t.Errorf("%q: %d pairs of %d", architecture, len(pairs), len(c[1]))
			}
			for _, p := range pairs {
				got, err := p.Compare(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if db := got.SQNR(); db < 120 || got.N != p.Len() || got.N != lenOf(p.B) { // norms are rounded when 1 is added
					t.Errorf("%q: %s (%s): %v dB over %d weights", architecture, p.A[0].Name, p.Rule, db, got.N)
				}
			}
		}
	}
}

func TestComparingCountsAsMeasuringDoes(t *testing.T) {
	a := gaussian(t, 64, 2048)
	plan := mustParse(t, "int4:g32")
	m, err := Measure(t.Context(), a, summarize(t, a), plan, nil)
	if err != nil {
		t.Fatal(err)
	}
	var y []float32
	if err := Dequantize(t.Context(), a, summarize(t, a), plan, nil, func(b []float32) error { y = append(y, b...); return nil }); err != nil {
		t.Fatal(err)
	}
	b := tensorOf(t, y, 64, 2048)
	pairs, _, _ := Pairs(&model.Model{Tensors: []*model.Tensor{a}}, &model.Model{Tensors: []*model.Tensor{b}})
	c, err := pairs[0].Compare(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(c.SQNR()-m.SQNR()) > 1e-9 || c.MaxAbs != m.MaxAbs || c.N != m.N {
		t.Errorf("compared: %v dB, max %v; measured: %v dB, max %v", c.SQNR(), c.MaxAbs, m.SQNR(), m.MaxAbs)
	}
}

func TestWhatIsNotFiniteIsCounted(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	a := &model.Model{Tensors: []*model.Tensor{tensorOf(t, []float32{1, inf, nan, 4}, 4)}}
	b := &model.Model{Tensors: []*model.Tensor{tensorOf(t, []float32{nan, inf, 3, 2}, 4)}}
	pairs, _, _ := Pairs(a, b)
	c, err := pairs[0].Compare(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.N != 1 || c.NonFinite != 3 || c.Lost != 1 || c.E2 != 4 {
		t.Errorf("got %+v, lost %d", c.Sums, c.Lost)
	}
}

func TestWhatHasNoPartnerSaysWhy(t *testing.T) {
	a := modelOf(t, "", map[string]array{
		"lonely": random(1, 4), "x.weight": random(1, 4, 2), "A.b": random(1, 3), "a/b": random(1, 3), "model.layers.0.self_attn.q_proj.weight": random(1, 9, 2),
	})
	b := modelOf(t, "llama", map[string]array{
		"x.weight": random(1, 3, 2), "a_b": random(1, 3), "token_embd.weight": random(1, 2, 2), "blk.0.attn_q.weight": random(1, 9, 2),
	})
	pairs, onlyA, onlyB := Pairs(a, b)
	if len(pairs) > 0 {
		t.Errorf("%v", pairs)
	}
	why := map[string]string{}
	for _, l := range append(onlyA, onlyB...) {
		why[l.Name] = l.Why
	}
	for name, part := range map[string]string{
		"lonely": "no tensor", "x.weight": "[4 2] and [3 2]", "A.b": "several", "a/b": "several", "a_b": "several",
		"token_embd.weight": "no tensor", "blk.0.attn_q.weight": "how many heads", "model.layers.0.self_attn.q_proj.weight": "how many heads",
	} {
		if !strings.Contains(why[name], part) {
			t.Errorf("%s: %q says nothing of %q", name, why[name], part)
		}
	}
}

func TestAnErrorWithoutSignalIsTheWorst(t *testing.T) {
	zero, small := tensorOf(t, []float32{0, 0}, 2), tensorOf(t, []float32{0, 1e-6}, 2)
	p := Pair{A: []*model.Tensor{zero}, B: []*model.Tensor{small}}
	c, err := p.Compare(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var all Totals
	all.AddCompared(c)
	if !math.IsInf(c.SQNR(), -1) || !math.IsInf(all.SQNR(), -1) {
		t.Errorf("%v dB, %v in all", c.SQNR(), all.SQNR())
	}
}
