package net

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// gradientCases are small graphs whose gradients are checked, an operator or
// two each. Every weight is drawn from a normal distribution.
var gradientCases = []struct {
	name   string
	input  []int
	nodes  []Node
	weight map[string][]int
}{
	{"gemm", []int{5}, []Node{{Op: "Gemm", Inputs: []string{"x", "w", "b"}, Attrs: Attributes{"transB": {1}}}}, map[string][]int{"w": {4, 5}, "b": {4}}},
	{"gemm of rows, not transposed", []int{3, 5}, []Node{{Op: "Gemm", Inputs: []string{"x", "w", "b"}}}, map[string][]int{"w": {5, 4}, "b": {4}}},
	{"matmul", []int{3, 5}, []Node{{Op: "MatMul", Inputs: []string{"x", "w"}}}, map[string][]int{"w": {5, 4}}},
	{"matmul of two values", []int{3, 5}, []Node{
		{Op: "Gemm", Inputs: []string{"x", "w"}, Output: "a"},
		{Op: "Transpose", Inputs: []string{"a"}, Output: "t", Attrs: Attributes{"perm": {0, 2, 1}}},
		{Op: "MatMul", Inputs: []string{"a", "t"}},
	}, map[string][]int{"w": {5, 4}}},
	{"conv", []int{3, 6, 7}, []Node{{Op: "Conv", Inputs: []string{"x", "w", "b"}, Attrs: Attributes{"pads": {1, 1, 1, 1}}}}, map[string][]int{"w": {4, 3, 3, 3}, "b": {4}}},
	{"conv with strides and uneven pads", []int{2, 7, 6}, []Node{{Op: "Conv", Inputs: []string{"x", "w"}, Attrs: Attributes{"pads": {0, 1, 2, 0}, "strides": {2, 3}}}}, map[string][]int{"w": {3, 2, 3, 2}}},
	{"conv with dilations", []int{2, 8, 8}, []Node{{Op: "Conv", Inputs: []string{"x", "w"}, Attrs: Attributes{"dilations": {2, 3}, "pads": {2, 2, 2, 2}}}}, map[string][]int{"w": {3, 2, 3, 3}}},
	{"depthwise conv", []int{4, 5, 5}, []Node{{Op: "Conv", Inputs: []string{"x", "w", "b"}, Attrs: Attributes{"group": {4}, "pads": {1, 1, 1, 1}}}}, map[string][]int{"w": {4, 1, 3, 3}, "b": {4}}},
	{"conv in two groups", []int{4, 5, 5}, []Node{{Op: "Conv", Inputs: []string{"x", "w"}, Attrs: Attributes{"group": {2}}}}, map[string][]int{"w": {6, 2, 3, 3}}},
	{"conv of single points", []int{4, 5, 5}, []Node{{Op: "Conv", Inputs: []string{"x", "w", "b"}}}, map[string][]int{"w": {3, 4, 1, 1}, "b": {3}}},
	{"two convs", []int{2, 6, 6}, []Node{
		{Op: "Conv", Inputs: []string{"x", "w", "b"}, Output: "a"},
		{Op: "Tanh", Inputs: []string{"a"}, Output: "h"},
		{Op: "Conv", Inputs: []string{"h", "v"}, Attrs: Attributes{"strides": {2, 2}}},
	}, map[string][]int{"w": {3, 2, 3, 3}, "b": {3}, "v": {2, 3, 2, 2}}},
	{"relu", []int{9}, after("Relu", nil), linear},
	{"clip", []int{9}, after("Clip", Attributes{"min": {-0.5}, "max": {0.7}}), linear},
	{"sigmoid", []int{9}, after("Sigmoid", nil), linear},
	{"hardswish", []int{9}, after("HardSwish", nil), linear},
	{"tanh", []int{9}, after("Tanh", nil), linear},
	{"gelu", []int{9}, after("Gelu", nil), linear},
	{"swish", []int{9}, after("Swish", nil), linear},
	{"softmax", []int{9}, after("Softmax", nil), linear},
	{"rmsnorm", []int{9}, []Node{
		{Op: "Gemm", Inputs: []string{"x", "w"}, Output: "a"},
		{Op: "RMSNormalization", Inputs: []string{"a", "g"}},
	}, map[string][]int{"w": {9, 9}, "g": {9}}},
	{"layernorm", []int{9}, []Node{
		{Op: "Gemm", Inputs: []string{"x", "w"}, Output: "a"},
		{Op: "LayerNormalization", Inputs: []string{"a", "g", "b"}},
	}, map[string][]int{"w": {9, 9}, "g": {9}, "b": {9}}},
	{"add and mul of the same value", []int{9}, []Node{
		{Op: "Gemm", Inputs: []string{"x", "w"}, Output: "a"},
		{Op: "Mul", Inputs: []string{"a", "a"}, Output: "s"},
		{Op: "Add", Inputs: []string{"s", "a"}},
	}, linear},
	{"add and mul that repeat a weight", []int{3, 4}, []Node{
		{Op: "Gemm", Inputs: []string{"x", "w"}, Output: "a"},
		{Op: "Mul", Inputs: []string{"a", "m"}, Output: "s"},
		{Op: "Add", Inputs: []string{"s", "b"}},
	}, map[string][]int{"w": {4, 4}, "m": {3, 1}, "b": {4}}},
	{"max pooling", []int{1, 6, 6}, picture("MaxPool", Attributes{"kernel_shape": {3, 2}, "strides": {2, 2}, "pads": {1, 0, 1, 1}}), point},
	{"average pooling", []int{1, 6, 6}, picture("AveragePool", Attributes{"kernel_shape": {3, 3}, "strides": {2, 1}, "pads": {1, 1, 1, 1}}), point},
	{"average pooling with its pads", []int{1, 6, 6}, picture("AveragePool", Attributes{"kernel_shape": {3, 3}, "pads": {1, 1, 1, 1}, "count_include_pad": {1}}), point},
	{"global average pooling", []int{1, 6, 6}, picture("GlobalAveragePool", nil), point},
	{"flatten", []int{1, 4, 4}, picture("Flatten", nil), point},
	{"reshape", []int{1, 4, 4}, picture("Reshape", Attributes{"shape": {0, 8, -1}}), point},
	{"transpose", []int{1, 4, 5}, picture("Transpose", Attributes{"perm": {0, 3, 1, 2}}), point},
	{"concat", []int{1, 4, 4}, []Node{
		{Op: "Conv", Inputs: []string{"x", "w"}, Output: "a"},
		{Op: "Tanh", Inputs: []string{"a"}, Output: "t"},
		{Op: "Concat", Inputs: []string{"a", "t", "a"}},
	}, point},
	{"rotary embedding", []int{5, 8}, after("RotaryEmbedding", Attributes{"num_heads": {2}}), map[string][]int{"w": {8, 8}}},
	{"attention", []int{5, 8}, attend(2, 2), map[string][]int{"q": {8, 8}, "k": {8, 8}, "v": {8, 8}}},
	{"attention with shared keys", []int{5, 8}, attend(4, 2), map[string][]int{"q": {8, 8}, "k": {8, 4}, "v": {8, 4}}},
}

