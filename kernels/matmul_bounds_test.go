//go:build unix

package kernels

import (
	"math/rand/v2"
	"runtime/debug"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// atEdge returns a copy of x that ends where memory does.
func atEdge[T any](t *testing.T, x []T) []T {
	page := unix.Getpagesize()
	size := len(x) * int(unsafe.Sizeof(*new(T)))
	whole := (size + page - 1) / page * page
	memory, err := unix.Mmap(-1, 0, whole+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(memory) })
	if err := unix.Mprotect(memory[whole:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	if len(x) == 0 {
		return nil
	}
	edge := unsafe.Slice((*T)(unsafe.Pointer(&memory[whole-size])), len(x))
	copy(edge, x)
	return edge
}

// masksProtect reports whether a masked load may reach past the end of memory.
// Some emulators load all of it first.
func masksProtect(t *testing.T) (yes bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { yes = recover() == nil }()
	x := atEdge(t, make([]float32, 1))
	Compare(x, x, 0)
	return true
}

func TestProductsReadNothingPastTheirMatrices(t *testing.T) {
	if !masksProtect(t) {
		t.Skip("masked loads fault here")
	}
	draw := rand.New(rand.NewPCG(1, 1))
	for _, shape := range [][3]int{{1, 1, 1}, {1, 7, 33}, {12, 9, 32}, {13, 31, 17}, {3, 6, 50}, {70, 13, 19}, {2, 5, 1040}} {
		m, k, n := shape[0], shape[1], shape[2]
		a, b, c := atEdge(t, make([]float32, m*k)), atEdge(t, make([]float32, k*n)), atEdge(t, make([]float32, m*n))
		bytes, weights, sums := atEdge(t, make([]int8, m*k)), atEdge(t, make([]int8, k*n)), atEdge(t, make([]int32, m*n))
		turned := func(rows, cols int, x []float32) Matrix { return Dense(cols, rows, x).T() }
		var space MatMulSpace
		var packed PackedInt8
		for _, backend := range Backends() {
			defer Use(Use(backend))
			for range 8 {
				x, y, z := Dense(m, k, a), Dense(k, n, b), Dense(m, n, c)
				if draw.IntN(2) == 0 {
					x = turned(m, k, a)
				}
				if draw.IntN(2) == 0 {
					y = turned(k, n, b)
				}
				if draw.IntN(2) == 0 {
					z = turned(m, n, c)
				}
				MatMul(z, x, y, true, &space)
				MatMulPacked(z, x, packedMatrix(y), true, &space)
			}
			packed.Pack(Dense(k, n, weights))
			MatMulInt8(Dense(m, n, sums), Dense(m, k, bytes), 3, &packed, &space)
		}
	}
}
