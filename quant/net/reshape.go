package net

// flatten joins the axes from attribute axis (1) on into one, and those before
// it into another.
var flatten = &operator{
	name: "Flatten", least: 1, most: 1, attrs: []string{"axis"}, alias: true,
	shape: func(n *Node, in [][]int) ([]int, error) {
		axis := n.int("axis", 1)
		if axis < 0 || axis > len(in[0]) {
			return nil, n.errorf("its axis is %d, and its input has %d", axis, len(in[0]))
		}
		before, after := 1, 1
		for i, d := range in[0] {
			if i < axis {
				before *= d
			} else {
				after *= d
			}
		}
		return []int{before, after}, nil
	},
	forward: share, backward: nothing,
}

// reshape gives its input the shape of attribute shape, in which 0 stands for
// the input's length of that axis and one −1 for what is left.
var reshape = &operator{
	name: "Reshape", least: 1, most: 1, attrs: []string{"shape"}, alias: true,
	shape: func(n *Node, in [][]int) ([]int, error) {
		shape := n.ints("shape")
		total, _ := numbers(in[0])
		rest, open := total, -1
		for i, d := range shape {
			switch {
			case d == 0 && i < len(in[0]):
				shape[i] = in[0][i]
			case d == -1 && open < 0:
				open = i
				continue
			case d < 1:
				return nil, n.errorf("its shape has %d at axis %d", d, i)
			}
			if rest%shape[i] != 0 {
				return nil, n.errorf("its input of shape %v cannot take the shape %v", in[0], n.ints("shape"))
			}
			rest /= shape[i]
		}
		if open >= 0 {
			shape[open], rest = rest, 1
		}
		if rest != 1 {
			return nil, n.errorf("its input of shape %v cannot take the shape %v", in[0], n.ints("shape"))
		}
		return shape, nil
	},
	forward: share, backward: nothing,
}

// share makes the output the input's memory, which a plan may have changed.
func share(c *call) { c.y.data = c.x[0].data }

func nothing(*call) {}
