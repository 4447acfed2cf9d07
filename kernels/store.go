package kernels

import "math"

// Store is a format in which scales are kept: it changes both the values,
// because the scale is rounded to it, and the bytes. All are floats but
// [DoubleQuantized].
type Store struct {
	Name string
	Bits int
	Max  float32 // largest finite value
	to   func(float32) float32
}

// DoubleQuantized stores scales as 8-bit codes with scales of their own, see
// [DoubleQuantize]. It is no float: what a scale becomes depends on all others
// of its tensor, so that units are fitted with scales as they are, and Bits are
// those of a code alone; [Format.ScaleBits] has the whole cost.
var DoubleQuantized = &Store{"dq", 8, math.MaxFloat32, func(x float32) float32 { return x }}

// Stores is the table of scale formats; the first is the default of scales
// per tensor and channel, the second that of scales per group.
var Stores = []*Store{
	{"f32", 32, math.MaxFloat32, func(x float32) float32 { return x }},
	{"f16", 16, maxF16, F16},
	{"bf16", 16, maxBF16, BF16},
	DoubleQuantized,
}

const (
	maxF16  = 65504
	maxBF16 = 0x1.fep127
)

// cast rounds a scale x ≥ 0 to what the store can hold, nearest even. What is
// too large becomes the largest finite value; what is below the least normal
// float32, whose inverse may overflow, becomes 0.
func (s *Store) cast(x float32) float32 {
	y := min(s.to(x), s.Max)
	if y < 0x1p-126 {
		return 0
	}
	return y
}
