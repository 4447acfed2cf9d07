package model

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

const ruleStrides = "strides must be as many as dimensions, none negative"

// NewStrided returns the tensor whose weights lie in file so that one step along
// dimension i is strides[i] weights, the first weight at offset and none past
// end: transposed arrays, views, broadcasts. With bigEndian each weight's bytes
// are reversed. It keeps shape. Errors are those of [NewTensor], which it is if
// the strides are those of contiguous weights.
func NewStrided(name string, dtype *DType, shape, strides []int, bigEndian bool, file *File, offset, end int64) (*Tensor, error) {
	t, err := described(name, dtype, shape, file, offset)
	if err != nil {
		return nil, err
	}
	if len(strides) != len(shape) || slices.ContainsFunc(strides, func(s int) bool { return s < 0 }) {
		return nil, &Error{
			File: file.Name(), Offset: offset, Rule: ruleStrides,
			Found: fmt.Sprintf("tensor %q has shape %v and strides %v", name, shape, strides),
		}
	}
	s := &strided{width: dtype.Bytes, swap: bigEndian && dtype.Bytes > 1, file: file, offset: offset}
	ok := true
	if t.n > 0 {
		s.axes = merged(shape, strides)
		s.span, ok = s.reach()
	}
	if end = min(end, file.Size()); !ok || offset < 0 || offset > end-s.span {
		return nil, &Error{
			File: file.Name(), Offset: offset, Rule: ruleTensorEnd,
			Found: fmt.Sprintf("tensor %q of %s has shape %v and strides %v, its data end at %d", name, dtype.Name, shape, strides, end),
		}
	}
	if len(s.axes) == 0 || len(s.axes) == 1 && s.axes[0].stride == 1 {
		if s.swap {
			return NewBigEndian(name, dtype, shape, file, offset)
		}
		return NewTensor(name, dtype, shape, file, offset)
	}
	t.made = &made{fill: s.fill}
	return t, nil
}

// strided is the place of a tensor's weights.
type strided struct {
	axes   []axis
	width  int  // bytes of a weight
	swap   bool // the weights are big-endian
	file   *File
	offset int64
	span   int64 // bytes from the first weight to the end of the last
}

// axis is a run of steps of equal length, in weights.
type axis struct{ n, stride int }

// merged returns the axes of a tensor with as few of them as possible, outermost
// first: short ones would be slow to walk.
func merged(shape, strides []int) []axis {
	var axes []axis
	for i, n := range shape {
		if n == 1 {
			continue
		}
		if last := len(axes) - 1; last >= 0 {
			if hi, whole := bits.Mul(uint(strides[i]), uint(n)); hi == 0 && whole == uint(axes[last].stride) {
				axes[last] = axis{axes[last].n * n, strides[i]}
				continue
			}
		}
		axes = append(axes, axis{n, strides[i]})
	}
	return axes
}

// reach returns the bytes that the weights span, and false if they are more than
// can be counted.
func (s *strided) reach() (int64, bool) {
	last := uint64(0)
	for _, a := range s.axes {
		hi, far := bits.Mul64(uint64(a.n-1), uint64(a.stride))
		sum, carry := bits.Add64(last, far, 0)
		if hi != 0 || carry != 0 {
			return 0, false
		}
		last = sum
	}
	if last+1 > 1<<62/uint64(s.width) {
		return 0, false
	}
	return int64(last+1) * int64(s.width), true
}

// fill gathers weights; see [NewComputed].
func (s *strided) fill(dst []byte, from int) error {
	err := s.file.View(s.offset, s.span, func(b []byte) error {
		s.gather(dst, b, from)
		return nil
	})
	if err == nil && s.swap {
		reverse(dst, s.width)
	}
	return err
}

func (s *strided) gather(dst, b []byte, from int) {
	// at[i] is how far along axis i the next weight is, place where it is.
	at, place := make([]int, len(s.axes)), 0
	for i := len(s.axes) - 1; i >= 0; i-- {
		at[i] = from % s.axes[i].n
		from /= s.axes[i].n
		place += at[i] * s.axes[i].stride
	}
	inner := len(s.axes) - 1
	for len(dst) > 0 {
		run := min(s.axes[inner].n-at[inner], len(dst)/s.width)
		step := s.axes[inner].stride
		pick(dst[:run*s.width], b[place*s.width:], s.width, step)
		dst = dst[run*s.width:]
		at[inner] += run
		place += run * step
		for i := inner; i > 0 && at[i] == s.axes[i].n; i-- {
			place += s.axes[i-1].stride - at[i]*s.axes[i].stride
			at[i] = 0
			at[i-1]++
		}
	}
}

// pick copies every step-th weight of src to dst.
func pick(dst, src []byte, width, step int) {
	if step == 1 {
		copy(dst, src)
		return
	}
	step *= width
	switch width { // a copy of known length is one move
	case 2:
		for i, j := 0, 0; i < len(dst); i, j = i+2, j+step {
			*(*[2]byte)(dst[i:]) = [2]byte(src[j:])
		}
	case 4:
		for i, j := 0, 0; i < len(dst); i, j = i+4, j+step {
			*(*[4]byte)(dst[i:]) = [4]byte(src[j:])
		}
	default:
		for i, j := 0, 0; i < len(dst); i, j = i+width, j+step {
			copy(dst[i:i+width], src[j:])
		}
	}
}

// reverse turns the bytes of each weight of b around.
func reverse(b []byte, width int) {
	le := binary.LittleEndian
	switch width {
	case 2:
		for ; len(b) > 0; b = b[2:] {
			le.PutUint16(b, bits.ReverseBytes16(le.Uint16(b)))
		}
	case 4:
		for ; len(b) > 0; b = b[4:] {
			le.PutUint32(b, bits.ReverseBytes32(le.Uint32(b)))
		}
	case 8:
		for ; len(b) > 0; b = b[8:] {
			le.PutUint64(b, bits.ReverseBytes64(le.Uint64(b)))
		}
	}
}
