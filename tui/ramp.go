package tui

import (
	"math"

	"github.com/lucasb-eyer/go-colorful"
)

// rampPath is the way of the error ramp through OkLCh (lightness, chroma, hue
// in degrees) from no error to the worst. More error is always further from the
// background, so lightness alone orders the steps, whatever the eye or printer;
// the hue turns from the violet next to the original's blue through magenta to
// yellow, as in matplotlib's magma.
var rampPath = struct{ dark, light [][3]float64 }{
	dark:  [][3]float64{{0.58, 0.11, 282}, {0.63, 0.21, 340}, {0.74, 0.18, 380}, {0.86, 0.14, 437}, {0.97, 0.11, 456}},
	light: [][3]float64{{0.64, 0.08, 276}, {0.57, 0.21, 316}, {0.45, 0.19, 360}, {0.37, 0.15, 388}, {0.21, 0.06, 416}},
}

// ramp returns colours at equal distances in OkLab along the path.
func ramp(dark bool) [rampSteps]colorful.Color {
	path := rampPath.light
	if dark {
		path = rampPath.dark
	}
	const fine = 2000
	var walk [fine + 1][3]float64 // OkLab
	var length [fine + 1]float64
	for i := range walk {
		at := float64(i) / fine * float64(len(path)-1)
		leg := min(int(at), len(path)-2)
		t := at - float64(leg)
		var lch [3]float64
		for k := range lch {
			lch[k] = path[leg][k]*(1-t) + path[leg+1][k]*t
		}
		c := colorful.OkLch(lch[0], lch[1], math.Mod(lch[2], 360)).Clamped()
		l, a, b := c.OkLab()
		walk[i] = [3]float64{l, a, b}
		if i > 0 {
			p := walk[i-1]
			length[i] = length[i-1] + math.Hypot(l-p[0], math.Hypot(a-p[1], b-p[2]))
		}
	}
	var steps [rampSteps]colorful.Color
	i := 0
	for k := range steps {
		for i < fine && length[i] < length[fine]*float64(k)/(rampSteps-1) {
			i++
		}
		steps[k] = colorful.OkLab(walk[i][0], walk[i][1], walk[i][2]).Clamped()
	}
	return steps
}

// legibleOn returns black or white, whichever contrasts more with c. One of
// the two always reaches 4.58:1.
func legibleOn(c colorful.Color) colorful.Color {
	black, white := colorful.Color{}, colorful.Color{R: 1, G: 1, B: 1}
	if contrast(black, c) > contrast(white, c) {
		return black
	}
	return white
}

// contrast returns the contrast ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b colorful.Color) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(c colorful.Color) float64 {
	r, g, b := c.LinearRgb()
	return 0.2126*r + 0.7152*g + 0.0722*b
}

// A scale maps values to the error ramp. Good is the value of no concern and
// bad the one of most; either may be the larger, so that a scale fits errors
// as well as signal-to-noise ratios.
type scale struct{ good, bad float64 }

// frac returns where v lies between good (0) and bad (1), limited to them.
// NaN and an empty scale give 0.
func (sc scale) frac(v float64) float64 {
	if v == sc.good || sc.good == sc.bad {
		return 0
	}
	if math.IsInf(v, 0) {
		if (v > 0) == (sc.bad > sc.good) {
			return 1
		}
		return 0
	}
	f := (v - sc.good) / (sc.bad - sc.good)
	if !(f > 0) {
		return 0
	}
	return min(f, 1)
}

// step returns the step of the ramp for v.
func (sc scale) step(v float64) colour {
	return colour(min(int(sc.frac(v)*rampSteps), rampSteps-1))
}

// style returns the style of a glyph that stands for v.
func (sc scale) style(v float64) style { return fg(colRamp0 + sc.step(v)) }

// ground returns the style of text about v, with v's colour as background.
func (sc scale) ground(v float64) style {
	return style{fg: colOnRamp0 + sc.step(v), bg: colRamp0 + sc.step(v)}
}

// worse reports whether a is further towards bad than b.
func (sc scale) worse(a, b float64) bool {
	if sc.bad >= sc.good {
		return a > b
	}
	return a < b
}

// shades are glyphs of growing weight for what the ramp shows by colour.
var shades = [4]rune{'░', '▒', '▓', '█'}

// shade returns the glyph that stands for v.
func (sc scale) shade(v float64) rune {
	return shades[min(int(sc.frac(v)*float64(len(shades))), len(shades)-1)]
}

// paintLegend draws the ramp between the values of its ends and a label into
// the first row of r, "40 ░░░▒▒▒▓▓▓███ 10 dB", and returns the column after
// it.
func paintLegend(s *screen, r rect, sc scale, label string) int {
	if r.h <= 0 {
		return r.x
	}
	x := s.text(r, r.x, r.y, fg(colDim), valueText(sc.good)+" ")
	for i := range rampSteps {
		if x < r.x+r.w {
			s.put(x, r.y, shades[i*len(shades)/rampSteps], fg(colRamp0+colour(i)))
			x++
		}
	}
	return s.text(r, x, r.y, fg(colDim), " "+valueText(sc.bad)+" "+label)
}
