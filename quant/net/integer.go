package net

import (
	"math"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// integer is a layer that runs in integers: bytes in, exact 32-bit sums,
// rescaled. Its result is that of fake quantization up to the rounding of
// floats.
type integer struct {
	weights []*kernels.PackedInt8 // by group: patch or inputs × outputs
	scale   []float32             // by output
	bias    []float32
	scratch []integerSpace // by thread
}

type integerSpace struct {
	codes, image, patches []uint8
	sums                  []int32
	steps                 []float32
	work                  kernels.MatMulSpace
}

// whyNotInteger returns why the layer of node n does not run in integers under
// v, or "".
func (v *Variant) whyNotInteger(n *Node) string {
	w := n.Inputs[1]
	weight := v.Graph.Weight[w]
	if weight == nil {
		return "it multiplies two values that are both computed"
	}
	maps := v.maps[w]
	in := v.inputs[v.Graph.siteName(n)]
	switch {
	case maps == nil || maps[0].Min < -128 || maps[0].Max > 127:
		return "its weight is not int8 or narrower"
	case len(maps) != 1 && (len(maps) != weight.Shape[0] || weight.Shape[0] == 1):
		return "its weight has scales within a row"
	case len(maps) != 1 && (n.Op == matMul.name || n.Op == gemm.name && n.int("transB", 0) == 0):
		return "the channels of its weight are inputs, which a sum joins"
	case in.scheme.Keep() || !in.scheme.Format.Integer() || in.scheme.Format.Bits > 8:
		return "what flows into it is not int8 or narrower"
	case in.scheme.Granularity > 0:
		return "what flows into it has scales within a row"
	case in.scheme.Granularity == quant.PerChannel && n.Op == conv.name:
		return "what flows into it has scales within a patch"
	case in.scheme.Rounding != kernels.Roundings[0]:
		return "what flows into it is not rounded to nearest"
	}
	for _, m := range maps {
		if m.Zero != 0 {
			return "its weight has zero points"
		}
	}
	return ""
}

// roundBiases gives the biases of layers whose weights and inputs are integers
// of fixed scales the values that 32-bit integers at scale_x·scale_w have.
func (v *Variant) roundBiases() {
	for i := range v.Graph.Nodes {
		n := &v.Graph.Nodes[i]
		if !takesSchemes(n) || len(n.Inputs) < 3 || v.Graph.Weight[n.Inputs[2]] == nil || v.whyNotInteger(n) != "" {
			continue
		}
		x, ok := v.inputs[v.Graph.siteName(n)].static.(kernels.Affine)
		if !ok {
			continue
		}
		bias := v.Graph.Weight[n.Inputs[2]]
		rounded := &Weight{bias.Shape, make([]float32, len(bias.Data))}
		maps := v.maps[n.Inputs[1]]
		for k, b := range bias.Data {
			step := float64(x.Scale) * float64(maps[min(k, len(maps)-1)].Scale)
			rounded.Data[k] = b
			if code := math.RoundToEven(float64(b) / step); math.Abs(code) <= math.MaxInt32 { // neither NaN
				rounded.Data[k] = float32(code * step)
			}
		}
		v.Graph.Weight[n.Inputs[2]] = rounded
	}
}

// Integers returns the sites of the layers that can run in integers under v,
// and of the others why they cannot.
func (v *Variant) Integers() (sites, why []string) {
	for i := range v.Graph.Nodes {
		n := &v.Graph.Nodes[i]
		if !takesSchemes(n) {
			continue
		}
		if reason := v.whyNotInteger(n); reason != "" {
			why = append(why, v.Graph.siteName(n)+" runs in float: "+reason)
			continue
		}
		sites = append(sites, v.Graph.siteName(n))
	}
	return sites, why
}

// RunIntegers makes the layers of p that can run in integers under v, which p
// uses, do so, until the next [Program.Use].
func (p *Program) RunIntegers(v *Variant) {
	for _, c := range p.calls {
		c.integer = nil
		if !takesSchemes(c.node) || v.whyNotInteger(c.node) != "" {
			continue
		}
		c.integer = newInteger(c, v)
	}
}

// newInteger packs the weight of c. A convolution's patches are bytes in the
// order row, column, channel, so that they are copied in long runs.
func newInteger(c *call, v *Variant) *integer {
	w, maps := c.x[1], v.maps[c.node.Inputs[1]]
	of := func(output int) kernels.Affine { return maps[min(output, len(maps)-1)] }
	code := func(i, output int) int8 {
		if of(output).Scale == 0 {
			return 0
		}
		return int8(math.RoundToEven(float64(w.data[i] / of(output).Scale)))
	}
	n := &integer{scratch: make([]integerSpace, c.threads.count)}
	outputs := w.shape[0]
	if c.op == conv {
		g := c.geometry()
		codes := make([]int8, len(w.data))
		for i := range codes {
			o, ch, at := i/g.patch(), i%g.patch()/(g.kH*g.kW), i%(g.kH*g.kW)
			codes[o*g.patch()+at*g.inC+ch] = code(i, o)
		}
		for group := range g.groups {
			n.weights = append(n.weights, new(kernels.PackedInt8))
			n.weights[group].Pack(kernels.Dense(g.outC, g.patch(), codes[group*g.outC*g.patch():]).T())
		}
	} else {
		rows := w.shape[0]
		transposed := c.node.int("transB", 0) != 0
		if !transposed {
			outputs = w.shape[1]
		}
		codes := make([]int8, len(w.data))
		for i := range codes {
			o := i % w.shape[1]
			if transposed {
				o = i / w.shape[1]
			}
			codes[i] = code(i, o)
		}
		m := kernels.Dense(rows, w.shape[1], codes)
		if transposed {
			m = m.T()
		}
		n.weights = []*kernels.PackedInt8{new(kernels.PackedInt8)}
		n.weights[0].Pack(m)
	}
	n.scale, n.bias = make([]float32, outputs), make([]float32, outputs)
	for o := range outputs {
		n.scale[o] = of(o).Scale
		if len(c.x) == 3 {
			n.bias[o] = c.x[2].data[o]
		}
	}
	return n
}

// mapOf returns the map of x, what belongs to one range.
func (q *quantized) mapOf(x []float32, thread int) kernels.Affine {
	if q.static != nil {
		return q.static.(kernels.Affine)
	}
	return q.fakes[thread].Affine(x)[0]
}

// gemmInteger computes the rows of a linear layer.
func (c *call) gemmInteger() {
	n := c.integer
	width, outputs := c.x[0].width(), c.y.width()
	unit, _ := numbers(c.input.scheme.Unit(c.x[0].shape[1:]))
	c.threads.parts(len(c.x[0].data)/unit, 1, func(thread, from, to int) {
		s := &n.scratch[thread]
		for i := from; i < to; i++ {
			x := c.x[0].data[i*unit:][:unit]
			a := c.input.mapOf(x, thread)
			rows := unit / width
			codes, sums := atLeast(&s.codes, unit), atLeast(&s.sums, rows*outputs)
			a.Bytes(codes, x)
			products := kernels.Dense(rows, outputs, sums)
			kernels.MatMulInt8(products, kernels.Dense(rows, width, codes), uint8(a.Zero-a.Min), n.weights[0], &s.work)
			kernels.Rescale(kernels.Dense(rows, outputs, c.y.data[i*rows*outputs:]), products, n.steps(a, thread), n.bias)
		}
	})
}

// steps returns by how much sums are to be multiplied whose inputs have the
// map a.
func (n *integer) steps(a kernels.Affine, thread int) []float32 {
	steps := atLeast(&n.scratch[thread].steps, len(n.scale))
	for o, scale := range n.scale {
		steps[o] = a.Scale * scale
	}
	return steps
}

// atLeast returns n elements of memory, which is made if it does not suffice.
func atLeast[T any](memory *[]T, n int) []T {
	if cap(*memory) < n {
		*memory = make([]T, n)
	}
	return (*memory)[:n]
}
