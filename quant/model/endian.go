package model

import (
	"slices"
	"sync"
)

// NewBigEndian is [NewTensor] for weights that are stored big-endian. What is
// read from them, raw bytes too, is the same as from a little-endian file.
func NewBigEndian(name string, dtype *DType, shape []int, file *File, offset int64) (*Tensor, error) {
	t, err := NewTensor(name, dtype, shape, file, offset)
	if err == nil {
		t.big = true
	}
	return t, err
}

// field is a run of n numbers of width bytes in a block, every step bytes from
// at on.
type field struct{ at, width, n, step int }

// turnedFields are the numbers of more than one byte in each block: halves
// nearly all of them, and what the reference implementation loads as a word
// when it decodes. Everything else in a block is bytes and has no order.
var turnedFields = map[string][]field{
	"q4_0":    {{0, 2, 1, 2}},
	"q4_1":    {{0, 2, 2, 2}},
	"q5_0":    {{0, 2, 1, 2}, {2, 4, 1, 4}}, // the fifth bits are one word
	"q5_1":    {{0, 2, 2, 2}, {4, 4, 1, 4}},
	"q8_0":    {{0, 2, 1, 2}},
	"q1_0":    {{0, 2, 1, 2}},
	"q2_0":    {{0, 2, 1, 2}},
	"q2_K":    {{80, 2, 2, 2}},
	"q3_K":    {{108, 2, 1, 2}},
	"q4_K":    {{0, 2, 2, 2}},
	"q5_K":    {{0, 2, 2, 2}},
	"q6_K":    {{208, 2, 1, 2}},
	"tq1_0":   {{52, 2, 1, 2}},
	"tq2_0":   {{64, 2, 1, 2}},
	"iq4_nl":  {{0, 2, 1, 2}},
	"iq4_xs":  {{0, 2, 2, 2}},
	"iq2_xxs": {{0, 2, 1, 2}, {6, 4, 8, 8}}, // signs and scale; the four indices before them are bytes
	"iq2_xs":  {{0, 2, 33, 2}},
	"iq2_s":   {{0, 2, 1, 2}},
	"iq3_xxs": {{0, 2, 1, 2}, {66, 4, 8, 4}},
	"iq3_s":   {{0, 2, 1, 2}},
	"iq1_s":   {{0, 2, 1, 2}, {34, 2, 8, 2}},
	"iq1_m":   {{48, 2, 4, 2}},
	"mxfp4":   nil,
	"nvfp4":   nil,
}

// turn reverses the byte order of the blocks b.
func (d *DType) turn(b []byte) {
	if d.Packing == nil {
		reverse(b, d.Bytes)
		return
	}
	for ; len(b) > 0; b = b[d.Bytes:] {
		for _, f := range d.turned {
			for i := range f.n {
				slices.Reverse(b[f.at+i*f.step:][:f.width])
			}
		}
	}
}

// pieceLen is how many weights of a big-endian tensor are turned at a time:
// whole blocks of every type.
const pieceLen = 16 * maxBlock

// pieces hold the bytes of so many weights.
var pieces = sync.Pool{New: func() any { return new([8 * pieceLen]byte) }}

// viewTurned calls look with a copy of count blocks, at most pieceLen weights,
// that is little-endian.
func (t *Tensor) viewTurned(first, count int, look func(b []byte)) error {
	piece := pieces.Get().(*[8 * pieceLen]byte) //nolint:forcetypeassert // the pool holds nothing else
	defer pieces.Put(piece)
	b := piece[:count*t.DType.Bytes]
	err := t.viewBlocks(first, count, func(stored []byte) error {
		copy(b, stored)
		return nil
	})
	if err == nil {
		t.DType.turn(b)
		look(b)
	}
	return err
}

// readBig is Read for a big-endian tensor and a range within it.
func (t *Tensor) readBig(dst []float32, from int) error {
	d := t.DType
	for len(dst) > 0 {
		n := min(len(dst), pieceLen-from%pieceLen)
		first, skip := from/d.Block, from%d.Block
		err := t.viewTurned(first, (skip+n+d.Block-1)/d.Block, func(b []byte) { d.decodeFrom(dst[:n], b, skip) })
		if err != nil {
			return err
		}
		dst, from = dst[n:], from+n
	}
	return nil
}

// readRawBig is ReadRaw for a big-endian tensor and a range within it.
func (t *Tensor) readRawBig(dst []byte, from int64) error {
	size, most := int64(t.DType.Bytes), pieceLen/t.DType.Block
	for len(dst) > 0 {
		first, skip := from/size, int(from%size)
		count := min((skip+len(dst)+int(size)-1)/int(size), most)
		n := 0
		err := t.viewTurned(int(first), count, func(b []byte) { n = copy(dst, b[skip:]) })
		if err != nil {
			return err
		}
		dst, from = dst[n:], from+int64(n)
	}
	return nil
}
