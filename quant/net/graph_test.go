package net

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
)

// FuzzGraph reads graphs that a file may hold and runs those that can: whatever
// they say, it is an error or an answer.
func FuzzGraph(f *testing.F) {
	weights := map[string]*Weight{}
	draw := rand.New(rand.NewPCG(1, 2))
	for name, shape := range map[string][]int{"w": {4, 3, 3, 3}, "m": {5, 6}, "v": {4}, "s": {}, "e": {0, 3}} {
		n := 1
		for _, d := range shape {
			n *= d
		}
		weights[name] = &Weight{shape, normal(n, draw)}
	}
	for _, test := range gradientCases {
		text, err := json.Marshal(newGraph(test.input, test.nodes, nil, draw))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(`{"input":{"name":"x","shape":[3,8,8]},"nodes":[{"name":"a","op":"Conv","inputs":["x","w","v"],"output":"y"},{"name":"b","op":"Relu","inputs":["y"],"output":"z"}],"output":"z"}`)
	f.Add(`{"input":{"name":"x","shape":[6]},"nodes":[{"name":"a","op":"Mul","inputs":["x","s"],"output":"y"},{"name":"b","op":"Gemm","inputs":["y","m"],"attrs":{"transB":[1]},"output":"z"}],"output":"z"}`)
	f.Fuzz(func(t *testing.T, text string) {
		g, err := parseGraph(text)
		if err != nil {
			return
		}
		used := map[string]bool{} // an unused weight of no numbers would end everything
		for _, n := range g.Nodes {
			for _, in := range n.Inputs {
				used[in] = true
			}
		}
		g.Weight = map[string]*Weight{}
		for name, w := range weights {
			if used[name] {
				g.Weight[name] = w
			}
		}
		if g.check() != nil || g.work() > 1<<20 {
			return
		}
		p, err := Compile(g.Fold(), 2, false)
		if err != nil {
			return
		}
		p.Forward()
		if q, err := Compile(g, 2, true); err == nil {
			q.Forward()
			q.Backward()
		}
	})
}

// work returns about how much an input of the graph asks for, for fuzzing to
// stay quick.
func (g *Graph) work() int {
	n := 1
	for _, d := range g.Input.Shape {
		if d < 1 || d > 1<<20 {
			return 1 << 30
		}
		n = min(1<<30, n*d)
	}
	return n * max(1, len(g.Nodes))
}
