package net

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Graph is a network: nodes in an order in which each comes after what it
// reads, from one input to one output. Names of values are those of nodes'
// outputs, of weights, or of the input.
type Graph struct {
	Input  Port               `json:"input"`
	Nodes  []Node             `json:"nodes"`
	Output string             `json:"output"`
	Weight map[string]*Weight `json:"-"`
}

// Port is the input of a graph: its name and its shape without the batch.
type Port struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
}

// Node is one use of an operator.
type Node struct {
	Name   string     `json:"name"`
	Op     string     `json:"op"` // ONNX's name
	Inputs []string   `json:"inputs"`
	Output string     `json:"output"`
	Attrs  Attributes `json:"attrs,omitempty"`
}

// Attributes are the numbers of a node, by ONNX's names.
type Attributes map[string][]float64

// Weight is a constant of a graph.
type Weight struct {
	Shape []int
	Data  []float32
}

// Error says which node of a graph cannot be run, and why.
type Error struct {
	Node, Op string
	Why      string
}

func (e *Error) Error() string { return fmt.Sprintf("node %q (%s): %s", e.Node, e.Op, e.Why) }

func (n *Node) errorf(format string, args ...any) error {
	return &Error{n.Name, n.Op, fmt.Sprintf(format, args...)}
}

// ints returns an attribute of whole numbers, or what stands for it.
func (n *Node) ints(name string, absent ...int) []int {
	list, ok := n.Attrs[name]
	if !ok {
		return absent
	}
	out := make([]int, len(list))
	for i, v := range list {
		out[i] = int(v)
	}
	return out
}

// int returns an attribute of one whole number.
func (n *Node) int(name string, absent int) int {
	return int(n.number(name, float64(absent)))
}

// number returns an attribute of one number.
func (n *Node) number(name string, absent float64) float64 {
	if list := n.Attrs[name]; len(list) > 0 {
		return list[0]
	}
	return absent
}

// parseGraph reads the nodes of a graph from JSON.
func parseGraph(text string) (*Graph, error) {
	g := new(Graph)
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(g); err != nil {
		return nil, fmt.Errorf("the graph: %w", err)
	}
	return g, nil
}

// check returns the first reason why g cannot be run, whatever its shapes: a
// value that does not exist or exists twice, an operator, a number of inputs or
// an attribute that is not known.
func (g *Graph) check() error {
	known := map[string]bool{g.Input.Name: true}
	for name := range g.Weight {
		known[name] = true
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		op := operatorOf(n.Op)
		if op == nil {
			return n.errorf("this operator is not supported; there are: %s", strings.Join(Operators(), " "))
		}
		if len(n.Inputs) < op.least || len(n.Inputs) > op.most {
			return n.errorf("it has %d inputs, not %d to %d", len(n.Inputs), op.least, op.most)
		}
		for _, in := range n.Inputs {
			if !known[in] {
				return n.errorf("its input %q is neither computed before it nor a weight", in)
			}
		}
		for name, list := range n.Attrs {
			if !slices.Contains(op.attrs, name) {
				return n.errorf("its attribute %q is not supported", name)
			}
			if len(list) == 0 || len(list) > maxAxes*2 {
				return n.errorf("its attribute %q has %d numbers", name, len(list))
			}
			for _, v := range list {
				if !(v > -1e9 && v < 1e9) {
					return n.errorf("its attribute %q is %v", name, v)
				}
			}
		}
		if known[n.Output] {
			return n.errorf("its output %q is computed twice", n.Output)
		}
		known[n.Output] = true
	}
	if !known[g.Output] {
		return fmt.Errorf("the graph's output %q is not computed", g.Output)
	}
	return nil
}

// The limits that graphs are held to: what a mistake, or a hostile file, could
// otherwise ask for.
const (
	maxAxes    = 8
	maxValues  = 1 << 26 // numbers in one value
	maxNumbers = 1 << 28 // in all values of a program
)

// numbers returns how many numbers a value of the given shape has, or an error
// if that is none or too many.
func numbers(shape []int) (int, error) {
	if len(shape) > maxAxes {
		return 0, fmt.Errorf("a shape of %d axes, more than %d", len(shape), maxAxes)
	}
	n := 1
	for _, d := range shape {
		if d < 1 || d > maxValues/n {
			return 0, fmt.Errorf("a shape of %v", shape)
		}
		n *= d
	}
	return n, nil
}
