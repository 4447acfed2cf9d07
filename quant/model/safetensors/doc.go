// Package safetensors reads and writes Hugging Face's safetensors: a length, a
// JSON header that gives each tensor's type, shape and place, then the data.
//
//	8 bytes      n, the length of the header, little-endian
//	n bytes      {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
//	the rest     the tensors, without holes and without overlap
//
// A model may be spread over several such files, with or without an index that
// says which tensor is where.
//
// The reader holds files to the rules of the reference implementation and to
// those of its specification that the implementation leaves alone (a duplicate
// name). Every rule has a name, in rules.go, and a broken one is reported with
// its file and offset as a [model.Error].
package safetensors
