package tui

import (
	"fmt"
	"math"
	"strconv"
)

// sizeText returns a number of bytes with three digits: "806 KiB", "4.21 GiB".
func sizeText(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	return scaled(float64(n), 1024, " KiB", " MiB", " GiB", " TiB", " PiB", " EiB")
}

// countText returns a count with its digits while they are few, "4 608", and
// with three of them beyond: "207 k", "8.03 G".
func countText(n int64) string {
	switch {
	case n < 0:
		return "-" + countText(-max(n, -math.MaxInt64))
	case n < 1000:
		return strconv.FormatInt(n, 10)
	case n < 10000:
		return fmt.Sprintf("%d %03d", n/1000, n%1000)
	}
	return scaled(float64(n), 1000, " k", " M", " G", " T", " P", " E")
}

// scaled returns v in the first unit that leaves less than one of the next.
func scaled(v, base float64, units ...string) string {
	v /= base
	i := 0
	for i < len(units)-1 && v >= 999.5 {
		v /= base
		i++
	}
	return digits(v, 3) + units[i]
}

// digits returns v ≥ 0 with n significant digits and no exponent.
func digits(v float64, n int) string {
	after := n - 1
	for limit := 10.0; after > 0 && v >= limit-0.5*math.Pow10(-after); limit *= 10 {
		after--
	}
	return strconv.FormatFloat(v, 'f', after, 64)
}

// dbText returns decibels with one digit after the point: "21.7", "∞" for no
// error at all, "–" for what is not known.
func dbText(db float64) string {
	switch {
	case math.IsNaN(db):
		return "–"
	case math.IsInf(db, 1):
		return "∞"
	case math.IsInf(db, -1):
		return "-∞"
	case math.Abs(db) < 0.05:
		return "0.0" // never "-0.0"
	}
	return strconv.FormatFloat(db, 'f', 1, 64)
}

// valueText returns a weight with three significant digits: "0.0314", "-1.25",
// "6.1e-05".
func valueText(v float64) string { return valueDigits(v, 3) }

// valueDigits is valueText with n significant digits, trailing zeros dropped.
func valueDigits(v float64, n int) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "∞"
	case math.IsInf(v, -1):
		return "-∞"
	case v == 0:
		return "0"
	}
	short := strconv.FormatFloat(v, 'g', n, 64)
	if a := math.Abs(v); a < 1e-4 || a >= 1e6 {
		return short
	}
	rounded, err := strconv.ParseFloat(short, 64)
	if err != nil {
		return short
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
