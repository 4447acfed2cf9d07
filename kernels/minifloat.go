package kernels

import "math"

// Minifloat is a small binary float format: a sign bit, an exponent E of some
// bits and a mantissa M of some bits, from the top of the code down. A code is
//
//	(-1)^sign · 2^(E-Bias) · (1 + M/2^Mantissa)   for E > 0
//	(-1)^sign · 2^(1-Bias) · (M/2^Mantissa)       for E = 0
//
// save those that stand for ±Inf and NaN. Sources: OCP "8-bit Floating Point
// Specification" revision 1.0 (e4m3, e5m2), OCP "Microscaling Formats"
// version 1.0 (e3m2, e2m3, e2m1), and for the fnuz formats "8-bit Numerical
// Formats for Deep Neural Networks" (Noune et al. 2022).
type Minifloat struct {
	Name     string
	Exponent int // bits of E
	Mantissa int // bits of M
	Bias     int
	Max      float32 // largest finite value

	inf, nan int  // code of +Inf, of a NaN; -1 if there is none
	fnuz     bool // no negative zero: its code is the only NaN

	values    [256]float32 // by code
	max       uint32       // bits of Max
	limit     uint32       // bits of what lies half a step above Max
	least     uint32       // exponent bits of the least normal value
	zero      float32      // what keeps the sign of a zero when added, or removes it
	subnormal float32      // 1/least subnormal value
	words     [5]uint32    // what rounding to nearest needs; the assembly knows their order
}

// The small floats.
var (
	E4M3     = newMinifloat(Minifloat{Name: "e4m3", Exponent: 4, Mantissa: 3, Bias: 7, Max: 448, inf: -1, nan: 0x7f})
	E5M2     = newMinifloat(Minifloat{Name: "e5m2", Exponent: 5, Mantissa: 2, Bias: 15, Max: 57344, inf: 0x7c, nan: 0x7f})
	E4M3FNUZ = newMinifloat(Minifloat{Name: "e4m3fnuz", Exponent: 4, Mantissa: 3, Bias: 8, Max: 240, inf: -1, nan: 0x80, fnuz: true})
	E5M2FNUZ = newMinifloat(Minifloat{Name: "e5m2fnuz", Exponent: 5, Mantissa: 2, Bias: 16, Max: 57344, inf: -1, nan: 0x80, fnuz: true})
	E3M2     = newMinifloat(Minifloat{Name: "e3m2", Exponent: 3, Mantissa: 2, Bias: 3, Max: 28, inf: -1, nan: -1})
	E2M3     = newMinifloat(Minifloat{Name: "e2m3", Exponent: 2, Mantissa: 3, Bias: 1, Max: 7.5, inf: -1, nan: -1})
	E2M1     = newMinifloat(Minifloat{Name: "e2m1", Exponent: 2, Mantissa: 1, Bias: 1, Max: 6, inf: -1, nan: -1})

	// Minifloats is the table of small floats.
	Minifloats = []*Minifloat{E4M3, E5M2, E4M3FNUZ, E5M2FNUZ, E3M2, E2M3, E2M1}
)

const (
	mantissa32 = 23 // bits of a float32's mantissa
	bias32     = 127
	sign32     = 1 << 31
)

func newMinifloat(f Minifloat) *Minifloat {
	f.max = math.Float32bits(f.Max)
	f.least = uint32(bias32+1-f.Bias) << mantissa32
	step := math.Float32frombits(max(f.max&expMask, f.least) - uint32(f.Mantissa)<<mantissa32)
	f.limit = math.Float32bits(f.Max + step/2)
	f.zero = float32(math.Copysign(0, -1))
	if f.fnuz {
		f.zero = 0
	}
	f.subnormal = float32(math.Ldexp(1, f.Bias-1+f.Mantissa))
	f.words = [5]uint32{f.max, f.limit, f.least, math.Float32bits(f.zero), uint32(mantissa32-f.Mantissa) << mantissa32}
	sign := 1 << (f.Exponent + f.Mantissa)
	for code := range 2 * sign {
		e, m := code&(sign-1)>>f.Mantissa, code&(1<<f.Mantissa-1)
		v := math.Ldexp(float64(m), 1-f.Bias-f.Mantissa)
		if e > 0 {
			v = math.Ldexp(float64(m+1<<f.Mantissa), e-f.Bias-f.Mantissa)
		}
		switch {
		case code == f.nan, !f.fnuz && v > float64(f.Max):
			v = math.NaN()
			if code&(sign-1) == f.inf {
				v = math.Inf(1)
			}
		}
		if code&sign != 0 && !(f.fnuz && v == 0) {
			v = math.Copysign(v, -1)
		}
		f.values[code] = float32(v)
	}
	return &f
}

