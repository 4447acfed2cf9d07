package net

import "slices"

// transpose orders the axes as attribute perm has it, or backwards.
var transpose = &operator{
	name: "Transpose", least: 1, most: 1, attrs: []string{"perm"},
	shape: func(n *Node, in [][]int) ([]int, error) {
		perm := permutation(n, len(in[0]))
		if sorted := slices.Sorted(slices.Values(perm)); len(perm) != len(in[0]) || sorted[0] != 0 || sorted[len(sorted)-1] != len(perm)-1 || len(slices.Compact(sorted)) != len(perm) {
			return nil, n.errorf("its perm is %v, and its input has %d axes", perm, len(in[0]))
		}
		shape := make([]int, len(perm))
		for i, axis := range perm {
			shape[i] = in[0][axis]
		}
		return shape, nil
	},
	forward: func(c *call) {
		c.permute(func(i, j int) { c.y.data[i] = c.x[0].data[j] })
	},
	backward: func(c *call) {
		if dx := c.x[0].grad; dx != nil {
			c.permute(func(i, j int) { dx[j] += c.y.grad[i] })
		}
	},
}

func permutation(n *Node, axes int) []int {
	backwards := make([]int, axes)
	for i := range backwards {
		backwards[i] = axes - 1 - i
	}
	return n.ints("perm", backwards...)
}

// permute calls f with every index of the output and that of the input that it
// comes from.
func (c *call) permute(f func(i, j int)) {
	perm := permutation(c.node, len(c.x[0].shape))
	stride := make([]int, len(perm)) // in the input, of every axis of the output
	for k, axis := range perm {
		stride[k] = 1
		for _, d := range c.x[0].shape[axis+1:] {
			stride[k] *= d
		}
	}
	index := make([]int, len(perm))
	j := 0
	for i := range c.y.data {
		f(i, j)
		for k := len(index) - 1; k >= 0; k-- {
			index[k]++
			j += stride[k]
			if index[k] < c.y.shape[k] {
				break
			}
			j -= index[k] * stride[k]
			index[k] = 0
		}
	}
}

// concat joins its inputs along attribute axis.
var concat = &operator{
	name: "Concat", least: 1, most: 64, attrs: []string{"axis"},
	shape: func(n *Node, in [][]int) ([]int, error) {
		axis := concatAxis(n, in[0])
		if axis < 1 || axis >= len(in[0]) {
			return nil, n.errorf("its axis is %d, and its inputs have %d, the first one the batch", axis, len(in[0]))
		}
		shape := slices.Clone(in[0])
		for _, s := range in[1:] {
			if len(s) != len(shape) || !slices.Equal(s[:axis], shape[:axis]) || !slices.Equal(s[axis+1:], shape[axis+1:]) {
				return nil, n.errorf("its inputs have shapes %v and %v, which differ in more than axis %d", in[0], s, axis)
			}
			shape[axis] += s[axis]
		}
		return shape, nil
	},
	forward: func(c *call) {
		c.strips(func(x *value, at, to, n int) { copy(c.y.data[to:to+n], x.data[at:]) })
	},
	backward: func(c *call) {
		c.strips(func(x *value, at, to, n int) {
			if x.grad != nil {
				for i, d := range c.y.grad[to : to+n] {
					x.grad[at+i] += d
				}
			}
		})
	},
}

func concatAxis(n *Node, shape []int) int {
	axis := n.int("axis", 1)
	if axis < 0 {
		axis += len(shape)
	}
	return axis
}

// strips calls f for every run of n numbers that go from index at of an input
// to index to of the output.
func (c *call) strips(f func(x *value, at, to, n int)) {
	axis := concatAxis(c.node, c.x[0].shape)
	outer, _ := numbers(c.y.shape[:axis])
	to := 0
	for o := range outer {
		for _, x := range c.x {
			n := len(x.data) / outer
			f(x, o*n, to, n)
			to += n
		}
	}
}

// gather takes the rows of its first input, a table, whose numbers are in its
// second: an embedding.
var gather = &operator{
	name: "Gather", least: 2, most: 2, attrs: []string{"axis"},
	shape: func(n *Node, in [][]int) ([]int, error) {
		if axis := n.int("axis", 0); axis != 0 || len(in[0]) != 2 {
			return nil, n.errorf("it gathers along axis %d of a table of shape %v; only rows of a matrix are supported", axis, in[0])
		}
		return append(slices.Clone(in[1]), in[0][1]), nil
	},
	forward: func(c *call) {
		width := c.x[0].width()
		for i, row := range c.x[1].data {
			copy(c.y.data[i*width:(i+1)*width], c.x[0].data[c.rowOf(row)*width:])
		}
	},
	backward: func(c *call) {
		width := c.x[0].width()
		if c.x[0].grad == nil {
			return
		}
		for i, row := range c.x[1].data {
			dx := c.x[0].grad[c.rowOf(row)*width:][:width]
			for k, d := range c.y.grad[i*width:][:width] {
				dx[k] += d
			}
		}
	},
}

// rowOf returns a row number that lies in the table: whoever fills the input has
// made sure that it does, see [Program.CheckInput].
func (c *call) rowOf(row float32) int { return max(0, min(c.x[0].shape[0]-1, int(row))) }
