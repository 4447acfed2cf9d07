package kernels

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// The searches as they are defined, trial by trial and sum by sum: what the
// quick ones must equal in every bit.

func plainClosest(l *lattice, list int32, x, w []float32, scale float32, value *[8]float32) int32 {
	near := l.near[list+1:][:l.near[list]]
	best, least := near[0], float32(math.MaxFloat32)
	for _, key := range near {
		var d2 float32
		for i, v := range x {
			diff := float32(scale*value[l.level(key, i)]) - v
			d2 += float32(w[i] * diff * diff)
		}
		if d2 < least {
			best, least = key, d2
		}
	}
	return l.at[best]
}

func plainPoint(l *lattice, x, w []float32, inverse, scale float32) (p int32, on bool) {
	p = l.at[l.key(x, inverse)]
	if p >= 0 {
		return p, true
	}
	return plainClosest(l, ^p, x, w, scale, &oddValues), false
}

func plainSums(l *lattice, b *gridBlock, point *[8]uint16) (sumqx, sumq2 float32) {
	for i := range b.n {
		q := oddValues[l.level(l.points[point[i/l.dim]], i%l.dim)]
		sumqx += float32(b.w[i] * b.x[i] * q)
		sumq2 += float32(b.w[i] * q * q)
	}
	return sumqx, sumq2
}

func (s *gridSearch) plainRun(l *lattice, b *gridBlock, top, scale float32) float32 {
	groups := b.n / l.dim
	group := func(v []float32, g int) []float32 { return v[l.dim*g:][:l.dim] }
	var best float32
	onGrid := s.onGrid
	clear(b.point[:])
	for trial := -s.trials; trial <= s.trials; trial++ {
		inverse := (float32(2*l.levels-1) + float32(float32(trial)*s.step)) / top
		var point [8]uint16
		var on uint8
		for g := range groups {
			p, ok := plainPoint(l, group(b.x[:], g), group(b.root[:], g), inverse, 1/inverse)
			point[g] = uint16(p)
			if ok {
				on |= 1 << g
			}
		}
		sumqx, sumq2 := plainSums(l, b, &point)
		if sumq2 > 0 && sumqx*sumqx > best*sumq2 {
			scale = sumqx / sumq2
			best = scale * sumqx
			b.point, onGrid = point, on
		}
	}
	off := ^onGrid & uint8(1<<groups-1)
	if off != 0 || s.always {
		off |= s.again
	}
	if off != 0 && scale > 0 {
		inverse := 1 / scale
		for g := range groups {
			if off>>g&1 == 1 {
				p, _ := plainPoint(l, group(b.x[:], g), group(b.root[:], g), inverse, scale)
				b.point[g] = uint16(p)
			}
		}
		if sumqx, sumq2 := plainSums(l, b, &b.point); sumq2 > 0 {
			scale = sumqx / sumq2
		}
	}
	return abs(scale)
}

// drawWeights returns n weights of one of several kinds, among them ties,
// sizes at both ends of what float32 holds, and any bits.
func drawWeights(t *rapid.T, n int, label string) []float32 {
	kind := rapid.IntRange(0, 5).Draw(t, label)
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, label), 5))
	size := float32(math.Ldexp(1, rapid.IntRange(-148, 120).Draw(t, label)))
	x := make([]float32, n)
	for i := range x {
		switch v := float32(r.NormFloat64()); kind {
		case 0:
			x[i] = v
		case 1:
			x[i] = float32(r.IntN(5) - 2)
		case 2:
			x[i] = v * size
		case 3:
			x[i] = float32(r.IntN(16)-8) * size
		case 4:
			x[i] = v * float32(math.Ldexp(1, r.IntN(80)-40))
		case 5:
			x[i] = math.Float32frombits(r.Uint32())
		}
	}
	return x
}

func sameFloat(a, b float32) bool { return a == b || a != a && b != b }

