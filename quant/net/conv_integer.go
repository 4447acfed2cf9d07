package net

import "github.com/bitdial/bitdial/kernels"

// convInteger computes a convolution, picture by picture: bytes with the
// channels of a pixel side by side, surrounded by pads, whose patches are rows
// of a product.
func (c *call) convInteger() {
	n, g := c.integer, c.geometry()
	in, out := g.inC*g.inH*g.inW, g.outH*g.outW
	height, width := g.padded()
	rows := g.blockRows()
	c.threads.do(c.x[0].shape[0], func(thread, picture int) {
		s := &n.scratch[thread]
		x := c.x[0].data[picture*g.groups*in:][:g.groups*in]
		a := c.input.mapOf(x, thread)
		zero, steps := uint8(a.Zero-a.Min), n.steps(a, thread)
		codes := atLeast(&s.codes, in)
		image := atLeast(&s.image, height*width*g.inC+kernels.RunSlack)
		patches := atLeast(&s.patches, rows*g.outW*g.patch()+kernels.RunSlack)
		sums := atLeast(&s.sums, rows*g.outW*g.outC)
		for group := range g.groups {
			a.Bytes(codes, x[group*in:][:in])
			fill(image, zero)
			g.interleave(image, codes)
			first := group * g.outC
			for row := 0; row < g.outH; row += rows {
				count := min(rows, g.outH-row) * g.outW
				g.patches(patches, image, row, count/g.outW)
				products := kernels.Dense(count, g.outC, sums)
				kernels.MatMulInt8(products, kernels.Dense(count, g.patch(), patches), zero, n.weights[group], &s.work)
				y := c.y.data[(picture*g.groups*g.outC+first)*out+row*g.outW:]
				kernels.Rescale(kernels.Matrix{Data: y, Rows: count, Cols: g.outC, RowStride: 1, ColStride: out}, products, steps[first:], n.bias[first:])
			}
		}
	})
}

// padded returns the size of a picture with its pads, as far as they are read.
func (g *geometry) padded() (height, width int) {
	return (g.outH-1)*g.strideH + (g.kH-1)*g.dilateH + 1, (g.outW-1)*g.stride + (g.kW-1)*g.dilate + 1
}

// interleave writes planes, the channels of one group, to their places in a
// padded image.
func (g *geometry) interleave(image, planes []uint8) {
	height, width := g.padded()
	for y := range min(g.inH, height-g.padH) { // none if all that is read are pads
		for ch := range g.inC {
			at := ((y+g.padH)*width+g.pad)*g.inC + ch
			for _, code := range planes[(ch*g.inH+y)*g.inW:][:max(0, min(g.inW, width-g.pad))] {
				image[at] = code
				at += g.inC
			}
		}
	}
}

// patches sets dst to what the output rows from row on see of a padded image,
// output by output. Both have [kernels.RunSlack] more bytes than that takes.
func (g *geometry) patches(dst, image []uint8, row, rows int) {
	_, width := g.padded()
	line, pixel := g.dilateH*width*g.inC, g.stride*g.inC
	for y := row; y < row+rows; y++ {
		from := y * g.strideH * width * g.inC
		if g.dilate == 1 {
			kernels.CopyRuns(dst, image[from:], g.kW*g.inC, g.kH, line, g.outW, pixel)
			dst = dst[g.outW*g.patch():]
			continue
		}
		for x := range g.outW {
			for ky := range g.kH {
				kernels.CopyRuns(dst, image[from+x*pixel+ky*line:], g.inC, g.kW, g.dilate*g.inC, 1, 0)
				dst = dst[g.kW*g.inC:]
			}
		}
	}
}

// fill sets all of x, which is not empty, to v.
func fill(x []uint8, v uint8) {
	x[0] = v
	for n := 1; n < len(x); n *= 2 {
		copy(x[n:], x[:n])
	}
}
