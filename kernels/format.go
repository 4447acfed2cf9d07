package kernels

import (
	"fmt"
	"math"
)

// Format is a grid of representable values.
type Format struct {
	Name   string // as schemes write it
	Family string // formats of one family differ in their bits alone
	About  string // what it is, in a sentence
	Bits   int    // of one code, scales and zero points aside

	// Scaled says that the format has a scale: granularity, zero point,
	// rounding, range and the scale's own format are dials. A format without
	// one is a cast, nearest even, and has no dial.
	Scaled bool

	cast func(x float32) float32
	max  float32 // largest finite value of a cast
	// castAll is CastAll at the speed of memory, where there is such a thing.
	castAll func(dst, src []float32) (clipped int)
}

// Formats is the table of formats.
var Formats = append([]*Format{
	{
		Name: "f32", Family: "float32", Bits: 32, max: Stores[0].Max, cast: Stores[0].to,
		About: "IEEE binary32: the weights as they are computed with",
	},
	{
		Name: "f16", Family: "float16", Bits: 16, max: Stores[1].Max, cast: Stores[1].to, castAll: castF16,
		About: "IEEE binary16: 5 exponent and 10 mantissa bits, up to 65504",
	},
	{
		Name: "bf16", Family: "bfloat16", Bits: 16, max: Stores[2].Max, cast: Stores[2].to, castAll: castBF16,
		About: "bfloat16: float32's 8 exponent bits, 7 mantissa bits",
	},
}, ints()...)

func ints() []*Format {
	var fs []*Format
	for bits := 2; bits <= 16; bits++ {
		fs = append(fs, &Format{
			Name: fmt.Sprintf("int%d", bits), Family: "int", Bits: bits, Scaled: true,
			About: fmt.Sprintf("%d-bit integers times a scale: %d values, or %d with a zero point", bits, 1<<bits-1, 1<<bits),
		})
	}
	return fs
}

// Cast returns the value of a format without a scale that is nearest to the
// finite x, ties to even. What is too large becomes the largest finite value
// and counts as clipped, where an IEEE cast would give ±Inf.
func (f *Format) Cast(x float32) (y float32, clipped bool) {
	y = f.cast(x)
	switch {
	case Finite(y):
		return y, false
	case y > 0:
		return f.max, true
	default:
		return -f.max, true
	}
}

// CastAll sets every dst[i] to the cast of src[i], of the same length; NaN and
// ±Inf stay as they are. It returns how many weights were clipped.
func (f *Format) CastAll(dst, src []float32) (clipped int) {
	dst = dst[:len(src)]
	if f.castAll != nil {
		return f.castAll(dst, src)
	}
	for i, x := range src {
		y := x
		if Finite(x) {
			var c bool
			if y, c = f.Cast(x); c {
				clipped++
			}
		}
		dst[i] = y
	}
	return clipped
}

// Next returns the value of a format without a scale that follows its value y
// upwards (direction > 0) or downwards; past the largest it stays there.
func (f *Format) Next(y float32, direction int) float32 {
	goal := float32(math.Inf(direction))
	z := math.Nextafter32(y, goal)
	if f.Bits == 32 {
		return max(-f.max, min(f.max, z))
	}
	// The nearest value to something just past the middle of the gap is the next one.
	for gap := float64(z) - float64(y); ; gap *= 2 {
		if next, _ := f.Cast(float32(float64(y) + gap)); next != y || math.Abs(float64(y)+gap) > float64(f.max) {
			return next
		}
	}
}
