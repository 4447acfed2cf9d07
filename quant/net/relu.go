package net

import (
	"math"

	"github.com/bitdial/bitdial/kernels"
)

// relu is max(0, x).
var relu = &operator{
	name: "Relu", least: 1, most: 1, shape: same,
	forward: func(c *call) { clamp(c, 0, math.MaxFloat32) },
	backward: func(c *call) {
		x, dx, dy := c.x[0].data, c.x[0].grad, c.y.grad
		c.threads.parts(len(dx), 1<<14, func(_, from, to int) {
			kernels.AddWherePositive(dx[from:to], dy[from:to], x[from:to])
		})
	},
}

// clip is max(min, min(max, x)), the bounds attributes.
var clip = &operator{
	name: "Clip", least: 1, most: 1, attrs: []string{"min", "max"}, shape: same,
	forward: func(c *call) {
		lo, hi := bounds(c.node)
		clamp(c, lo, hi)
	},
	backward: func(c *call) {
		lo, hi := bounds(c.node)
		clampGradient(c, lo, hi)
	},
}

func bounds(n *Node) (lo, hi float32) {
	return float32(n.number("min", -math.MaxFloat32)), float32(n.number("max", math.MaxFloat32))
}

func clamp(c *call, lo, hi float32) {
	x, y := c.x[0].data, c.y.data
	c.threads.parts(len(x), 1<<14, func(_, from, to int) {
		kernels.Clamp(y[from:to], x[from:to], lo, hi)
	})
}

func clampGradient(c *call, lo, hi float32) {
	x, dx, dy := c.x[0].data, c.x[0].grad, c.y.grad
	c.threads.parts(len(dx), 1<<14, func(_, from, to int) {
		for i := from; i < to; i++ {
			if x[i] > lo && x[i] < hi {
				dx[i] += dy[i]
			}
		}
	})
}
