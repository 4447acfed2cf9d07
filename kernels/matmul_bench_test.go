package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// benchmarkProduct reports the operations of m·k·n multiply-adds per nanosecond, in the
// fastest of all runs.
func benchmarkProduct(b *testing.B, m, k, n int, run func()) {
	best := time.Hour
	times := 1 + 1_000_000/(m*k*n+1)
	for b.Loop() {
		start := time.Now()
		for range times {
			run()
		}
		best = min(best, time.Since(start)/time.Duration(times))
	}
	b.ReportMetric(2*float64(m)*float64(k)*float64(n)/float64(best.Nanoseconds()), "GFLOP/s")
}

// BenchmarkMatMul runs shapes of small networks: layers on one input and on
// batches, convolutions as products, and a large square.
func BenchmarkMatMul(b *testing.B) {
	draw := rand.New(rand.NewPCG(1, 2))
	for _, shape := range [][3]int{
		{1024, 1024, 1024},
		{32, 288, 4096},
		{64, 576, 1024},
		{12, 1024, 4096},
		{12, 108, 4096},
		{4096, 27, 32},
		{32, 288, 196},
		{128, 784, 128},
		{128, 128, 784},
		{128, 128, 10},
		{16, 784, 128},
		{1, 784, 128},
		{1, 1024, 1024},
		{1, 4096, 4096},
	} {
		m, k, n := shape[0], shape[1], shape[2]
		a, w, c := Dense(m, k, weights("gaussian", m*k, 0, draw)), Dense(k, n, weights("gaussian", k*n, 0, draw)), Dense(m, n, make([]float32, m*n))
		turned := Matrix{Data: w.Data, Rows: k, Cols: n, RowStride: 1, ColStride: k}
		left := Matrix{Data: a.Data, Rows: m, Cols: k, RowStride: 1, ColStride: m}
		packed := packedMatrix(w)
		bytes, sums, packedBytes := Dense(m, k, make([]int8, m*k)), Dense(m, n, make([]int32, m*n)), new(PackedInt8)
		packedBytes.Pack(Dense(k, n, make([]int8, k*n)))
		var space MatMulSpace
		for _, impl := range Backends() {
			for _, way := range []struct {
				name string
				run  func()
			}{
				{"rows", func() { MatMul(c, a, w, false, &space) }},
				{"columns", func() { MatMul(c, a, turned, false, &space) }},
				{"left", func() { MatMul(c, left, w, false, &space) }},
				{"packed", func() { MatMulPacked(c, a, packed, false, &space) }},
				{"int8", func() { MatMulInt8(sums, bytes, 3, packedBytes, &space) }},
			} {
				b.Run(fmt.Sprintf("%dx%dx%d/%s/%v", m, k, n, way.name, impl), func(b *testing.B) {
					defer Use(Use(impl))
					benchmarkProduct(b, m, k, n, way.run)
				})
			}
		}
	}
}
