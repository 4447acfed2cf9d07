package kernels

import "math"

// BinCount is how many bins a [BinCounter] has: enough for every column of a
// wide terminal to cover several.
const BinCount = 1024

// BinCounter counts values in BinCount equal bins over a range. Values outside
// land in the end bins.
type BinCounter struct {
	lo, scale float64
	counted   int // values in tables
	carry     [BinCount]int64
	// Neighbours are counted in different tables, so that equal ones need not
	// wait for each other. The bin past the last takes NaN and ±Inf.
	tables [4][2 * BinCount]uint32
}

// NewBinCounter returns a counter of values between lo and hi.
func NewBinCounter(lo, hi float64) *BinCounter {
	return &BinCounter{lo: lo, scale: BinCount / (hi - lo)}
}

// Count adds the finite values of x.
func (c *BinCounter) Count(x []float32) {
	if c.counted+len(x) > math.MaxUint32 {
		c.empty()
	}
	c.counted += len(x)
	var buf [keysLen]uint16
	for len(x) > 0 {
		n := min(len(x), keysLen)
		bins(buf[:n], x[:n], c.lo, c.scale)
		found := buf[:n]
		for ; len(found) >= 4; found = found[4:] {
			c.tables[0][found[0]%(2*BinCount)]++
			c.tables[1][found[1]%(2*BinCount)]++
			c.tables[2][found[2]%(2*BinCount)]++
			c.tables[3][found[3]%(2*BinCount)]++
		}
		for _, b := range found {
			c.tables[0][b%(2*BinCount)]++
		}
		x = x[n:]
	}
}

// empty moves the counts out of the tables.
func (c *BinCounter) empty() {
	for t := range c.tables {
		for b, n := range c.tables[t][:BinCount] {
			c.carry[b] += int64(n)
		}
	}
	clear(c.tables[:])
	c.counted = 0
}

// AddTo adds what was counted to counts, BinCount of them.
func (c *BinCounter) AddTo(counts []int64) {
	c.empty()
	for b, n := range &c.carry {
		counts[b] += n
	}
}

// binsGo sets dst to the bins of x, BinCount where x is not finite.
func binsGo(dst []uint16, x []float32, lo, scale float64) {
	for i, v := range x {
		dst[i] = BinCount
		if Finite(v) {
			b := (float64(v) - lo) * scale
			dst[i] = uint16(max(0, min(BinCount-1, b)))
		}
	}
}
