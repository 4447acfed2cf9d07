package net

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/safetensors"
)

// small is a convolutional network of every kind of layer that runs in
// integers.
func small(draw *rand.Rand) *Graph {
	return newGraph([]int{3, 9, 8}, []Node{
		{Op: "Conv", Inputs: []string{"x", "a.weight", "a.bias"}, Output: "a", Attrs: Attributes{"pads": {1, 1, 1, 1}}},
		{Op: "Relu", Inputs: []string{"a"}, Output: "ra"},
		{Op: "Conv", Inputs: []string{"ra", "b.weight", "b.bias"}, Output: "b", Attrs: Attributes{"strides": {2, 1}, "group": {2}, "pads": {2, 1, 0, 1}}},
		{Op: "Relu", Inputs: []string{"b"}, Output: "rb"},
		{Op: "Conv", Inputs: []string{"rb", "c.weight"}, Output: "c", Attrs: Attributes{"dilations": {1, 2}}},
		{Op: "Flatten", Inputs: []string{"c"}, Output: "f"},
		{Op: "Gemm", Inputs: []string{"f", "d.weight", "d.bias"}, Output: "d", Attrs: Attributes{"transB": {1}}},
		{Op: "MatMul", Inputs: []string{"d", "e.weight"}},
	}, map[string][]int{
		"a.weight": {6, 3, 3, 3}, "a.bias": {6}, "b.weight": {4, 3, 3, 3}, "b.bias": {4}, "c.weight": {5, 4, 2, 3},
		"d.weight": {7, 80}, "d.bias": {7}, "e.weight": {7, 3},
	}, draw)
}

// drawn are inputs from a normal distribution with the answers of a network.
type drawn struct {
	x      [][]float32
	labels []int
}

func (d *drawn) Len() int    { return len(d.x) }
func (d *drawn) Labels() int { return 1 }
func (d *drawn) Read(i int, x []float32, labels []int) {
	copy(x, d.x[i])
	labels[0] = d.labels[i]
}

func draws(n, size, classes int, draw *rand.Rand) *drawn {
	d := new(drawn)
	for range n {
		d.x = append(d.x, normal(size, draw))
		d.labels = append(d.labels, draw.IntN(classes))
	}
	return d
}

