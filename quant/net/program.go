package net

import (
	"fmt"
	"slices"

	"github.com/bitdial/bitdial/kernels"
)

// Program is a graph made ready for batches of one size: every shape known,
// all memory there. It is not safe for concurrent use; its work is spread over
// all cores.
type Program struct {
	Graph *Graph
	Batch int

	calls  []*call
	input  *value
	output *value
	values map[string]*value

	numbers int // of all outputs together

	before, after func(c *call) // see what flows, if set
}

// Compile makes g ready for batches of the given size, or returns an [*Error]
// that names the node that cannot be run. A program for training keeps what a
// backward pass needs; otherwise values whose readers are done lend their
// memory to later ones.
//
// Weights are read in place: what the caller changes in them, the next run
// sees.
func Compile(g *Graph, batch int, training bool) (*Program, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	p := &Program{Graph: g, Batch: batch, values: map[string]*value{}}
	shape := append([]int{batch}, g.Input.Shape...)
	n, err := numbers(shape)
	if err != nil {
		return nil, fmt.Errorf("the input %q: %w", g.Input.Name, err)
	}
	p.input = &value{name: g.Input.Name, shape: shape, data: make([]float32, n)}
	p.values[g.Input.Name] = p.input
	for name, w := range g.Weight {
		shape := w.Shape
		if len(shape) == 0 { // a number of its own
			shape = []int{1}
		}
		if n, err := numbers(shape); err != nil || n != len(w.Data) {
			return nil, fmt.Errorf("the weight %q has a shape of %v, which nothing can be computed with", name, w.Shape)
		}
		v := &value{name: name, shape: shape, data: w.Data, weight: true}
		if training {
			v.grad = make([]float32, len(w.Data))
		}
		p.values[name] = v
	}
	for i := range g.Nodes {
		if err := p.add(&g.Nodes[i], training); err != nil {
			return nil, err
		}
	}
	p.output = p.values[g.Output]
	if training {
		for _, c := range p.calls {
			c.y.data = p.memory(c)
			if c.op.backward == nil {
				return nil, c.node.errorf("this operator has no backward pass: a network with it cannot be trained")
			}
			if c.op.alias {
				c.y.grad = c.x[0].grad
			} else {
				c.y.grad = make([]float32, len(c.y.data))
			}
		}
		return p, nil
	}
	p.plan()
	return p, nil
}

// add adds the call of a node: its shape is known, its memory not yet there.
func (p *Program) add(n *Node, training bool) error {
	c := &call{node: n, op: operatorOf(n.Op), threads: all()}
	c.space = make([]space, c.threads.count)
	var shapes [][]int
	for _, name := range n.Inputs {
		v := p.values[name]
		c.x = append(c.x, v)
		shapes = append(shapes, v.shape)
	}
	shape, err := c.op.shape(n, shapes)
	if err != nil {
		return err
	}
	count, err := numbers(shape)
	if err != nil {
		return n.errorf("its output has %v", err)
	}
	if p.numbers += count; p.numbers > maxNumbers {
		return n.errorf("with it the network's values are more than %d numbers, for a batch of %d", maxNumbers, p.Batch)
	}
	c.y = &value{name: n.Output, shape: shape}
	p.values[n.Output] = c.y
	p.calls = append(p.calls, c)
	return nil
}

// memory returns memory of its own for the output of c, or its input's where
// that is the same under another shape.
func (p *Program) memory(c *call) []float32 {
	if c.op.alias {
		return c.x[0].data
	}
	n, _ := numbers(c.y.shape) // add made sure
	return make([]float32, n)
}

// plan gives outputs their memory, each from those that no later node reads:
// the smallest that holds it.
func (p *Program) plan() {
	last := map[*value]int{p.output: len(p.calls)}
	root := map[*value]*value{} // of values that share memory
	rootOf := func(v *value) *value {
		if r := root[v]; r != nil {
			return r
		}
		return v
	}
	for i, c := range p.calls {
		if c.op.alias {
			root[c.y] = rootOf(c.x[0])
		}
		for _, x := range c.x {
			last[rootOf(x)] = max(last[rootOf(x)], i)
		}
	}
	last[rootOf(p.output)] = len(p.calls)
	var free [][]float32
	for i, c := range p.calls {
		if c.op.alias {
			c.y.data = c.x[0].data
		} else {
			n, _ := numbers(c.y.shape)
			c.y.data = take(&free, n)
		}
		for k, x := range c.x {
			if r := rootOf(x); last[r] == i && !r.weight && r != p.input && !slices.Contains(c.x[:k], x) {
				free = append(free, r.data[:cap(r.data)])
			}
		}
		if r := rootOf(c.y); last[r] < i { // nobody reads it
			last[r] = i
		}
	}
}

// take returns n numbers of memory, from free if it is there.
func take(free *[][]float32, n int) []float32 {
	best := -1
	for i, m := range *free {
		if cap(m) >= n && (best < 0 || cap(m) < cap((*free)[best])) {
			best = i
		}
	}
	if best < 0 {
		return make([]float32, n)
	}
	m := (*free)[best]
	*free = slices.Delete(*free, best, best+1)
	return m[:n]
}

// Input returns the memory of the program's input, Batch times the numbers of
// one: the caller fills it before [Program.Forward].
func (p *Program) Input() []float32 { return p.input.data }

// Output returns what the last run computed, valid until the next.
func (p *Program) Output() []float32 { return p.output.data }

// OutputShape returns the shape of Output, the batch first.
func (p *Program) OutputShape() []int { return p.output.shape }

// Forward computes the output from the input.
func (p *Program) Forward() {
	for _, c := range p.calls {
		if p.before != nil {
			p.before(c)
		}
		if c.integer == nil {
			c.quantizeInput()
		}
		c.op.forward(c)
		if p.after != nil {
			p.after(c)
		}
	}
}

// Backward computes the gradients of all weights from that of the output, which
// the caller has put into [Program.OutputGradient] after a [Program.Forward].
func (p *Program) Backward() {
	for _, c := range p.calls {
		if &c.y.grad[0] != &p.output.grad[0] { // nor another shape of it
			clear(c.y.grad)
		}
	}
	for _, v := range p.values {
		if v.weight {
			clear(v.grad)
		}
	}
	for _, c := range slices.Backward(p.calls) {
		c.op.backward(c)
	}
}

// OutputGradient returns the memory of the gradient of the output.
func (p *Program) OutputGradient() []float32 { return p.output.grad }

// Gradient returns the gradient of the weight called name after a
// [Program.Backward].
func (p *Program) Gradient(name string) []float32 { return p.values[name].grad }

// space is the scratch memory of one thread.
type space struct {
	floats []float32
	work   kernels.MatMulSpace
}

// get returns n numbers of scratch memory.
func (s *space) get(n int) []float32 {
	if cap(s.floats) < n {
		s.floats = make([]float32, n)
	}
	return s.floats[:n]
}
