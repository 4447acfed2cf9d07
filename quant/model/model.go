package model

import "errors"

// Model is an open model: its tensors, in the order of the file, and what the
// file says about itself.
type Model struct {
	Name     string // what people call it: the file's name without its extension
	Path     string // where it was opened
	Format   string // the file format, in lower case: "safetensors"
	Tensors  []*Tensor
	Metadata []KeyValue // in the order of the file
	Files    []*File    // what the tensors read from; Close closes them
}

// KeyValue is an entry of a model's metadata. The key obeys [CheckName]. The
// value is text as the file has it: whoever prints it must escape it.
type KeyValue struct {
	Key, Value string
}

// Params returns the number of weights of all tensors together.
func (m *Model) Params() int {
	n := 0
	for _, t := range m.Tensors {
		n += t.Len()
	}
	return n
}

// Bytes returns the bytes that the data of all tensors take as stored, without
// headers and padding.
func (m *Model) Bytes() int64 {
	var n int64
	for _, t := range m.Tensors {
		n += t.Bytes()
	}
	return n
}

// Close waits for the reads under way and releases the files. Tensors of a
// closed model return an error when read. Closing again does nothing.
func (m *Model) Close() error {
	var errs []error
	for _, f := range m.Files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
