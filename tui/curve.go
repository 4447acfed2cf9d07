package tui

import "math"

// curve is values over steps, as many as a plot can show: when there are more,
// neighbours become their mean.
type curve struct {
	x, y [curvePoints]float64
	n    int
	by   int // values of a point
	held int // of the last point
}

const curvePoints = 1024

// add appends a value.
func (c *curve) add(x, y float64) {
	if c.by == 0 {
		c.by = 1
	}
	if c.held > 0 && c.held < c.by {
		last := c.n - 1
		c.held++
		c.x[last] += (x - c.x[last]) / float64(c.held)
		c.y[last] += (y - c.y[last]) / float64(c.held)
		return
	}
	if c.n == curvePoints {
		for i := range curvePoints / 2 {
			c.x[i] = (c.x[2*i] + c.x[2*i+1]) / 2
			c.y[i] = (c.y[2*i] + c.y[2*i+1]) / 2
		}
		c.n, c.by = curvePoints/2, 2*c.by
	}
	c.x[c.n], c.y[c.n], c.held = x, y, 1
	c.n++
}

// last returns the last point's value.
func (c *curve) last() float64 { return c.y[c.n-1] }

// span returns the least and the largest value, and of others.
func (c *curve) span(others ...float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, y := range c.y[:c.n] {
		lo, hi = min(lo, y), max(hi, y)
	}
	for _, y := range others {
		lo, hi = min(lo, y), max(hi, y)
	}
	if lo == hi || lo > hi {
		return lo - 0.5, hi + 0.5
	}
	return lo, hi
}

// dots are the bits of a braille cell's two columns of four dots, from above.
var dots = [2][4]rune{{1, 2, 4, 64}, {8, 16, 32, 128}}

// dotted is a plot of braille dots, two by four to a cell, over values from x0
// to x1 and from y0 to y1.
type dotted struct {
	s              *screen
	r              rect
	x0, x1, y0, y1 float64
}

// at returns the dot that stands for a point, moved inside the plot.
func (d *dotted) at(x, y float64) (column, row int) {
	w, h := 2*d.r.w, 4*d.r.h
	column = clamp(int((x-d.x0)/max(1e-300, d.x1-d.x0)*float64(w-1)+0.5), 0, w-1)
	row = clamp(int((d.y1-y)/(d.y1-d.y0)*float64(h-1)+0.5), 0, h-1)
	return column, row
}

// cell returns the cell of the screen in which a point lies.
func (d *dotted) cell(x, y float64) (column, row int) {
	column, row = d.at(x, y)
	return d.r.x + column/2, d.r.y + row/4
}

// line joins two points. Where it meets a line of another style it takes its place.
func (d *dotted) line(x0, y0, x1, y1 float64, st style) {
	if d.r.w < 1 || d.r.h < 1 {
		return
	}
	fromX, fromY := d.at(x0, y0)
	toX, toY := d.at(x1, y1)
	steps := max(1, toX-fromX, fromX-toX, toY-fromY, fromY-toY)
	for k := range steps + 1 {
		x, y := fromX+(toX-fromX)*k/steps, fromY+(toY-fromY)*k/steps
		cx, cy := d.r.x+x/2, d.r.y+y/4
		cell := d.s.glyphAt(cx, cy)
		if cell < 0x2800 || cell > 0x28ff || d.s.styleAt(cx, cy) != st {
			cell = 0x2800
		}
		d.s.put(cx, cy, cell|dots[x%2][y%4], st)
	}
}

// paintCurve draws c into r, over steps from 0 to most and values from lo to
// hi. Where several points fall into one column of dots it joins their extremes.
func paintCurve(s *screen, r rect, c *curve, most, lo, hi float64, st style) {
	if c.n == 0 {
		return
	}
	d := dotted{s: s, r: r, x1: max(1, most), y0: lo, y1: hi}
	x, y := c.x[0], c.y[0]
	for i := range c.n {
		d.line(x, y, c.x[i], c.y[i], st)
		x, y = c.x[i], c.y[i]
	}
}
