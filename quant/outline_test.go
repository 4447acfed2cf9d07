package quant

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

func TestTheOutlineGroupsLayersByNumber(t *testing.T) {
	var tensors []*model.Tensor
	for _, name := range []string{
		"token_embd.weight",
		"blk.0.attn_q.weight", "blk.0.ffn.0.w1", "blk.0.ffn.1.w1",
		"blk.1.attn_q.weight", "blk.1.ffn.0.w1", "blk.1.ffn.1.w1",
		"output.weight", "conv2.weight",
		"h.7.x", "blk.10.attn_q.weight", "blk.10", "blk.2x.y",
	} {
		tensors = append(tensors, &model.Tensor{Name: name})
	}
	var got []string
	for _, s := range Outline(tensors) {
		for _, p := range s.Places {
			got = append(got, fmt.Sprintf("%s %d: %s %d", s.Name, s.Layers, p.Name, len(p.Tensors)))
			for _, w := range p.Tensors {
				glob := Literal(p.Name)
				if s.Name != "" {
					glob = s.Name + map[bool]string{true: ".", false: ""}[p.Name != ""] + p.Name
				}
				if !Match(glob, w.Name) {
					t.Errorf("%s is said to be in %s", w.Name, glob)
				}
			}
		}
	}
	want := []string{
		" 0: token_embd.weight 1",
		"blk.* 3: attn_q.weight 3", "blk.* 3: ffn.*.w1 4", "blk.* 3:  1",
		" 0: output.weight 1", " 0: conv2.weight 1",
		"h.* 1: x 1", " 0: blk.2x.y 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestBytesAreAddedUpByType(t *testing.T) {
	q4K := model.Blocks[9]
	var tensors []*model.Tensor
	for i, d := range []*model.DType{model.F32, q4K, q4K, model.F16} {
		size, _ := d.Size(1024)
		w, err := model.NewTensor(fmt.Sprint(i), d, []int{4, 256}, model.NewFile("m", make([]byte, size)), 0)
		if err != nil {
			t.Fatal(err)
		}
		tensors = append(tensors, w)
	}
	want := []Stored{{model.F32, 1, 1024, 4096}, {model.F16, 1, 1024, 2048}, {q4K, 2, 2048, 1152}}
	got := StoredAs(tensors)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if bits := got[2].BPW(); bits != 4.5 {
		t.Errorf("%v bits per weight", bits)
	}
}

func TestAModelIsDescribedByItsMetadata(t *testing.T) {
	m := &model.Model{Metadata: []model.KeyValue{
		{Key: "tokenizer.ggml.tokens", Value: `["a", …]`, Type: "[]str", Items: 32000},
		{Key: "llama.context_length", Value: "4096", Type: "u32"},
		{Key: "general.architecture", Value: "llama", Type: "str"},
		{Key: "llama.attention.head_count", Value: "[8, 16]", Type: "[]u32", Items: 2},
		{Key: "mamba.block_count", Value: "1", Type: "u32"},
	}}
	want := []Trait{{"architecture", "llama"}, {"context", "4096"}, {"heads", "[8, 16]"}, {"tokens", "32000"}}
	if got := About(m); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
