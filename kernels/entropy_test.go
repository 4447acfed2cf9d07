package kernels

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// naiveDivergence is the calibrator's loop over bins, by its letter.
func naiveDivergence(counts []float64, kept, levels int) float64 {
	p, q := make([]float64, kept), make([]float64, kept)
	copy(p, counts)
	level := make([]float64, levels)
	bins := make([]float64, levels)
	for i := range kept {
		if counts[i] != 0 {
			level[i*levels/kept] += counts[i]
			bins[i*levels/kept]++
		}
	}
	for i := range kept {
		if counts[i] != 0 {
			q[i] = level[i*levels/kept] / bins[i*levels/kept]
		}
	}
	for _, n := range counts[kept:] {
		p[kept-1] += n
	}
	var sp, sq, kl float64
	for i := range kept {
		sp += p[i]
		sq += q[i]
	}
	for i := range kept {
		if p[i] > 0 {
			kl += p[i] / sp * math.Log(p[i]/sp/(q[i]/sq))
		}
	}
	return kl
}

func TestTheEntropyBoundIsTheCalibrators(t *testing.T) {
	heavy := gauss(20000)
	for i := range heavy {
		heavy[i] *= heavy[i] * heavy[i]
	}
	for name, x := range map[string][]float32{"gaussian": gauss(20000), "heavy tails": heavy, "a few": gauss(300)} {
		top := maxMagnitude(x)
		counts := make([]float64, 2048)
		for _, v := range x {
			counts[min(int(math.Abs(float64(v))*(2048/float64(top))), 2047)]++
		}
		counts[0] = counts[1]
		for _, bits := range []int{4, 8} {
			least, at := math.Inf(1), 0
			for kept := 128; kept <= 2048; kept++ {
				if d := naiveDivergence(counts, kept, 1<<(bits-1)); d <= least {
					least, at = d, kept
				}
			}
			got := EntropyBound(x, bits)
			kept := int(math.Round(float64(got) / float64(top) * 2048))
			if d := naiveDivergence(counts, kept, 1<<(bits-1)); d > least+1e-12 {
				t.Errorf("%s, %d bits: %d bins kept, divergence %v; the least is %v with %d", name, bits, kept, d, least, at)
			}
			s := new(Spectrum)
			s.Count(x)
			other := s.Distribution().EntropyBound(bits)
			// Its largest magnitude is a bucket's end, so its bins are others.
			if ratio := other / got; len(x) > 1000 && (ratio < 0.9 || ratio > 1.1) {
				t.Errorf("%s, %d bits: from the distribution the bound is %v, from the weights %v", name, bits, other, got)
			}
		}
	}
}

func TestOutliersAreClippedByEntropy(t *testing.T) {
	x := gauss(1 << 16)
	x[100] = 50
	if got := EntropyBound(x, 8); got < 3 || got > 10 {
		t.Errorf("the bound of normal weights and one of 50 is %v", got)
	}
}

func TestTheEntropyBoundIsWithinTheRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Uint32(), 0, 50).Draw(t, "x")
		bits := rapid.IntRange(2, 16).Draw(t, "bits")
		x := make([]float32, len(raw))
		for i, b := range raw {
			x[i] = math.Float32frombits(b)
		}
		if rapid.Bool().Draw(t, "equal") {
			for i := range x {
				x[i] = x[0]
			}
		}
		s := new(Spectrum)
		s.Count(x)
		top := maxMagnitude(x)
		for _, got := range []float32{EntropyBound(x, bits), s.Distribution().EntropyBound(bits)} {
			if !(got >= 0) || float64(got) > float64(top)*(1+0x1p-6)+0x1p-133 || top > 0x1p-100 && got == 0 {
				t.Fatalf("bound %v, largest magnitude %v", got, top)
			}
		}
	})
}

func BenchmarkEntropyBound(b *testing.B) {
	x := gauss(1 << 15)
	s := new(Spectrum)
	s.Count(x)
	d := s.Distribution()
	b.Run("slice", func(b *testing.B) {
		b.SetBytes(int64(4 * len(x)))
		for b.Loop() {
			EntropyBound(x, 8)
		}
	})
	b.Run("distribution", func(b *testing.B) {
		for b.Loop() {
			d.EntropyBound(8)
		}
	})
}
