package kernels

import (
	"fmt"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// drawImportance returns weights of errors, none negative, some or all of them 0.
func drawImportance(t *rapid.T, n int) []float32 {
	w := drawWeights(t, n, "importance")
	some := rapid.IntRange(0, 3).Draw(t, "some")
	for i, v := range w {
		if w[i] = abs(v); i%4 < some {
			w[i] = 0
		}
	}
	return w
}

func TestLanesSearchAsPlainGo(t *testing.T) {
	defer Use(Use(Portable))
	searches := []struct {
		s *gridSearch
		l *lattice
		n int
	}{{&iq2xxsSearch, iq2xxsLattice(), 32}, {&iq2xsSearch, iq2xsLattice(), 16}, {&iq2sSearch, iq2sLattice(), 16}, {&iq3xxsSearch, iq3xxsLattice(), 32}, {&iq3sSearch, iq3sLattice(), 32}}
	for _, b := range Backends()[1:] {
		t.Run(fmt.Sprint(b), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				c := rapid.SampledFrom(searches).Draw(t, "format")
				x := drawWeights(t, c.n, "x")
				var importance []float32
				if rapid.Bool().Draw(t, "weighted") {
					importance = drawImportance(t, c.n)
				}
				even := rapid.Bool().Draw(t, "even")
				square := sumSquares(x) / float32(len(x))
				var blocks gridBlocks
				var plain gridBlock
				at := rapid.IntRange(0, 15).Draw(t, "at")
				quick := &blocks.blocks[at]
				Use(b)
				quick.take(x, importance, square, 0, even)
				Use(Portable)
				plain.take(x, importance, square, 0, even)
				if !reflect.DeepEqual(bitsOf(quick.x[:]), bitsOf(plain.x[:])) || !reflect.DeepEqual(bitsOf(quick.w[:]), bitsOf(plain.w[:])) ||
					!reflect.DeepEqual(bitsOf(quick.root[:]), bitsOf(plain.root[:])) || quick.signs != plain.signs {
					t.Fatalf("%v with %v are taken up as %v, %v and %v, want %v, %v and %v", x, importance, quick.x, quick.w, quick.signs, plain.x, plain.w, plain.signs)
				}
				if got, want := quick.top(), plain.top(); !sameFloat(got, want) {
					t.Fatalf("the largest is %v, want %v", got, want)
				}
				top := plain.top()
				if !(top > 0) {
					return
				}
				top *= rapid.SampledFrom([]float32{1, 1, 0.9, 0.01}).Draw(t, "part")
				Use(b)
				quick.want(true, top, top/5)
				c.s.runAll(c.l, &blocks, 16)
				got := quick.result
				Use(Portable)
				want := c.s.run(c.l, &plain, top, top/5)
				if !sameFloat(got, want) || quick.point != plain.point || quick.signs != plain.signs {
					t.Fatalf("scale %v, points %v, signs %v, want %v, %v and %v", got, quick.point, quick.signs, want, plain.point, plain.signs)
				}
			})
		})
	}
}

// bitsOf makes NaN comparable; one is like another.
func bitsOf(x []float32) []uint32 {
	b := make([]uint32, len(x))
	for i, v := range x {
		if b[i] = math.Float32bits(v); v != v {
			b[i] = 0x7fc00000
		}
	}
	return b
}

