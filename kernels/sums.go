package kernels

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// Sums are the error sums of a round trip: of weights x, what came back y and
// the error e = x − y. Only finite weights enter; the others are counted.
type Sums struct {
	N          int     // finite weights
	NonFinite  int     // NaN and ±Inf, left as they were
	E, E2      float64 // Σe, Σe²
	X2, Y2, XY float64 // Σx², Σy², Σx·y
	MaxAbs     float64 // max |e|
	MaxAt      int     // index of the first weight with that error
	Clipped    int     // weights whose code lay outside the format's codes
	Zeros      int     // weights that were not zero and became zero
}

// Add adds o, the sums of weights that follow those of s. Sums added in one
// order are equal to the bit, whoever computed the parts.
func (s *Sums) Add(o Sums) {
	s.N += o.N
	s.NonFinite += o.NonFinite
	s.E += o.E
	s.E2 += o.E2
	s.X2 += o.X2
	s.Y2 += o.Y2
	s.XY += o.XY
	if o.MaxAbs > s.MaxAbs {
		s.MaxAbs, s.MaxAt = o.MaxAbs, o.MaxAt
	}
	s.Clipped += o.Clipped
	s.Zeros += o.Zeros
}

// Compare returns the sums of the weights x and their quantized values y, of
// the same length, finite where x is; at is the index of x[0] in its tensor.
// Clipped is left 0: only the format knows it. The order of addition is that
// of [fold].
func Compare(x, y []float32, at int) Sums {
	var l errorLanes
	y = y[:len(x)]
	for i := 0; i < len(x); i += BlockLen {
		end := min(i+BlockLen, len(x))
		l.add(x[i:end], y[i:end], at+i)
	}
	return l.sums(len(x))
}

// BlockLen is how many weights are taken at a time where they are looked at
// twice: little enough to be still in the first cache.
const BlockLen = 1 << 10

// Measure returns the sums of the weights of src and what [RoundTripUnits] makes
// of them, equal to those of [Compare], in one pass over memory. y is space for
// BlockLen weights.
func Measure(y, src []float32, unit int, maps []Affine, r *Rounding, seed, at uint64) Sums {
	var l errorLanes
	clipped := 0
	for i := 0; i < len(src); i += BlockLen {
		x := src[i:min(i+BlockLen, len(src))]
		u, whole := i/unit, 0
		if inside := i % unit; inside > 0 { // the rest of a unit
			whole = min(unit-inside, len(x))
			clipped += maps[u].RoundTrip(y[:whole], x[:whole], r, seed, at+uint64(i))
			u++
		}
		if whole < len(x) {
			clipped += RoundTripUnits(y[whole:len(x)], x[whole:], unit, maps[u:], r, seed, at+uint64(i+whole))
		}
		l.add(x, y[:len(x)], int(at)+i)
	}
	s := l.sums(len(src))
	s.Clipped = clipped
	return s
}

// errorLanes are the sums of a block, the weight at index i counted in lane
// i mod 8. The assembly knows the order of the fields.
type errorLanes struct {
	e, e2, x2, y2    [8]float64
	maxAbs           float64
	nonFinite, zeros int
	maxAt            int // of no concern to the assembly
}

// add counts a block of weights, the first one at index at of its tensor.
func (l *errorLanes) add(x, y []float32, at int) {
	before := l.maxAbs
	compare(l, x, y)
	if l.maxAbs > before {
		l.maxAt = at + indexOfError(x, y, l.maxAbs)
	}
}

// sums returns the sums of the n weights that were counted.
func (l *errorLanes) sums(n int) Sums {
	s := Sums{
		N: n - l.nonFinite, NonFinite: l.nonFinite,
		E: fold(&l.e), E2: fold(&l.e2), X2: fold(&l.x2), Y2: fold(&l.y2),
		MaxAbs: l.maxAbs, MaxAt: l.maxAt, Zeros: l.zeros,
	}
	s.XY = (s.X2 + s.Y2 - s.E2) / 2 // since e² = x² + y² − 2·x·y
	return s
}

func compareGo(s *errorLanes, x, y []float32) {
	for i, v := range x {
		if math.Float32bits(v)&expMask == expMask {
			s.nonFinite++
			continue
		}
		a, b := float64(v), float64(y[i])
		e := a - b
		i := i % 8
		s.e[i] += e
		s.e2[i] += float64(e * e) // the conversions forbid fused multiply-add: the same sums on every machine
		s.x2[i] += float64(a * a)
		s.y2[i] += float64(b * b)
		s.maxAbs = max(s.maxAbs, math.Abs(e))
		if b == 0 && a != 0 {
			s.zeros++
		}
	}
}

// indexOfErrorGo returns the index of the first weight whose |x − y| is e,
// which there must be.
func indexOfErrorGo(x, y []float32, e float64) int {
	for i, v := range x {
		if math.Abs(float64(v)-float64(y[i])) == e {
			return i
		}
	}
	panic("kernels: no weight has the error")
}

// fold adds up eight lanes: the halves to each other, then the halves of that,
// then the last two. Sums go by lanes because vectors add so, and because one
// accumulator would wait for itself.
func fold(l *[8]float64) float64 {
	return ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]))
}

const expMask = 0x7f800000

// Finite reports whether x is neither NaN nor ±Inf.
func Finite(x float32) bool { return math.Float32bits(x)&expMask != expMask }

// AllBelow reports whether the magnitude of every weight of x is below 2^exponent:
// NaN is not, and with an exponent of 128 everything else is that is finite.
func AllBelow(x []float32, exponent int) bool {
	// Two weights are one word: an exponent that is too large carries into its sign,
	// and no further.
	const exponents, signs = expMask<<32 | expMask, 1<<63 | 1<<31
	lift := uint64(129-exponent) << 23
	lift |= lift << 32
	var carries uint64
	whole := len(x) &^ 7
	rest := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*whole)
	for ; len(rest) > 0; rest = rest[32:] {
		b := (*[32]byte)(rest)
		carries |= binary.NativeEndian.Uint64(b[:])&exponents + lift
		carries |= binary.NativeEndian.Uint64(b[8:])&exponents + lift
		carries |= binary.NativeEndian.Uint64(b[16:])&exponents + lift
		carries |= binary.NativeEndian.Uint64(b[24:])&exponents + lift
	}
	for _, v := range x[whole:] {
		carries |= uint64(math.Float32bits(v)&expMask) + lift&math.MaxUint32
	}
	return carries&signs == 0
}
