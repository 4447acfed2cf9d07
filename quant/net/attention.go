package net

import (
	"math"

	"github.com/bitdial/bitdial/kernels"
)

// rotary turns the two halves of every head of an input [N, T, heads·d] as
// coordinates, by an angle that grows with the position t:
// θ = t·base^(−2i/d) for the pair (i, i+d/2). ONNX's RotaryEmbedding with
// interleaved=0, its caches computed from attribute base.
var rotary = &operator{
	name: "RotaryEmbedding", least: 1, most: 1, attrs: []string{"num_heads", "base"},
	shape: func(n *Node, in [][]int) ([]int, error) {
		heads := n.int("num_heads", 1)
		if len(in[0]) != 3 || heads < 1 || in[0][2]%(2*heads) != 0 {
			return nil, n.errorf("its input of shape %v does not divide into %d heads of an even width", in[0], heads)
		}
		return in[0], nil
	},
	forward: func(c *call) { c.turn(c.y.data, c.x[0].data, 1, false) },
	backward: func(c *call) {
		if c.x[0].grad != nil {
			c.turn(c.x[0].grad, c.y.grad, -1, true)
		}
	},
}

// turn sets y to x with every pair turned by direction times its angle, or adds
// it.
func (c *call) turn(y, x []float32, direction float32, accumulate bool) {
	t, width := c.x[0].shape[1], c.x[0].width()
	d := width / c.node.int("num_heads", 1)
	if c.keep == nil { // cos and sin of every position and pair
		base := c.node.number("base", 10000)
		for pos := range t {
			for i := range d / 2 {
				angle := float64(pos) * math.Pow(base, -2*float64(i)/float64(d))
				c.keep = append(c.keep, float32(math.Cos(angle)), float32(math.Sin(angle)))
			}
		}
	}
	c.threads.parts(len(x)/width, 1+(1<<12)/width, func(_, from, to int) {
		for row := from; row < to; row++ {
			table := c.keep[row%t*d:][:d]
			for head := row * width; head < (row+1)*width; head += d {
				for i := range d / 2 {
					cos, sin := table[2*i], table[2*i+1]*direction
					a, b := x[head+i], x[head+i+d/2]
					p, q := a*cos-b*sin, a*sin+b*cos
					if accumulate {
						p, q = p+y[head+i], q+y[head+i+d/2]
					}
					y[head+i], y[head+i+d/2] = p, q
				}
			}
		}
	})
}

// attention is softmax(Q·Kᵀ/√d)·V of every head, where a position sees itself
// and those before it: ONNX's Attention with is_causal=1 on inputs [N, T,
// heads·d]. Several heads of Q may share one of K and V (kv_num_heads).
var attention = &operator{
	name: "Attention", least: 3, most: 3, attrs: []string{"q_num_heads", "kv_num_heads", "is_causal"},
	shape: func(n *Node, in [][]int) ([]int, error) {
		q, k, v := in[0], in[1], in[2]
		heads, kv := n.int("q_num_heads", 1), n.int("kv_num_heads", 1)
		switch {
		case n.int("is_causal", 0) != 1:
			return nil, n.errorf("only causal attention is supported")
		case len(q) != 3 || len(k) != 3 || len(v) != 3 || q[0] != k[0] || q[1] != k[1] || k[0] != v[0] || k[1] != v[1] || k[2] != v[2]:
			return nil, n.errorf("its inputs have shapes %v, %v and %v", q, k, v)
		case heads < 1 || kv < 1 || heads%kv != 0 || q[2]%heads != 0 || k[2]%kv != 0 || q[2]/heads != k[2]/kv:
			return nil, n.errorf("its inputs of width %d and %d do not divide into %d and %d heads", q[2], k[2], heads, kv)
		}
		return q, nil
	},
	forward: func(c *call) {
		h := c.heads()
		if c.keep == nil {
			c.keep = make([]float32, h.count*h.t*h.t) // the weights of attention
		}
		c.threads.do(h.count, func(thread, i int) {
			work := &c.space[thread].work
			p := c.keep[i*h.t*h.t:][:h.t*h.t]
			kernels.MatMul(kernels.Dense(h.t, h.t, p), h.of(c.x[0], c.x[0].data, i), h.of(c.x[1], c.x[1].data, i).T(), false, work)
			for row := range h.t {
				line := p[row*h.t:][:h.t]
				for k := range line[:row+1] {
					line[k] *= h.scale
				}
				softmaxRow(line[:row+1], line[:row+1])
				clear(line[row+1:])
			}
			kernels.MatMul(h.of(c.y, c.y.data, i), kernels.Dense(h.t, h.t, p), h.of(c.x[2], c.x[2].data, i), false, work)
		})
	},
	backward: func(c *call) {
		h := c.heads()
		group := h.count / h.kv // heads that share one of K and V, of one input of the batch at a time
		c.threads.do(h.kv, func(thread, shared int) {
			s := &c.space[thread]
			for i := shared * group; i < (shared+1)*group; i++ {
				p := kernels.Dense(h.t, h.t, c.keep[i*h.t*h.t:])
				dy := h.of(c.y, c.y.grad, i)
				space := s.get(2 * h.t * h.t)
				dp, ds := space[:h.t*h.t], space[h.t*h.t:]
				kernels.MatMul(h.of(c.x[2], c.x[2].grad, i), p.T(), dy, true, &s.work)
				kernels.MatMul(kernels.Dense(h.t, h.t, dp), dy, h.of(c.x[2], c.x[2].data, i).T(), false, &s.work)
				clear(ds)
				for row := range h.t {
					line := ds[row*h.t:][:row+1]
					softmaxGradient(line, p.Data[row*h.t:][:row+1], dp[row*h.t:][:row+1])
					for k := range line {
						line[k] *= h.scale
					}
				}
				d := kernels.Dense(h.t, h.t, ds)
				kernels.MatMul(h.of(c.x[0], c.x[0].grad, i), d, h.of(c.x[1], c.x[1].data, i), true, &s.work)
				kernels.MatMul(h.of(c.x[1], c.x[1].grad, i), d.T(), h.of(c.x[0], c.x[0].data, i), true, &s.work)
			}
		})
	},
}

// heads says how the inputs of an attention divide.
type heads struct {
	count, kv int // of all inputs of the batch together
	t, d      int
	scale     float32
}

func (c *call) heads() heads {
	batch, t := c.x[0].shape[0], c.x[0].shape[1]
	n := c.node.int("q_num_heads", 1)
	d := c.x[0].width() / n
	return heads{batch * n, batch * c.node.int("kv_num_heads", 1), t, d, float32(1 / math.Sqrt(float64(d)))}
}

// of returns head i of Q as positions × d, from its data or its gradient, or
// the head of K or V that it shares.
func (h *heads) of(v *value, data []float32, i int) kernels.Matrix {
	width := v.width()
	perInput := width / h.d
	i = i * perInput / (h.count / v.shape[0]) // exact for Q; heads of a group share
	return kernels.Matrix{Data: data[i/perInput*h.t*width+i%perInput*h.d:], Rows: h.t, Cols: h.d, RowStride: width, ColStride: 1}
}
