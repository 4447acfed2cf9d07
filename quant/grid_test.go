package quant

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

func TestAGridHasARowForEachLayerAndAColumnForEachPlace(t *testing.T) {
	var tensors []*model.Tensor
	for _, name := range []string{
		"embed", "blk.10.q.weight", "blk.2.q.weight", "blk.2.e.0.w1", "blk.2.e.1.w1", "enc.0.q.weight", "blk.10.q.bias", "norm",
	} {
		tensors = append(tensors, &model.Tensor{Name: name})
	}
	g := NewGrid(tensors)
	names := func(list []*model.Tensor) (s []string) {
		for _, t := range list {
			s = append(s, t.Name)
		}
		return s
	}
	got := []string{strings.Join(g.Columns, " "), strings.Join(names(g.Outside), " ")}
	for _, r := range g.Rows {
		line := r.Name + ":"
		for _, c := range r.Cells {
			line += fmt.Sprint(names(c))
		}
		got = append(got, line)
	}
	want := []string{
		"q e.*.w1 q.bias", "embed norm",
		"blk.2:[blk.2.q.weight][blk.2.e.0.w1 blk.2.e.1.w1][]",
		"blk.10:[blk.10.q.weight][][blk.10.q.bias]",
		"enc.0:[enc.0.q.weight][][]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
