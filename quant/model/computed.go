package model

import "sync"

// NewComputed returns a tensor whose bytes no file holds as they are: packed
// otherwise, compressed, transposed. The function fill stores the weights from
// (inclusive) to from+len(dst)/width (exclusive) into dst, in the last
// dimension's order, as dtype stores them; dst holds whole weights of width
// bytes. It is called by many goroutines at once, within the tensor only, and
// reads through Files that the model closes. What the tensor is made of is said
// to be at offset in file, in errors. Name and shape are checked as by
// [NewTensor].
func NewComputed(name string, dtype *DType, shape []int, file *File, offset int64, fill func(dst []byte, from int) error) (*Tensor, error) {
	t, err := described(name, dtype, shape, file, offset)
	if err != nil {
		return nil, err
	}
	t.made = &made{fill: fill}
	return t, nil
}

// computedBytes are filled and then decoded at a time: a part of the first
// cache, and enough to make the cost of a view small.
const computedBytes = 1 << 15

var computedBuffers = sync.Pool{New: func() any { return new([computedBytes]byte) }}

// compute is Read.
func (t *Tensor) compute(dst []float32, from int) error {
	buf := computedBuffers.Get().(*[computedBytes]byte)
	defer computedBuffers.Put(buf)
	width := t.DType.Bytes
	for len(dst) > 0 {
		n := min(len(dst), computedBytes/width)
		b := buf[:n*width]
		if err := t.made.fill(b, from); err != nil {
			return err
		}
		t.DType.Decode(dst[:n], b)
		dst, from = dst[n:], from+n
	}
	return nil
}

// computeRaw is ReadRaw, which may begin and end within a weight.
func (t *Tensor) computeRaw(dst []byte, from int64) error {
	width := int64(t.DType.Bytes)
	for len(dst) > 0 {
		skip := from % width
		n := int64(len(dst)) / width * width
		if skip == 0 && n > 0 {
			if err := t.made.fill(dst[:n], int(from/width)); err != nil {
				return err
			}
		} else {
			var one [8]byte
			if err := t.made.fill(one[:width], int(from/width)); err != nil {
				return err
			}
			n = int64(copy(dst, one[skip:width]))
		}
		dst, from = dst[n:], from+n
	}
	return nil
}
