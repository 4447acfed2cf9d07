package kernels

import (
	"fmt"
	"unsafe"
)

// MatMulInt8 sets c to the product of integers
//
//	c[i][j] = Σₖ (a[i][k]−zero)·b[k][j]
//
// which is exact while it fits an int32, as up to 65 793 steps of k do in any
// case. Where columns of b have zero points of their own, z[j], the caller
// subtracts z[j]·Σₖ (a[i][k]−zero), for which [SumRows] gives the sums of a.
func MatMulInt8[T int8 | uint8](c View[int32], a View[T], zero T, b *PackedInt8, space *MatMulSpace) {
	checkProduct(c, a, b.rows, b.cols)
	if a.Cols == 0 {
		c.clear()
	}
	bytes := View[uint8]{Rows: a.Rows, Cols: a.Cols, RowStride: a.RowStride, ColStride: a.ColStride}
	bytes.Data = unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(a.Data))), len(a.Data))
	// Signed bytes become unsigned ones 128 higher, their zero point too.
	flip := uint8(0)
	if T(0)-1 < 0 {
		flip = 0x80
	}
	multiplyInt8(c, bytes, flip, uint8(zero)^flip, b, space)
}

// SumRows sets sums to those of the rows of a.
func SumRows[T int8 | uint8](sums []int32, a View[T]) {
	a.check()
	for i := range sums[:a.Rows] {
		sum := int32(0)
		for k := range a.Cols {
			sum += int32(a.Data[i*a.RowStride+k*a.ColStride])
		}
		sums[i] = sum
	}
}

// group is how many steps of k an instruction multiplies and sums up: panels of
// bytes are [k/4][16][4].
const group = 4

func groups(k int) int { return (k + group - 1) / group }

// A PackedInt8 is a right operand of bytes, weights as a rule, in the order in
// which products read it. The zero value is a matrix of 0×0.
type PackedInt8 struct {
	data       []int8  // panels of all rows, zeros below and beside them
	sums       []int32 // by column
	rows, cols int
}

// Pack makes p hold b, in the same memory if it suffices.
func (p *PackedInt8) Pack(b View[int8]) {
	b.check()
	p.rows, p.cols = b.Rows, b.Cols
	count := (b.Cols + panelLanes - 1) / panelLanes
	p.data = atLeast(&p.data, count*p.panel())
	p.sums = atLeast(&p.sums, count*panelLanes)
	clear(p.data)
	clear(p.sums)
	for j := range b.Cols {
		panel := p.data[j/panelLanes*p.panel():]
		sum := int32(0)
		for k := range b.Rows {
			w := b.Data[k*b.RowStride+j*b.ColStride]
			panel[(k/group*panelLanes+j%panelLanes)*group+k%group] = w
			sum += int32(w)
		}
		p.sums[j] = sum
	}
}

// Columns returns columns j0 to j1, without j1, a view of p. It panics unless
// j0 is a multiple of 16.
func (p *PackedInt8) Columns(j0, j1 int) *PackedInt8 {
	if j0 < 0 || j1 < j0 || p.cols < j1 || j0%panelLanes != 0 {
		panic(fmt.Sprintf("kernels: columns %d:%d of a packed %d×%d", j0, j1, p.rows, p.cols))
	}
	return &PackedInt8{data: p.data[j0/panelLanes*p.panel():], sums: p.sums[j0:], rows: p.rows, cols: j1 - j0}
}

// Rows is how many rows the matrix has that was packed.
func (p *PackedInt8) Rows() int { return p.rows }

// Cols is how many columns it has.
func (p *PackedInt8) Cols() int { return p.cols }

// Sums are those of the columns.
func (p *PackedInt8) Sums() []int32 { return p.sums[:p.cols] }

// panel is the bytes of one.
func (p *PackedInt8) panel() int { return groups(p.rows) * panelLanes * group }

// int8Space is the part of MatMulSpace that products of bytes need.
type int8Space struct {
	left  []uint8
	tile  []int32
	edge  [tileRows * panelLanes]int32
	start []int32
}

// panelsInt8 are columns of the right operand: the bytes of column j at step g
// of k/4 are those from data[j/16·panel + (16·g + j%16)·4] on. All sums of
// column j begin with start[j].
type panelsInt8 struct {
	data  []int8
	panel int
	start []int32
}

// multiplyInt8 sets c to the product of a, whose bytes get flip, less zero, and
// b.
func multiplyInt8(c View[int32], a View[uint8], flip, zero uint8, b *PackedInt8, space *MatMulSpace) {
	const depth, width = 1024, 512
	s := &space.int8
	start := atLeast(&s.start, len(b.sums))
	for j, sum := range b.sums {
		start[j] = -int32(zero) * sum
	}
	for j0 := 0; j0 < c.Cols; j0 += width {
		j1 := min(j0+width, c.Cols)
		block := c.Slice(0, c.Rows, j0, j1)
		for k0 := 0; k0 < a.Cols; k0 += depth {
			k1 := min(k0+depth, a.Cols)
			right := panelsInt8{data: b.data[j0/panelLanes*b.panel()+k0*panelLanes:], panel: b.panel(), start: start[j0:]}
			left := atLeast(&s.left, groups(depth)*panelLanes*group+4*packSlack)
			a := a.Slice(0, a.Rows, k0, k1)
			for i0 := 0; i0 < c.Rows; i0 += tileRows {
				i1 := min(i0+tileRows, c.Rows)
				packSteps(left, a.rows(i0, i1), flip)
				multiplyRowsInt8(block.rows(i0, i1), left, right, groups(k1-k0), k0 > 0, s)
			}
		}
	}
}

// multiplyRowsInt8 is multiplyTilesInt8 for any strides of c.
func multiplyRowsInt8(c View[int32], left []uint8, right panelsInt8, depth int, add bool, s *int8Space) {
	if c.ColStride == 1 {
		multiplyTilesInt8(c, left, right, depth, add, s)
		return
	}
	tile := Dense(c.Rows, c.Cols, atLeast(&s.tile, c.Rows*c.Cols))
	if add {
		tile.set(c)
	}
	multiplyTilesInt8(tile, left, right, depth, add, s)
	c.set(tile)
}

// packStepsGo writes up to 16 rows of a, flip applied, as a panel.
func packStepsGo(dst []uint8, a View[uint8], flip uint8) {
	for g := range groups(a.Cols) {
		for i := range a.Rows {
			bytes := (*[group]uint8)(dst[(g*panelLanes+i)*group:])
			*bytes = [group]uint8{}
			for k := g * group; k < min(g*group+group, a.Cols); k++ {
				bytes[k%group] = a.Data[i*a.RowStride+k*a.ColStride] ^ flip
			}
		}
	}
}

// multiplyTilesInt8Go sets the rows of c, at most tileRows, to the product of a
// panel and panels plus where the columns start, or adds the product to them:
// depth steps of four. The columns of c lie side by side.
func multiplyTilesInt8Go(c View[int32], left []uint8, right panelsInt8, depth int, add bool) {
	for i := range c.Rows {
		row := c.Data[i*c.RowStride:][:c.Cols]
		for j := range row {
			sum := right.start[j]
			if add {
				sum = row[j]
			}
			at := j/panelLanes*right.panel + j%panelLanes*group
			for g := range depth {
				x := (*[group]uint8)(left[(g*panelLanes+i)*group:])
				y := (*[group]int8)(right.data[at+g*panelLanes*group:])
				sum += int32(x[0])*int32(y[0]) + int32(x[1])*int32(y[1]) + int32(x[2])*int32(y[2]) + int32(x[3])*int32(y[3])
			}
			row[j] = sum
		}
	}
}
