package quant

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

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
