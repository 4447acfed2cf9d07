package tui

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model/files"
	"github.com/bitdial/bitdial/quant/net"
)

// shapes are pictures of 8×8 pixels: a bar that lies, one that stands, a ring,
// each of any colour on a noisy ground.
type shapes struct {
	seed uint64
	n    int
}

var shapeNames = []string{"lying", "standing", "ring"}

func (d shapes) Len() int    { return d.n }
func (d shapes) Labels() int { return 1 }

func (d shapes) Read(i int, x []float32, labels []int) {
	draw := rand.New(rand.NewPCG(d.seed, uint64(i)))
	labels[0] = draw.IntN(len(shapeNames))
	at, to := 1+draw.IntN(6), 2+draw.IntN(3)
	for c := range 3 {
		ink := 0.2 + draw.Float64()
		for p := range 64 {
			px, py := p%8, p/8
			v := 0.45 * draw.NormFloat64()
			r := math.Hypot(float64(px-to), float64(py-to))
			switch {
			case labels[0] == 0 && py == at, labels[0] == 1 && px == at, labels[0] == 2 && r > 1.2 && r < 2.4:
				v += ink
			}
			x[64*c+p] = float32(v)
		}
	}
}

func (d shapes) picture(i int) []byte {
	x, rgb := make([]float32, 192), make([]byte, 192)
	d.Read(i, x, make([]int, 1))
	for p := range 64 {
		for c := range 3 {
			rgb[3*p+c] = byte(clamp(int(100+120*x[64*c+p]), 0, 255))
		}
	}
	return rgb
}

// toyGraph returns a graph with weights drawn at random, their deviation that
// of He et al.
func toyGraph(input []int, nodes []net.Node, weights map[string][]int) *net.Graph {
	draw := rand.New(rand.NewPCG(9, 9))
	g := &net.Graph{Input: net.Port{Name: "x", Shape: input}, Nodes: nodes, Output: nodes[len(nodes)-1].Output, Weight: map[string]*net.Weight{}}
	var names []string
	for name := range weights {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		n := 1
		for _, d := range weights[name] {
			n *= d
		}
		data := make([]float32, n)
		if fan := n / weights[name][0]; fan > 1 {
			for i := range data {
				data[i] = float32(draw.NormFloat64() * math.Sqrt(2/float64(fan)))
			}
		}
		g.Weight[name] = &net.Weight{Shape: weights[name], Data: data}
	}
	return g
}

// toy is a trained network as its file.
func trainToy(g *net.Graph, data net.Data, o net.Training) *net.Network {
	n, err := net.Of(g)
	if err != nil {
		panic(err)
	}
	tr, err := net.NewTrainer(context.Background(), n, data, quant.Plan{}, nil, o)
	if err != nil {
		panic(err)
	}
	if err := tr.Run(context.Background(), func(net.Progress) error { return nil }); err != nil {
		panic(err)
	}
	return tr.Result()
}

var shapesNetwork = sync.OnceValue(func() *net.Network {
	return trainToy(toyGraph([]int{3, 8, 8}, []net.Node{
		{Name: "conv1", Op: "Conv", Inputs: []string{"x", "conv1.weight", "conv1.bias"}, Output: "a", Attrs: net.Attributes{"pads": {1, 1, 1, 1}}},
		{Name: "relu1", Op: "Relu", Inputs: []string{"a"}, Output: "b"},
		{Name: "conv2", Op: "Conv", Inputs: []string{"b", "conv2.weight", "conv2.bias"}, Output: "c", Attrs: net.Attributes{"pads": {1, 1, 1, 1}, "strides": {2, 2}}},
		{Name: "relu2", Op: "Relu", Inputs: []string{"c"}, Output: "d"},
		{Name: "flat", Op: "Flatten", Inputs: []string{"d"}, Output: "e"},
		{Name: "fc", Op: "Gemm", Inputs: []string{"e", "fc.weight", "fc.bias"}, Output: "y", Attrs: net.Attributes{"transB": {1}}},
	}, map[string][]int{"conv1.weight": {8, 3, 3, 3}, "conv1.bias": {8}, "conv2.weight": {16, 8, 3, 3}, "conv2.bias": {16}, "fc.weight": {3, 256}, "fc.bias": {3}}),
		shapes{1, 1 << 20}, net.Training{Batch: 32, Steps: 250, Rate: 0.01, Seed: 1})
})

