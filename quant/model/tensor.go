package model

import "fmt"

// Tensor is a named array of weights that stay in their file until they are
// read. It is created by [NewTensor], [NewStrided], [NewComputed] or [NewScaled]; its fields
// are not to be changed, but for Uses and Encoding by the reader that made
// it.
type Tensor struct {
	Name  string
	DType *DType
	Shape []int // outermost dimension first; empty for a scalar
	Uses  []Use // what a network does with it, where the file says so

	// Encoding is how the file holds the weights where DType does not say it all,
	// such as "int4" or "GPTQ, groups of 128"; empty otherwise.
	Encoding string

	file   *File
	offset int64
	n      int
	big    bool  // stored big-endian
	made   *made // how it is computed; nil if the file holds the bytes
}

// made is how weights are computed that no file holds as they are.
type made struct {
	fill  func(dst []byte, from int) error    // of NewComputed, or
	read  func(dst []float32, from int) error // of NewScaled
	parts []*Tensor                           // that it reads
}

func (t *Tensor) scaled() bool { return t.made != nil && t.made.read != nil }

// The rules that NewTensor holds tensors to.
const (
	ruleShape     = "the dimensions of a tensor must multiply to a number of bytes that exists"
	ruleTensorEnd = "the data of a tensor must lie within the file"
	ruleRows      = "the rows of a tensor must be whole blocks"
	ruleInOrder   = "codes and scales must stand in the file one after the other"
	ruleRange     = "a read must stay within the tensor"
)

// NewTensor returns the tensor whose weights are stored in file from offset
// on, little-endian, the last dimension contiguous. It keeps shape. The error
// is an [*Error] naming the rule that was broken: the name fails [CheckName],
// the shape fails [Count], a row, the last dimension, is not whole blocks, or
// the data leave the file.
func NewTensor(name string, dtype *DType, shape []int, file *File, offset int64) (*Tensor, error) {
	t, err := described(name, dtype, shape, file, offset)
	if err != nil {
		return nil, err
	}
	if size := t.Bytes(); offset < 0 || offset > file.Size()-size {
		return nil, &Error{
			File: file.Name(), Offset: offset, Rule: ruleTensorEnd,
			Found: fmt.Sprintf("tensor %q has %d bytes, the file %d", name, size, file.Size()),
		}
	}
	return t, nil
}

// described returns a tensor whose name and shape hold to the rules.
func described(name string, dtype *DType, shape []int, file *File, offset int64) (*Tensor, error) {
	if err := CheckName(file.Name(), offset, name); err != nil {
		return nil, err
	}
	n, ok := Count(shape)
	if row := rowLen(shape); dtype.Packing != nil && row%dtype.Block != 0 {
		return nil, &Error{
			File: file.Name(), Offset: offset, Rule: ruleRows,
			Found: fmt.Sprintf("tensor %q has rows of %d weights, %s has blocks of %d", name, row, dtype.Name, dtype.Block),
		}
	}
	if _, fits := dtype.Size(n); !ok || !fits {
		return nil, &Error{
			File: file.Name(), Offset: offset, Rule: ruleShape,
			Found: fmt.Sprintf("tensor %q has shape %v of %s", name, shape, dtype.Name),
		}
	}
	return &Tensor{Name: name, DType: dtype, Shape: shape, file: file, offset: offset, n: n}, nil
}

// Len returns the number of weights, the product of Shape: 1 for a scalar.
func (t *Tensor) Len() int { return t.n }

// File returns the file that holds the weights; of [Scaled], their codes.
func (t *Tensor) File() *File { return t.file }

// Bytes returns the bytes that the weights take as stored: of [Scaled], those of
// codes, scales and whatever else they are made of.
func (t *Tensor) Bytes() int64 {
	if t.scaled() {
		var n int64
		for _, p := range t.made.parts {
			n += p.Bytes()
		}
		return n
	}
	return t.RawBytes()
}

// RawBytes returns how many bytes [Tensor.ReadRaw] gives: Bytes, but of [Scaled].
func (t *Tensor) RawBytes() int64 {
	size, _ := t.DType.Size(t.n) // NewTensor made sure that it fits
	return size
}

// Storage is where the bytes of a tensor lie, the same of two names for one
// array.
type Storage struct {
	file   *File
	offset int64
	dtype  *DType
	n      int
}

