package tui

import (
	"math"
	"testing"

	"github.com/charmbracelet/colorprofile"
	"github.com/lucasb-eyer/go-colorful"
)

// grounds are common terminal backgrounds: black, VS Code, Catppuccin, One
// Dark; white, GitHub, Solarized.
var grounds = map[bool][]string{
	true:  {"#000000", "#16181d", "#1e1e2e", "#282c34"},
	false: {"#ffffff", "#f6f8fa", "#fdf6e3"},
}

func themes() []*theme { return []*theme{newTheme(true), newTheme(false)} }

func TestTextIsLegibleOnCommonBackgrounds(t *testing.T) {
	for _, th := range themes() {
		for _, c := range []colour{colDim, colQuantized, colError, colClip, colAccent, colGood, colWarn, colFail} {
			for _, g := range grounds[th.dark] {
				if k := contrast(th.colour[c], mustHex(g)); k < 4.5 {
					t.Errorf("dark %v: colour %d on %s: %.2f:1", th.dark, c, g, k)
				}
			}
			for _, g := range []colour{colSelectBg, colHoverBg} {
				if k := contrast(th.colour[c], th.colour[g]); k < 4.5 {
					t.Errorf("dark %v: colour %d on %d: %.2f:1", th.dark, c, g, k)
				}
			}
		}
	}
}

func TestPlotsStandOutFromTheBackground(t *testing.T) {
	for _, th := range themes() {
		plot := []colour{colOriginal, colQuantized, colError}
		for i := range colour(rampSteps) {
			plot = append(plot, colRamp0+i)
		}
		for _, c := range plot {
			for _, g := range grounds[th.dark] {
				if k := contrast(th.colour[c], mustHex(g)); k < 3 {
					t.Errorf("dark %v: colour %d on %s: %.2f:1", th.dark, c, g, k)
				}
			}
		}
	}
}

func TestTheRampIsEvenAndRisesFromTheBackground(t *testing.T) {
	for _, th := range themes() {
		var dist []float64
		for i := 1; i < rampSteps; i++ {
			l0, a0, b0 := th.colour[colRamp0+colour(i-1)].OkLab()
			l1, a1, b1 := th.colour[colRamp0+colour(i)].OkLab()
			if (l1 > l0) != th.dark {
				t.Errorf("dark %v: step %d goes from lightness %.3f to %.3f", th.dark, i, l0, l1)
			}
			dist = append(dist, math.Hypot(l1-l0, math.Hypot(a1-a0, b1-b0)))
		}
		lo, hi := dist[0], dist[0]
		for _, d := range dist {
			lo, hi = min(lo, d), max(hi, d)
		}
		if hi > 1.1*lo {
			t.Errorf("dark %v: distances from %.4f to %.4f", th.dark, lo, hi)
		}
	}
}

func TestTextOnTheRampIsLegible(t *testing.T) {
	for _, th := range themes() {
		for i := range colour(rampSteps) {
			if k := contrast(th.colour[colRamp0+i], th.colour[colOnRamp0+i]); k < 4.5 {
				t.Errorf("dark %v: step %d: %.2f:1", th.dark, i, k)
			}
		}
	}
}

// colourBlind holds the matrices of Machado, Oliveira and Fernandes (2009) at
// severity 1, for linear RGB.
var colourBlind = map[string][9]float64{
	"nobody": {1, 0, 0, 0, 1, 0, 0, 0, 1},
	"protanopia": {
		0.152286, 1.052583, -0.204868,
		0.114503, 0.786281, 0.099216,
		-0.003882, -0.048116, 1.051998,
	},
	"deuteranopia": {
		0.367322, 0.860646, -0.227968,
		0.280085, 0.672501, 0.047413,
		-0.011820, 0.042940, 0.968881,
	},
	"tritanopia": {
		1.255528, -0.076749, -0.178779,
		-0.078411, 0.930809, 0.147602,
		0.004733, 0.691367, 0.303900,
	},
}

func seen(c colorful.Color, m [9]float64) colorful.Color {
	r, g, b := c.LinearRgb()
	return colorful.LinearRgb(m[0]*r+m[1]*g+m[2]*b, m[3]*r+m[4]*g+m[5]*b, m[6]*r+m[7]*g+m[8]*b).Clamped()
}

func TestOriginalQuantizedAndErrorAreTellableApartByColourBlindEyes(t *testing.T) {
	pairs := [][2]colour{{colOriginal, colQuantized}, {colQuantized, colError}, {colOriginal, colError}}
	for _, th := range themes() {
		for who, m := range colourBlind {
			for _, p := range pairs {
				l0, a0, b0 := seen(th.colour[p[0]], m).OkLab()
				l1, a1, b1 := seen(th.colour[p[1]], m).OkLab()
				d := math.Hypot(l1-l0, math.Hypot(a1-a0, b1-b0))
				t.Logf("dark %v, %s: colours %v: %.3f", th.dark, who, p, d)
				// 0.02 is just noticeable in OkLab.
				if d < 0.09 || p[0] == colOriginal && p[1] == colQuantized && d < 0.13 {
					t.Errorf("dark %v, %s: colours %v are only %.3f apart", th.dark, who, p, d)
				}
			}
		}
	}
}

func TestFewerColoursKeepTheMeaningsApart(t *testing.T) {
	for _, th := range themes() {
		for _, p := range []colorprofile.Profile{colorprofile.ANSI256, colorprofile.ANSI} {
			if p.Convert(th.colour[colOriginal]) == p.Convert(th.colour[colQuantized]) {
				t.Errorf("dark %v: original and quantized are one colour in %v", th.dark, p)
			}
		}
		shades := map[any]bool{}
		for i := range colour(rampSteps) {
			c, few := th.colour[colRamp0+i], colorprofile.ANSI256.Convert(th.colour[colRamp0+i])
			shades[few] = true
			if near, _ := colorful.MakeColor(few); c.DistanceLab(near) > 0.35 { // grey amid colours
				t.Errorf("dark %v: step %d of the ramp, %s, becomes %s in 256 colours", th.dark, i, c.Hex(), near.Hex())
			}
		}
		if len(shades) < 9 {
			t.Errorf("dark %v: the ramp keeps only %d of %d steps in 256 colours", th.dark, len(shades), rampSteps)
		}
	}
}
