package quantized

import (
	"fmt"
	"slices"
	"sync"

	"github.com/bitdial/bitdial/quant/model"
)

// source sets dst to numbers of a row from the i-th on: its codes, or the scales
// or zero points of its groups.
type source func(dst []float32, row, i int) error

// weights computes weights of rows that follow each other, of one matrix or of
// several.
type weights struct {
	cols   int
	group  int // columns that share a scale
	codes  source
	scales source
	zeros  source // nil: codes have none

	index  *model.Tensor // the group of each column, nil if they follow each other
	groups int           // that index chooses from
}

// ruleGroup is what an index is held to when it is read.
const ruleGroup = "the group of a column must be one that has a scale"

// piece is how many columns are computed at a time.
const piece = 1 << 12

// buffer is what a piece needs beside its weights.
type buffer struct{ scales, zeros, index []float32 }

var pool = sync.Pool{New: func() any { return new(buffer) }}

// sized returns x with length n, grown if it must be.
func sized(x *[]float32, n int) []float32 {
	*x = slices.Grow((*x)[:0], n)[:n]
	return *x
}

// read is what [model.NewScaled] asks for.
func (w *weights) read(dst []float32, from int) error {
	b := pool.Get().(*buffer) //nolint:forcetypeassert // the pool holds nothing else
	defer pool.Put(b)
	for len(dst) > 0 {
		row, col := from/w.cols, from%w.cols
		n := min(len(dst), w.cols-col, piece)
		if err := w.codes(dst[:n], row, col); err != nil {
			return err
		}
		scale := w.inOrder
		if w.index != nil {
			scale = w.byIndex
		}
		if err := scale(dst[:n], row, col, b); err != nil {
			return err
		}
		dst, from = dst[n:], from+n
	}
	return nil
}

// inOrder makes weights of the codes x of a row from col on.
func (w *weights) inOrder(x []float32, row, col int, b *buffer) error {
	first := col / w.group
	scales, zeros, err := w.load(row, first, (col+len(x)-1)/w.group-first+1, b)
	if err != nil {
		return err
	}
	for i := 0; i < len(x); {
		g := (col+i)/w.group - first
		end := min(len(x), (first+g+1)*w.group-col)
		zero, scale := float32(0), scales[g]
		if zeros != nil {
			zero = zeros[g]
		}
		for ; i < end; i++ {
			x[i] = (x[i] - zero) * scale
		}
	}
	return nil
}

// byIndex is inOrder for columns whose groups are listed.
func (w *weights) byIndex(x []float32, row, col int, b *buffer) error {
	scales, zeros, err := w.load(row, 0, w.groups, b)
	if err != nil {
		return err
	}
	index := sized(&b.index, len(x))
	if err := w.index.Read(index, col); err != nil {
		return err
	}
	for i, v := range index {
		g := int(v)
		if g == -1 { // none was ever chosen
			g = (col + i) / w.group
		}
		if g < 0 || g >= w.groups {
			return w.index.Broken(ruleGroup, fmt.Sprintf("column %d is of group %d, there are %d", col+i, g, w.groups))
		}
		zero := float32(0)
		if zeros != nil {
			zero = zeros[g]
		}
		x[i] = (x[i] - zero) * scales[g]
	}
	return nil
}

// load reads the scales and zero points of n groups of a row from first on.
func (w *weights) load(row, first, n int, b *buffer) (scales, zeros []float32, err error) {
	scales = sized(&b.scales, n)
	if err := w.scales(scales, row, first); err != nil || w.zeros == nil {
		return scales, nil, err
	}
	zeros = sized(&b.zeros, n)
	return scales, zeros, w.zeros(zeros, row, first)
}

// maxGroups is more than any row has: numbers up to it are exact in float32.
const maxGroups = 1 << 24
