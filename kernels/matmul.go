package kernels

import "fmt"

// MatMul sets c to a·b, or adds a·b to c if accumulate. Its floats must
// not overlap those of a or b.
//
// Each element of c is one chain of fused multiply-adds in order of k,
//
//	c[i][j] = fma(a[i][k], b[k][j], c[i][j]),  k = 0, 1, …
//
// that starts from 0, or from c[i][j] if accumulate. So the result has the same
// bits on every machine, whatever the strides, and however rows and columns
// are split among callers; a row of a gives the same bits alone as in a batch.
// Only which NaN comes out of one is not specified.
//
// The product is computed from packed panels, tile by tile, in the manner of
// K. Goto and R. van de Geijn, Anatomy of high-performance matrix
// multiplication, 2008. space holds what is packed.
func MatMul(c, a, b Matrix, accumulate bool, space *MatMulSpace) {
	b.check()
	checkProduct(c, a, b.Rows, b.Cols)
	if c.RowStride == 1 && c.ColStride != 1 || c.Cols == 1 {
		c, a, b = c.T(), b.T(), a.T() // vectors run along the rows of c
	}
	if a.Cols == 0 && !accumulate {
		c.clear()
	}
	blocks := rightBlocks{matrix: b}
	if b.ColStride == 1 && c.Rows <= directRows {
		blocks.direct = c.Cols / panelLanes * panelLanes
	}
	blocks.multiply(c, a, accumulate, space)
}

// MatMulPacked is [MatMul] with a right operand that has been packed.
func MatMulPacked(c, a Matrix, b *PackedMatrix, accumulate bool, space *MatMulSpace) {
	checkProduct(c, a, b.rows, b.cols)
	if a.Cols == 0 && !accumulate {
		c.clear()
	}
	blocks := rightBlocks{packed: b}
	blocks.multiply(c, a, accumulate, space)
}

// MatVec sets y to a·x, or adds a·x to y if accumulate: [MatMul] with one
// column.
func MatVec(y []float32, a Matrix, x []float32, accumulate bool, space *MatMulSpace) {
	MatMul(Dense(len(y), 1, y), a, Dense(len(x), 1, x), accumulate, space)
}

// MatMulSpace is what products pack into. The zero value is ready; it grows
// to what the largest product needs, and serves one product at a time.
type MatMulSpace struct {
	left, right []float32
	tile        []float32 // of c, where its columns do not lie side by side
	edge        [tileRows * panelLanes]float32
	int8        int8Space
}

// atLeast returns n elements of s, which it replaces if it is shorter.
func atLeast[T any](s *[]T, n int) []T {
	if cap(*s) < n {
		*s = make([]T, n)
	}
	return (*s)[:n]
}

// checkProduct panics unless c has the shape of a·b.
func checkProduct[C, A any](c View[C], a View[A], bRows, bCols int) {
	c.check()
	a.check()
	if c.Rows != a.Rows || a.Cols != bRows || c.Cols != bCols {
		panic(fmt.Sprintf("kernels: %v times %d×%d into %v", a, bRows, bCols, c))
	}
}

// A tile is what registers sum up at a time: of tileRows rows, and of one or
// more panels' columns.
const tileRows = 12

// directRows is up to how many rows of a product its right operand is not worth
// packing.
const directRows = 64

// rightBlocks is the right operand of a product: packed before, or a matrix,
// of which the first columns, in whole panels, are taken directly, and the others
// are packed block by block.
type rightBlocks struct {
	packed *PackedMatrix
	matrix Matrix
	direct int
}

// panels are columns of the right operand, from some k on: that of column j at
// step k is data[j/16·panel + k·step + j%16].
type panels struct {
	data        []float32
	step, panel int
}

// size returns how many rows and columns make a block for a product of so many
// rows. A block stays in the second level of the cache while all rows pass by,
// a panel of theirs in the first one.
func (b *rightBlocks) size(rows int) (depth, width int) {
	const all = 1 << 14
	switch {
	case b.packed != nil && rows == 1:
		return 4096, all
	case b.packed != nil && rows <= tileRows: // each block is read once
		return 1024, all
	case b.direct > 0 && rows <= 2 && b.matrix.RowStride >= 1024:
		return 8, all // so that memory is read in its order
	case b.direct > 0 && rows <= tileRows:
		return 256, all
	case b.direct > 0:
		return 128, 512
	case rows <= tileRows:
		return 256, 64
	}
	return 256, 512
}