// Bits returns the width of a code.
func (f *Minifloat) Bits() int { return 1 + f.Exponent + f.Mantissa }

// Values returns the finite values, ascending, zero once.
func (f *Minifloat) Values() []float32 {
	var up, all []float32
	for _, v := range f.values[:1<<(f.Exponent+f.Mantissa)] {
		if v > 0 && v <= f.Max {
			up = append(up, v)
		}
	}
	for i := range up {
		all = append(all, -up[len(up)-1-i])
	}
	return append(append(all, 0), up...)
}

// Decode sets every dst[i] to the value of the code src[i], of the same
// length, one code to a byte. It is exact.
func (f *Minifloat) Decode(dst []float32, src []byte) {
	dst = dst[:len(src)]
	mask := byte(1<<f.Bits() - 1)
	for i, code := range src {
		dst[i] = f.values[code&mask]
	}
}

// Encode sets every dst[i] to the code of what src[i], of the same length, is
// rounded to as in [Minifloat.RoundTrip], one code to a byte. ±Inf becomes the
// largest finite value where the format has no infinity, and NaN becomes 0
// where it has no NaN: callers of e3m2, e2m3 and e2m1 keep them away.
func (f *Minifloat) Encode(dst []byte, src []float32, r *Rounding, seed, at uint64) {
	dst = dst[:len(src)]
	var y [256]float32
	for len(src) > 0 {
		n := min(len(src), len(y))
		f.RoundTrip(y[:n], src[:n], 1, r, seed, at)
		for i, v := range y[:n] {
			dst[i] = f.code(v)
		}
		dst, src, at = dst[n:], src[n:], at+uint64(n)
	}
}

// code returns the code of y, one of the format's values, ±Inf or NaN.
func (f *Minifloat) code(y float32) byte {
	b := math.Float32bits(y)
	mag := b &^ sign32
	var c uint32
	switch {
	case mag > expMask:
		if c = uint32(max(f.nan, 0)); f.fnuz {
			return byte(c)
		}
	case mag == expMask && f.inf >= 0:
		c = uint32(f.inf)
	case mag == expMask:
		c = f.code32(f.max)
	case mag < f.least:
		c = uint32(math.Float32frombits(mag) * f.subnormal)
	default:
		c = f.code32(mag)
	}
	if f.fnuz && c == 0 {
		return 0
	}
	return byte(c | b>>31<<(f.Exponent+f.Mantissa))
}

// code32 returns the code of a normal value from the bits of its float32.
func (f *Minifloat) code32(mag uint32) uint32 {
	return mag>>(mantissa32-f.Mantissa) - uint32(bias32-f.Bias)<<f.Mantissa
}

// RoundTrip sets every dst[i] to scale times the value that r chooses for
// src[i]/scale, computed as src[i]·(1/scale); the slices have the same length
// and do not overlap. r chooses between the two values beside it, by their
// distance if it is stochastic. Beyond the largest finite value it saturates.
// NaN and ±Inf stay as they are; a scale without a finite inverse sends every
// weight to 0. at is the index of src[0] in its tensor. It returns how many
// weights were clipped: those beyond ±Max by more than half the step below it.
func (f *Minifloat) RoundTrip(dst, src []float32, scale float32, r *Rounding, seed, at uint64) (clipped int) {
	inv := 1 / scale
	if math.Float32bits(inv)&expMask == expMask {
		return zeroFinite(dst, src)
	}
	return f.roundTrip(dst, src, inv, scale, r, seed, at)
}

