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
		image := atLeast(&s.image, height*width*g.inC+runSlack)
		patches := atLeast(&s.patches, rows*g.outW*g.patch()+runSlack)
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
// output by output. Both have runSlack more bytes than that takes.
func (g *geometry) patches(dst, image []uint8, row, rows int) {
	_, width := g.padded()
	runs, run := g.kW, g.inC // of a row of the kernel
	if g.dilate == 1 {
		runs, run = 1, g.kW*g.inC
	}
	for y := row; y < row+rows; y++ {
		for x := range g.outW {
			for ky := range g.kH {
				from := ((y*g.strideH+ky*g.dilateH)*width + x*g.stride) * g.inC
				for range runs {
					copyRun(dst, image[from:], run)
					dst, from = dst[run:], from+g.dilate*g.inC
				}
			}
		}
	}
}

// runSlack is how many bytes past a run copyRun may touch.
const runSlack = 15

// copyRun copies n bytes and up to runSlack more: short runs are many, and copy
// takes longer to find out how short they are.
func copyRun(dst, src []uint8, n int) {
	for i := 0; i < n; i += runSlack + 1 {
		*(*[runSlack + 1]uint8)(dst[i:]) = *(*[runSlack + 1]uint8)(src[i:])
	}
}

// fill sets all of x, which is not empty, to v.
func fill(x []uint8, v uint8) {
	x[0] = v
	for n := 1; n < len(x); n *= 2 {
		copy(x[n:], x[:n])
	}
}
