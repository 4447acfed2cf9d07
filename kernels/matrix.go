package kernels

import "fmt"

// A View is a matrix in a slice: element (i, j) of Rows×Cols is
// Data[i·RowStride+j·ColStride]. Strides are not negative; 0 repeats a row or a
// column, in a matrix that is only read.
type View[T any] struct {
	Data                 []T
	Rows, Cols           int
	RowStride, ColStride int
}

// A Matrix is a view of floats.
type Matrix = View[float32]

// Dense returns data as rows×cols, row by row. It panics if data is shorter.
func Dense[T any](rows, cols int, data []T) View[T] {
	return View[T]{Data: data[:rows*cols], Rows: rows, Cols: cols, RowStride: cols, ColStride: 1}
}

// T returns the transpose, of the same elements.
func (m View[T]) T() View[T] {
	m.Rows, m.Cols, m.RowStride, m.ColStride = m.Cols, m.Rows, m.ColStride, m.RowStride
	return m
}

// Slice returns rows i0 to i1 and columns j0 to j1, without those at i1 and j1,
// of the same elements.
func (m View[T]) Slice(i0, i1, j0, j1 int) View[T] {
	if i0 < 0 || i1 < i0 || m.Rows < i1 || j0 < 0 || j1 < j0 || m.Cols < j1 {
		panic(fmt.Sprintf("kernels: rows %d:%d and columns %d:%d of %v", i0, i1, j0, j1, m))
	}
	m.Rows, m.Cols = i1-i0, j1-j0
	if m.Rows == 0 || m.Cols == 0 {
		m.Data = nil // its offset may lie past the end
	} else {
		m.Data = m.Data[i0*m.RowStride+j0*m.ColStride:]
	}
	return m
}

// rows is the slice of whole rows of a matrix that is not empty, i0 one of them.
func (m View[T]) rows(i0, i1 int) View[T] {
	m.Data, m.Rows = m.Data[i0*m.RowStride:], i1-i0
	return m
}

// String returns the shape, as "2×3".
func (m View[T]) String() string { return fmt.Sprintf("%d×%d", m.Rows, m.Cols) }

// check panics if an element lies outside of the data.
func (m View[T]) check() {
	if m.Rows < 0 || m.Cols < 0 || m.RowStride < 0 || m.ColStride < 0 {
		panic(fmt.Sprintf("kernels: %v with strides %d and %d", m, m.RowStride, m.ColStride))
	}
	if m.Rows > 0 && m.Cols > 0 {
		_ = m.Data[(m.Rows-1)*m.RowStride+(m.Cols-1)*m.ColStride]
	}
}

// set copies from, of the same shape.
func (m View[T]) set(from View[T]) {
	for i := range m.Rows {
		for j := range m.Cols {
			m.Data[i*m.RowStride+j*m.ColStride] = from.Data[i*from.RowStride+j*from.ColStride]
		}
	}
}

// clear sets all elements to 0.
func (m View[T]) clear() {
	var zero [1]T
	m.set(View[T]{Data: zero[:], Rows: m.Rows, Cols: m.Cols})
}
