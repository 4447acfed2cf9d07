package net

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/bitdial/bitdial/quant"
)

// uneven is a network of convolutions whose channels have ranges far apart.
func uneven(draw *rand.Rand) *Graph {
	g := newGraph([]int{3, 8, 8}, []Node{
		{Op: "Conv", Inputs: []string{"x", "a.weight", "a.bias"}, Output: "a", Attrs: Attributes{"pads": {1, 1, 1, 1}}},
		{Op: "Relu", Inputs: []string{"a"}, Output: "ra"},
		{Op: "Conv", Inputs: []string{"ra", "b.weight", "b.bias"}, Output: "b", Attrs: Attributes{"group": {6}, "pads": {1, 1, 1, 1}}},
		{Op: "Relu", Inputs: []string{"b"}, Output: "rb"},
		{Op: "MaxPool", Inputs: []string{"rb"}, Output: "p", Attrs: Attributes{"kernel_shape": {2, 2}, "strides": {2, 2}}},
		{Op: "Flatten", Inputs: []string{"p"}, Output: "f"},
		{Op: "Gemm", Inputs: []string{"f", "c.weight", "c.bias"}, Attrs: Attributes{"transB": {1}}},
	}, map[string][]int{"a.weight": {6, 3, 3, 3}, "a.bias": {6}, "b.weight": {6, 1, 3, 3}, "b.bias": {6}, "c.weight": {5, 96}, "c.bias": {5}}, draw)
	shrink(g)
	for ch := range 6 { // what one layer makes small the next makes large
		factor := float32(math.Pow(4, float64(ch-3)))
		for i := range 27 {
			g.Weight["a.weight"].Data[ch*27+i] *= factor
		}
		g.Weight["a.bias"].Data[ch] *= factor
		for i := range 9 {
			g.Weight["b.weight"].Data[ch*9+i] /= factor
		}
	}
	return g
}

// transformer is a block of a language model whose normalization lets one
// channel be far larger than the others.
func transformer(draw *rand.Rand) *Graph {
	g := newGraph([]int{6}, []Node{
		{Op: "Gather", Inputs: []string{"table", "x"}, Output: "e"},
		{Op: "RMSNormalization", Inputs: []string{"e", "norm"}, Output: "n"},
		{Op: "Gemm", Inputs: []string{"n", "q"}, Output: "Q", Attrs: Attributes{"transB": {1}}},
		{Op: "Gemm", Inputs: []string{"n", "k"}, Output: "K", Attrs: Attributes{"transB": {1}}},
		{Op: "Gemm", Inputs: []string{"n", "v"}, Output: "V", Attrs: Attributes{"transB": {1}}},
		{Op: "Attention", Inputs: []string{"Q", "K", "V"}, Output: "a", Attrs: Attributes{"q_num_heads": {2}, "kv_num_heads": {2}, "is_causal": {1}}},
		{Op: "Add", Inputs: []string{"e", "a"}, Output: "s"},
		{Op: "Gemm", Inputs: []string{"s", "out"}, Attrs: Attributes{"transB": {1}}},
	}, map[string][]int{"table": {11, 16}, "norm": {16}, "q": {16, 16}, "k": {16, 16}, "v": {16, 16}, "out": {11, 16}}, draw)
	shrink(g)
	for i := range g.Weight["norm"].Data {
		g.Weight["norm"].Data[i] = 1
	}
	const channel, large = 3, 60
	g.Weight["norm"].Data[channel] = large
	for _, name := range []string{"q", "k", "v"} {
		for o := range 16 {
			g.Weight[name].Data[o*16+channel] /= large
		}
	}
	return g
}

// shrink divides weights so that what flows keeps its size.
func shrink(g *Graph) {
	for _, w := range g.Weight {
		for i := range w.Data {
			w.Data[i] /= float32(math.Sqrt(float64(len(w.Data)) / float64(w.Shape[0])))
		}
	}
}

// text are tokens with the tokens that follow.
type text struct{ n, length, tokens int }

func (t text) Len() int    { return t.n }
func (t text) Labels() int { return t.length }
func (t text) Read(i int, x []float32, labels []int) {
	draw := rand.New(rand.NewPCG(uint64(i), 9))
	for k := range x {
		x[k] = float32(draw.IntN(t.tokens))
		labels[k] = draw.IntN(t.tokens)
	}
}

// divergence returns how far the network under plan is from float, in nats.
func divergence(t *testing.T, n *Network, p quant.Plan, data Data) float64 {
	t.Helper()
	ctx := context.Background()
	trial, err := NewTrial(n, data)
	if err != nil {
		t.Fatal(err)
	}
	v, err := n.Under(ctx, p, data, data.Len(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := trial.Score(ctx, v, data.Len(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.MeanKLD()
}

func TestRemediesKeepTheFloatNetworkAndHelpTheQuantized(t *testing.T) {
	draw := rand.New(rand.NewPCG(13, 14))
	for _, test := range []struct {
		remedy, weights, activations string
		g                            *Graph
		data                         Data
	}{
		{"equalize", "int4", "keep", uneven(draw), draws(40, 192, 5, draw)},
		{"correct-bias", "int5:channel:round=floor", "int8:asym", uneven(draw), draws(40, 192, 5, draw)},
		{"smooth=0.5", "int8:channel", "int4", transformer(draw), text{20, 6, 11}},
	} {
		t.Run(test.remedy, func(t *testing.T) {
			n := network(t, test.g)
			r, err := quant.ParseRemedies(test.remedy)
			if err != nil {
				t.Fatal(err)
			}
			float := plan(t, "keep", "keep")
			if float.Remedies = r; r.CorrectBias {
				float.Remedies = quant.Remedies{}
			}
			if d := divergence(t, n, float, test.data); d > 1e-6 {
				t.Errorf("in float, its answers are %.2g nats off", d)
			}
			p := plan(t, test.weights, test.activations)
			without := divergence(t, n, p, test.data)
			p.Remedies = r
			with := divergence(t, n, p, test.data)
			t.Logf("%s: %.4f nats without, %.4f with", test.remedy, without, with)
			if with > 0.7*without {
				t.Errorf("the answers are %.4f nats off without it, and %.4f with", without, with)
			}
		})
	}
}
