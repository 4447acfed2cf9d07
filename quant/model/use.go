package model

// Use is a place where a network works with a tensor: an input of a node of
// its graph.
type Use struct {
	Node  string // the node's name; may be empty
	Op    string // what the node does: "Conv"
	Input int    // which of the node's inputs the tensor is
	Axis  int    // the tensor's axis that counts output channels, or NoAxis
}

// NoAxis is the Axis of a [Use] where no axis counts output channels, or where
// it is not known which does.
const NoAxis = -1
