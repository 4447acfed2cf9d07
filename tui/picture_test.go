package tui

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// updating reports whether pictures in testdata are to be rewritten: -update,
// a flag that teatest's golden package defines.
func updating() bool { return flag.Lookup("update").Value.String() == "true" }

// requirePicture compares the screen with testdata/name.txt: its glyphs, then
// its foreground and background colours by letters.
func requirePicture(t *testing.T, name string, s *screen) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	got := picture(s)
	if updating() {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and look at the change. Now:\n%s", path, got)
	}
}

// letterOf returns the letter of a colour in a picture; steps of the ramp are
// hexadecimal digits, text on them is T, pixels are P.
func letterOf(c colour) byte {
	switch {
	case c >= colRGB:
		return 'P'
	case c >= colOnRamp0:
		return 'T'
	case c >= colRamp0:
		return "0123456789AB"[c-colRamp0]
	}
	return [...]byte{
		colText: ' ', colDim: 'd', colFaint: 'f', colOriginal: 'o', colQuantized: 'q', colError: 'e',
		colClip: 'c', colAccent: 'a', colGood: 'g', colWarn: 'w', colFail: 'x', colSelectBg: 's', colHoverBg: 'h',
	}[c]
}

func picture(s *screen) string {
	var b strings.Builder
	rule := func(name string) { fmt.Fprintf(&b, "%s%s\n", name, strings.Repeat("─", max(1, s.w+2-len(name)))) }
	rule("glyphs")
	for _, line := range strings.Split(s.plain(), "\n") {
		fmt.Fprintf(&b, "│%s│\n", line)
	}
	for name, of := range []func(style) colour{func(st style) colour { return st.fg }, func(st style) colour { return st.bg }} {
		rule([]string{"text", "ground"}[name])
		for y := range s.h {
			b.WriteString("│")
			for x := range s.w {
				b.WriteByte(letterOf(of(s.styleAt(x, y))))
			}
			b.WriteString("│\n")
		}
	}
	return b.String()
}

// normal returns n normally distributed weights of deviation sigma; every
// tail-th, if tail > 0, is ten times as large.
func normal(n int, sigma float64, tail int) []float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64() * sigma
		if tail > 0 && i%tail == 0 {
			x[i] *= 10
		}
	}
	return x
}

// rounded returns x on a symmetric grid of the given bits that ends at ±clip.
func rounded(x []float64, bits int, clip float64) []float64 {
	last := math.Pow(2, float64(bits-1)) - 1
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = max(-last, min(last, math.RoundToEven(v/clip*last))) * clip / last
	}
	return y
}

func absMax(x []float64) (m float64) {
	for _, v := range x {
		m = max(m, math.Abs(v))
	}
	return m
}

func binned(x []float64, n int, lo, hi float64) []int64 {
	bins := make([]int64, n)
	for _, v := range x {
		bins[clamp(int((v-lo)/(hi-lo)*float64(n)), 0, n-1)]++
	}
	return bins
}

// before and after as a view, and the histogram of the errors.
func viewOf(x, y []float64, clip float64) (*histogramView, *errorView) {
	m := 1.03 * absMax(x)
	e := make([]float64, len(x))
	for i := range x {
		e[i] = y[i] - x[i]
	}
	a := axis{lo: -m, hi: m, clipLo: -clip, clipHi: clip}
	me := 1.03 * absMax(e)
	return &histogramView{axis: a, original: binned(x, 1024, -m, m), quantized: binned(y, 1024, -m, m)},
		&errorView{axis: axis{lo: -me, hi: me}, bins: binned(e, 1024, -me, me)}
}
