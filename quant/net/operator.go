package net

// operator is what a graph's node can be.
type operator struct {
	name        string
	least, most int      // inputs
	attrs       []string // that it knows

	// shape returns the shape of the output from those of the inputs.
	shape func(n *Node, in [][]int) ([]int, error)
	// forward sets c.y from c.x.
	forward func(c *call)
	// backward adds to the gradients c.dx, where they are wanted, what c.dy
	// makes of them; nil where there is none.
	backward func(c *call)
	// alias says that the output is the input under another shape.
	alias bool
}

// operators is the table of operators.
var operators []*operator

func init() { // a table that its own entries read
	operators = []*operator{
		conv, gemm, matMul,
		relu, clip, sigmoid, hardSwish, tanh, gelu, swish,
		add, mul,
		batchNorm, layerNorm, rmsNorm, softmax,
		maxPool, averagePool, globalAveragePool,
		concat, flatten, gather, reshape, transpose,
		attention, rotary,
	}
}

func operatorOf(name string) *operator {
	for _, op := range operators {
		if op.name == name {
			return op
		}
	}
	return nil
}

// Operators returns the names of all operators that graphs may use.
func Operators() []string {
	names := make([]string, len(operators))
	for i, op := range operators {
		names[i] = op.name
	}
	return names
}

// call is a node in a program: where it reads and writes.
type call struct {
	node    *Node
	op      *operator
	x       []*value
	y       *value
	threads *threads
	space   []space    // by thread
	keep    []float32  // what the backward pass needs besides inputs and output
	integer *integer   // how it runs in integers, or nil
	input   *quantized // what the scheme of the activation makes of x[0], or nil
}

// value is something that nodes read and write.
type value struct {
	name   string
	shape  []int
	data   []float32
	grad   []float32 // nil where no gradient is wanted
	weight bool
}

// rows returns the number of rows of the last axis.
func (v *value) rows() int { return len(v.data) / v.width() }

// width returns the length of the last axis.
func (v *value) width() int { return v.shape[len(v.shape)-1] }
