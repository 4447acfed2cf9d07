package tui

import (
	"math"
	"strings"
)

// blocks are columns by eighths of a cell, growing from below.
var blocks = [9]rune{' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'}

// sideBlocks are bars by eighths of a cell, growing from the left.
var sideBlocks = [9]rune{' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'}

// bar returns a horizontal bar that fills frac of w columns, to an eighth of
// a column, padded to w. What is more than nothing shows, and only a full
// bar looks full.
func bar(frac float64, w int) string {
	if w <= 0 {
		return ""
	}
	n := eighths(frac, w)
	var b strings.Builder
	b.Grow(3 * w)
	for i := range w {
		b.WriteRune(sideBlocks[clamp(n-8*i, 0, 8)])
	}
	return b.String()
}

// eighths returns frac of n cells in eighths, at least one if frac is above
// zero and less than all of them if it is below one.
func eighths(frac float64, n int) int {
	switch {
	case !(frac > 0) || n <= 0:
		return 0
	case frac >= 1:
		return 8 * n
	}
	return clamp(int(math.Round(frac*float64(8*n))), 1, 8*n-1)
}
