package quant

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bitdial/bitdial/quant/model"
)

// named returns tensors of 256 weights a row that have names; those of norms and
// biases have one axis.
func named(t testing.TB, names ...string) []*model.Tensor {
	t.Helper()
	f := model.NewFile("m", nil)
	var list []*model.Tensor
	for _, name := range names {
		shape := []int{2, 256}
		if strings.HasSuffix(name, "bias") || strings.Contains(name, "norm") {
			shape = []int{256}
		}
		tensor, err := model.NewComputed(name, model.F16, shape, f, 0, func([]byte, int) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, tensor)
	}
	return list
}

// Whatever the names and the schemes, the rules give every tensor its scheme.
func TestCompressedPlansSayTheSame(t *testing.T) {
	var schemes []Scheme
	for _, text := range []string{"keep", "q4_K", "q6_K", "int4:g32"} {
		schemes = append(schemes, mustParse(t, text))
	}
	rapid.Check(t, func(rt *rapid.T) {
		var names []string
		stack := rapid.SampledFrom([]string{"blk.", "model.layers.", "a[*].", "w/"}).Draw(rt, "stack")
		parts := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
			"attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_q.bias", "ffn_norm.weight", "ffn_up.weight", "mlp.experts.0.w1", "mlp.experts.1.w1", "mlp.experts.10.w1", "x.attn_q.weight",
		}), 1, 6, rapid.ID).Draw(rt, "parts")
		for i := range rapid.IntRange(1, 34).Draw(rt, "layers") {
			for _, p := range parts {
				names = append(names, fmt.Sprintf("%s%d.%s", stack, i, p))
			}
		}
		names = append(names, rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"output.weight", "token_embd.weight", "output_norm.weight", "blk.weight", "a*", "blk.x.attn_q.weight"}), 0, 6, rapid.ID).Draw(rt, "others")...)
		tensors := named(t, names...)
		want := make([]Scheme, len(tensors))
		common := rapid.Bool().Draw(rt, "common")
		for i, tensor := range tensors {
			if common && rapid.IntRange(0, 4).Draw(rt, "differs") > 0 && IsWeight(tensor) {
				want[i] = schemes[1]
			} else {
				want[i] = rapid.SampledFrom(schemes).Draw(rt, "scheme")
			}
		}
		plan := Compress(tensors, want)
		for i, s := range plan.Schemes(tensors) {
			if s != want[i] {
				rt.Fatalf("%s is %s, want %s, by %v", tensors[i].Name, s, want[i], plan)
			}
		}
		if len(plan.Rules) > len(tensors) {
			rt.Fatalf("%d rules for %d tensors", len(plan.Rules), len(tensors))
		}
	})
}

// The mixes of llama-quantize become as few rules as people write by hand.
func TestMixesBecomeFewRules(t *testing.T) {
	m := llama8B(t)
	m.Tensors = inLayers(m.Tensors)
	for name, most := range map[string]int{"Q4_K_M": 9, "Q3_K_M": 6, "Q2_K": 6, "Q5_K_S": 1, "IQ3_XS": 9} {
		p, err := MixOf(name).Plan(m, false)
		if err != nil {
			t.Fatal(err)
		}
		plan := Compress(m.Tensors, p.Schemes(m.Tensors))
		if !slices.Equal(plan.Schemes(m.Tensors), p.Schemes(m.Tensors)) {
			t.Errorf("%s became another plan", name)
		}
		var text strings.Builder
		for _, r := range plan.Rules {
			fmt.Fprintf(&text, "\n%s=%s", r.Glob, r)
		}
		if t.Logf("%s: %s%s", name, plan.Default, text.String()); len(plan.Rules) > most {
			t.Errorf("%s: %d rules, %d are enough:%s", name, len(plan.Rules), most, text.String())
		}
	}
}

// BenchmarkCompress compresses a plan of eighty layers in which neighbours differ
// at random: the worst there is.
func BenchmarkCompress(b *testing.B) {
	var names []string
	for i := range 80 {
		for _, part := range strings.Fields("attn_q attn_k attn_v attn_output ffn_gate ffn_up ffn_down attn_norm ffn_norm") {
			names = append(names, fmt.Sprintf("blk.%d.%s.weight", i, part))
		}
	}
	tensors := named(b, names...)
	schemes := make([]Scheme, len(tensors))
	rng := rand.New(rand.NewPCG(1, 2))
	for i, t := range tensors {
		if IsWeight(t) {
			schemes[i] = mustParse(b, []string{"q4_K", "q5_K", "q6_K"}[min(2, rng.IntN(6))])
		}
	}
	rules := 0
	for b.Loop() {
		rules = len(Compress(tensors, schemes).Rules)
	}
	b.ReportMetric(float64(rules), "rules")
}
