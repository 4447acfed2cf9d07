package net

// Task is a network with the data that it is for.
type Task struct {
	Network *Network
	Classes []string // what the answers are called; nil where they are bytes of a text

	Train      Data // to learn from, and to calibrate with
	Validation Data // to choose by
	Tests      []Test
	Training   Training // that suits training under a plan

	// Picture returns how input i of one of the data looks: width·height pixels
	// of red, green and blue. It is nil where inputs are texts.
	Picture func(d Data, i int) (rgb []byte, width, height int)
}

// Test are data that nothing was chosen by.
type Test struct {
	Name string // "renderings", in lower case
	Data
}
