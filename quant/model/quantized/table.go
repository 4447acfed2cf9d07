package quantized

import (
	"fmt"
	"slices"

	"github.com/bitdial/bitdial/quant/model"
)

// table is scales or zero points in a tensor of their own.
type table struct {
	t      *model.Tensor
	rows   int // of a matrix
	tile   int // rows that share numbers
	matrix int // numbers from one matrix to the next,
	row    int // from one row that does not share them to the next,
	group  int // from one group to the next
}

// read is a [source].
func (s table) read(dst []float32, row, group int) error {
	at := row/s.rows*s.matrix + row%s.rows/s.tile*s.row + group*s.group
	switch {
	case s.group == 1 || len(dst) == 1:
		return s.t.Read(dst, at)
	case s.group == 0:
		err := s.t.Read(dst[:1], at)
		for i := range dst {
			dst[i] = dst[0]
		}
		return err
	}
	return s.t.View(func(b []byte) error {
		d := s.t.DType
		for i := range dst {
			d.Decode(dst[i:i+1], b[at*d.Bytes:][:d.Bytes])
			at += s.group
		}
		return nil
	})
}

// single reports whether t is one number.
func single(t *model.Tensor) bool { return t.Len() == 1 }

// times returns s with every number multiplied by that of the tensor by, or
// divided by it.
func times(s source, by *model.Tensor, divide bool) source {
	return func(dst []float32, row, group int) error {
		if err := s(dst, row, group); err != nil {
			return err
		}
		var f [1]float32
		if err := by.Read(f[:], 0); err != nil {
			return err
		}
		for i := range dst {
			if divide {
				dst[i] /= f[0]
			} else {
				dst[i] *= f[0]
			}
		}
		return nil
	}
}

// changed returns s with every number x replaced by f(x).
func changed(s source, f func(x float32) float32) source {
	return func(dst []float32, row, i int) error {
		err := s(dst, row, i)
		for j, x := range dst {
			dst[j] = f(x)
		}
		return err
	}
}

// powers returns the scales of s, of which t holds the exponents as OCP has them.
func powers(s source, t *model.Tensor) source {
	if t.DType == model.F8E8M0 {
		return s // that is how it is read
	}
	return changed(s, func(x float32) float32 { return model.PowerOfTwo(byte(x)) })
}

// matrices returns how a tensor of this shape is divided: rows of a matrix,
// columns, and the dimensions before them.
func matrices(shape []int) (outer []int, rows, cols int) {
	switch n := len(shape); n {
	case 0:
		return nil, 1, 1
	case 1:
		return nil, 1, shape[0]
	default:
		return shape[:n-2], shape[n-2], shape[n-1]
	}
}

// usual is the block of the checkpoints that do not say which.
const usual = 128

// scales returns where the scales t of weights of the given shape are, how many
// columns share one, and what they are called. It reports false if they do not
// fit. Where the last group or block may be smaller, their number does not say how
// large the others are: c or custom must.
func scales(t *model.Tensor, shape []int, c Config) (s table, group int, name string, ok bool) {
	outer, rows, cols := matrices(shape)
	if n, ok := model.Count(shape); !ok || n == 0 || t.Len() == 0 {
		return s, 0, "", false
	}
	s = table{t: t, rows: rows, tile: 1}
	if single(t) {
		return s, cols, "one scale", true
	}
	if len(shape) < 2 {
		return s, 0, "", false
	}
	lines := shape[:len(shape)-1]
	if slices.Equal(t.Shape, lines) {
		s.row, s.matrix = 1, rows
		return s, cols, "a scale per row", true
	}
	if len(t.Shape) != len(shape) || !slices.Equal(t.Shape[:len(outer)], outer) {
		return s, 0, "", false
	}
	down, across := t.Shape[len(outer)], t.Shape[len(outer)+1]
	s.row, s.matrix, s.group = across, down*across, 1
	high, wide := whole(rows, down), whole(cols, across)
	for _, b := range [][2]int{c.Block, {1, c.Group}, {1, wide}, {1, usual}, {usual, usual}, {high, wide}} {
		if b[0] < 1 || b[1] < 1 || ceil(rows, b[0]) != down || ceil(cols, b[1]) != across {
			continue
		}
		s.tile = b[0]
		switch {
		case b[0] > 1:
			name = fmt.Sprintf("blocks of %d×%d", b[0], b[1])
		case across == 1:
			name = "a scale per row"
		default:
			name = fmt.Sprintf("groups of %d", b[1])
		}
		return s, b[1], name, true
	}
	return s, 0, "", false
}

// whole returns a/b, 0 if there is a rest.
func whole(a, b int) int {
	if a%b != 0 {
		return 0
	}
	return a / b
}

// ceil returns a/b, rounded up.
func ceil(a, b int) int {
	if a == 0 {
		return 0
	}
	return (a-1)/b + 1
}
