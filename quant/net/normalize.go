package net

import (
	"math"
	"slices"
)

// rmsNorm is x·g/√(mean x² + epsilon) over the last axis, ONNX's
// RMSNormalization.
var rmsNorm = &operator{
	name: "RMSNormalization", least: 2, most: 2, attrs: []string{"epsilon"}, shape: gains,
	forward: func(c *call) {
		c.eachRow(func(row int, x, y []float32) {
			inv := c.inverseRMS(x)
			for i, g := range c.x[1].data {
				y[i] = x[i] * inv * g
			}
		})
	},
	backward: func(c *call) {
		g := c.x[1]
		dx := c.x[0].grad
		c.eachRow(func(row int, x, _ []float32) {
			if dx == nil {
				return
			}
			inv := c.inverseRMS(x)
			dy := c.y.grad[row*len(x):][:len(x)]
			var dot float32
			for i, v := range x {
				dot += v * g.data[i] * dy[i]
			}
			k := dot * inv * inv * inv / float32(len(x))
			out := dx[row*len(x):][:len(x)]
			for i, v := range x {
				out[i] += dy[i]*g.data[i]*inv - k*v
			}
		})
		if g.grad == nil {
			return
		}
		width := c.x[0].width()
		for row := range c.x[0].rows() { // in order
			x, dy := c.x[0].data[row*width:][:width], c.y.grad[row*width:][:width]
			inv := c.inverseRMS(x)
			for i, v := range x {
				g.grad[i] += dy[i] * v * inv
			}
		}
	},
}

func (c *call) inverseRMS(x []float32) float32 {
	var sum float32
	for _, v := range x {
		sum += v * v
	}
	return float32(1 / math.Sqrt(float64(sum)/float64(len(x))+c.node.number("epsilon", 1e-5)))
}

// eachRow runs f for every row of the last axis of the first input, and its
// output.
func (c *call) eachRow(f func(row int, x, y []float32)) {
	width := c.x[0].width()
	c.threads.parts(c.x[0].rows(), 1+(1<<12)/width, func(_, from, to int) {
		for row := from; row < to; row++ {
			f(row, c.x[0].data[row*width:][:width], c.y.data[row*width:][:width])
		}
	})
}

// gains is the shape of an operator whose further inputs scale, or shift, the
// last axis.
func gains(n *Node, in [][]int) ([]int, error) {
	width := in[0][len(in[0])-1]
	for _, g := range in[1:] {
		if len(g) != 1 || g[0] != width {
			return nil, n.errorf("it scales rows of %d numbers by a weight of shape %v", width, g)
		}
	}
	return in[0], nil
}

// layerNorm is (x − mean)/√(variance + epsilon)·g + b over the last axis.
var layerNorm = &operator{
	name: "LayerNormalization", least: 2, most: 3, attrs: []string{"epsilon", "axis"},
	shape: func(n *Node, in [][]int) ([]int, error) {
		if axis := n.int("axis", -1); axis != -1 && axis != len(in[0])-1 {
			return nil, n.errorf("its axis is %d; only the last one is supported", axis)
		}
		return gains(n, in)
	},
	forward: func(c *call) {
		c.eachRow(func(_ int, x, y []float32) {
			mean, inv := c.moments(x)
			for i, g := range c.x[1].data {
				y[i] = (x[i] - mean) * inv * g
			}
			if len(c.x) == 3 {
				for i, b := range c.x[2].data {
					y[i] += b
				}
			}
		})
	},
	backward: func(c *call) {
		g, dx := c.x[1], c.x[0].grad
		width := c.x[0].width()
		for row := range c.x[0].rows() {
			x, dy := c.x[0].data[row*width:][:width], c.y.grad[row*width:][:width]
			mean, inv := c.moments(x)
			var sum, dot float32 // of dy·g, and with the normalized x
			for i, v := range x {
				z := (v - mean) * inv
				sum += dy[i] * g.data[i]
				dot += dy[i] * g.data[i] * z
				if g.grad != nil {
					g.grad[i] += dy[i] * z
				}
				if len(c.x) == 3 && c.x[2].grad != nil {
					c.x[2].grad[i] += dy[i]
				}
			}
			if dx == nil {
				continue
			}
			n := float32(width)
			for i, v := range x {
				dx[row*width+i] += inv * (dy[i]*g.data[i] - sum/n - (v-mean)*inv*dot/n)
			}
		}
	},
}

