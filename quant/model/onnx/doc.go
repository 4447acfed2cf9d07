// Package onnx reads the weights of ONNX networks: initializers, the tensors of
// Constant nodes, and data that lie in files beside the network. They are found
// by walking the protocol buffer where it is mapped; nothing is copied or
// generated from its schema, of which these messages are read:
//
//	ModelProto  7 graph  14 metadata_props
//	GraphProto  1 node  5 initializer
//	NodeProto   1 input  2 output  3 name  4 op_type  5 attribute
//	TensorProto 1 dims  2 data_type  8 name  9 raw_data  4 5 7 10 11 typed data  13 external_data  14 data_location
//
// Which node works with a weight, and which of the weight's axes counts output
// channels, stays with it as a [model.Use]. A weight that the network holds as
// integers with scales, for a DequantizeLinear or a QLinear node, is read as the
// weights that these stand for. Every rule that a file may break has a name, in
// rules.go.
package onnx
