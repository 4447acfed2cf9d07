package net

import "math"

// function is an operator that takes every number by itself: f is the
// function, df its derivative from input and output.
func function(name string, f func(x float32) float32, df func(x, y float32) float32) *operator {
	return &operator{
		name: name, least: 1, most: 1, shape: same,
		forward: func(c *call) {
			x, y := c.x[0].data, c.y.data
			c.threads.parts(len(x), 1<<13, func(_, from, to int) {
				for i := from; i < to; i++ {
					y[i] = f(x[i])
				}
			})
		},
		backward: func(c *call) {
			x, y, dx, dy := c.x[0].data, c.y.data, c.x[0].grad, c.y.grad // no dx, nothing to do
			c.threads.parts(len(dx), 1<<13, func(_, from, to int) {
				for i := from; i < to; i++ {
					dx[i] += dy[i] * df(x[i], y[i])
				}
			})
		},
	}
}

// same is the shape of an operator that keeps that of its first input.
func same(_ *Node, in [][]int) ([]int, error) { return in[0], nil }

var (
	sigmoid = function("Sigmoid", logistic, func(_, y float32) float32 { return y * (1 - y) })
	tanh    = function("Tanh", func(x float32) float32 { return float32(math.Tanh(float64(x))) },
		func(_, y float32) float32 { return 1 - y*y })
	// x·max(0, min(1, x/6 + 1/2)).
	hardSwish = function("HardSwish", func(x float32) float32 { return x * max(0, min(1, x/6+0.5)) },
		func(x, _ float32) float32 {
			switch {
			case x <= -3:
				return 0
			case x >= 3:
				return 1
			}
			return x/3 + 0.5
		})
	// x·Φ(x), Φ the distribution of the standard normal.
	gelu = function("Gelu", func(x float32) float32 { return float32(float64(x) * phi(float64(x))) },
		func(x, _ float32) float32 {
			v := float64(x)
			return float32(phi(v) + v*math.Exp(-v*v/2)/math.Sqrt(2*math.Pi))
		})
	// x·σ(x), also called SiLU.
	swish = function("Swish", func(x float32) float32 { return x * logistic(x) },
		func(x, y float32) float32 {
			s := logistic(x)
			return s + y*(1-s)
		})
)

func phi(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }
