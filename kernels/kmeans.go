package kernels

import (
	"cmp"
	"math"
	"slices"
)

// Codebook is a list of values fitted to one unit, stored beside its codes:
// it costs 2^bits values of its store. A weight becomes the value nearest to
// it.
type Codebook struct{ book *codebook }

// mass is a weight w spread evenly from lo to hi, which may be equal.
type mass struct{ lo, hi, w float64 }

// kmeansRounds bounds the rounds of a fit; the last ones change little.
const kmeansRounds = 200

// KMeans returns the codebook of 2^bits values of locally least squared error
// over the finite weights of x, each weighted by its importance, ≥ 0, if that
// is not nil: Lloyd's algorithm ("Least Squares Quantization in PCM", 1982;
// Max 1960) from a start that follows their density. The values are stored as store. It
// sorts a copy of x: a large tensor's distribution serves as well, see
// [Distribution.KMeans].
func KMeans(x, importance []float32, bits int, store *Store) Codebook {
	points := make([]mass, 0, len(x))
	for i, v := range x {
		w := float32(1)
		if importance != nil {
			w = importance[i]
		}
		if Finite(v) && w > 0 && Finite(w) {
			points = append(points, mass{float64(v), float64(v), float64(w)})
		}
	}
	slices.SortFunc(points, func(a, b mass) int { return cmp.Compare(a.lo, b.lo) })
	return fitCodebook(points, bits, store)
}

// KMeans is the function [KMeans] for the counted values, taken as evenly
// spread inside each bucket.
func (d Distribution) KMeans(bits int, store *Store) Codebook {
	points := make([]mass, len(d))
	for i, b := range d {
		points[i] = mass{b.Lo, b.Hi, float64(b.N)}
	}
	return fitCodebook(points, bits, store)
}

// fitCodebook is KMeans of the ascending points. In one dimension what is
// nearest to a value lies between two bounds: its mean comes from running
// sums, so that a round costs little whatever the number of points.
func fitCodebook(points []mass, bits int, store *Store) Codebook {
	points = merged(points)
	n, k := len(points), 1<<bits
	if n <= k {
		values := make([]float64, k)
		for i := range values {
			if n > 0 {
				p := points[min(i, n-1)]
				values[i] = (p.lo + p.hi) / 2
			}
		}
		return newFitted(values, store)
	}
	run := newRunning(points)
	values := run.start(k)
	for range kmeansRounds {
		moved := false
		w0, wx0 := 0., 0. // the sums up to a value's lower bound
		for j, v := range values {
			w1, wx1 := run.w[n], run.wx[n]
			if j+1 < k {
				w1, wx1 = run.below((v + values[j+1]) / 2)
			}
			if w1 > w0 { // a value nearest to nothing stays
				values[j] = (wx1 - wx0) / (w1 - w0)
			}
			moved = moved || values[j] != v
			w0, wx0 = w1, wx1
		}
		if !moved {
			break
		}
	}
	return newFitted(values, store)
}

// merged joins equal neighbours of the ascending points.
func merged(points []mass) []mass {
	out := points[:0]
	for _, p := range points {
		if n := len(out); n > 0 && out[n-1].lo == p.lo && out[n-1].hi == p.hi {
			out[n-1].w += p.w
			continue
		}
		out = append(out, p)
	}
	return out
}

// running are ascending points and their running sums: of w and of w·x over
// points[:i].
type running struct {
	points []mass
	w, wx  []float64
}

func newRunning(points []mass) running {
	r := running{points, make([]float64, len(points)+1), make([]float64, len(points)+1)}
	for i, p := range points {
		r.w[i+1] = r.w[i] + p.w
		r.wx[i+1] = r.wx[i] + float64(p.w*((p.lo+p.hi)/2))
	}
	return r
}

// below returns the sums over what is less than x.
func (r running) below(x float64) (w, wx float64) {
	i, _ := slices.BinarySearchFunc(r.points, x, func(p mass, x float64) int { return cmp.Compare(p.hi, x) })
	w, wx = r.w[i], r.wx[i]
	if i < len(r.points) && r.points[i].lo < x { // x is inside: hi ≥ x > lo
		p := r.points[i]
		part := float64(p.w * ((x - p.lo) / (p.hi - p.lo)))
		w += part
		wx += float64(part * ((p.lo + x) / 2))
	}
	return w, wx
}

// start returns k of the points, fewer than there are: quantiles of the cube
// root of their density, which is how the best values lie if they are many
// (Panter and Dite 1951). A run of points of width d and mass m has the share
// d·(m/d)^(1/3) of it.
func (r running) start(k int) []float64 {
	n := len(r.points)
	runs := min(8*k, n-1)
	edges, share := make([]float64, runs+1), make([]float64, runs+1)
	for g := range edges {
		i, _ := slices.BinarySearch(r.w, r.w[n]*float64(g)/float64(runs))
		edges[g] = r.points[min(i, n-1)].lo
		if g > 0 { // all runs have the same mass
			d := math.Cbrt(edges[g] - edges[g-1])
			share[g] = share[g-1] + float64(d*d)
		}
	}
	values := make([]float64, k)
	at := -1
	for j := range values {
		quantile := share[runs] * (float64(j) + 0.5) / float64(k)
		g, _ := slices.BinarySearch(share, quantile)
		g = max(g, 1)
		inside := (quantile - share[g-1]) / (share[g] - share[g-1])
		x := edges[g-1] + float64(inside*(edges[g]-edges[g-1]))
		i, _ := slices.BinarySearchFunc(r.points, x, func(p mass, x float64) int { return cmp.Compare(p.lo, x) })
		at = min(max(at+1, i), n-k+j) // values differ
		values[j] = (r.points[at].lo + r.points[at].hi) / 2
	}
	return values
}

func newFitted(values []float64, store *Store) Codebook {
	stored := make([]float32, len(values))
	for i, v := range values {
		stored[i] = max(-store.Max, min(store.Max, store.to(float32(v))))
	}
	slices.Sort(stored) // means are ascending but for their rounding
	c := newCodebook(stored, nil)
	c.lo, c.hi = float32(math.Inf(-1)), float32(math.Inf(1)) // an end stands for all beyond it
	return Codebook{c}
}

// Values returns the values, ascending; where there are fewer different
// weights than values, the last repeat.
func (c Codebook) Values() []float32 { return slices.Clone(c.book.values) }

// RoundTrip sets every dst[i] to the value nearest to src[i]; NaN and ±Inf
// stay as they are. The slices have the same length and do not overlap. No
// weight counts as clipped: the values are fitted to all of them.
func (c Codebook) RoundTrip(dst, src []float32, _ *Rounding, _, _ uint64) (clipped int) {
	c.book.nearest(dst, src, 1, 1)
	return 0
}
