package kernels

import "math"

// Spectrum counts finite values by the upper 16 bits of their float32: sign,
// exponent and seven bits of mantissa. It says what a tensor of any size looks
// like to within 2^-7 of each value, in constant memory.
type Spectrum struct {
	counts  [1 << 16]uint32 // NaN and ±Inf have theirs too, which nobody reads
	counted int             // values in counts
	carry   *[1 << 16]int   // what full counters handed on
	low     uint32          // all bits that occurred in finite values
}

// Distribution is what a [Spectrum] has counted: the buckets that are not
// empty, by ascending value.
type Distribution []Bucket

// Bucket is a run of values, Lo ≤ x < Hi, or x = Lo if the two are equal, and
// how many there are.
type Bucket struct {
	Lo, Hi float64
	N      int
}

// keysLen is how many keys are found before they are counted.
const keysLen = 1 << 9

// Count adds the finite values of x.
func (s *Spectrum) Count(x []float32) {
	var buf [keysLen]uint16
	s.makeRoom(len(x))
	for len(x) > 0 {
		n := min(len(x), keysLen)
		s.low |= keys(buf[:n], x[:n])
		for _, k := range buf[:n] {
			s.counts[k]++
		}
		x = x[n:]
	}
}

// CountDifferences adds the finite values of x − y, float32 like them.
func (s *Spectrum) CountDifferences(x, y []float32) {
	var buf [keysLen]uint16
	s.makeRoom(len(x))
	for len(x) > 0 {
		n := min(len(x), keysLen)
		s.low |= differenceKeys(buf[:n], x[:n], y[:n])
		for _, k := range buf[:n] {
			s.counts[k]++
		}
		x, y = x[n:], y[n:]
	}
}

// keysGo sets dst to the upper halves of x and returns the union of the finite
// ones' bits.
func keysGo(dst []uint16, x []float32) (low uint32) {
	for i, v := range x {
		b := math.Float32bits(v)
		dst[i] = uint16(b >> 16)
		if b&expMask != expMask {
			low |= b
		}
	}
	return low
}

// differenceKeysGo is keysGo of x − y.
func differenceKeysGo(dst []uint16, x, y []float32) (low uint32) {
	for i, v := range x {
		b := math.Float32bits(v - y[i])
		dst[i] = uint16(b >> 16)
		if b&expMask != expMask {
			low |= b
		}
	}
	return low
}

// makeRoom empties the counters if n more values might fill one.
func (s *Spectrum) makeRoom(n int) {
	if s.counted+n > math.MaxUint32 {
		s.handOn()
	}
	s.counted += n
}

func (s *Spectrum) handOn() {
	if s.carry == nil {
		s.carry = new([1 << 16]int)
	}
	for key, n := range &s.counts {
		s.carry[key] += int(n)
	}
	s.counts, s.counted = [1 << 16]uint32{}, 0
}

// Merge adds what o has counted.
func (s *Spectrum) Merge(o *Spectrum) {
	s.makeRoom(o.counted)
	s.low |= o.low
	for key, n := range &o.counts {
		s.counts[key] += n
	}
	if o.carry != nil {
		s.handOn()
		for key, n := range o.carry {
			s.carry[key] += n
		}
	}
}

// Distribution returns what was counted.
func (s *Spectrum) Distribution() Distribution {
	const inf, minus = expMask >> 16, 1 << 15
	out := make(Distribution, 0, 1<<12)
	for first := uint32(minus + inf - 8); first >= minus; first -= 8 {
		for key := first + 7; key >= first && !s.vacant(first); key-- {
			out = s.bucket(out, key)
		}
	}
	for first := uint32(0); first < inf; first += 8 {
		for key := first; key < first+8 && !s.vacant(first); key++ {
			out = s.bucket(out, key)
		}
	}
	return out
}

// vacant reports whether none of eight keys occurred, as is so of most.
func (s *Spectrum) vacant(first uint32) bool {
	c := (*[8]uint32)(s.counts[first:])
	return c[0]|c[1]|c[2]|c[3]|c[4]|c[5]|c[6]|c[7] == 0 && s.carry == nil
}

// bucket appends the values with the key, if there are any.
func (s *Spectrum) bucket(out Distribution, key uint32) Distribution {
	n := int(s.counts[key])
	if s.carry != nil {
		n += s.carry[key]
	}
	if n == 0 {
		return out
	}
	a := float64(math.Float32frombits(key << 16))
	b := a
	if s.low&0xffff != 0 {
		b = bucketEnd(key)
	}
	return append(out, Bucket{min(a, b), max(a, b), n})
}

func bucketEnd(key uint32) float64 {
	if key&0x7fff == 0x7f7f { // the next pattern is Inf
		return math.Copysign(0x1p128, float64(math.Float32frombits(key<<16)))
	}
	return float64(math.Float32frombits((key + 1) << 16))
}

// AbsPercentile returns the pct-th percentile of the counted magnitudes,
// taking them as evenly spread inside each bucket: within 2^-7 of the exact
// value, relatively. It is 0 if nothing was counted.
func (d Distribution) AbsPercentile(pct float64) float32 {
	total := 0
	for _, b := range d {
		total += b.N
	}
	if total == 0 {
		return 0
	}
	// Walk inwards from both ends: percentiles in use lie in the tails.
	above := (1 - pct/100) * float64(total)
	i, j := 0, len(d)-1
	for {
		b, lo, hi := d[i], -d[i].Hi, -d[i].Lo
		if i == j || d[j].Hi >= hi {
			b, lo, hi = d[j], d[j].Lo, d[j].Hi
			j--
		} else {
			i++
		}
		n := float64(b.N)
		if above <= n || i > j {
			inside := min(1, above/n)
			return float32(hi - inside*(hi-lo))
		}
		above -= n
	}
}

// Loss returns the squared error of the counted values under a with nearest
// rounding, taking them as evenly spread inside each bucket, or a partial sum
// once that exceeds limit.
func (d Distribution) Loss(a Affine, limit float64) float64 {
	step := float64(a.Scale)
	l, h := a.Range()
	lo, hi := float64(l), float64(h)
	var sum float64
	for _, b := range d {
		var mean float64
		if b.Lo == b.Hi {
			x := max(lo, min(hi, b.Lo))
			e := b.Lo - x
			if e == 0 {
				e = x - math.RoundToEven(x/step)*step
			}
			mean = e * e
		} else {
			in := sawtooth(max(lo, min(hi, b.Hi)), step) - sawtooth(max(lo, min(hi, b.Lo)), step)
			mean = (in + tail(b.Lo, b.Hi, hi) + tail(-b.Hi, -b.Lo, -lo)) / (b.Hi - b.Lo)
		}
		sum += mean * float64(b.N)
		if sum > limit {
			break
		}
	}
	return sum
}

// Losses sets every out[k] to the loss of the counted values under maps[k] as
// [Fit.SearchMSE] asks for it.
func (d Distribution) Losses(out []float64, maps []Affine, limit float64) {
	for k, a := range maps {
		out[k] = d.Loss(a, limit)
		limit = min(limit, out[k])
	}
}

// sawtooth is the integral from 0 to x of (t − step·round(t/step))² dt.
func sawtooth(x, step float64) float64 {
	k := math.RoundToEven(x / step)
	r := x/step - k
	return step * step * step * (k/12 + r*r*r/3)
}

// tail is the integral over a..b of (t − end)² where t exceeds end.
func tail(a, b, end float64) float64 {
	a, b = max(a-end, 0), max(b-end, 0)
	return (b*b*b - a*a*a) / 3
}
