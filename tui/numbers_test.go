package tui

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNumbersAreShort(t *testing.T) {
	for got, want := range map[string]string{
		sizeText(0): "0 B", sizeText(1023): "1023 B", sizeText(1024): "1.00 KiB",
		sizeText(825_000): "806 KiB", sizeText(1<<20 - 1): "1.00 MiB", sizeText(4_520_000_000): "4.21 GiB",
		sizeText(math.MaxInt64): "8.00 EiB",
		countText(0):            "0", countText(999): "999", countText(4608): "4 608", countText(9999): "9 999",
		countText(10_000): "10.0 k", countText(207_408): "207 k", countText(999_499): "999 k", countText(999_500): "1.00 M",
		countText(8_030_261_248): "8.03 G", countText(-4608): "-4 608",
		dbText(math.Inf(1)): "∞", dbText(-3.14): "-3.1", dbText(21.68): "21.7",
		dbText(math.NaN()): "–", dbText(-0.01): "0.0", dbText(math.Inf(-1)): "-∞",
		valueText(0): "0", valueText(0.031415): "0.0314", valueText(-1.25): "-1.25", valueText(6.1035e-5): "6.1e-05",
		valueText(448): "448", valueText(65504): "65500", valueText(3.4e38): "3.4e+38", valueText(math.NaN()): "NaN",
		valueText(math.Inf(-1)): "-∞", valueText(0.5): "0.5", valueText(math.MaxFloat64): "1.8e+308",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestNumbersStayShortAtAnySize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		v := rapid.Float64().Draw(t, "v")
		for text, limit := range map[string]int{
			sizeText(max(n, 0)): 8, countText(n): 7, valueText(v): 10,
		} {
			if w := textWidth(text); w > limit {
				t.Fatalf("%q is %d columns wide", text, w)
			}
		}
	})
}

func TestABarShowsEighthsAndIsFullOnlyWhenFull(t *testing.T) {
	for _, c := range []struct {
		frac float64
		w    int
		want string
	}{
		{0, 4, "    "},
		{1e-9, 4, "▏   "},
		{0.5, 4, "██  "},
		{0.34375, 4, "█▍  "},
		{0.9999, 4, "███▉"},
		{1, 4, "████"},
		{7, 2, "██"},
		{-1, 2, "  "},
		{math.NaN(), 2, "  "},
		{1, 0, ""},
		{1, -3, ""},
	} {
		if got := bar(c.frac, c.w); got != c.want {
			t.Errorf("bar(%v, %d) = %q, want %q", c.frac, c.w, got, c.want)
		}
	}
}

func TestABarGrowsWithItsFraction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.IntRange(0, 40).Draw(t, "w")
		a := rapid.Float64Range(0, 1).Draw(t, "a")
		b := rapid.Float64Range(a, 1).Draw(t, "b")
		if textWidth(bar(a, w)) != w {
			t.Fatalf("%q is not %d wide", bar(a, w), w)
		}
		if strings.Count(bar(a, w), "█") > strings.Count(bar(b, w), "█") {
			t.Fatalf("bar(%v) is longer than bar(%v)", a, b)
		}
	})
}
