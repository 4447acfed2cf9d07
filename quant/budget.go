package quant

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
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

// ParseLimit reads how much a plan for tensors may err in what o counts: a number,
// or for what is relative to energy an SQNR in dB.
func (o *Objective) ParseLimit(text string, tensors []*model.Tensor) (float64, error) {
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
	weights := 0.0
	for _, t := range tensors {
		if Quantizable(t) {
			weights += float64(t.Len())
		}
	}
	return weights * math.Pow(10, -db/10), nil
}

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