// multiply sets c to a·b or adds it.
func (b *rightBlocks) multiply(c, a Matrix, accumulate bool, space *MatMulSpace) {
	depth, width := b.size(c.Rows)
	for j0 := 0; j0 < c.Cols; j0 += width {
		j2 := min(j0+width, c.Cols)
		j1 := min(max(j0, b.direct), j2) // up to which columns are taken directly
		first, others := c.Slice(0, c.Rows, j0, j1), c.Slice(0, c.Rows, j1, j2)
		for k0 := 0; k0 < a.Cols; k0 += depth {
			k1 := min(k0+depth, a.Cols)
			add := accumulate || k0 > 0
			direct := panels{step: b.matrix.RowStride, panel: panelLanes}
			if j0 < j1 {
				direct.data = b.matrix.Slice(k0, k1, j0, j1).Data
			}
			packed := b.pack(k0, k1, j1, j2, space)
			a := a.Slice(0, a.Rows, k0, k1)
			for i0 := 0; i0 < c.Rows; i0 += tileRows {
				i1 := min(i0+tileRows, c.Rows)
				left, step := leftPanel(a.rows(i0, i1), space)
				if j0 < j1 {
					multiplyRows(first.rows(i0, i1), left, step, direct, k1-k0, add, space)
				}
				if j1 < j2 {
					multiplyRows(others.rows(i0, i1), left, step, packed, k1-k0, add, space)
				}
			}
		}
	}
}

// pack returns the panels of rows k0 to k1 and columns j0 to j1.
func (b *rightBlocks) pack(k0, k1, j0, j1 int, space *MatMulSpace) panels {
	if b.packed != nil {
		return b.packed.from(k0, j0)
	}
	data := atLeast(&space.right, packedLen(k1-k0, j1-j0))
	packPanels(data, b.matrix.Slice(k0, k1, j0, j1))
	return panels{data: data, step: panelLanes, panel: (k1 - k0) * panelLanes}
}

// leftPanel returns up to tileRows rows of a as a panel, and its step from one
// k to the next.
func leftPanel(a Matrix, space *MatMulSpace) (data []float32, step int) {
	if a.Rows == 1 {
		return a.Data, a.ColStride
	}
	data = atLeast(&space.left, packedLen(a.Cols, panelLanes))
	packPanels(data, a.T())
	return data, panelLanes
}

// multiplyRows is multiplyTiles for any strides of c.
func multiplyRows(c Matrix, left []float32, leftStep int, right panels, depth int, add bool, space *MatMulSpace) {
	if c.ColStride == 1 {
		multiplyTiles(c, left, leftStep, right, depth, add, space)
		return
	}
	tile := Dense(c.Rows, c.Cols, atLeast(&space.tile, c.Rows*c.Cols))
	if add {
		tile.set(c)
	}
	multiplyTiles(tile, left, leftStep, right, depth, add, space)
	c.set(tile)
}

// multiplyTilesGo sets the rows of c, at most tileRows, to the product of a
// panel and panels, or adds to them: depth steps of k. The columns of c lie
// side by side.
func multiplyTilesGo(c Matrix, left []float32, leftStep int, right panels, depth int, add bool) {
	for i := range c.Rows {
		row := c.Data[i*c.RowStride:][:c.Cols]
		j := 0
		for ; j+4 <= len(row); j += 4 {
			sums := (*[4]float32)(row[j:])
			s0, s1, s2, s3 := sums[0], sums[1], sums[2], sums[3]
			if !add {
				s0, s1, s2, s3 = 0, 0, 0, 0
			}
			at, x := j/panelLanes*right.panel+j%panelLanes, i
			for range depth {
				y := (*[4]float32)(right.data[at:])
				s0 = fma(left[x], y[0], s0)
				s1 = fma(left[x], y[1], s1)
				s2 = fma(left[x], y[2], s2)
				s3 = fma(left[x], y[3], s3)
				at += right.step
				x += leftStep
			}
			*sums = [4]float32{s0, s1, s2, s3}
		}
		for ; j < len(row); j++ {
			sum := row[j]
			if !add {
				sum = 0
			}
			at, x := j/panelLanes*right.panel+j%panelLanes, i
			for range depth {
				sum = fma(left[x], right.data[at], sum)
				at += right.step
				x += leftStep
			}
			row[j] = sum
		}
	}
}
