package tui

import "context"

// lookOf names an input of a test.
type lookOf struct{ set, i int }

// look is a picture in the sizes in which it can be shown, each with half the
// width and the height of the one before.
type look [3]pixels

// pixels is a picture as colours, row by row.
type pixels struct {
	w, h int
	at   []colour
}

func doLook(ctx context.Context, e errand, g given, _ func(float64)) (any, error) {
	found := map[int]*look{}
	for _, i := range g.wanted {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		found[i] = newLook(g.task.Picture(g.task.Tests[e.set].Data, i))
	}
	return found, nil
}

func newLook(rgb []byte, w, h int) *look {
	l := new(look)
	for k := range l {
		l[k] = shrink(rgb, w, h, 1<<k)
	}
	return l
}

// shrink returns a picture of w·h pixels with each square of by·by pixels
// become one, their mean.
func shrink(pic []byte, w, h, by int) pixels {
	p := pixels{w: (w + by - 1) / by, h: (h + by - 1) / by}
	p.at = make([]colour, p.w*p.h)
	for i := range p.at {
		var sum [3]int
		n := 0
		for y := i / p.w * by; y < min(h, (i/p.w+1)*by); y++ {
			for x := i % p.w * by; x < min(w, (i%p.w+1)*by); x++ {
				for c := range sum {
					sum[c] += int(pic[3*(y*w+x)+c])
				}
				n++
			}
		}
		p.at[i] = rgb(byte(sum[0]/n), byte(sum[1]/n), byte(sum[2]/n))
	}
	return p
}

// rows returns how many rows of cells the picture takes: a cell shows two pixels.
func (p *pixels) rows() int { return (p.h + 1) / 2 }

// paintPixels draws p into r, from its upper left corner. Without colour cells
// have glyphs of growing weight, the heavier the further from the background.
func paintPixels(s *screen, r rect, p *pixels, dark bool) {
	for y := range min(p.rows(), r.h) {
		for x := range min(p.w, r.w) {
			upper := p.at[2*y*p.w+x]
			lower := colText
			if 2*y+1 < p.h {
				lower = p.at[(2*y+1)*p.w+x]
			}
			if s.mono {
				s.put(r.x+x, r.y+y, pixelShade(upper, lower, dark), style{})
				continue
			}
			s.put(r.x+x, r.y+y, '▀', style{fg: upper, bg: lower})
		}
	}
}

// pixelShades are the glyphs of pixels without colour.
var pixelShades = [...]rune{' ', '░', '▒', '▓', '█'}

func pixelShade(upper, lower colour, dark bool) rune {
	if lower == colText {
		lower = upper
	}
	light := (lightness(upper) + lightness(lower)) / 2
	if !dark {
		light = 255 - light
	}
	return pixelShades[light*len(pixelShades)/256]
}

// lightness returns the luma of a pixel, from 0 to 255.
func lightness(c colour) int {
	return (299*int(c>>16&0xff) + 587*int(c>>8&0xff) + 114*int(c&0xff)) / 1000
}
