package kernels

import "math"

// Rounding is a way to choose an integer for a real number.
type Rounding struct {
	Name  string // as schemes write it
	Title string // as the screen writes it
	About string // what it does, in a sentence

	mode mode
	// round replaces every v[i], |v[i]| < 2^21, by an integer beside it. seed
	// and at, the index of v[0] in its tensor, key the random modes.
	round func(v []float32, seed, at uint64)
}

// mode tells the assembly of one rounding from another's.
type mode int

const (
	even mode = iota
	away
	trunc
	floor
	ceil
	stochastic
)

// Round returns the integer that the mode chooses for x; at is the weight's
// index, seed the seed of the random modes.
func (r *Rounding) Round(x float32, seed, at uint64) float32 {
	v := [1]float32{max(-roundLimit, min(roundLimit, x))}
	r.round(v[:], seed, at)
	return v[0]
}

// roundLimit bounds what is rounded: past it every code is clipped anyway,
// and below it adding 1.5·2^23 rounds exactly.
const roundLimit = 1 << 21

// Roundings is the table of rounding modes; the first is the default.
var Roundings = []*Rounding{
	{"even", "nearest even", "to the nearest integer, halves to the even one (IEEE 754, torch, ONNX)", even, roundEven},
	{"away", "nearest away", "to the nearest integer, halves away from zero (C's round, ggml)", away, roundAway},
	{"trunc", "toward zero", "drops the fraction: toward zero, biased inwards", trunc, roundTrunc},
	{"floor", "down", "to the integer below: biased down by half a step", floor, roundFloor},
	{"ceil", "up", "to the integer above: biased up by half a step", ceil, roundCeil},
	{"stochastic", "stochastic", "up with the probability of the fraction: unbiased, noisier; repeatable by its seed", stochastic, roundStochastic},
}

func roundEven(v []float32, _, _ uint64) {
	const magic = 3 << 22 // 1.5·2^23: the sum has no bits left for a fraction
	for i, x := range v {
		t := x + magic
		v[i] = t - magic
	}
}

func roundAway(v []float32, _, _ uint64) {
	for i, x := range v {
		v[i] = float32(math.Trunc(float64(x) + math.Copysign(0.5, float64(x))))
	}
}

func roundTrunc(v []float32, _, _ uint64) {
	for i, x := range v {
		v[i] = float32(int32(x))
	}
}

func roundFloor(v []float32, _, _ uint64) {
	for i, x := range v {
		v[i] = float32(math.Floor(float64(x)))
	}
}

func roundCeil(v []float32, _, _ uint64) {
	for i, x := range v {
		v[i] = float32(math.Ceil(float64(x)))
	}
}

func roundStochastic(v []float32, seed, at uint64) {
	for i, x := range v {
		f := math.Floor(float64(x))
		// 32 random bits against the fraction: P(up) is the fraction to 2^-32.
		if float64(uniform(seed, at+uint64(i)))*0x1p-32 < float64(x)-f {
			f++
		}
		v[i] = float32(f)
	}
}

// uniform returns 32 random bits that depend on the seed and the weight's
// index alone, so that neither threads nor chunks change a result: SplitMix64
// (Steele, Lea, Flood 2014) used as a counter-based generator.
func uniform(seed, at uint64) uint32 {
	z := counter(seed, at)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return uint32((z ^ z>>31) >> 32)
}

// counter returns what the generator scrambles for the weight at index at; the
// next weight's is 0x9e3779b97f4a7c15 more.
func counter(seed, at uint64) uint64 { return seed*0xd1342543de82ef95 + (at+1)*0x9e3779b97f4a7c15 }
