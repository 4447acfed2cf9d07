package onnx

import (
	"slices"
	"sync"

	"github.com/bitdial/bitdial/quant/model"
)

// source is the bytes of a tensor as raw_data would have them.
type source interface {
	// read stores the bytes from (inclusive) to from+len(dst) (exclusive).
	read(dst []byte, from int64) error
}

// stretch is bytes that lie in a file as they are.
type stretch struct {
	file   *model.File
	offset int64
}

func (s stretch) read(dst []byte, from int64) error {
	return s.file.View(s.offset+from, int64(len(dst)), func(b []byte) error {
		copy(dst, b)
		return nil
	})
}

// varints is numbers in seven bits a byte, of which the low bytes count. So that
// any of them is found at once, every markEvery-th is marked.
type varints struct {
	file   *model.File
	offset int64
	size   int64
	width  int // bytes of a number
	n      int
	marks  []int64
}

const (
	markEvery = 1 << 10
	longest   = 10 // bytes of a varint
)

// mark counts the numbers in b, which are all of v, and marks them. It reports
// where one does not end.
func (v *varints) mark(b []byte) (bad int, ok bool) {
	begin := 0
	for i, c := range b {
		if c >= 0x80 {
			if i-begin == longest-1 {
				return begin, false
			}
			continue
		}
		if v.n%markEvery == 0 {
			v.marks = append(v.marks, int64(begin))
		}
		v.n++
		begin = i + 1
	}
	return begin, begin == len(b)
}

func (v *varints) read(dst []byte, from int64) error {
	first := int(from) / v.width
	return v.file.View(v.offset, v.size, func(b []byte) error {
		b = b[v.marks[first/markEvery]:]
		skip := int(from) % v.width
		for i := first / markEvery * markEvery; len(dst) > 0; i++ {
			var x uint64
			n := 0
			for shift := 0; ; shift += 7 {
				if n == len(b) { // it was whole when it was counted
					return &model.Error{File: v.file.Name(), Offset: v.offset, Rule: ruleVarint, Found: "the file was changed"}
				}
				c := b[n]
				x |= uint64(c&0x7f) << shift
				if n++; c < 0x80 {
					break
				}
			}
			b = b[n:]
			if i < first {
				continue
			}
			for ; skip < v.width && len(dst) > 0; skip++ {
				dst[0] = byte(x >> (8 * skip))
				dst = dst[1:]
			}
			skip = 0
		}
		return nil
	})
}

// buffers hold bytes on their way from codes to values.
var buffers = sync.Pool{New: func() any { return new([1 << 12]byte) }}

// fill stores what the codes of s stand for; see [model.NewComputed]. The first
// code is in a byte's lowest bits.
func (c *codes) fill(s source, width int) func(dst []byte, from int) error {
	return func(dst []byte, from int) error {
		buf := buffers.Get().(*[1 << 12]byte)
		defer buffers.Put(buf)
		per := 8 / c.bits
		for len(dst) > 0 {
			n := min(len(dst)/width, (len(buf)-1)*per)
			packed := buf[:(from%per+n+per-1)/per]
			if err := s.read(packed, int64(from/per)); err != nil {
				return err
			}
			for i := range n {
				at := from%per + i
				code := packed[at/per] >> (at % per * c.bits) & byte(1<<c.bits-1)
				for j := range width {
					dst[i*width+j] = byte(c.values[code] >> (8 * j))
				}
			}
			dst, from = dst[n*width:], from+n
		}
		return nil
	}
}

// fill reads s as it is.
func fill(s source, width int) func(dst []byte, from int) error {
	return func(dst []byte, from int) error { return s.read(dst, int64(from)*int64(width)) }
}

// opened returns the tensor that d describes in the network f.
func (d *description) opened(f *model.File, beside *folder) (*model.Tensor, error) {
	s, err := d.source(f, beside)
	if err != nil {
		return nil, err
	}
	return d.open(s, f)
}

// open returns the tensor that d, of n weights, describes; s holds its data,
// which are found to be as many as they must.
func (d *description) open(s source, f *model.File) (*model.Tensor, error) {
	kind := d.kind
	width := kind.dtype.Bytes
	var t *model.Tensor
	var err error
	switch plain, ok := s.(stretch); {
	case kind.codes != nil:
		t, err = model.NewComputed(d.name, kind.dtype, d.shape, f, d.at, kind.codes.fill(s, width))
	case ok:
		t, err = model.NewTensor(d.name, kind.dtype, d.shape, plain.file, plain.offset)
	default:
		t, err = model.NewComputed(d.name, kind.dtype, d.shape, f, d.at, fill(s, width))
	}
	if err != nil {
		return nil, err
	}
	if kind.codes != nil {
		t.Encoding = kind.name
	}
	t.Uses = slices.Clip(d.uses)
	return t, nil
}

// bytes returns the bytes of raw data that n weights of the type take.
func (k *dataType) bytes(n int) (int64, bool) {
	if k.codes == nil {
		return k.dtype.Size(n)
	}
	per := 8 / k.codes.bits
	if n < 0 || n > int(^uint(0)>>1)-per {
		return 0, false
	}
	return int64((n + per - 1) / per), true
}
