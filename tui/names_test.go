package tui

import "testing"

func TestLongNamesKeepWhatTellsThemApart(t *testing.T) {
	shapes := map[string][]int{}
	var names []string
	for _, n := range []string{"0.self_attn.q_proj", "0.mlp.down_proj", "11.self_attn.q_proj", "11.mlp.down_proj", "11.input_layernorm"} {
		names = append(names, "model.text.layers."+n+".weight")
	}
	names = append(names, "lm_head.weight")
	for _, n := range names {
		shapes[n] = []int{4, 4}
	}
	cut := newNameCut(modelOf(t, gaussian(16), shapes, names...).Tensors)
	for _, c := range []struct {
		name string
		w    int
		want string
	}{
		{"model.text.layers.0.mlp.down_proj.weight", 40, "model.text.layers.0.mlp.down_proj.weight"},
		{"model.text.layers.0.mlp.down_proj.weight", 30, "layers.0.mlp.down_proj"},
		{"model.text.layers.11.self_attn.q_proj.weight", 28, "layers.11.self_attn.q_proj"},
		{"model.text.layers.11.self_attn.q_proj.weight", 19, "11.self_attn.q_proj"},
		{"model.text.layers.11.self_attn.q_proj.weight", 16, "11…f_attn.q_proj"},
		{"model.text.layers.11.self_attn.q_proj.weight", 9, "laye…proj"},
		{"lm_head.weight", 10, "lm_head"},
		{"model.text.layers.11.input_layernorm.weight", 3, "l…m"},
	} {
		if got := cut.short(c.name, c.w); got != c.want || textWidth(got) > c.w {
			t.Errorf("%s in %d columns: %q, want %q", c.name, c.w, got, c.want)
		}
	}
}