// roundTrip is RoundTrip with the finite inverse of the scale given.
func (f *Minifloat) roundTrip(dst, src []float32, inv, scale float32, r *Rounding, seed, at uint64) (clipped int) {
	if r == Roundings[0] {
		return f.nearest(dst, src, twoWay{inv, scale})
	}
	// Between powers of two the values are evenly spaced: in units of that
	// step the weight is rounded to an integer.
	dst = dst[:len(src)]
	for i, x := range src {
		mag, step := f.step(x * inv)
		unit := math.Float32frombits(mag) * math.Float32frombits(2*bias32<<mantissa32-step)
		dst[i] = math.Float32frombits(math.Float32bits(unit) | math.Float32bits(x)&sign32)
	}
	r.round(dst, seed, at)
	for i, x := range src {
		b := math.Float32bits(x)
		if b&expMask == expMask {
			dst[i] = x
			continue
		}
		v := x * inv
		if math.Float32bits(v)&^sign32 > f.limit {
			clipped++
		}
		_, step := f.step(v)
		// No rounding crosses zero, but some lose the sign of one.
		mag := math.Float32bits(dst[i]*math.Float32frombits(step)) &^ sign32
		dst[i] = (math.Float32frombits(mag|b&sign32) + f.zero) * scale
	}
	return clipped
}

// step returns the bits of the magnitude of v, at most Max, and those of the
// distance of the values between the powers of two around it.
func (f *Minifloat) step(v float32) (mag, step uint32) {
	mag = min(math.Float32bits(v)&^sign32, f.max)
	return mag, max(mag&expMask, f.least) - uint32(f.Mantissa)<<mantissa32
}

// twoWay is what weights are multiplied by on their way to codes and back.
type twoWay struct{ there, back float32 }

// nearest is RoundTrip for the nearest value, ties to the even mantissa. dst and
// src may be the same.
func (f *Minifloat) nearest(dst, src []float32, scale twoWay) (clipped int) {
	return f.nearestEven(dst, src, max(1, len(src)), []twoWay{scale}, 1)
}

// nearestEvenGo is nearest for units of unit weights, the last one maybe
// shorter, that have the scales which follow one another. All that comes back is
// multiplied by last too.
func (f *Minifloat) nearestEvenGo(dst, src []float32, unit int, scales []twoWay, last float32) (clipped int) {
	for len(src) > 0 {
		n := min(unit, len(src))
		clipped += f.nearestInUnit(dst[:n], src[:n], scales[0].there, scales[0].back, last)
		dst, src, scales = dst[n:], src[n:], scales[1:]
	}
	return clipped
}

// nearestInUnit is nearestEvenGo of one unit.
func (f *Minifloat) nearestInUnit(dst, src []float32, inv, scale, last float32) (clipped int) {
	top, limit, least, zero, up := f.words[0], f.words[1], f.words[2], f.zero, f.words[4]
	for i, x := range src {
		b := math.Float32bits(x * inv)
		mag := b &^ sign32
		if mag > limit {
			if math.Float32bits(x)&expMask == expMask {
				dst[i] = x
				continue
			}
			clipped++
		}
		mag = min(mag, top)
		// A sum with the number whose last bit is the step has no bits left
		// for anything finer: the addition rounds.
		magic := math.Float32frombits(max(mag&expMask, least) + up)
		t := math.Float32frombits(mag) + magic
		y := math.Float32bits(t - magic)
		dst[i] = float32((math.Float32frombits(y|b&sign32)+zero)*scale) * last
	}
	return clipped
}

// zeroFinite sets dst to 0 where src is finite, to src where it is not.
func zeroFinite(dst, src []float32) (clipped int) {
	dst = dst[:len(src)]
	for i, x := range src {
		dst[i] = 0
		if !Finite(x) {
			dst[i] = x
		}
	}
	return 0
}
