package net

import (
	"math"
	"slices"
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
		if c.kept == nil && c.y.grad != nil {
			c.kept = make([]int32, len(c.y.data)) // where the greatest was
		}
		x, y := c.x[0].data, c.y.data
		c.planes(func(g *geometry, plane int) {
			in := x[plane*g.inH*g.inW:][:g.inH*g.inW]
			for i := range g.outH * g.outW {
				top, where := float32(math.Inf(-1)), 0
				g.under(i, func(at int) {
					if in[at] > top {
						top, where = in[at], at
					}
				})
				y[plane*g.outH*g.outW+i] = top
				if c.kept != nil {
					c.kept[plane*g.outH*g.outW+i] = int32(where)
				}
			}
		})
	},
	backward: func(c *call) {
		dx, dy := c.x[0].grad, c.y.grad
		if dx == nil {
			return
		}
		c.planes(func(g *geometry, plane int) {
			out := g.outH * g.outW
			for i, where := range c.kept[plane*out:][:out] {
				dx[plane*g.inH*g.inW+int(where)] += dy[plane*out+i]
			}
		})
	},
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
				var sum float32
				n := g.under(i, func(at int) { sum += in[at] })
				y[plane*g.outH*g.outW+i] = sum / c.divisor(g, n)
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
				d /= c.divisor(g, g.under(i, func(int) {}))
				g.under(i, func(at int) { in[at] += d })
			}
		})
	},
}

func (c *call) divisor(g *geometry, inside int) float32 {
	if c.node.int("count_include_pad", 0) != 0 {
		return float32(g.kH * g.kW)
	}
	return float32(inside)
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

// under calls f for every place of the input under the window of output i, and
// returns how many there are.
func (g *geometry) under(i int, f func(at int)) (n int) {
	top, left := i/g.outW*g.strideH-g.padH, i%g.outW*g.stride-g.pad
	for y := max(0, top); y < min(g.inH, top+g.kH); y++ {
		for x := max(0, left); x < min(g.inW, left+g.kW); x++ {
			f(y*g.inW + x)
			n++
		}
	}
	return n
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
