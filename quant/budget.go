package quant

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Budget is how large a model may become: a number of bytes, of bits per weight,
// or a share of what it is. One of the three is not 0.
type Budget struct {
	Bytes int64
	BPW   float64
	Share float64
}

// ParseBudget reads 4.5bpw, 75%, or bytes as [ParseBytes] does.
func ParseBudget(text string) (Budget, error) {
	number := func(suffix string, most float64) (float64, bool) {
		digits, ok := strings.CutSuffix(strings.ToLower(text), suffix)
		n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		return n, ok && err == nil && n > 0 && n <= most
	}
	if n, ok := number("bpw", 64); ok {
		return Budget{BPW: n}, nil
	}
	if n, ok := number("%", 1000); ok {
		return Budget{Share: n / 100}, nil
	}
	if n, err := ParseBytes(text); err == nil && n > 0 {
		return Budget{Bytes: n}, nil
	}
	return Budget{}, fmt.Errorf("%q is not a budget: 4.5bpw, 6GiB, 123456B or 75%%", text)
}

// Of returns the bytes that b allows a model of so many weights and bytes.
func (b Budget) Of(params int, bytes int64) int64 {
	switch {
	case b.BPW > 0:
		return int64(b.BPW * float64(params) / 8)
	case b.Share > 0:
		return int64(b.Share * float64(bytes))
	}
	return b.Bytes
}

// ParseLimit reads how much a plan for so many finite weights may err in what o
// counts: a number, or for what is relative to energy an SQNR in dB.
func (o *Objective) ParseLimit(text string, weights int) (float64, error) {
	if o.Name == "sse" {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n >= 0) {
			return 0, fmt.Errorf("%q is not a sum of squared errors, such as 0.25", text)
		}
		return n, nil
	}
	db, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.ToLower(text), "db")), 64)
	if err != nil || math.IsNaN(db) {
		return 0, fmt.Errorf("%q is not an SQNR in dB, such as 25", text)
	}
	return float64(weights) * math.Pow(10, -db/10), nil
}

// SQNR returns the dB that o's errors over so many weights amount to, where o is
// relative to energy: what [Objective.ParseLimit] reads.
func (o *Objective) SQNR(sum float64, weights int) float64 { return decibel(float64(weights), sum) }

// ParseFloor reads GLOB=BITS, "blk.*=4" or "blk.*=4bpw".
func ParseFloor(text string) (Floor, error) {
	at := strings.LastIndexByte(text, '=')
	if at < 1 {
		return Floor{}, fmt.Errorf("%q is not GLOB=BITS, such as 'blk.0.*=4'", text)
	}
	bits, err := strconv.ParseFloat(strings.TrimSuffix(strings.ToLower(text[at+1:]), "bpw"), 64)
	if err != nil || !(bits > 0 && bits <= 64) {
		return Floor{}, fmt.Errorf("%q: %q is not a number of bits per weight", text, text[at+1:])
	}
	if CheckGlob(text[:at]) != nil {
		return Floor{}, fmt.Errorf("%q: %q is not a glob", text, text[:at])
	}
	return Floor{text[:at], bits}, nil
}

// sizeUnits is the table of units of bytes, in lower case.
var sizeUnits = map[string]float64{
	"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}

// ParseBytes reads a number of bytes: "6GiB", "512 MB", "123456B". Units with an i
// and bare letters count by 1024, the others by 1000; a fraction of a byte is cut
// off.
func ParseBytes(text string) (int64, error) {
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit, known := sizeUnits[strings.ToLower(text[len(digits):])]
	n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if bytes := n * unit; known && err == nil && bytes >= 0 && bytes < 1<<62 && !math.IsNaN(bytes) {
		return int64(bytes), nil
	}
	return 0, fmt.Errorf("%q is not a number of bytes, such as 6GiB, 512MB or 123456B", text)
}