func TestSearchesOnGridsEqualTheirDefinition(t *testing.T) {
	searches := []struct {
		s *gridSearch
		l *lattice
		n int
	}{
		{&iq2xxsSearch, iq2xxsLattice(), 32},
		{&iq2xsSearch, iq2xsLattice(), 16},
		{&iq2sSearch, iq2sLattice(), 16},
		{&iq3xxsSearch, iq3xxsLattice(), 32},
		{&iq3sSearch, iq3sLattice(), 32},
	}
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(searches).Draw(t, "format")
		x := drawWeights(t, c.n, "x")
		var importance []float32
		if rapid.Bool().Draw(t, "weighted") {
			importance = drawWeights(t, c.n, "importance")
			for i, v := range importance {
				importance[i] = abs(v)
			}
		}
		var quick gridBlock
		quick.load(x, importance, sumSquares(x)/float32(len(x)), 0)
		if rapid.Bool().Draw(t, "even") {
			quick.even()
		}
		plain := quick
		top := quick.top()
		if !(top > 0) {
			return
		}
		got := c.s.run(c.l, &quick, top, top/5)
		want := c.s.plainRun(c.l, &plain, top, top/5)
		if !sameFloat(got, want) || quick.point != plain.point {
			t.Fatalf("scale %v and points %v, want %v and %v", got, quick.point, want, plain.point)
		}
	})
}

// plainSplit tries every split of the weights x: sums gives Σwqx and Σwq² of
// one.
func plainSplit(n, shifts int, sums func(zeros, ones, shift int) (sumqx, sumq2 float32)) (best iq1Split, found bool) {
	highest := float32(-math.MaxFloat32)
	for zeros := range n + 1 {
		for ones := zeros; ones <= n; ones++ {
			for shift := range shifts {
				sumqx, sumq2 := sums(zeros, ones, shift)
				if sumq2 > 0 && sumqx*sumqx > highest*sumq2 {
					scale := sumqx / sumq2
					highest = scale * sumqx
					best, found = iq1Split{zeros, ones, shift, scale}, true
				}
			}
		}
	}
	return best, found
}

func TestIQ1SplitsEqualTheirDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, w := drawWeights(t, 32, "x"), drawWeights(t, 32, "w")
		var order [32]uint8
		sortedOrder(order[:], x)
		var sumx, sumw [33]float32
		for j, i := range order {
			sumx[j+1] = sumx[j] + float32(w[i]*x[i])
			sumw[j+1] = sumw[j] + w[i]
		}
		want, ok := plainSplit(32, 2, func(zeros, ones, shift int) (float32, float32) {
			v := [2]*[8]float32{&iq1Up, &iq1Down}[shift]
			return float32((sumx[zeros]-sumx[0])*v[0]) + float32((sumx[ones]-sumx[zeros])*v[1]) + float32((sumx[32]-sumx[ones])*v[2]),
				float32((sumw[zeros]-sumw[0])*v[0]*v[0]) + float32((sumw[ones]-sumw[zeros])*v[1]*v[1]) + float32((sumw[32]-sumw[ones])*v[2]*v[2])
		})
		got, found := splitIQ1S(x, (*[32]float32)(w), &order)
		if found != ok || !sameFloat(got.scale, want.scale) || got.zeros != want.zeros || got.ones != want.ones || got.shift != want.shift {
			t.Fatalf("iq1_s: %v %v, want %v %v", got, found, want, ok)
		}

		x, w = x[:16], w[:16]
		var order16 [16]uint8
		sortedOrder(order16[:], x)
		want, ok = plainSplit(16, 4, func(zeros, ones, shift int) (sumqx, sumq2 float32) {
			for j, i := range order16 {
				level := 1
				switch {
				case j < zeros:
					level = 0
				case j >= ones:
					level = 2
				}
				q := iq1Pairs[shift][i/8][level]
				sumqx += float32(w[i] * q * x[i])
				sumq2 += float32(w[i] * q * q)
			}
			return sumqx, sumq2
		})
		got, found = splitIQ1M(x, w, &order16)
		if found != ok || !sameFloat(got.scale, want.scale) || got.zeros != want.zeros || got.ones != want.ones || got.shift != want.shift {
			t.Fatalf("iq1_m: %v %v, want %v %v", got, found, want, ok)
		}
	})
}
