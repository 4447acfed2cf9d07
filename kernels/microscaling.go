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
	encode, decode := float32(1), float32(1)
	if m.TensorBits > 0 {
		encode, decode = nvScale(tensorMax)
	}
	var space [BlockLen / 16]twoWay
	for len(src) > 0 {
		n := min(BlockLen, len(src))
		x, scales := src[:n], space[:units(n, m.Block)]
		if m.TensorBits == 0 {
			m.sharedScales(scales, x)
		} else {
			m.nvScales(scales, x, encode, decode)
		}
		clipped += m.roundTrip(dst[:n], x, scales, decode, r, seed, at)
		dst, src, at = dst[n:], src[n:], at+uint64(n)
	}
	return clipped
}

// roundTrip is RoundTrip of blocks that have those scales, with what the tensor's
// scale makes of what comes back.
func (m *Microscaling) roundTrip(dst, src []float32, scales []twoWay, decode float32, r *Rounding, seed, at uint64) (clipped int) {
	nearest := r == Roundings[0]
	if nearest {
		clipped = m.element.nearestEven(dst, src, m.Block, scales, decode)
	}
	for _, s := range scales {
		n := min(m.Block, len(src))
		x, y := src[:n], dst[:n]
		switch {
		case s.back == 0:
			zeroFinite(y, x)
		case !nearest:
			clipped += m.element.roundTrip(y, x, s.there, s.back, r, seed, at)
			for i, v := range y {
				if Finite(v) {
					y[i] = v * decode
				}
			}
		}
		dst, src, at = dst[n:], src[n:], at+uint64(n)
	}
	return clipped
}

// sharedScales sets scales to those of the blocks of x, E8M0: the largest power
// of two that is at most max|x|, divided by the largest that is an element, and
// between 2^-127 and 2^127 (section 6.3 of the specification).
func (m *Microscaling) sharedScales(scales []twoWay, x []float32) {
	var ends [BlockLen / 16]Extent
	ExtremesOfUnits(ends[:], x, m.Block)
	emax := int(m.element.max>>mantissa32) - bias32
	for i := range scales {
		back := float32(0x1p-127)
		e := int(math.Float32bits(ends[i].magnitude()) >> mantissa32) // 0 for what is less than 2^-126, whose scale is the least
		if e -= emax; e > 0 {
			back = math.Float32frombits(uint32(e) << mantissa32)
		}
		scales[i] = twoWay{1 / back, back}
	}
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

// nvScales sets scales to those of the blocks of x, E4M3 for a tensor that is
// encoded and decoded with these. They are 0 where a block's is.
func (m *Microscaling) nvScales(scales []twoWay, x []float32, encode, decode float32) {
	var ends [BlockLen / 16]Extent
	ExtremesOfUnits(ends[:], x, m.Block)
	var space [BlockLen / 16]float32
	back := space[:len(scales)]
	for i := range back {
		back[i] = min(ends[i].magnitude()/E2M1.Max*encode, E4M3.Max)
	}
	E4M3.nearest(back, back, twoWay{1, 1})
	for i, b := range back {
		scales[i] = twoWay{}
		if b > 0 {
			scales[i] = twoWay{min(1/(b*decode), math.MaxFloat32), b}
		}
	}
}

// maxMagnitude returns the largest finite magnitude of x, 0 if there is none.
func maxMagnitude(x []float32) float32 {
	lo, hi := Extremes(x)
	return Extent{lo, hi}.magnitude()
}

func (e Extent) magnitude() float32 { return max(-e.Lo, e.Hi) }
