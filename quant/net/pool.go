package net

import (
	"math"
	"slices"

	"github.com/bitdial/bitdial/kernels"
)

// window is what a pooling operator looks at: it shares the geometry of a
// convolution whose groups are the channels.
func window(n *Node, in [][]int) (geometry, error) {
	kernel := n.ints("kernel_shape")
	if len(kernel) != 2 || slices.Min(kernel) < 1 {
		return geometry{}, n.errorf("its kernel_shape is %v; only pooling of pictures, in two axes, is supported", kernel)
	}
	if len(in[0]) != 4 {
		return geometry{}, n.errorf("its input has shape %v, not four axes", in[0])
	}
	if pads := n.ints("pads", 0, 0, 0, 0); len(pads) == 4 && (max(pads[0], pads[2]) >= kernel[0] || max(pads[1], pads[3]) >= kernel[1]) {
		return geometry{}, n.errorf("its pads %v are as wide as its kernel %v", pads, kernel)
	}
	c := in[0][1]
	m := Node{Name: n.Name, Op: n.Op, Attrs: Attributes{"group": {float64(c)}}}
	for _, name := range []string{"strides", "pads"} {
		if list, ok := n.Attrs[name]; ok {
			m.Attrs[name] = list
		}
	}
	return newGeometry(&m, [][]int{in[0], {c, 1, kernel[0], kernel[1]}})
}

func poolShape(n *Node, in [][]int) ([]int, error) {
	g, err := window(n, in)
	return []int{in[0][0], g.groups, g.outH, g.outW}, err
}

var poolAttrs = []string{"kernel_shape", "strides", "pads"}

// maxPool is the greatest number under a window of kernel_shape that moves by
// strides over an input with pads that never win.
var maxPool = &operator{
	name: "MaxPool", least: 1, most: 1, attrs: poolAttrs, shape: poolShape,
	forward: func(c *call) {
		x, y := c.x[0].data, c.y.data
		c.planes(func(g *geometry, plane int) {
			in, out := x[plane*g.inH*g.inW:][:g.inH*g.inW], y[plane*g.outH*g.outW:][:g.outH*g.outW]
			if g.squares() {
				for row := range g.outH {
					kernels.MaxOfSquares(out[row*g.outW:][:g.outW], in[2*row*g.inW:], in[(2*row+1)*g.inW:])
				}
				return
			}
			for i := range out {
				w := g.under(i)
				top := float32(math.Inf(-1))
				for row := w.top; row < w.bottom; row++ {
					for _, v := range in[row*g.inW+w.left : row*g.inW+w.right] {
						top = max(top, v)
					}
				}
				out[i] = top
			}
		})
	},
	backward: func(c *call) {
		x, y, dx, dy := c.x[0].data, c.y.data, c.x[0].grad, c.y.grad
		if dx == nil {
			return
		}
		c.planes(func(g *geometry, plane int) {
			from := plane * g.inH * g.inW
			if g.squares() {
				for row := range g.outH {
					above := from + 2*row*g.inW
					below, at := above+g.inW, (plane*g.outH+row)*g.outW
					kernels.AddToSquares(dx[above:], dx[below:], dy[at:][:g.outW], x[above:], x[below:], y[at:])
				}
				return
			}
			for i := range g.outH * g.outW {
				at := plane*g.outH*g.outW + i
				dx[from+g.first(x[from:], y[at], g.under(i))] += dy[at]
			}
		})
	},
}

// squares reports whether windows are squares of four numbers beside each
// other, all inside the input.
func (g *geometry) squares() bool {
	return g.kH == 2 && g.kW == 2 && g.strideH == 2 && g.stride == 2 && g.padH == 0 && g.pad == 0 &&
		2*g.outH <= g.inH && 2*g.outW <= g.inW
}

// first returns where under w the number v is first.
func (g *geometry) first(in []float32, v float32, w area) int {
	for row := w.top; row < w.bottom; row++ {
		for at := row*g.inW + w.left; at < row*g.inW+w.right; at++ {
			if in[at] == v {
				return at
			}
		}
	}
	return w.top*g.inW + w.left // of numbers that are none
}

// averagePool is the mean under a window, without the pads unless
// count_include_pad.
var averagePool = &operator{
	name: "AveragePool", least: 1, most: 1, attrs: append([]string{"count_include_pad"}, poolAttrs...), shape: poolShape,
	forward: func(c *call) {
		x, y := c.x[0].data, c.y.data
		c.planes(func(g *geometry, plane int) {
			in := x[plane*g.inH*g.inW:][:g.inH*g.inW]
			for i := range g.outH * g.outW {
				w := g.under(i)
				var sum float32
				for row := w.top; row < w.bottom; row++ {
					for _, v := range in[row*g.inW+w.left : row*g.inW+w.right] {
						sum += v
					}
				}
				y[plane*g.outH*g.outW+i] = sum / c.divisor(g, w)
			}
		})
	},
	backward: func(c *call) {
		dx, dy := c.x[0].grad, c.y.grad
		if dx == nil {
			return
		}
		c.planes(func(g *geometry, plane int) {
			in := dx[plane*g.inH*g.inW:][:g.inH*g.inW]
			for i, d := range dy[plane*g.outH*g.outW:][:g.outH*g.outW] {
				w := g.under(i)
				d /= c.divisor(g, w)
				for row := w.top; row < w.bottom; row++ {
					for at := row*g.inW + w.left; at < row*g.inW+w.right; at++ {
						in[at] += d
					}
				}
			}
		})
	},
}

func (c *call) divisor(g *geometry, w area) float32 {
	if c.node.int("count_include_pad", 0) != 0 {
		return float32(g.kH * g.kW)
	}
	return float32((w.bottom - w.top) * (w.right - w.left))
}

// planes runs f for every channel of every picture.
func (c *call) planes(f func(g *geometry, plane int)) {
	g, _ := window(c.node, [][]int{c.x[0].shape}) // its shape was checked
	c.threads.parts(c.x[0].shape[0]*c.x[0].shape[1], 4, func(_, from, to int) {
		for plane := from; plane < to; plane++ {
			f(&g, plane)
		}
	})
}

// area is what lies under a window: rows top to bottom, columns left to right,
// without the last ones.
type area struct{ top, bottom, left, right int }

// under returns what of the input lies under the window of output i.
func (g *geometry) under(i int) area {
	top, left := i/g.outW*g.strideH-g.padH, i%g.outW*g.stride-g.pad
	return area{max(0, top), min(g.inH, top+g.kH), max(0, left), min(g.inW, left+g.kW)}
}

// globalAveragePool is the mean of every channel.
var globalAveragePool = &operator{
	name: "GlobalAveragePool", least: 1, most: 1,
	shape: func(n *Node, in [][]int) ([]int, error) {
		if len(in[0]) < 3 {
			return nil, n.errorf("its input has shape %v, without axes to average", in[0])
		}
		shape := slices.Clone(in[0])
		for i := range shape[2:] {
			shape[2+i] = 1
		}
		return shape, nil
	},
	forward: func(c *call) {
		n := len(c.x[0].data) / len(c.y.data)
		for i := range c.y.data {
			var sum float32
			for _, v := range c.x[0].data[i*n:][:n] {
				sum += v
			}
			c.y.data[i] = sum / float32(n)
		}
	},
	backward: func(c *call) {
		dx := c.x[0].grad
		if dx == nil {
			return
		}
		n := len(dx) / len(c.y.data)
		for i, d := range c.y.grad {
			d /= float32(n)
			for k := range n {
				dx[i*n+k] += d
			}
		}
	},
}
