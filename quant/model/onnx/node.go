package onnx

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/bitdial/bitdial/quant/model"
)

// node is what a NodeProto says, as far as it concerns weights. Its bytes are
// the file's.
type node struct {
	name, op        []byte
	inputs, outputs [][]byte
	value           held // of a Constant, what it is
	transA, transB  bool
	axis            int64
	hasAxis         bool
	block           int64
	graphs          []subgraph
	at              int64
}

// subgraph is a graph that a node holds: a branch of If, the body of Loop.
type subgraph struct {
	name []byte
	message
}

// constant reports whether n is a tensor and nothing else.
func (n *node) constant() bool {
	return string(n.op) == "Constant" && len(n.outputs) == 1 && n.value.as != ""
}

// node reads the NodeProto in f into n.
func (w *network) node(f field, n *node) error {
	if err := w.want(f, protowire.BytesType); err != nil {
		return err
	}
	*n = node{inputs: n.inputs[:0], outputs: n.outputs[:0], graphs: n.graphs[:0], at: f.at}
	return w.fields(f.bytes, func(f field) error {
		if f.number > 5 {
			return nil
		}
		if err := w.want(f, protowire.BytesType); err != nil {
			return err
		}
		switch f.number {
		case 1:
			n.inputs = append(n.inputs, f.bytes.b)
		case 2:
			n.outputs = append(n.outputs, f.bytes.b)
		case 3:
			n.name = f.bytes.b
		case 4:
			n.op = f.bytes.b
		case 5:
			return w.attribute(f.bytes, n)
		}
		return nil
	})
}

// attribute reads the AttributeProto m into n.
func (w *network) attribute(m message, n *node) error {
	var name []byte
	var whole uint64
	first := len(n.graphs)
	err := w.fields(m, func(f field) error {
		switch f.number {
		case 1:
			name = f.bytes.b
			return w.want(f, protowire.BytesType)
		case 3:
			whole = f.value
			return w.want(f, protowire.VarintType)
		case 6, 11:
			n.graphs = append(n.graphs, subgraph{message: f.bytes})
			return w.want(f, protowire.BytesType)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range n.graphs[first:] {
		n.graphs[first+i].name = name
	}
	switch string(name) {
	case "value", "sparse_value", "value_float", "value_floats", "value_int", "value_ints":
		n.value = held{string(name), m}
	case "transA":
		n.transA = whole != 0
	case "transB":
		n.transB = whole != 0
	case "axis":
		n.axis, n.hasAxis = int64(whole), true
	case "block_size":
		n.block = int64(whole)
	}
	return nil
}

// use adds to the tensors that n names what n does with them. An output that is
// a tensor again stands for that.
func (w *network) use(n *node, here scope) error {
	for i, input := range n.inputs {
		if len(input) == 0 { // an optional one that is not given
			continue
		}
		v := here.find(input)
		if v.description == nil {
			continue
		}
		if w.uses++; w.uses > maxUses {
			return w.fail(n.at, ruleUses, "at most %d", maxUses)
		}
		if string(n.op) == "Identity" && len(n.outputs) == 1 {
			here.own[string(n.outputs[0])] = v
			continue
		}
		if !v.made && v.note(n, i, here) {
			here.own[string(n.outputs[0])] = value{v.description, true}
			continue
		}
		use := model.Use{Node: string(n.name), Input: i, Axis: n.channels(i, len(v.shape))}
		if err := model.CheckName(w.file, n.at, use.Node); err != nil {
			return err
		}
		var err error
		if use.Op, err = w.operator(n); err != nil {
			return err
		}
		v.uses = append(v.uses, use)
	}
	return nil
}

// operator returns what n does, as text that all nodes share.
func (w *network) operator(n *node) (string, error) {
	if known, ok := w.operators[string(n.op)]; ok {
		return known, nil
	}
	s := string(n.op)
	if len(w.operators) == maxOperators {
		return "", w.fail(n.at, ruleOperators, "at most %d", maxOperators)
	}
	w.operators[s] = s
	return s, model.CheckName(w.file, n.at, s)
}

// channels returns the axis of the i-th input of n, of that many dimensions,
// which counts output channels.
func (n *node) channels(i, dims int) int {
	axis := model.NoAxis
	switch op := string(n.op); {
	case op == "Conv" && i == 1, op == "ConvInteger" && i == 1, op == "QLinearConv" && i == 3:
		axis = 0
	case op == "ConvTranspose" && i == 1: // input channels come first
		axis = 1
	case (op == "MatMul" || op == "MatMulInteger") && i == 1, op == "QLinearMatMul" && i == 3:
		axis = dims - 1
	case (op == "MatMul" || op == "MatMulInteger") && i == 0, op == "QLinearMatMul" && i == 0:
		axis = max(dims-2, model.NoAxis)
	case op == "Gemm" && i == 1:
		axis = 1
		if n.transB {
			axis = 0
		}
	case op == "Gemm" && i == 0:
		axis = 0
		if n.transA {
			axis = 1
		}
	case (op == "LSTM" || op == "GRU" || op == "RNN") && (i == 1 || i == 2): // directions come first
		axis = 1
	}
	if axis >= dims {
		return model.NoAxis
	}
	return axis
}