func TestShortListsHaveTheBestPoint(t *testing.T) {
	lattices := []*lattice{iq2xxsLattice(), iq2xsLattice(), iq2sLattice(), iq3xxsLattice(), iq3sLattice()}
	rapid.Check(t, func(t *rapid.T) {
		l := rapid.SampledFrom(lattices).Draw(t, "lattice")
		root := drawImportance(t, l.dim)
		scale := float32(math.Ldexp(1+rapid.Float64Range(0, 1).Draw(t, "scale"), rapid.IntRange(-30, 30).Draw(t, "size")))
		x := make([]float32, l.dim)
		for i := range x {
			level := rapid.IntRange(0, l.levels-1).Draw(t, "level")
			x[i] = scale * (float32(2*level+1) + rapid.SampledFrom([]float32{0, 0.5, -0.5, 0.9995, -0.9995}).Draw(t, "off"))
			if level == 0 && rapid.Bool().Draw(t, "negative") {
				x[i] = -3 * x[i]
			}
			if level == l.levels-1 && rapid.Bool().Draw(t, "beyond") {
				x[i] *= 2
			}
		}
		key := l.key(x, 1/scale)
		p := l.at[key]
		list := l.short().at[key]
		if p >= 0 {
			if list >= 0 {
				t.Fatalf("key %04x is on the grid and has a list", key)
			}
			return
		}
		want := l.points[plainClosest(l, ^p, x, root, scale, &oddValues)]
		words := l.short().words[list+1:][:l.short().words[list]]
		best, least := words[0], float32(math.MaxFloat32)
		for _, word := range words {
			var d2 float32
			for i, v := range x {
				diff := float32(scale*oddValues[l.level(l.keyOf(word), i)]) - v
				d2 += float32(root[i] * diff * diff)
			}
			if d2 < least {
				best, least = word, d2
			}
		}
		if got := l.keyOf(best); got != want || l.word(want) != best {
			t.Fatalf("%v at scale %v, weighed %v: %04x, want %04x", x, scale, root, got, want)
		}
	})
}

func TestLanesFindTheClosestAsPlainGo(t *testing.T) {
	lattices := []*lattice{iq1Lattice(), iq2xxsLattice(), iq2xsLattice(), iq2sLattice()}
	defer Use(Use(Portable))
	rapid.Check(t, func(t *rapid.T) {
		l := rapid.SampledFrom(lattices).Draw(t, "lattice")
		var key uint16
		for i := range l.dim {
			key |= uint16(rapid.IntRange(0, l.levels-1).Draw(t, "level")) << (i * l.bits)
		}
		if l.at[key] >= 0 {
			return
		}
		x, w := drawWeights(t, 8, "x"), drawWeights(t, 8, "w")
		value := rapid.SampledFrom([]*[8]float32{&oddValues, &iq1Up, &iq1Down}).Draw(t, "values")
		scale := rapid.Float32().Draw(t, "scale")
		want := plainClosest(l, ^l.at[key], x, w, scale, value)
		for _, b := range Backends() {
			Use(b)
			if got := l.closest(^l.at[key], x, w, scale, value); got != want {
				t.Fatalf("%v: %d, want %d", b, got, want)
			}
		}
	})
}

func TestLanesSplitAsPlainGo(t *testing.T) {
	defer Use(Use(Portable))
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		x, w := drawWeights(t, 32, "x"), drawImportance(t, 32)
		for _, b := range Backends()[1:] {
			Use(Portable)
			var want, order [32]uint8
			sortedOrder(want[:], x)
			Use(b)
			if sortedOrder(order[:], x); order != want {
				t.Fatalf("%v: order %v, want %v", b, order, want)
			}
			var lanes splitLanes
			if got, found, done := lanes.split32(x, (*[32]float32)(w), &order); done {
				taken++
				if want, ok := splitIQ1S(x, (*[32]float32)(w), &order); got != want || found != ok {
					t.Fatalf("%v: iq1_s: %v, want %v", b, got, want)
				}
			}
			x, w := x[:16], w[:16]
			var order16 [16]uint8
			sortedOrder(order16[:], x)
			if got, found, done := lanes.split16(x, w, &order16); done {
				taken++
				if want, ok := splitIQ1M(x, w, &order16); got != want || found != ok {
					t.Fatalf("%v: iq1_m: %v, want %v", b, got, want)
				}
			}
		}
	})
	if taken == 0 && len(Backends()) > 1 {
		t.Fatal("lanes took none")
	}
}

func TestLanesFitPositiveAsPlainGo(t *testing.T) {
	defer Use(Use(Portable))
	rapid.Check(t, func(t *rapid.T) {
		x, w := drawWeights(t, 32, "x"), drawImportance(t, 32)
		for i := range x {
			if x[i] = abs(x[i]); i%9 == 4 {
				x[i] = -x[i]
			}
		}
		var want [32]uint8
		Use(Portable)
		scale := fitPositive(want[:], x, w, 4)
		for _, b := range Backends() {
			Use(b)
			var codes [32]uint8
			if got := fitPositive(codes[:], x, w, 4); !sameFloat(got, scale) || codes != want {
				t.Fatalf("%v: %v with %v, want %v with %v", b, got, codes, scale, want)
			}
		}
	})
}
