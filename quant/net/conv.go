package net

import (
	"math"
	"slices"

	"github.com/bitdial/bitdial/kernels"
)

// conv is the two-dimensional convolution of an input [N, C, H, W] with a
// weight [M, C/group, kH, kW] and a bias [M]; attributes strides, pads (top,
// left, bottom, right), dilations and group. It multiplies matrices: the
// patches that a block of output rows sees become columns (im2col).
var conv = &operator{
	name: "Conv", least: 2, most: 3, attrs: []string{"strides", "pads", "dilations", "group", "kernel_shape"},
	shape: func(n *Node, in [][]int) ([]int, error) {
		g, err := newGeometry(n, in)
		if err != nil {
			return nil, err
		}
		return []int{in[0][0], in[1][0], g.outH, g.outW}, nil
	},
	forward:  convForward,
	backward: convBackward,
}

// geometry is what a convolution does to one picture.
type geometry struct {
	groups          int
	inC, outC       int // channels of a group
	inH, inW        int
	outH, outW      int
	kH, kW          int
	strideH, stride int
	padH, pad       int // top, left
	dilateH, dilate int
}

func newGeometry(n *Node, in [][]int) (geometry, error) {
	x, w := in[0], in[1]
	if len(x) != 4 || len(w) != 4 {
		return geometry{}, n.errorf("its inputs have shapes %v and %v; only two-dimensional convolutions, of four axes, are supported", x, w)
	}
	strides, pads, dilations := n.ints("strides", 1, 1), n.ints("pads", 0, 0, 0, 0), n.ints("dilations", 1, 1)
	if len(strides) != 2 || len(pads) != 4 || len(dilations) != 2 {
		return geometry{}, n.errorf("it has strides %v, pads %v and dilations %v; there are 2, 4 and 2", strides, pads, dilations)
	}
	if slices.Min(strides) < 1 || slices.Min(dilations) < 1 || slices.Min(pads) < 0 {
		return geometry{}, n.errorf("it has strides %v, pads %v and dilations %v", strides, pads, dilations)
	}
	g := geometry{
		groups: n.int("group", 1), inH: x[2], inW: x[3], kH: w[2], kW: w[3],
		strideH: strides[0], stride: strides[1], padH: pads[0], pad: pads[1], dilateH: dilations[0], dilate: dilations[1],
	}
	if reachH, reach := (g.kH-1)*g.dilateH+1, (g.kW-1)*g.dilate+1; max(pads[0], pads[2]) > reachH || max(pads[1], pads[3]) > reach {
		return geometry{}, n.errorf("its pads %v are wider than what its kernel of %d×%d reaches", pads, g.kH, g.kW)
	}
	if k := n.ints("kernel_shape", g.kH, g.kW); len(k) != 2 || k[0] != g.kH || k[1] != g.kW {
		return geometry{}, n.errorf("its kernel_shape is %v, its weight has shape %v", k, w)
	}
	if g.groups < 1 || x[1]%g.groups != 0 || w[0]%g.groups != 0 || w[1] != x[1]/g.groups {
		return geometry{}, n.errorf("its weight of shape %v does not take %d channels in %d groups", w, x[1], g.groups)
	}
	if len(in) == 3 && (len(in[2]) != 1 || in[2][0] != w[0]) {
		return geometry{}, n.errorf("its bias has shape %v, not [%d]", in[2], w[0])
	}
	g.inC, g.outC = w[1], w[0]/g.groups
	g.outH = (g.inH+pads[0]+pads[2]-dilations[0]*(g.kH-1)-1)/strides[0] + 1
	g.outW = (g.inW+pads[1]+pads[3]-dilations[1]*(g.kW-1)-1)/strides[1] + 1
	if g.outH < 1 || g.outW < 1 || g.inH+pads[0]+pads[2] < dilations[0]*(g.kH-1)+1 || g.inW+pads[1]+pads[3] < dilations[1]*(g.kW-1)+1 {
		return geometry{}, n.errorf("its kernel of %d×%d does not fit its input of %d×%d", g.kH, g.kW, g.inH, g.inW)
	}
	return g, nil
}

func (c *call) geometry() geometry {
	g, _ := newGeometry(c.node, [][]int{c.x[0].shape, c.x[1].shape}) // its shape was checked
	return g
}

// patch returns the number of weights that an output sees.
func (g *geometry) patch() int { return g.inC * g.kH * g.kW }

// plain reports whether the columns are the input itself.
func (g *geometry) plain() bool {
	return g.kH == 1 && g.kW == 1 && g.strideH == 1 && g.stride == 1 && g.padH == 0 && g.pad == 0 &&
		g.outH == g.inH && g.outW == g.inW
}