func network(t *testing.T, g *Graph) *Network {
	t.Helper()
	n, err := Of(g)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func plan(t testing.TB, weights, activations string) quant.Plan {
	t.Helper()
	c, err := quant.ParseChoice(weights)
	if err != nil {
		t.Fatal(err)
	}
	a, err := quant.ParseActivation(activations)
	if err != nil {
		t.Fatal(err)
	}
	p := quant.Everywhere(c)
	p.DefaultActivation = a
	return p
}

func forward(t *testing.T, g *Graph, batch int, x []float32) []float32 {
	t.Helper()
	p, err := Compile(g, batch, false)
	if err != nil {
		t.Fatal(err)
	}
	copy(p.Input(), x)
	p.Forward()
	return slices.Clone(p.Output())
}

func TestSharedMemoryBatchesAndThreadsDoNotChangeABit(t *testing.T) {
	draw := rand.New(rand.NewPCG(3, 4))
	g := small(draw)
	const batch = 5
	size, _ := numbers(g.Input.Shape)
	x := normal(batch*size, draw)
	train, err := Compile(g, batch, true) // with memory for every value
	if err != nil {
		t.Fatal(err)
	}
	copy(train.Input(), x)
	train.Forward()
	want := train.Output()
	if got := forward(t, g, batch, x); !slices.Equal(got, want) {
		t.Error("values that share memory differ")
	}
	for i := range batch {
		if got := forward(t, g, 1, x[i*size:(i+1)*size]); !slices.Equal(got, want[i*3:(i+1)*3]) {
			t.Errorf("input %d alone has another output", i)
		}
	}
	gradient := func(threads int) (all []float32) {
		pool := newThreads(threads)
		defer pool.close()
		for _, c := range train.calls {
			c.threads, c.space = pool, make([]space, threads)
		}
		train.Forward()
		for i := range train.OutputGradient() {
			train.OutputGradient()[i] = float32(i) - 7
		}
		train.Backward()
		for _, name := range []string{"a.weight", "a.bias", "b.weight", "c.weight", "d.weight", "e.weight"} {
			all = append(all, train.Gradient(name)...)
		}
		return append(all, train.Output()...)
	}
	one := gradient(1)
	for _, threads := range []int{2, 3, 7} {
		if !slices.Equal(gradient(threads), one) {
			t.Errorf("with %d threads some bits differ from those of one", threads)
		}
	}
}

// TestIntegersGiveWhatFakeQuantizationGives runs layers both ways.
func TestIntegersGiveWhatFakeQuantizationGives(t *testing.T) {
	draw := rand.New(rand.NewPCG(5, 6))
	g := small(draw)
	n := network(t, g)
	size, _ := numbers(g.Input.Shape)
	data := draws(20, size, 3, draw)
	cal, err := Calibrate(context.Background(), g, data, 20, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		weights, activations string
		layers               int
	}{
		{"int8", "int8", 5},
		{"int8:channel", "int8:asym", 4}, // e.weight has its channels along the sum
		{"int8:channel", "int8:asym:static", 4},
		{"int4:channel:range=mse", "int5:asym:static:range=p99.9", 4},
		{"int3", "int8:token", 2},
		{"int8:range=full", "int8:static:range=mse", 5},
		{"int8:g16", "int8", 0},
		{"int8:channel:asym", "int8", 0},
		{"int8", "fp8_e4m3", 0},
		{"int9", "int8", 0},
	} {
		t.Run(test.weights+" "+test.activations, func(t *testing.T) {
			v, err := n.Quantize(context.Background(), plan(t, test.weights, test.activations), cal)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Compile(g, 4, false)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Use(v); err != nil {
				t.Fatal(err)
			}
			for i := range 4 {
				copy(p.Input()[i*size:], data.x[i])
			}
			p.Forward()
			want := slices.Clone(p.Output())
			p.RunIntegers(v)
			if sites, why := v.Integers(); len(sites) != test.layers || len(sites)+len(why) != 5 {
				t.Errorf("%d layers run in integers, not %d: %q", len(sites), test.layers, why)
			}
			p.Forward()
			var scale float64
			for _, y := range want {
				scale = max(scale, math.Abs(float64(y)))
			}
			// Rounding of floats may move a number across the middle of two
			// codes further on: one step of the last layer's input.
			for i, y := range p.Output() {
				if d := math.Abs(float64(y - want[i])); d > 0.02*scale {
					t.Fatalf("output %d is %v in integers and %v by fake quantization", i, y, want[i])
				}
			}
		})
	}
}

func TestOneLayerInIntegersIsExactUpToRounding(t *testing.T) {
	draw := rand.New(rand.NewPCG(7, 8))
	for _, nodes := range [][]Node{
		{{Op: "Conv", Inputs: []string{"x", "w", "b"}, Attrs: Attributes{"pads": {1, 0, 2, 1}, "strides": {1, 2}}}},
		{{Op: "Conv", Inputs: []string{"x", "w", "b"}, Attrs: Attributes{"dilations": {2, 2}, "pads": {2, 2, 2, 2}}}},
	} {
		g := newGraph([]int{3, 9, 9}, nodes, map[string][]int{"w": {5, 3, 3, 3}, "b": {5}}, draw)
		n := network(t, g)
		size, _ := numbers(g.Input.Shape)
		data := draws(8, size, 2, draw)
		cal, err := Calibrate(context.Background(), g, data, 8, nil)
		if err != nil {
			t.Fatal(err)
		}
		v, err := n.Quantize(context.Background(), plan(t, "int8:channel", "int8:asym:static:range=p99"), cal)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Compile(g, 8, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Use(v); err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			copy(p.Input()[i*size:], data.x[i])
		}
		p.Forward()
		want := slices.Clone(p.Output())
		p.RunIntegers(v)
		p.Forward()
		for i, y := range p.Output() {
			if d := math.Abs(float64(y - want[i])); d > 2e-5 {
				t.Fatalf("output %d is %v in integers and %v by fake quantization", i, y, want[i])
			}
		}
	}
}

func TestFoldingABatchNormalizationChangesNothingButRounding(t *testing.T) {
	draw := rand.New(rand.NewPCG(9, 10))
	g := newGraph([]int{2, 5, 5}, []Node{
		{Op: "Conv", Inputs: []string{"x", "w"}, Output: "c"},
		{Op: "BatchNormalization", Inputs: []string{"c", "scale", "bias", "mean", "var"}, Output: "n", Attrs: Attributes{"epsilon": {0.01}}},
		{Op: "Relu", Inputs: []string{"n"}, Output: "r"},
		{Op: "BatchNormalization", Inputs: []string{"r", "scale", "bias", "mean", "var"}},
	}, map[string][]int{"w": {3, 2, 3, 3}, "scale": {3}, "bias": {3}, "mean": {3}, "var": {3}}, draw)
	for i, v := range g.Weight["var"].Data {
		g.Weight["var"].Data[i] = v * v
	}
	x := normal(2*50, draw)
	want := forward(t, g, 2, x)
	folded := g.Fold()
	if len(folded.Nodes) != 3 || folded.Nodes[0].Inputs[2] != "Conv0.bias" {
		t.Errorf("folded, the graph has the nodes %v", folded.Nodes)
	}
	for i, y := range forward(t, folded, 2, x) {
		if math.Abs(float64(y-want[i])) > 1e-5*max(1, math.Abs(float64(want[i]))) {
			t.Fatalf("output %d is %v, and was %v", i, y, want[i])
		}
	}
	if g.Weight["w"].Data[0] == folded.Weight["w"].Data[0] {
		t.Error("folding changed the weights of the graph itself, or nothing")
	}
}

func TestWhatIsSavedIsTheSameNetworkAgain(t *testing.T) {
	draw := rand.New(rand.NewPCG(11, 12))
	g := small(draw)
	path := filepath.Join(t.TempDir(), "net.safetensors")
	n := network(t, g)
	if err := n.Save(path, false, model.KeyValue{Key: "title", Value: "small"}); err != nil {
		t.Fatal(err)
	}
	m, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close() //nolint:errcheck // only read
	again, err := New(m)
	if err != nil {
		t.Fatal(err)
	}
	size, _ := numbers(g.Input.Shape)
	x := normal(size, draw)
	if !slices.Equal(forward(t, g, 1, x), forward(t, again.Graph, 1, x)) {
		t.Error("it answers otherwise")
	}
	if m.Tensors[0].Name != "a.weight" {
		t.Errorf("the first tensor is %q, and the first that the network uses a.weight", m.Tensors[0].Name)
	}
}

func TestAModelWithoutAGraphCannotRun(t *testing.T) {
	var b bytes.Buffer
	if err := safetensors.Write(&b, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	m, err := safetensors.Parse("x", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(m); !errors.Is(err, ErrNoGraph) {
		t.Errorf("the error is %v", err)
	}
}

// TestWhatCannotRunIsNamedWithItsNode tries graphs that are wrong.
func TestWhatCannotRunIsNamedWithItsNode(t *testing.T) {
	w := map[string][]int{"w": {4, 3, 3, 3}, "m": {5, 6}, "v": {7}}
	for _, test := range []struct {
		want string
		node Node
	}{
		{"not supported; there are", Node{Op: "LSTM", Inputs: []string{"x"}}},
		{"neither computed before it", Node{Op: "Relu", Inputs: []string{"z"}}},
		{"1 inputs, not 2 to 3", Node{Op: "Conv", Inputs: []string{"x"}}},
		{`attribute "auto_pad"`, Node{Op: "Conv", Inputs: []string{"x", "w"}, Attrs: Attributes{"auto_pad": {1}}}},
		{"does not take 3 channels in 2 groups", Node{Op: "Conv", Inputs: []string{"x", "w"}, Attrs: Attributes{"group": {2}}}},
		{"does not fit its input", Node{Op: "Conv", Inputs: []string{"x", "w"}, Attrs: Attributes{"dilations": {9, 9}}}},
		{"strides [0 1]", Node{Op: "Conv", Inputs: []string{"x", "w"}, Attrs: Attributes{"strides": {0, 1}}}},
		{"bias has shape [7]", Node{Op: "Conv", Inputs: []string{"x", "w", "v"}}},
		{"rows of 8 numbers", Node{Op: "Gemm", Inputs: []string{"x", "m"}}},
		{"do not go together", Node{Op: "MatMul", Inputs: []string{"x", "m"}}},
		{"do not go together", Node{Op: "Add", Inputs: []string{"x", "v"}}},
		{"more axes than the first", Node{Op: "Mul", Inputs: []string{"v", "x"}}},
		{"only pooling of pictures", Node{Op: "MaxPool", Inputs: []string{"x"}}},
		{"only causal attention", Node{Op: "Attention", Inputs: []string{"x", "x", "x"}}},
		{"cannot take the shape", Node{Op: "Reshape", Inputs: []string{"x"}, Attrs: Attributes{"shape": {0, 5, -1}}}},
		{"its perm is", Node{Op: "Transpose", Inputs: []string{"x"}, Attrs: Attributes{"perm": {0, 0, 1, 2}}}},
		{"its axis is 7", Node{Op: "Concat", Inputs: []string{"x", "x"}, Attrs: Attributes{"axis": {7}}}},
		{"only rows of a matrix", Node{Op: "Gather", Inputs: []string{"v", "x"}}},
	} {
		g := newGraph([]int{3, 8, 8}, []Node{test.node}, w, rand.New(rand.NewPCG(1, 1)))
		_, err := Compile(g, 1, false)
		var of *Error
		if !errors.As(err, &of) || of.Node != g.Nodes[0].Name {
			t.Errorf("%s: the error %v does not name the node", test.node.Op, err)
		} else if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %q", test.node.Op, err, test.want)
		}
	}
}