func (c *call) moments(x []float32) (mean, inv float32) {
	var sum, sum2 float64
	for _, v := range x {
		sum += float64(v)
	}
	m := sum / float64(len(x))
	for _, v := range x {
		sum2 += (float64(v) - m) * (float64(v) - m)
	}
	return float32(m), float32(1 / math.Sqrt(sum2/float64(len(x))+c.node.number("epsilon", 1e-5)))
}

// batchNorm is (x − mean)/√(variance + epsilon)·scale + bias of every channel,
// the axis after the batch, by the statistics that training has left. It runs
// where [Graph.Fold] could not make it part of a convolution.
var batchNorm = &operator{
	name: "BatchNormalization", least: 5, most: 5, attrs: []string{"epsilon", "momentum"},
	shape: func(n *Node, in [][]int) ([]int, error) {
		if len(in[0]) < 2 {
			return nil, n.errorf("its input has shape %v, without channels", in[0])
		}
		for _, w := range in[1:] {
			if len(w) != 1 || w[0] != in[0][1] {
				return nil, n.errorf("it has %d channels, and a weight of shape %v", in[0][1], w)
			}
		}
		return in[0], nil
	},
	forward: func(c *call) {
		channels := c.x[0].shape[1]
		n := len(c.x[0].data) / c.x[0].shape[0] / channels
		c.threads.parts(c.x[0].shape[0]*channels, 1+(1<<12)/n, func(_, from, to int) {
			for i := from; i < to; i++ {
				factor, shift := c.channel(i % channels)
				y := c.y.data[i*n:][:n]
				for k, v := range c.x[0].data[i*n:][:n] {
					y[k] = v*factor + shift
				}
			}
		})
	},
}

// channel returns what a batch normalization amounts to in channel i.
func (c *call) channel(i int) (factor, shift float32) {
	return normalization(c.node, c.x[1].data[i], c.x[2].data[i], c.x[3].data[i], c.x[4].data[i])
}

func normalization(n *Node, scale, bias, mean, variance float32) (factor, shift float32) {
	f := float64(scale) / math.Sqrt(float64(variance)+n.number("epsilon", 1e-5))
	return float32(f), float32(float64(bias) - float64(mean)*f)
}

// softmax is exp(x)/Σ exp(x) over the last axis.
var softmax = &operator{
	name: "Softmax", least: 1, most: 1, attrs: []string{"axis"},
	shape: func(n *Node, in [][]int) ([]int, error) {
		if axis := n.int("axis", -1); axis != -1 && axis != len(in[0])-1 {
			return nil, n.errorf("its axis is %d; only the last one is supported", axis)
		}
		return in[0], nil
	},
	forward: func(c *call) {
		c.eachRow(func(_ int, x, y []float32) { softmaxRow(y, x) })
	},
	backward: func(c *call) {
		dx := c.x[0].grad
		if dx == nil {
			return
		}
		c.eachRow(func(row int, _, y []float32) {
			softmaxGradient(dx[row*len(y):][:len(y)], y, c.y.grad[row*len(y):][:len(y)])
		})
	},
}

func softmaxRow(y, x []float32) {
	top := slices.Max(x)
	var total float32
	for i, v := range x {
		y[i] = exp(v - top)
		total += y[i]
	}
	for i := range y {
		y[i] /= total
	}
}

// softmaxGradient adds y·(dy − Σ y·dy) to dx.
func softmaxGradient(dx, y, dy []float32) {
	var dot float32
	for i, v := range y {
		dot += v * dy[i]
	}
	for i, v := range y {
		dx[i] += v * (dy[i] - dot)
	}
}