// Storage returns where t lies, if its bytes are in the file as they are.
func (t *Tensor) Storage() (s Storage, ok bool) {
	return Storage{t.file, t.offset, t.DType, t.n}, t.made == nil
}

// Read decodes the weights from (inclusive) to from+len(dst) (exclusive) into
// dst. It is safe for concurrent use and allocates nothing that grows with
// dst. It returns an [*Error], with dst undefined, if the range leaves the
// tensor, the model is closed, or the file was truncated since it was opened.
//
// A block is always decoded whole: reads that begin and end between blocks
// waste nothing.
func (t *Tensor) Read(dst []float32, from int) error {
	if from < 0 || from > t.n-len(dst) {
		return t.outside(int64(from), int64(len(dst)), "weights")
	}
	switch {
	case t.scaled():
		return t.made.read(dst, from)
	case t.big:
		return t.readBig(dst, from)
	case t.made != nil:
		return t.compute(dst, from)
	}
	d := t.DType
	first, skip := from/d.Block, from%d.Block
	count := (skip + len(dst) + d.Block - 1) / d.Block
	return t.viewBlocks(first, count, func(b []byte) error {
		d.decodeFrom(dst, b, skip)
		return nil
	})
}

// viewBlocks calls look with the stored bytes of count blocks.
func (t *Tensor) viewBlocks(first, count int, look func(b []byte) error) error {
	size := int64(t.DType.Bytes)
	return t.file.View(t.offset+int64(first)*size, int64(count)*size, look)
}

// ReadRaw copies the stored bytes from (inclusive) to from+len(dst)
// (exclusive), counted from the tensor's first, into dst: little-endian, also
// where the file is not. Of [Scaled] it gives the weights as F32. In everything
// else it is as [Tensor.Read].
func (t *Tensor) ReadRaw(dst []byte, from int64) error {
	if from < 0 || from > t.RawBytes()-int64(len(dst)) {
		return t.outside(from, int64(len(dst)), "bytes")
	}
	switch {
	case t.scaled():
		return t.readRawScaled(dst, from)
	case t.big:
		return t.readRawBig(dst, from)
	case t.made != nil:
		return t.computeRaw(dst, from)
	}
	return t.file.View(t.offset+from, int64(len(dst)), func(b []byte) error {
		copy(dst, b)
		return nil
	})
}

// InOrder reports whether a file holds the weights as they are, little-endian, so
// that [Tensor.View] shows them.
func (t *Tensor) InOrder() bool { return t.made == nil && !t.big }

// View calls look with the stored bytes of the tensor, as the file has them, and
// returns its error; what holds for [File.View] holds here. Of a tensor whose
// bytes no file holds in order, the error says so.
func (t *Tensor) View(look func(b []byte) error) error {
	if !t.InOrder() {
		return &Error{File: t.file.Name(), Offset: t.offset, Rule: ruleInOrder, Found: fmt.Sprintf("tensor %q", t.Name)}
	}
	return t.file.View(t.offset, t.Bytes(), look)
}

// Release says that the stored bytes from (inclusive) to end (exclusive) are not
// read again soon, so that what was read of a large file does not fill the
// memory. Reading them is still right.
func (t *Tensor) Release(from, end int64) {
	if t.scaled() {
		if end == t.RawBytes() || end == t.Bytes() { // parts may stand in another order than the weights
			for _, p := range t.made.parts {
				p.Release(0, p.Bytes())
			}
		}
		return
	}
	if t.made == nil {
		t.file.release(t.offset+max(0, from), t.offset+min(end, t.Bytes()))
	}
}

// Broken returns the error that a rule is broken where t is.
func (t *Tensor) Broken(rule, found string) error {
	return &Error{File: t.file.Name(), Offset: t.offset, Rule: rule, Found: fmt.Sprintf("tensor %q: %s", t.Name, found)}
}

func (t *Tensor) outside(from, n int64, of string) error {
	return &Error{
		File: t.file.Name(), Offset: t.offset, Rule: ruleRange,
		Found: fmt.Sprintf("%d %s from %d on, tensor %q has shape %v of %s", n, of, from, t.Name, t.Shape, t.DType.Name),
	}
}