// sitWithNetwork is a sitting with a network that was trained, from its file,
// and the task that it is for.
func sitWithNetwork(t testing.TB, n *net.Network, task net.Task, w, h int) *sitting {
	t.Helper()
	path := filepath.Join(t.TempDir(), "toy.safetensors")
	if err := n.Save(path, false); err != nil {
		t.Fatal(err)
	}
	m, err := files.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	if task.Network, err = net.New(m); err != nil {
		t.Fatal(err)
	}
	noState(t)
	s := &sitting{t, newApp(context.Background(), Options{Model: m, Plan: DefaultPlan(), Task: &task, Open: files.Open})}
	s.send(tea.WindowSizeMsg{Width: w, Height: h})
	return s
}

func sitWithShapes(t testing.TB, w, h int) *sitting {
	t.Helper()
	return sitWithNetwork(t, shapesNetwork(), net.Task{
		Classes: shapeNames,
		Train:   shapes{2, 1 << 20}, Validation: shapes{3, 200},
		Tests:    []net.Test{{Name: "plain", Data: shapes{4, 400}}, {Name: "other", Data: shapes{5, 300}}},
		Training: net.Training{Batch: 32, Steps: 60, Rate: 0.003, Seed: 1},
		Picture:  func(d net.Data, i int) ([]byte, int, int) { return d.(shapes).picture(i), 8, 8 },
	}, w, h)
}

// verses are a text of few words to continue.
type verses struct{ seed uint64 }

const verse = "the cat sat on the mat and the dog ran to the man; "

func (verses) Len() int    { return 50 }
func (verses) Labels() int { return 32 }

func (d verses) Read(i int, x []float32, labels []int) {
	at := rand.New(rand.NewPCG(d.seed, uint64(i))).IntN(len(verse))
	for k := range x {
		x[k] = float32(verse[(at+k)%len(verse)])
		labels[k] = int(verse[(at+k+1)%len(verse)])
	}
}

// versesNetwork looks at the token and at what attention finds.
var versesNetwork = sync.OnceValue(func() *net.Network {
	const width = 32
	return trainToy(toyGraph([]int{32}, []net.Node{
		{Name: "table", Op: "Gather", Inputs: []string{"table.weight", "x"}, Output: "e"},
		{Name: "q", Op: "MatMul", Inputs: []string{"e", "q.weight"}, Output: "q"},
		{Name: "k", Op: "MatMul", Inputs: []string{"e", "k.weight"}, Output: "k"},
		{Name: "v", Op: "MatMul", Inputs: []string{"e", "v.weight"}, Output: "v"},
		{Name: "qr", Op: "RotaryEmbedding", Inputs: []string{"q"}, Output: "qr"},
		{Name: "kr", Op: "RotaryEmbedding", Inputs: []string{"k"}, Output: "kr"},
		{Name: "attention", Op: "Attention", Inputs: []string{"qr", "kr", "v"}, Output: "a", Attrs: net.Attributes{"is_causal": {1}, "q_num_heads": {1}, "kv_num_heads": {1}}},
		{Name: "sum", Op: "Add", Inputs: []string{"e", "a"}, Output: "s"},
		{Name: "out", Op: "MatMul", Inputs: []string{"s", "out.weight"}, Output: "y"},
	}, map[string][]int{"table.weight": {128, width}, "q.weight": {width, width}, "k.weight": {width, width}, "v.weight": {width, width}, "out.weight": {width, 128}}),
		verses{1}, net.Training{Batch: 16, Steps: 250, Rate: 0.01, Seed: 1})
})

func sitWithVerses(t testing.TB, w, h int) *sitting {
	t.Helper()
	return sitWithNetwork(t, versesNetwork(), net.Task{
		Train: verses{2}, Validation: verses{3},
		Tests:    []net.Test{{Name: "verses", Data: verses{4}}},
		Training: net.Training{Batch: 8, Steps: 20, Rate: 0.003, Seed: 1},
	}, w, h)
}
