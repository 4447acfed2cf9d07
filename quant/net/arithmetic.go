package net

import "slices"

// add and mul take two values of one shape, or a second one that is repeated
// along axes that it lacks or in which its length is 1, as ONNX's and NumPy's
// broadcasting has it. The first is never repeated.
var (
	add = arithmetic("Add",
		func(y, a, b []float32) {
			for i := range y {
				y[i] = a[i] + b[i]
			}
		},
		func(da, db, _, _, dy []float32) {
			for i, d := range dy {
				da[i] += d
				db[i] += d
			}
		})
	mul = arithmetic("Mul",
		func(y, a, b []float32) {
			for i := range y {
				y[i] = a[i] * b[i]
			}
		},
		func(da, db, a, b, dy []float32) {
			for i, d := range dy {
				da[i] += d * b[i]
				db[i] += d * a[i]
			}
		})
)

func arithmetic(name string, f func(y, a, b []float32), df func(da, db, a, b, dy []float32)) *operator {
	return &operator{
		name: name, least: 2, most: 2, shape: broadcast,
		forward: func(c *call) {
			a, b, y := c.x[0], c.x[1], c.y.data
			if len(a.data) == len(b.data) {
				c.threads.parts(len(y), 1<<13, func(_, from, to int) { f(y[from:to], a.data[from:to], b.data[from:to]) })
				return
			}
			runs(a.shape, b.shape, func(i, j, n int) { f(y[i:i+n], a.data[i:i+n], b.data[j:j+n]) })
		},
		backward: func(c *call) {
			a, b, dy := c.x[0], c.x[1], c.y.grad
			da, db := c.gradient(a), c.gradient(b)
			runs(a.shape, b.shape, func(i, j, n int) {
				df(da[i:i+n], db[j:j+n], a.data[i:i+n], b.data[j:j+n], dy[i:i+n])
			})
		},
	}
}

// gradient returns where the gradient of v is added up, memory that nobody reads
// if it is not wanted.
func (c *call) gradient(v *value) []float32 {
	if v.grad != nil {
		return v.grad
	}
	if len(c.keep) < len(v.data) {
		c.keep = make([]float32, len(v.data))
	}
	return c.keep
}

func broadcast(n *Node, in [][]int) ([]int, error) {
	a, b := in[0], in[1]
	if len(b) > len(a) {
		return nil, n.errorf("its second input, of shape %v, has more axes than the first, of %v", b, a)
	}
	for i, d := range b {
		if e := a[len(a)-len(b)+i]; d != e && d != 1 {
			return nil, n.errorf("its inputs have shapes %v and %v, which do not go together", a, b)
		}
	}
	return a, nil
}

// runs calls f for every longest run of a value of shape a, from index i on,
// that meets as long a run of one of shape b, from index j on.
func runs(a, b []int, f func(i, j, n int)) {
	b = slices.Concat(slices.Repeat([]int{1}, len(a)-len(b)), b)
	n, outer := 1, len(a)
	for outer > 0 && a[outer-1] == b[outer-1] {
		outer--
		n *= a[outer]
	}
	index := make([]int, outer)
	total, _ := numbers(a)
	for i := 0; i < total; i += n {
		j := 0
		for k, d := range b[:outer] {
			j *= d
			if d > 1 {
				j += index[k]
			}
		}
		f(i, j*n, n)
		for k := outer - 1; k >= 0; k-- {
			if index[k]++; index[k] < a[k] {
				break
			}
			index[k] = 0
		}
	}
}
