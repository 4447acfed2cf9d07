package kernels

import "math"

// Microscaling is a format in which each block of a few weights has a small
// scale of its own: a weight is its element's value times the scale. Block
// and scale are part of the format; of the dials only rounding remains.
type Microscaling struct {
	Name       string // as schemes write it
	About      string // what it is, in a sentence
	Block      int    // weights that share a scale
	Bits       int    // of an element
	ScaleBits  int    // of a block's scale
	TensorBits int    // of what the whole tensor shares
	element    *Minifloat
}

// Microscalings is the table of block-scaled formats: those of OCP
// "Microscaling Formats (MX)" version 1.0, and NVIDIA's nvfp4.
//
// ggml's blocks of the same names are formats of their own. Its mxfp4 has the
// same block and nearly always the same scale, but takes the logarithm in
// float32, which rounds maxima just below a power of two up to it, and does
// not limit the exponent; it settles ties between two elements towards zero
// (2.5 → 2, 0.75 → 0.5, 1.75 → 1.5, 3.5 → 3) where OCP's go to the even
// mantissa (2, 1, 2, 4), and has no negative zero. Its nvfp4 has no scale of
// the tensor: the block's E4M3 scale is max|x|/6 itself, rounded half up by
// its first dropped bit, 448 from 256 on; its elements' ties too go towards
// zero. Neither has a rounding dial.
var Microscalings = []*Microscaling{
	mx("mxfp8_e4m3", "8-bit floats of 4 exponent bits", E4M3),
	mx("mxfp8_e5m2", "8-bit floats of 5 exponent bits", E5M2),
	mx("mxfp6_e3m2", "6-bit floats of 3 exponent bits", E3M2),
	mx("mxfp6_e2m3", "6-bit floats of 2 exponent bits", E2M3),
	mx("mxfp4", "4-bit floats", E2M1),
	mx("mxint8", "8-bit integers in 64ths", int8in64ths),
	{
		Name: "nvfp4", Block: 16, Bits: 4, ScaleBits: 8, TensorBits: 32, element: E2M1,
		About: "NVIDIA's 4-bit floats: 16 share an E4M3 scale, the tensor a float32 one",
	},
}

// int8in64ths is MX's INT8: an integer with an implied scale of 2^-6, which is
// a float without exponent bits. As the specification allows, -128 is unused.
var int8in64ths = newMinifloat(Minifloat{Name: "int8", Mantissa: 7, Max: 127. / 64, inf: -1, nan: -1})

func mx(name, elements string, element *Minifloat) *Microscaling {
	return &Microscaling{
		Name: name, Block: 32, Bits: element.Bits(), ScaleBits: 8, element: element,
		About: "OCP microscaling: 32 " + elements + " share a power of two",
	}
}

// Values returns the values of an element, ascending, without their scale.
func (m *Microscaling) Values() []float32 { return m.element.Values() }

// RoundTrip sets every dst[i] to what comes back of src[i], of the same
// length; NaN and ±Inf stay as they are and take no part in the scale. Blocks
// start at src[0], the last may be short. tensorMax is the largest finite
// magnitude of the whole tensor, which only nvfp4 heeds; at is the index of
// src[0] in the tensor. It returns how many weights were clipped.
func (m *Microscaling) RoundTrip(dst, src []float32, tensorMax float32, r *Rounding, seed, at uint64) (clipped int) {
	dst = dst[:len(src)]
	encode, decode := nvScale(tensorMax)
	for len(src) > 0 {
		n := min(m.Block, len(src))
		x, y := src[:n], dst[:n]
		if m.TensorBits == 0 {
			clipped += m.element.RoundTrip(y, x, m.sharedScale(x), r, seed, at)
		} else {
			clipped += m.nvBlock(y, x, encode, decode, r, seed, at)
		}
		dst, src, at = dst[n:], src[n:], at+uint64(n)
	}
	return clipped
}

// sharedScale returns the E8M0 scale of the block x: the largest power of two
// that is at most max|x|, divided by the largest that is an element, and
// between 2^-127 and 2^127 (section 6.3 of the specification).
func (m *Microscaling) sharedScale(x []float32) float32 {
	e := int(math.Float32bits(maxMagnitude(x)) >> mantissa32) // 0 for what is less than 2^-126, whose scale is the least
	emax := int(m.element.max>>mantissa32) - bias32
	if e -= emax; e > 0 {
		return math.Float32frombits(uint32(e) << mantissa32)
	}
	return 0x1p-127
}

// nvScale returns the scale with which a tensor of that largest magnitude is
// encoded, 448·6/tensorMax, and its inverse: the largest block then has the
// largest E4M3 scale and the largest weight the largest E2M1 value. Source:
// "Pretraining Large Language Models with NVFP4" (NVIDIA 2025), and
// Transformer Engine for the order of operations and the limits.
func nvScale(tensorMax float32) (encode, decode float32) {
	encode = 1
	if tensorMax > 0 {
		encode = min(E4M3.Max*E2M1.Max/tensorMax, math.MaxFloat32)
	}
	return encode, 1 / encode
}

// nvBlock is the round trip of one block of nvfp4.
func (m *Microscaling) nvBlock(dst, src []float32, encode, decode float32, r *Rounding, seed, at uint64) (clipped int) {
	s := [1]float32{min(maxMagnitude(src)/E2M1.Max*encode, E4M3.Max)}
	E4M3.nearestEven(s[:], s[:], 1, 1)
	block := s[0]
	if block == 0 {
		return zeroFinite(dst, src)
	}
	inv := min(1/(block*decode), math.MaxFloat32)
	clipped = m.element.roundTrip(dst, src, inv, block, r, seed, at)
	for i, y := range dst {
		if Finite(y) {
			dst[i] = y * decode
		}
	}
	return clipped
}

// maxMagnitude returns the largest finite magnitude of x, 0 if there is none.
func maxMagnitude(x []float32) float32 {
	lo, hi := Extremes(x)
	return max(-lo, hi)
}
