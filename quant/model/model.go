package model

import (
	"errors"
	"strings"
)

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
// value is text: numbers in decimal, strings as the file has them, so that
// whoever prints it must escape it, of an array the first few values.
type KeyValue struct {
	Key, Value string
	Type       string // as the format calls it, "u32", of an array "[]u32"; empty where all values are text
	Items      int    // of an array
}

// Array reports whether the value is an array, and perhaps shown in part.
func (kv KeyValue) Array() bool { return strings.HasPrefix(kv.Type, "[]") }

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
