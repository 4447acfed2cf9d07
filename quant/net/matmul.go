package net

import "github.com/bitdial/bitdial/kernels"

// product sets c to a·b, or adds that to it. Rows or columns of c, whichever
// are more, are shared out among the threads.
func (c *call) product(y, a, b kernels.Matrix, accumulate bool) {
	const least = 1 << 17 // multiplications that are worth another thread
	t := c.threads
	pieces := min(t.count, max(1, y.Rows*y.Cols*a.Cols/least))
	cut := func(n, unit, i int) int { return min(n, (n*i/pieces+unit-1)/unit*unit) }
	t.do(pieces, func(thread, i int) {
		work := &c.space[thread].work
		if y.Cols >= y.Rows {
			from, to := cut(y.Cols, 32, i), cut(y.Cols, 32, i+1)
			kernels.MatMul(y.Slice(0, y.Rows, from, to), a, b.Slice(0, b.Rows, from, to), accumulate, work)
			return
		}
		from, to := cut(y.Rows, 12, i), cut(y.Rows, 12, i+1)
		kernels.MatMul(y.Slice(from, to, 0, y.Cols), a.Slice(from, to, 0, a.Cols), b, accumulate, work)
	})
}

// gemm is x·W + b over the rows of x's last axis, or x·Wᵀ + b if transB, as
// linear layers store their weights. ONNX's alpha, beta and transA are 1, 1 and
// 0, and x may have more than two axes.
var gemm = &operator{
	name: "Gemm", least: 2, most: 3, attrs: []string{"transB"},
	shape: func(n *Node, in [][]int) ([]int, error) {
		x, w := in[0], in[1]
		if len(x) < 2 || len(w) != 2 {
			return nil, n.errorf("its inputs have shapes %v and %v; they need two axes", x, w)
		}
		k, out := w[0], w[1]
		if n.int("transB", 0) != 0 {
			k, out = out, k
		}
		if x[len(x)-1] != k {
			return nil, n.errorf("its input has rows of %d numbers, its weight takes %d", x[len(x)-1], k)
		}
		if len(in) == 3 && (len(in[2]) != 1 || in[2][0] != out) {
			return nil, n.errorf("its bias has shape %v, not [%d]", in[2], out)
		}
		return append(append([]int(nil), x[:len(x)-1]...), out), nil
	},
	forward: func(c *call) {
		if c.integer != nil {
			c.gemmInteger()
			return
		}
		y := kernels.Dense(c.y.rows(), c.y.width(), c.y.data)
		c.product(y, c.matrixOfInput(), c.matrixOfWeight(), false)
		if len(c.x) == 3 {
			b := c.x[2].data
			c.threads.parts(y.Rows, 1+(1<<14)/y.Cols, func(_, from, to int) {
				for i := from; i < to; i++ {
					row := y.Data[i*y.Cols:][:len(b)]
					for j, v := range b {
						row[j] += v
					}
				}
			})
		}
	},
	backward: func(c *call) {
		rows, width := c.y.rows(), c.y.width()
		dy := kernels.Dense(rows, width, c.y.grad)
		if dx := c.inputGradient(); dx != nil {
			c.product(kernels.Dense(rows, c.x[0].width(), dx), dy, c.matrixOfWeight().T(), true)
		}
		w := c.x[1]
		if w.grad != nil {
			dw := kernels.Dense(w.shape[0], w.shape[1], w.grad)
			if c.node.int("transB", 0) != 0 {
				c.product(dw, dy.T(), c.matrixOfInput(), true)
			} else {
				c.product(dw, c.matrixOfInput().T(), dy, true)
			}
		}
		if len(c.x) == 3 && c.x[2].grad != nil {
			db := c.x[2].grad
			for i := range rows {
				for j, d := range c.y.grad[i*width:][:width] {
					db[j] += d
				}
			}
		}
		c.finishInputGradient()
	},
}

func (c *call) matrixOfInput() kernels.Matrix {
	return kernels.Dense(c.x[0].rows(), c.x[0].width(), c.inputData())
}

// matrixOfWeight returns the weight of a gemm as inputs × outputs.
func (c *call) matrixOfWeight() kernels.Matrix {
	w := kernels.Dense(c.x[1].shape[0], c.x[1].shape[1], c.x[1].data)
	if c.node.int("transB", 0) != 0 {
		return w.T()
	}
	return w
}

// matMul is x·W over the rows of x's last axis, W a matrix, or the products of
// the matrices in the last two axes of two values whose other axes agree.
var matMul = &operator{
	name: "MatMul", least: 2, most: 2,
	shape: func(n *Node, in [][]int) ([]int, error) {
		a, b := in[0], in[1]
		if len(a) < 2 || len(b) < 2 || a[len(a)-1] != b[len(b)-2] {
			return nil, n.errorf("its inputs have shapes %v and %v, which do not go together", a, b)
		}
		shape := append(append([]int(nil), a[:len(a)-1]...), b[len(b)-1])
		if len(b) == 2 {
			return shape, nil
		}
		if len(a) != len(b) {
			return nil, n.errorf("its inputs have shapes %v and %v, which do not go together", a, b)
		}
		for i := range len(a) - 2 {
			if a[i] != b[i] {
				return nil, n.errorf("its inputs have shapes %v and %v, which do not go together", a, b)
			}
		}
		return shape, nil
	},
	forward: func(c *call) {
		if c.integer != nil {
			c.gemmInteger()
			return
		}
		if len(c.x[1].shape) == 2 {
			c.product(kernels.Dense(c.y.rows(), c.y.width(), c.y.data), c.matrixOfInput(), c.matrixOfWeight(), false)
			return
		}
		c.products(func(work *kernels.MatMulSpace, i int) {
			kernels.MatMul(matrixAt(c.y, c.y.data, i), matrixAt(c.x[0], c.inputData(), i), matrixAt(c.x[1], c.x[1].data, i), false, work)
		})
	},
	backward: func(c *call) {
		if len(c.x[1].shape) == 2 {
			gemm.backward(c)
			return
		}
		da, db := c.inputGradient(), c.x[1].grad
		c.products(func(work *kernels.MatMulSpace, i int) {
			dy := matrixAt(c.y, c.y.grad, i)
			if da != nil {
				kernels.MatMul(matrixAt(c.x[0], da, i), dy, matrixAt(c.x[1], c.x[1].data, i).T(), true, work)
			}
			if db != nil {
				kernels.MatMul(matrixAt(c.x[1], db, i), matrixAt(c.x[0], c.inputData(), i).T(), dy, true, work)
			}
		})
		c.finishInputGradient()
	},
}

// products runs f for every matrix of the output.
func (c *call) products(f func(work *kernels.MatMulSpace, i int)) {
	s := c.y.shape
	c.threads.do(len(c.y.data)/(s[len(s)-1]*s[len(s)-2]), func(thread, i int) { f(&c.space[thread].work, i) })
}

// matrixAt returns the i-th matrix in the last two axes of v, from its data or
// its gradient.
func matrixAt(v *value, data []float32, i int) kernels.Matrix {
	rows, cols := v.shape[len(v.shape)-2], v.width()
	return kernels.Dense(rows, cols, data[i*rows*cols:][:rows*cols])
}