// blockRows is how many output rows are taken together, so that their columns
// stay in the second-level cache.
func (g *geometry) blockRows() int {
	const numbers = 1 << 16
	return max(1, min(g.outH, numbers/(g.patch()*g.outW)))
}

// columns sets cols, patch × rows·outW, to what the output rows from row on see
// of x, the channels of one group.
func (g *geometry) columns(cols, x []float32, row, rows int) {
	width := rows * g.outW
	for p := range g.patch() {
		ch, ky, kx := p/(g.kH*g.kW), p/g.kW%g.kH, p%g.kW
		plane := x[ch*g.inH*g.inW:][:g.inH*g.inW]
		out := cols[p*width:][:width]
		from, to := g.inside(kx)
		if g.shifts() {
			seen, first := g.shifted(plane, row, width, ky, kx)
			clear(out[:first])
			clear(out[first+copy(out[first:], seen):])
			g.setEdges(out, from, to, 0)
			continue
		}
		for r := range rows {
			line := out[r*g.outW:][:g.outW]
			iy := (row+r)*g.strideH - g.padH + ky*g.dilateH
			if iy < 0 || iy >= g.inH || from >= to {
				clear(line)
				continue
			}
			clear(line[:from])
			clear(line[to:])
			at := iy*g.inW + from*g.stride - g.pad + kx*g.dilate
			if g.stride == 1 {
				copy(line[from:to], plane[at:])
				continue
			}
			for i := from; i < to; i++ {
				line[i] = plane[at]
				at += g.stride
			}
		}
	}
}

// spread adds cols, as [geometry.columns] lays them out, to where they came
// from. What it finds in cols beside the input it overwrites.
func (g *geometry) spread(x, cols []float32, row, rows int) {
	width := rows * g.outW
	for p := range g.patch() {
		ch, ky, kx := p/(g.kH*g.kW), p/g.kW%g.kH, p%g.kW
		plane := x[ch*g.inH*g.inW:][:g.inH*g.inW]
		from, to := g.inside(kx)
		if g.shifts() {
			out := cols[p*width:][:width]
			g.setEdges(out, from, to, float32(math.Copysign(0, -1))) // which no sum notices
			seen, first := g.shifted(plane, row, width, ky, kx)
			kernels.Add(seen, out[first:][:len(seen)])
			continue
		}
		for r := range rows {
			iy := (row+r)*g.strideH - g.padH + ky*g.dilateH
			if iy < 0 || iy >= g.inH {
				continue
			}
			at := iy*g.inW + from*g.stride - g.pad + kx*g.dilate
			for _, v := range cols[p*width+r*g.outW:][from:max(from, to)] {
				plane[at] += v
				at += g.stride
			}
		}
	}
}

// shifts reports whether outputs lie as the inputs do: then what all of them see
// under one weight is a plane of the input, shifted, but for its edges.
func (g *geometry) shifts() bool { return g.strideH == 1 && g.stride == 1 && g.outW == g.inW }

// shifted returns, of a geometry that [geometry.shifts], the numbers of a plane
// that count outputs from row on see under weight ky, kx, and which of the
// outputs they are: first and the following ones.
func (g *geometry) shifted(plane []float32, row, count, ky, kx int) (seen []float32, first int) {
	at := (row-g.padH+ky*g.dilateH)*g.inW - g.pad + kx*g.dilate // of output 0
	from, to := max(0, at), min(len(plane), at+count)
	if from >= to {
		return nil, 0
	}
	return plane[from:to], from - at
}

// setEdges sets the columns of lines of outputs that are not inside, from ≤ i <
// to, to v.
func (g *geometry) setEdges(lines []float32, from, to int, v float32) {
	if from == 0 && to == g.outW {
		return
	}
	for ; len(lines) > 0; lines = lines[g.outW:] {
		for i := range from {
			lines[i] = v
		}
		for i := to; i < g.outW; i++ {
			lines[i] = v
		}
	}
}

// inside returns the output columns, from ≤ i < to, whose weight kx lies inside
// the input.
func (g *geometry) inside(kx int) (from, to int) {
	first := kx*g.dilate - g.pad // of output column 0
	if first < 0 {
		from = min(g.outW, (-first+g.stride-1)/g.stride)
	}
	return from, max(0, min(g.outW, (g.inW-1-first+g.stride)/g.stride))
}

