package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// inMemory returns m in another place: with strides as drawn, surrounded by
// floats that no product may touch.
func inMemory[T any](m View[T], draw *rand.Rand, guard T) View[T] {
	v := View[T]{Rows: m.Rows, Cols: m.Cols, ColStride: 1}
	switch draw.IntN(4) {
	case 0:
		v.RowStride = m.Cols
	case 1:
		v.RowStride = m.Cols + draw.IntN(20)
	case 2:
		v.RowStride, v.ColStride = 1, m.Rows+draw.IntN(20)
	case 3:
		v.ColStride = 1 + draw.IntN(3)
		v.RowStride = m.Cols*v.ColStride + draw.IntN(5)
	}
	off := draw.IntN(20)
	data := make([]T, off+m.Rows*v.RowStride+m.Cols*v.ColStride+20)
	for i := range data {
		data[i] = guard
	}
	v.Data = data[off:]
	v.set(m)
	return v
}

// touched returns an element of the memory of m that is not of m, nor guard.
func touched[T comparable](m View[T], guard T) error {
	data := append([]T(nil), m.Data...)
	View[T]{Data: data, Rows: m.Rows, Cols: m.Cols, RowStride: m.RowStride, ColStride: m.ColStride}.set(
		View[T]{Data: []T{guard}, Rows: m.Rows, Cols: m.Cols})
	for i, v := range data {
		if v != guard {
			return fmt.Errorf("element %d of the memory of %v (strides %d and %d) became %v", i, m, m.RowStride, m.ColStride, v)
		}
	}
	return nil
}

// product is what MatMul documents.
func product(c, a, b Matrix, accumulate bool) Matrix {
	want := Dense(c.Rows, c.Cols, make([]float32, c.Rows*c.Cols))
	for i := range c.Rows {
		for j := range c.Cols {
			var sum float32
			if accumulate {
				sum = c.Data[i*c.RowStride+j*c.ColStride]
			}
			for k := range a.Cols {
				sum = fma(a.Data[i*a.RowStride+k*a.ColStride], b.Data[k*b.RowStride+j*b.ColStride], sum)
			}
			want.Data[i*c.Cols+j] = sum
		}
	}
	return want
}

// differ tells where got is not want.
func differ(got, want Matrix) error {
	for i := range want.Rows {
		for j := range want.Cols {
			if g, w := got.Data[i*got.RowStride+j*got.ColStride], want.Data[i*want.RowStride+j*want.ColStride]; !sameNumber(g, w) {
				return fmt.Errorf("element (%d, %d) is %v (%x), the chain of products gives %v (%x)", i, j, g, math.Float32bits(g), w, math.Float32bits(w))
			}
		}
	}
	return nil
}

func packedMatrix(b Matrix) *PackedMatrix {
	p := new(PackedMatrix)
	p.Pack(b)
	return p
}

// checkMatMul runs a product of one shape in every way on every backend.
func checkMatMul(m, k, n int, kind string, draw *rand.Rand) error {
	const guard = 12345
	a := inMemory(Dense(m, k, weights(kind, m*k, 0, draw)), draw, guard)
	b := inMemory(Dense(k, n, weights(kind, k*n, 0, draw)), draw, guard)
	before := inMemory(Dense(m, n, weights(kind, m*n, 0, draw)), draw, guard)
	for _, accumulate := range []bool{false, true} {
		want := product(before, a, b, accumulate)
		for _, backend := range Backends() {
			for _, packed := range []bool{false, true} {
				c := before
				c.Data = append([]float32(nil), before.Data...)
				on := Use(backend)
				var space MatMulSpace
				if packed {
					MatMulPacked(c, a, packedMatrix(b), accumulate, &space)
				} else {
					MatMul(c, a, b, accumulate, &space)
				}
				Use(on)
				err := differ(c, want)
				if err == nil {
					err = touched(c, guard)
				}
				if err != nil {
					return fmt.Errorf("%v: %v times %v into %v, strides %d %d, %d %d, %d %d, %s, accumulate %v, packed %v: %w",
						backend, a, b, c, a.RowStride, a.ColStride, b.RowStride, b.ColStride, c.RowStride, c.ColStride, kind, accumulate, packed, err)
				}
			}
		}
	}
	return nil
}