var (
	linear = map[string][]int{"w": {9, 9}}
	point  = map[string][]int{"w": {2, 1, 1, 1}}
)

// after is an operator after a linear layer.
func after(op string, attrs Attributes) []Node {
	return []Node{{Op: "Gemm", Inputs: []string{"x", "w"}, Output: "a"}, {Op: op, Inputs: []string{"a"}, Attrs: attrs}}
}

// picture is an operator after a convolution.
func picture(op string, attrs Attributes) []Node {
	return []Node{{Op: "Conv", Inputs: []string{"x", "w"}, Output: "a"}, {Op: op, Inputs: []string{"a"}, Attrs: attrs}}
}

func attend(heads, shared int) []Node {
	return []Node{
		{Op: "Gemm", Inputs: []string{"x", "q"}, Output: "Q"},
		{Op: "Gemm", Inputs: []string{"x", "k"}, Output: "K"},
		{Op: "Gemm", Inputs: []string{"x", "v"}, Output: "V"},
		{Op: "Attention", Inputs: []string{"Q", "K", "V"}, Attrs: Attributes{"q_num_heads": {float64(heads)}, "kv_num_heads": {float64(shared)}, "is_causal": {1}}},
	}
}

// newGraph names the nodes and draws the weights; the last node's output is the
// graph's.
func newGraph(input []int, nodes []Node, weight map[string][]int, draw *rand.Rand) *Graph {
	g := &Graph{Input: Port{"x", input}, Nodes: slices.Clone(nodes), Output: "y", Weight: map[string]*Weight{}}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		n.Name = fmt.Sprintf("%s%d", n.Op, i)
		if n.Output == "" {
			n.Output = "y"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(weight)) {
		n, _ := numbers(weight[name])
		g.Weight[name] = &Weight{weight[name], normal(n, draw)}
	}
	return g
}

func normal(n int, draw *rand.Rand) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(draw.NormFloat64())
	}
	return x
}

// TestGradientsAreSlopes compares every weight's gradient with the difference
// that a small step makes.
func TestGradientsAreSlopes(t *testing.T) {
	for _, test := range gradientCases {
		t.Run(test.name, func(t *testing.T) {
			draw := rand.New(rand.NewPCG(1, 2))
			g := newGraph(test.input, test.nodes, test.weight, draw)
			p, err := Compile(g, 3, true)
			if err != nil {
				t.Fatal(err)
			}
			copy(p.Input(), normal(len(p.Input()), draw))
			target := normal(len(p.Output()), draw)
			loss := func() (sum float64) {
				p.Forward()
				for i, y := range p.Output() {
					sum += float64(y) * float64(target[i])
				}
				return sum
			}
			loss()
			copy(p.OutputGradient(), target)
			p.Backward()
			for name, w := range g.Weight {
				grad := slices.Clone(p.Gradient(name))
				for i := range w.Data {
					const step = 1.0 / 256
					was := w.Data[i]
					w.Data[i] = was + step
					up := loss()
					w.Data[i] = was - step
					down := loss()
					w.Data[i] = was
					slope := (up - down) / (2 * step)
					if got := float64(grad[i]); math.Abs(got-slope) > 0.01+0.01*math.Abs(slope) {
						t.Fatalf("%s[%d] has gradient %v, and a step changes the loss by %v", name, i, got, slope)
					}
				}
			}
		})
	}
}
