package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/bitdial/bitdial/quant"
)

// histogram is a tensor's weights before and after.
type histogram struct {
	W, H                float64
	Original, Quantized string // paths
	Zero                float64
	Lo, Hi              string
	Title               string
}

const (
	histogramW, histogramH = 420, 110
	histogramColumns       = 210
)

// histogramOf draws a measurement. Both curves have one scale, on which the original
// fills the height; what quantizing piles up above it is cut off.
func histogramOf(m *quant.Measurement) histogram {
	before, after := make([]float64, histogramColumns), make([]float64, histogramColumns)
	quant.Density(before, m.Original.Bins)
	quant.Density(after, m.Quantized.Bins)
	top := 0.0
	for _, v := range before {
		top = max(top, v)
	}
	top *= 1.15
	h := histogram{
		W: histogramW, H: histogramH,
		Original: outline(before, top), Quantized: outline(after, top),
		Lo: number(m.Original.Lo), Hi: number(m.Original.Hi), Zero: -1,
		Title: fmt.Sprintf("weights from %s to %s, before and under %s", number(m.Original.Lo), number(m.Original.Hi), m.Scheme),
	}
	if width := m.Original.Hi - m.Original.Lo; width > 0 {
		h.Zero = histogramW * -m.Original.Lo / width
	}
	return h
}

// outline returns the path of columns, filled from below.
func outline(columns []float64, top float64) string {
	const w = float64(histogramW) / histogramColumns
	var b strings.Builder
	fmt.Fprintf(&b, "M0 %d", histogramH)
	before := -1.0
	for i, v := range columns {
		y := float64(histogramH)
		if top > 0 {
			y -= math.Min(1, v/top) * histogramH
		}
		if y != before {
			fmt.Fprintf(&b, "H%.1fV%.1f", float64(i)*w, y)
		}
		before = y
	}
	fmt.Fprintf(&b, "H%dV%dZ", histogramW, histogramH)
	return b.String()
}
