package gguf

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bitdial/bitdial/quant/model"
)

// place finds where the data begin, counts the tensors' offsets from the
// beginning of the file, and makes sure that each has room there of its own.
func (h *Header) place(s *scanner) error {
	sizes := make([]int64, len(h.Tensors))
	last := int64(0) // where the data end, from their beginning
	for i := range h.Tensors {
		t := &h.Tensors[i]
		n, ok := model.Count(t.Shape)
		size, fits := t.DType.Size(n)
		switch row := t.row(); {
		case row%t.DType.Block != 0:
			return t.broken(s, ruleRows, "rows of %d weights, %s has blocks of %d", row, t.DType, t.DType.Block)
		case !ok || !fits:
			return t.broken(s, ruleOverflow, "shape %v of %s", t.Shape, t.DType)
		case size > s.size-t.Offset:
			return t.broken(s, ruleOutside, "%d bytes from %d bytes after the header on, the file has %d", size, t.Offset, s.size)
		}
		sizes[i] = size
		last = max(last, t.Offset+size)
	}
	h.align(int64(s.pos), last, s.size)
	ends := make([]int64, len(h.Tensors))
	for i := range h.Tensors {
		t := &h.Tensors[i]
		switch {
		case t.Offset%h.Alignment != 0:
			return t.broken(s, ruleAligned, "%d bytes after the header, a multiple of %d is wanted", t.Offset, h.Alignment)
		case t.Offset > s.size-sizes[i]-h.Data:
			return t.broken(s, ruleOutside, "%d bytes from %d on, the file has %d", sizes[i], h.Data+t.Offset, s.size)
		}
		t.Offset += h.Data
		ends[i] = t.Offset + sizes[i]
	}
	return h.checkOverlaps(s, ends)
}

// align sets where the data begin, behind the header that ends at pos, in a
// file of size bytes whose data take last ones.
//
// The reference writes general.alignment as it is told and goes on to align by
// 32 unless it read the key from another file. It also pads the last tensor,
// so that the length of the file says which of the two it was.
func (h *Header) align(pos, last, size int64) {
	fits := func(alignment int64) bool {
		aside := func(t Tensor) bool { return t.Offset%alignment != 0 }
		return up(pos, alignment)+up(last, alignment) == size && !slices.ContainsFunc(h.Tensors, aside)
	}
	if !fits(h.Alignment) && fits(defaultAlignment) {
		h.Alignment = defaultAlignment
	}
	h.Data = up(pos, h.Alignment)
}

// up returns the first multiple of alignment that is not below n.
func up(n, alignment int64) int64 { return (n + alignment - 1) / alignment * alignment }

// checkOverlaps makes sure that no tensor begins before the one in front of it
// has ended.
func (h *Header) checkOverlaps(s *scanner, ends []int64) error {
	order := make([]int, len(h.Tensors))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(h.Tensors[a].Offset, h.Tensors[b].Offset), cmp.Compare(ends[a], ends[b]), cmp.Compare(a, b))
	})
	end := h.Data
	for _, i := range order {
		if t := &h.Tensors[i]; t.Offset < end {
			return t.broken(s, ruleOverlap, "it begins at %d, before %d where another one ends", t.Offset, end)
		}
		end = ends[i]
	}
	return nil
}

func (t *Tensor) broken(s *scanner, rule, format string, args ...any) error {
	return inside(fmt.Sprintf("tensor %q", t.Name), s.fail(t.at, rule, format, args...))
}

// row returns the length of the innermost dimension, 1 for a scalar.
func (t *Tensor) row() int {
	if len(t.Shape) == 0 {
		return 1
	}
	return t.Shape[len(t.Shape)-1]
}
