package onnx

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/bitdial/bitdial/quant/model"
)

// sparse is a tensor that is zero but at a few places.
type sparse struct {
	*description    // the tensor
	values, indices *description
}

// sparse reads the SparseTensorProto m.
func (w *network) sparse(m message) (*description, error) {
	s := &sparse{description: &description{at: m.at, shape: []int{}}}
	err := w.fields(m, func(f field) (err error) {
		switch f.number {
		case 1, 2:
			if err := w.want(f, protowire.BytesType); err != nil {
				return err
			}
			d, err := w.tensor(f.bytes)
			if f.number == 1 {
				s.values = d
			} else {
				s.indices = d
			}
			return err
		case 3:
			return s.dims(&w.scanner, f)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case s.values == nil:
		return nil, w.fail(m.at, ruleSparse, "there are no values")
	}
	s.name, s.kind = s.values.name, s.values.kind
	if s.kind.dtype == nil { // text is no weight
		return s.description, nil
	}
	var ok bool
	if s.n, ok = model.Count(s.shape); !ok {
		return nil, w.fail(m.at, ruleOverflow, "tensor %q: shape %v", s.name, s.shape)
	}
	if !s.fits() {
		return nil, w.fail(m.at, ruleSparse, "tensor %q of shape %v", s.name, s.shape)
	}
	if s.n > maxSparse && s.n/maxThin > s.values.n {
		return nil, w.fail(m.at, ruleThin, "tensor %q of shape %v has %d values, at most %d times as many are opened", s.name, s.shape, s.values.n, maxThin)
	}
	s.sparse = s
	return s.description, nil
}

// fits reports whether every value has a place: a number, or one for each
// dimension.
func (s *sparse) fits() bool {
	i := s.indices
	if len(s.values.shape) != 1 || i == nil || i.kind != dataTypes[int64Type] {
		return false
	}
	switch len(i.shape) {
	case 1:
		return i.n == s.values.n
	case 2:
		return i.shape[0] == s.values.n && i.shape[1] == len(s.shape)
	}
	return false
}

// opened is that of description.
func (s *sparse) opened(f *model.File, beside *folder) (*model.Tensor, error) {
	values, err := s.values.opened(f, beside)
	if err != nil {
		return nil, err
	}
	indices, err := s.indices.opened(f, beside)
	if err != nil {
		return nil, err
	}
	t, err := model.NewComputed(s.name, s.kind.dtype, s.shape, f, s.at, (&scatter{s: s, values: values, indices: indices, file: f.Name()}).fill)
	if err != nil {
		return nil, err
	}
	t.Encoding, t.Uses = "sparse", s.uses
	return t, nil
}

// places returns where the values are, each of them.
func (s *sparse) places(indices *model.Tensor, file string) ([]int, error) {
	raw := make([]byte, indices.Bytes())
	if err := indices.ReadRaw(raw, 0); err != nil {
		return nil, err
	}
	sides := s.shape
	if len(s.indices.shape) == 1 {
		sides = []int{s.n}
	}
	places := make([]int, s.values.n)
	for i := range places {
		at, ok := 0, true
		for _, side := range sides {
			v := int64(binary.LittleEndian.Uint64(raw))
			raw = raw[8:]
			ok = ok && v >= 0 && v < int64(side)
			at = at*side + int(v)
		}
		if !ok || i > 0 && at <= places[i-1] {
			return nil, &model.Error{File: file, Offset: s.at, Rule: rulePlace, Found: fmt.Sprintf("tensor %q: value %d", s.name, i)}
		}
		places[i] = at
	}
	return places, nil
}

// scatter puts values at their places among zeros.
type scatter struct {
	s               *sparse
	values, indices *model.Tensor
	file            string

	once   sync.Once
	places []int
	err    error
}

// fill stores weights; see [model.NewComputed].
func (c *scatter) fill(dst []byte, from int) error {
	c.once.Do(func() { c.places, c.err = c.s.places(c.indices, c.file) })
	if c.err != nil {
		return c.err
	}
	width := c.values.DType.Bytes
	clear(dst)
	first, _ := slices.BinarySearch(c.places, from)
	end, _ := slices.BinarySearch(c.places, from+len(dst)/width)
	there := make([]byte, (end-first)*width)
	if err := c.values.ReadRaw(there, int64(first)*int64(width)); err != nil {
		return err
	}
	for i, at := range c.places[first:end] {
		copy(dst[(at-from)*width:], there[i*width:][:width])
	}
	return nil
}
