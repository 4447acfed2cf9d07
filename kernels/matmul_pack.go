package kernels

import "fmt"

// panelLanes is how many columns a panel holds side by side: a panel is
// [k][16]float32, one cache line a step. The left operand's panels hold rows
// so.
const panelLanes = 16

// packedLen returns the floats of a packed matrix: whole panels, and what the
// transposition of the last one writes past its end.
func packedLen(rows, cols int) int {
	return (cols+panelLanes-1)/panelLanes*rows*panelLanes + packSlack
}

const packSlack = 7 * panelLanes

// A PackedMatrix is a right operand, weights as a rule, in the order in which
// products read it. The zero value is a matrix of 0×0.
type PackedMatrix struct {
	data       []float32 // panels of all rows, anything beside the last columns
	rows, cols int
}

// Pack makes p hold b, in the same memory if it suffices.
func (p *PackedMatrix) Pack(b Matrix) {
	b.check()
	p.rows, p.cols = b.Rows, b.Cols
	p.data = atLeast(&p.data, packedLen(b.Rows, b.Cols))
	packPanels(p.data, b)
}

// Columns returns columns j0 to j1, without j1, a view of p. It panics unless
// j0 is a multiple of 16.
func (p *PackedMatrix) Columns(j0, j1 int) *PackedMatrix {
	if j0 < 0 || j1 < j0 || p.cols < j1 || j0%panelLanes != 0 {
		panic(fmt.Sprintf("kernels: columns %d:%d of a packed matrix of %d×%d", j0, j1, p.rows, p.cols))
	}
	return &PackedMatrix{data: p.data[j0*p.rows:], rows: p.rows, cols: j1 - j0}
}

// Rows is how many rows the matrix has that was packed.
func (p *PackedMatrix) Rows() int { return p.rows }

// Cols is how many columns it has.
func (p *PackedMatrix) Cols() int { return p.cols }

// from returns the panels from row k and column j on; j is a multiple of 16.
func (p *PackedMatrix) from(k, j int) panels {
	return panels{data: p.data[j*p.rows+k*panelLanes:], step: panelLanes, panel: p.rows * panelLanes}
}

// packPanelsGo writes the panels of b one after the other.
func packPanelsGo(dst []float32, b Matrix) {
	for j0 := 0; j0 < b.Cols; j0 += panelLanes {
		lanes := min(panelLanes, b.Cols-j0)
		for k := range b.Rows {
			row := dst[:panelLanes]
			at := k*b.RowStride + j0*b.ColStride
			for j := range lanes {
				row[j] = b.Data[at+j*b.ColStride]
			}
			clear(row[lanes:])
			dst = dst[panelLanes:]
		}
	}
}
