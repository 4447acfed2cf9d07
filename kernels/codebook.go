package kernels

import "math"

// codebook is a short list of values, of which a weight becomes one.
type codebook struct {
	values []float32 // ascending
	bounds []int32   // by orderKey: v becomes values[k] for the k bounds that v exceeds
	floors []int32   // the same with values[k] the largest that is at most v
	zero   int       // index of the value 0, from which roundings count
	lo, hi float32   // what lies beyond is clipped
}

// newCodebook returns the codebook of ascending values with the given bounds
// between them, the largest float32 that goes to the lower value; without any,
// a weight goes to the nearest value, and from the middle to the one whose
// index, counted from that of 0, is even. What is farther beyond an end than
// half the gap before it counts as clipped.
func newCodebook(values, bounds []float32) *codebook {
	n := len(values)
	c := &codebook{values: values}
	for k, v := range values {
		if v == 0 {
			c.zero = k
		}
	}
	floors := make([]float32, n-1)
	middles := make([]float32, n-1)
	for k, v := range values[1:] {
		floors[k] = below(float64(v), true)
		middles[k] = below((float64(values[k])+float64(v))/2, (k+1-c.zero)%2 == 0)
	}
	if bounds == nil {
		bounds = middles
	}
	c.bounds, c.floors = searchKeys(bounds), searchKeys(floors)
	c.lo = values[0] - (values[1]-values[0])/2
	c.hi = values[n-1] + (values[n-1]-values[n-2])/2
	return c
}

// below returns the largest float32 that is at most x, or less than x.
func below(x float64, less bool) float32 {
	t := float32(x)
	if float64(t) > x || less && float64(t) == x {
		t = math.Nextafter32(t, float32(math.Inf(-1)))
	}
	return t
}

// mirrored returns 0, the ascending positive values and their negatives, with
// bounds such that a magnitude exceeds bounds[i] to become values[i].
func mirrored(values, bounds []float32) *codebook {
	var v, b []float32
	for i := range values {
		k := len(values) - 1 - i
		v = append(v, -values[k])
		b = append(b, below(float64(-bounds[k]), true))
	}
	return newCodebook(append(append(v, 0), values...), append(b, bounds...))
}

// orderKey returns an integer that orders like v: comparing integers needs no
// branch.
func orderKey(v float32) int32 {
	b := int32(math.Float32bits(v))
	return b ^ b>>31&math.MaxInt32
}

// searchKeys returns the keys of ascending bounds, and then such as nothing
// exceeds until there are 2^k−1, so that a search takes k steps.
func searchKeys(bounds []float32) []int32 {
	var keys []int32
	for _, b := range bounds {
		keys = append(keys, orderKey(b))
	}
	for len(keys)&(len(keys)+1) != 0 {
		keys = append(keys, math.MaxInt32)
	}
	return keys
}

// exceeded returns how many of the ascending keys, 2^k−1 of them, v exceeds.
func exceeded(keys []int32, v float32) int {
	key := int64(orderKey(v))
	k := 0
	for half := (len(keys) + 1) / 2; half > 0; half /= 2 {
		k += int(int64(keys[k+half-1])-key) >> 63 & half
	}
	return k
}

// nearest sets every dst[i] to scale times the value that the bounds of c give
// src[i]·inv. NaN and ±Inf stay as they are. The slices have the same length
// and do not overlap. It returns how many weights were clipped.
func (c *codebook) nearest(dst, src []float32, inv, scale float32) (clipped int) {
	dst = dst[:len(src)]
	if len(c.bounds) == 15 { // four bits, the most used: the search without its loop
		keys := (*[15]int32)(c.bounds)
		var values [16]float32
		copy(values[:], c.values)
		for i, x := range src {
			key := int64(orderKey(x * inv))
			k := (int64(keys[7]) - key) >> 63 & 8
			k += (int64(keys[k+3]) - key) >> 63 & 4
			k += (int64(keys[k+1]) - key) >> 63 & 2
			k += (int64(keys[k]) - key) >> 63 & 1
			dst[i] = values[k&15]
		}
	} else {
		for i, x := range src {
			dst[i] = c.values[exceeded(c.bounds, x*inv)]
		}
	}
	return c.finish(dst, src, inv, scale)
}

// rounded is nearest with the value beside src[i]·inv that r chooses.
func (c *codebook) rounded(dst, src []float32, inv, scale float32, r *Rounding, seed, at uint64) (clipped int) {
	dst = dst[:len(src)]
	for i, x := range src {
		dst[i] = c.position(x * inv)
	}
	r.round(dst, seed, at)
	for i, p := range dst {
		dst[i] = c.values[c.zero+int(p)]
	}
	return c.finish(dst, src, inv, scale)
}

// finish multiplies the values dst by scale, puts back what is not finite and
// returns how many of src·inv are beyond the ends.
func (c *codebook) finish(dst, src []float32, inv, scale float32) (clipped int) {
	dst = dst[:len(src)]
	for i, x := range src {
		if math.Float32bits(x)&expMask == expMask {
			dst[i] = x
			continue
		}
		if v := x * inv; v < c.lo || v > c.hi {
			clipped++
		}
		dst[i] *= scale
	}
	return clipped
}

// position returns where v lies in c: the index of a value, counted from that
// of 0, and between two values the share of the way from one to the next. An
// integer's rounding of it is a value's of v: exactly half only if v is in the
// middle, and an integer only if v is a value.
func (c *codebook) position(v float32) float32 {
	v = min(max(v, c.values[0]), c.values[len(c.values)-1])
	k := exceeded(c.floors, v)
	p := float32(k - c.zero)
	if v == c.values[k] || v != v {
		return p
	}
	const least = 0x1p-16 // what float32 can add to any index
	down, up := float64(v)-float64(c.values[k]), float64(c.values[k+1])-float64(v)
	share := down / (down + up)
	switch {
	case down < up:
		share = max(least, min(share, 0.5-least))
	case down > up:
		share = max(0.5+least, min(share, 1-least))
	}
	return p + float32(share)
}