func TestEveryElementOfAProductIsOneChain(t *testing.T) {
	draw := rand.New(rand.NewPCG(3, 4))
	for _, shape := range [][3]int{
		{0, 3, 4},
		{3, 0, 4},
		{3, 4, 0},
		{0, 0, 0},
		{1, 1, 1},
		{1, 300, 1},
		{1, 5, 700},
		{700, 5, 1},
		{2, 27, 33},
		{12, 64, 32},
		{13, 257, 33},
		{24, 256, 64},
		{25, 300, 600},
		{5, 513, 40},
		{100, 130, 17},
		{7, 129, 16},
	} {
		for _, kind := range kinds {
			if err := checkMatMul(shape[0], shape[1], shape[2], kind, draw); err != nil {
				t.Fatal(err)
			}
			if testing.Short() {
				break
			}
		}
	}
	for m := range 15 {
		for n := m % 5; n < 50; n += 1 + m%3 {
			if err := checkMatMul(m, draw.IntN(20), n, "gaussian", draw); err != nil {
				t.Fatal(err)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(0, 70)
		draw := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		if err := checkMatMul(size.Draw(t, "m"), size.Draw(t, "k"), size.Draw(t, "n"), rapid.SampledFrom(kinds).Draw(t, "kind"), draw); err != nil {
			t.Fatal(err)
		}
	})
}

func TestProductsSplitAmongCallersAreTheSame(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 1))
	const m, k, n = 37, 300, 150
	a, b := Dense(m, k, weights("gaussian", m*k, 0, draw)), Dense(k, n, weights("gaussian", k*n, 0, draw))
	whole, parts := Dense(m, n, make([]float32, m*n)), Dense(m, n, make([]float32, m*n))
	packed := packedMatrix(b)
	var space MatMulSpace
	MatMul(whole, a, b, false, &space)
	for i := 0; i < m; i += 5 {
		for j := 0; j < n; j += 48 {
			i1, j1 := min(m, i+5), min(n, j+48)
			MatMulPacked(parts.Slice(i, i1, j, j1), a.Slice(i, i1, 0, k), packed.Columns(j, j1), false, &space)
		}
	}
	if err := differ(parts, whole); err != nil {
		t.Fatal(err)
	}
	y := make([]float32, m)
	for j := range n {
		x := make([]float32, k)
		Dense(k, 1, x).set(b.Slice(0, k, j, j+1))
		MatVec(y, a, x, false, &space)
		if err := differ(Dense(m, 1, y), whole.Slice(0, m, j, j+1)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestProductsOfOtherShapesPanic(t *testing.T) {
	x := make([]float32, 100)
	for name, f := range map[string]func(){
		"rows":  func() { MatMul(Dense(3, 3, x), Dense(2, 3, x), Dense(3, 3, x), false, new(MatMulSpace)) },
		"inner": func() { MatMul(Dense(3, 3, x), Dense(3, 4, x), Dense(3, 3, x), false, new(MatMulSpace)) },
		"packed": func() {
			MatMulPacked(Dense(3, 3, x), Dense(3, 4, x), packedMatrix(Dense(3, 3, x)), false, new(MatMulSpace))
		},
		"short": func() {
			MatMul(Dense(3, 3, x), Matrix{Data: x, Rows: 3, Cols: 3, RowStride: 49, ColStride: 1}, Dense(3, 3, x), false, new(MatMulSpace))
		},
		"slice": func() { Dense(3, 3, x).Slice(0, 4, 0, 1) },
		"bytes": func() {
			MatMulInt8(Dense(3, 3, make([]int32, 9)), Dense(3, 3, make([]uint8, 9)), 0, new(PackedInt8), new(MatMulSpace))
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestProductsDoNotAllocate(t *testing.T) {
	const m, k, n = 30, 40, 50
	x := make([]float32, m*k+k*n+m*n)
	a, b, c := Dense(m, k, x), Dense(k, n, x[m*k:]), Dense(m, n, x[m*k+k*n:])
	packed := packedMatrix(b)
	bytes, zeros := Dense(m, k, make([]int8, m*k)), Dense(k, n, make([]int8, k*n))
	sums, weights := Dense(m, n, make([]int32, m*n)), new(PackedInt8)
	var space MatMulSpace
	for _, backend := range Backends() {
		defer Use(Use(backend))
		if count := testing.AllocsPerRun(10, func() {
			MatMul(c, a, b, true, &space)
			MatMul(c.T(), b.T(), a.T(), true, &space)
			MatMulPacked(c, a, packed, true, &space)
			packed.Pack(b)
			weights.Pack(zeros)
			MatMulInt8(sums, bytes, 3, weights, &space)
			MatVec(c.Data[:m], a, b.Data[:k], false, &space)
		}); count != 0 {
			t.Errorf("%v: %v allocations in steady state", backend, count)
		}
	}
}

// checkMatMulInt8 runs a product of bytes on every backend.
func checkMatMulInt8[T int8 | uint8](m, k, n int, a View[T], zero T, b View[int8], draw *rand.Rand) error {
	const guard = 12345
	c := inMemory(Dense(m, n, make([]int32, m*n)), draw, guard)
	packed, space := new(PackedInt8), new(MatMulSpace)
	packed.Pack(b)
	for _, backend := range Backends() {
		on := Use(backend)
		MatMulInt8(c, a, zero, packed, space)
		Use(on)
		for i := range m {
			for j := range n {
				var want int32
				for p := range k {
					want += (int32(a.Data[i*a.RowStride+p*a.ColStride]) - int32(zero)) * int32(b.Data[p*b.RowStride+j*b.ColStride])
				}
				if got := c.Data[i*c.RowStride+j*c.ColStride]; got != want {
					return fmt.Errorf("%v: element (%d, %d) of %T %v, zero %d, times %v: %d, want %d", backend, i, j, zero, a, zero, b, got, want)
				}
			}
		}
		if err := touched(c, guard); err != nil {
			return fmt.Errorf("%v: %w", backend, err)
		}
	}
	return nil
}

// drawBytes returns extremes or anything.
func drawBytes[T int8 | uint8](n int, extreme bool, draw *rand.Rand) []T {
	x := make([]T, n)
	for i := range x {
		if x[i] = T(draw.Uint32()); extreme {
			x[i] = T([]uint8{128, 127, 255, 0}[draw.IntN(4)])
		}
	}
	return x
}

func TestSumsOfBytesAreExact(t *testing.T) {
	check := func(m, k, n int, extreme bool, draw *rand.Rand) error {
		b := inMemory(Dense(k, n, drawBytes[int8](k*n, extreme, draw)), draw, 99)
		err := checkMatMulInt8(m, k, n, inMemory(Dense(m, k, drawBytes[uint8](m*k, extreme, draw)), draw, 99), uint8(draw.Uint32()), b, draw)
		if err == nil {
			err = checkMatMulInt8(m, k, n, inMemory(Dense(m, k, drawBytes[int8](m*k, extreme, draw)), draw, 99), int8(draw.Uint32()), b, draw)
		}
		return err
	}
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(0, 70)
		draw := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		if err := check(size.Draw(t, "m"), size.Draw(t, "k"), size.Draw(t, "n"), rapid.Bool().Draw(t, "extreme"), draw); err != nil {
			t.Fatal(err)
		}
	})
	draw := rand.New(rand.NewPCG(7, 8))
	for _, shape := range [][3]int{{13, 2050, 17}, {2, 1024, 530}, {30, 1027, 33}} {
		if err := check(shape[0], shape[1], shape[2], true, draw); err != nil {
			t.Fatal(err)
		}
	}
	const k = 65793 // the most: −255·128·k fits an int32
	low, high, down := make([]uint8, k), make([]uint8, k), make([]int8, k)
	for i := range k {
		high[i], down[i] = 255, -128
	}
	for _, a := range [][]uint8{low, high} {
		for _, zero := range []uint8{0, 255} {
			if err := checkMatMulInt8(1, k, 1, Dense(1, k, a), zero, Dense(k, 1, down), draw); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestSumRows(t *testing.T) {
	sums := make([]int32, 2)
	SumRows(sums, Dense(2, 3, []int8{1, -128, 3, 4, 5, 127}))
	if sums[0] != -124 || sums[1] != 136 {
		t.Errorf("%v", sums)
	}
	p := new(PackedInt8)
	p.Pack(Dense(2, 3, []int8{1, -128, 3, 4, 5, 127}))
	if s := p.Sums(); fmt.Sprint(s) != "[5 -123 130]" {
		t.Errorf("%v", s)
	}
}