func convForward(c *call) {
	if c.integer != nil {
		c.convInteger()
		return
	}
	g := c.geometry()
	x, w, y := c.inputData(), c.x[1].data, c.y.data
	inLen, outLen := g.inC*g.inH*g.inW, g.outH*g.outW
	rows := g.blockRows()
	blocks := (g.outH + rows - 1) / rows
	c.threads.do(c.x[0].shape[0]*g.groups*blocks, func(thread, item int) {
		group, row := item/blocks, item%blocks*rows // group of all groups of all pictures
		n := min(rows, g.outH-row)
		s := &c.space[thread]
		in := x[group*inLen:][:inLen]
		cols := kernels.Matrix{Data: in[row*g.outW:], Rows: g.inC, Cols: n * g.outW, RowStride: outLen, ColStride: 1}
		if !g.plain() {
			space := s.get(g.patch() * n * g.outW)
			g.columns(space, in, row, n)
			cols = kernels.Dense(g.patch(), n*g.outW, space)
		}
		first := group % g.groups * g.outC // output channel
		weights := kernels.Dense(g.outC, g.patch(), w[first*g.patch():][:g.outC*g.patch()])
		out := kernels.Matrix{Data: y[group*g.outC*outLen+row*g.outW:], Rows: g.outC, Cols: n * g.outW, RowStride: outLen, ColStride: 1}
		kernels.MatMul(out, weights, cols, false, &s.work)
		if len(c.x) == 3 {
			for ch, b := range c.x[2].data[first:][:g.outC] {
				kernels.Shift(out.Data[ch*outLen:][:out.Cols], b)
			}
		}
	})
}

// shards is how many parts of a batch add up gradients of their own, which are
// then added in order: the same sum for any number of threads.
const shards = 16

func convBackward(c *call) {
	g := c.geometry()
	x, w, dx, dw := c.inputData(), c.x[1].data, c.inputGradient(), c.x[1].grad
	var db []float32
	if len(c.x) == 3 {
		db = c.x[2].grad
	}
	batch := c.x[0].shape[0]
	parts := min(batch, shards)
	size := len(dw) + len(db)
	if len(c.keep) < parts*size {
		c.keep = make([]float32, parts*size)
	}
	clear(c.keep)
	outLen := g.outH * g.outW
	rows := g.blockRows()
	c.threads.do(parts, func(thread, part int) {
		s := &c.space[thread]
		sum := c.keep[part*size:][:size]
		space := s.get(2 * g.patch() * rows * g.outW)
		for group := batch * part / parts * g.groups; group < batch*(part+1)/parts*g.groups; group++ {
			in := x[group*g.inC*g.inH*g.inW:][:g.inC*g.inH*g.inW]
			first := group % g.groups * g.outC
			weights := kernels.Dense(g.outC, g.patch(), w[first*g.patch():][:g.outC*g.patch()])
			for row := 0; row < g.outH; row += rows {
				n := min(rows, g.outH-row)
				dy := kernels.Matrix{Data: c.y.grad[group*g.outC*outLen+row*g.outW:], Rows: g.outC, Cols: n * g.outW, RowStride: outLen, ColStride: 1}
				cols := kernels.Dense(g.patch(), n*g.outW, space)
				if dw != nil {
					g.columns(cols.Data, in, row, n)
					kernels.MatMul(kernels.Dense(g.outC, g.patch(), sum[first*g.patch():]), dy, cols.T(), true, &s.work)
				}
				if dx != nil {
					dcols := kernels.Dense(g.patch(), n*g.outW, space[len(space)/2:])
					kernels.MatMul(dcols, weights.T(), dy, false, &s.work)
					g.spread(dx[group*len(in):][:len(in)], dcols.Data, row, n)
				}
				if db != nil {
					for ch := range g.outC {
						sum[len(dw)+first+ch] += total(dy.Data[ch*outLen:][:dy.Cols])
					}
				}
			}
		}
	})
	c.threads.parts(size, 1<<12, func(_, from, to int) {
		for i := from; i < to; i++ {
			var sum float32
			for part := range parts {
				sum += c.keep[part*size+i]
			}
			if i < len(dw) {
				dw[i] += sum
			} else {
				db[i-len(dw)] += sum
			}
		}
	})
	c.finishInputGradient()
}

// total returns the sum of x, in four lanes that do not wait for each other.
func total(x []float32) float32 {
	var a, b, c, d float32
	for ; len(x) >= 4; x = x[4:] {
		a += x[0]
		b += x[1]
		c += x[2]
		d += x[3]
	}
	for _, v := range x {
		a += v
	}
	return (a + b) + (c + d)
}
