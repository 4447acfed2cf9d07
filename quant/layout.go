package quant

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/bitdial/bitdial/kernels"
)

// layout says how a tensor of n weights, row-major, divides into units, the
// weights that share a scale. Rows of rowLen weights are cut into units of
// unit weights; the last unit of a row may be shorter. Units follow one
// another in memory.
type layout struct {
	n, rowLen, unit int
	unitsPerRow     int
	entire          bool // units are never cut, however long
	channelLen      int  // weights per index of the first axis
}

// layoutOf divides a tensor of the given shape. Channels are the first axis of
// a tensor of two axes or more. Groups run along the last axis; where that is
// shorter than a group, as in a 3×3 convolution, the axes before it are taken
// along until a row holds a group, but never the first axis.
func layoutOf(shape []int, g Granularity) layout {
	n := 1
	for _, d := range shape {
		n *= d
	}
	l := layout{n: n, rowLen: n, unit: n, channelLen: n}
	if len(shape) >= 2 && shape[0] > 0 {
		l.channelLen = n / shape[0]
	}
	switch {
	case g == PerChannel:
		l.rowLen, l.unit = l.channelLen, l.channelLen
	case g > 0:
		l.unit = int(g)
		if len(shape) >= 2 && n > 0 {
			l.rowLen = 1
			for i := len(shape) - 1; i > 0 && (l.rowLen < l.unit || i == len(shape)-1); i-- {
				l.rowLen *= shape[i]
			}
		}
		l.unit = min(l.unit, l.rowLen)
	}
	if n > 0 {
		l.unitsPerRow = (l.rowLen + l.unit - 1) / l.unit
	}
	return l
}

func (l layout) units() int {
	if l.n == 0 {
		return 0
	}
	return l.n / l.rowLen * l.unitsPerRow
}

func (l layout) channels() int {
	if l.n == 0 {
		return 0
	}
	return l.n / l.channelLen
}

// start returns the index of the first weight of unit u; start(units()) is n.
func (l layout) start(u int) int {
	return u/l.unitsPerRow*l.rowLen + u%l.unitsPerRow*l.unit
}

// unitOf returns the unit that weight i belongs to.
func (l layout) unitOf(i int) int {
	return i/l.rowLen*l.unitsPerRow + i%l.rowLen/l.unit
}

// runEnd returns where the units that follow weight i stop being equal: the end
// of its own unit where i lies inside, else that of the row, whose last unit
// may be shorter, or of the tensor if none is.
func (l layout) runEnd(i int) int {
	u := l.unitOf(i)
	switch {
	case l.start(u) != i:
		return l.start(u + 1)
	case l.rowLen%l.unit != 0:
		return (i/l.rowLen + 1) * l.rowLen
	}
	return l.n
}

// layout divides a tensor of the given shape as s does.
func (s Scheme) layout(shape []int) layout {
	if s.Format != nil && s.Format.Block() > 0 {
		return layoutOf(shape, Granularity(s.Format.Block()))
	}
	return layoutOf(shape, s.Granularity)
}

// WhyNot returns why s cannot apply to a tensor of the given shape, and what
// could, or "" if it can: formats that are packed as their reference has it
// take rows, the last axis, of whole blocks.
func (s Scheme) WhyNot(shape []int) string {
	if s.Keep() || s.Format.Packing == nil {
		return ""
	}
	row := 1
	if len(shape) > 0 {
		row = shape[len(shape)-1]
	}
	if row%s.Format.Packing.Block == 0 {
		return ""
	}
	var fit []string
	for _, f := range kernels.Formats {
		if f.Packing != nil && row%f.Packing.Block == 0 {
			fit = append(fit, f.Name)
		}
	}
	instead := "no format of blocks fits: f16 and bf16 do, and where the file need not be GGUF int, block-scaled and small floats"
	if len(fit) > 0 {
		instead = "these fit: " + strings.Join(fit, " ")
	}
	return fmt.Sprintf("%s packs blocks of %d, and rows have %d weights; %s", s.Format.Name, s.Format.Packing.Block, row, instead)
}

// Bytes returns what a tensor of the given shape weighs under s: every code,
// scale, zero point and codebook, rounded up to a whole byte. stored is its
// size as it is, which "keep" keeps.
func (s Scheme) Bytes(shape []int, stored int64) int64 {
	if s.Keep() {
		return stored
	}
	l := s.layout(shape)
	if l.n == 0 {
		return 0
	}
	// Codes and scales in 128 bits: a shape may say 2^60 weights.
	hi, lo := bits.Mul64(uint64(l.n), uint64(s.Format.Bits))
	hi2, lo2 := s.Format.ScaleBits(l.units(), s.Store, s.Asymmetric)
	lo, carry := bits.Add64(lo, lo2, 0)
	hi += hi2 + carry
	lo, carry = bits.Add64(lo, uint64(s.Format.TensorBits())+7, 0)
	return int64((hi+carry)<<61 | lo>>3)
}

// Units returns how many units, weights that share a scale, a tensor of the
// given shape has under s.
func (s Scheme) Units(shape []int) int { return s.layout(shape).units() }
