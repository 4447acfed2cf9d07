package net

import (
	"fmt"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// quantized is what a scheme makes of the first input of a call: fake
// quantization between what computed the value and the product that uses it.
type quantized struct {
	scheme quant.Activation
	static kernels.Map   // fixed by calibration; nil where the range is found as values flow
	fakes  []*quant.Fake // by thread, where it is
	data   []float32
	grad   []float32 // in training

	// Of a step that is learned: its gradient, as the sum of parts in order.
	learned  bool
	stepGrad float64
	parts    [shards]float64
}

// Site is a place where a scheme acts on what flows: the input of a Conv, Gemm
// or MatMul. Its name is that of the layer's weight, or of the node where it
// multiplies two values that are both computed.
type Site struct {
	Name string
	Node string
}

// Sites returns the places of g where activation schemes act, in order.
func (g *Graph) Sites() []Site {
	var sites []Site
	for i := range g.Nodes {
		if n := &g.Nodes[i]; takesSchemes(n) {
			sites = append(sites, Site{g.siteName(n), n.Name})
		}
	}
	return sites
}

func takesSchemes(n *Node) bool {
	op := operatorOf(n.Op)
	return op == conv || op == gemm || op == matMul
}

func (g *Graph) siteName(n *Node) string {
	if _, ok := g.Weight[n.Inputs[1]]; ok {
		return n.Inputs[1]
	}
	return n.Name
}

// callAt returns the call of the site called name.
func (p *Program) callAt(name string) *call {
	for _, c := range p.calls {
		if takesSchemes(c.node) && p.Graph.siteName(c.node) == name {
			return c
		}
	}
	return nil
}

// setActivation makes a act at the site called name; keep leaves it in float.
// A static scheme needs its map, see [Flow.Map].
func (p *Program) setActivation(name string, a quant.Activation, static kernels.Map) error {
	c := p.callAt(name)
	if c == nil {
		return fmt.Errorf("no layer is called %q", name)
	}
	if a.Keep() {
		c.input = nil
		return nil
	}
	if a.Static && static == nil {
		return fmt.Errorf("%s: %s needs calibration", name, a)
	}
	q := &quantized{scheme: a, static: static, data: make([]float32, len(c.x[0].data))}
	if !a.Static {
		shape := a.Unit(c.x[0].shape[1:])
		for range c.threads.count {
			fake, err := quant.NewFake(a.Scheme, shape)
			if err != nil {
				return fmt.Errorf("%s: what flows into it: %w", name, err)
			}
			q.fakes = append(q.fakes, fake)
		}
	}
	if c.y.grad != nil {
		q.grad = make([]float32, len(q.data))
	}
	c.input = q
	return nil
}

// quantizeInput takes the first input of c through its scheme.
func (c *call) quantizeInput() {
	q := c.input
	if q == nil {
		return
	}
	x, y := c.x[0].data, q.data
	if q.static != nil {
		c.threads.parts(len(x), 1<<13, func(_, from, to int) {
			q.static.RoundTrip(y[from:to], x[from:to], q.scheme.Rounding, uint64(q.scheme.Seed), uint64(from))
		})
		return
	}
	n, _ := numbers(q.scheme.Unit(c.x[0].shape[1:]))
	c.threads.parts(len(x)/n, max(1, (1<<12)/n), func(thread, from, to int) {
		for i := from; i < to; i++ {
			q.fakes[thread].RoundTrip(y[i*n:(i+1)*n], x[i*n:(i+1)*n])
		}
	})
}

// inputData returns the first input of c as its scheme leaves it.
func (c *call) inputData() []float32 {
	if c.input != nil {
		return c.input.data
	}
	return c.x[0].data
}

// inputGradient returns where the gradient of [call.inputData] is added up, or
// nil if nobody wants it.
func (c *call) inputGradient() []float32 {
	switch q := c.input; {
	case q != nil && (q.learned || c.x[0].grad != nil):
		clear(q.grad)
		return q.grad
	case q != nil:
		return nil
	}
	return c.x[0].grad
}

// finishInputGradient hands the gradient of a quantized input on to what was
// quantized: the straight-through estimator, 1 within the range and 0 beyond.
func (c *call) finishInputGradient() {
	q := c.input
	if q == nil || !q.learned && c.x[0].grad == nil {
		return
	}
	x, dx := c.x[0].data, c.x[0].grad
	n := len(x)
	if q.static == nil { // a range that follows the values holds them all
		c.threads.parts(n, 1<<14, func(_, from, to int) { kernels.Add(dx[from:to], q.grad[from:to]) })
		return
	}
	lo, hi := q.static.Range()
	affine, _ := q.static.(kernels.Affine)
	c.threads.do(shards, func(_, part int) {
		from, to := n*part/shards, n*(part+1)/shards
		var step float64
		for i := from; i < to; i++ {
			g, v := q.grad[i], x[i]
			inside := v >= lo && v <= hi
			if dx != nil && inside {
				dx[i] += g
			}
			if q.learned {
				step += float64(g) * stepSlope(affine, v, q.data[i], inside)
			}
		}
		q.parts[part] = step
	})
	q.stepGrad = 0
	for _, s := range q.parts {
		q.stepGrad += s
	}
}

// stepSlope is the derivative of a quantized value y by the scale of its map:
// round(x/s) − x/s within the range, the code beyond it (Esser et al., "Learned
// step size quantization", 2020).
func stepSlope(a kernels.Affine, x, y float32, inside bool) float64 {
	if a.Scale == 0 {
		return 0
	}
	if inside {
		return float64((y - x) / a.Scale)
	}
	return float64(y / a.Scale)
}
