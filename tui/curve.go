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

// paintCurve draws c into r as a line of braille dots, over steps from 0 to
// most and values from lo to hi. Where several points fall into one column of
// dots it joins their extremes.
func paintCurve(s *screen, r rect, c *curve, most, lo, hi float64, st style) {
	if r.w < 1 || r.h < 1 || c.n == 0 {
		return
	}
	w, h := 2*r.w, 4*r.h
	column := func(x float64) int { return clamp(int(x/max(1, most)*float64(w-1)+0.5), 0, w-1) }
	row := func(y float64) int { return clamp(int((hi-y)/(hi-lo)*float64(h-1)+0.5), 0, h-1) }
	fromX, fromY := column(c.x[0]), row(c.y[0])
	for i := range c.n {
		toX, toY := column(c.x[i]), row(c.y[i])
		steps := max(1, toX-fromX, toY-fromY, fromY-toY)
		for k := range steps + 1 {
			x, y := fromX+(toX-fromX)*k/steps, fromY+(toY-fromY)*k/steps
			cell := s.glyphAt(r.x+x/2, r.y+y/4)
			if cell < 0x2800 || cell > 0x28ff {
				cell = 0x2800
			}
			s.put(r.x+x/2, r.y+y/4, cell|dots[x%2][y%4], st)
		}
		fromX, fromY = toX, toY
	}
}
