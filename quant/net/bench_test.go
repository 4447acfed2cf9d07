package net

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bitdial/bitdial/kernels"
)

// cnn is a network for pictures of 32×32 in three colours.
func cnn() *Graph {
	pad, pool := Attributes{"pads": {1, 1, 1, 1}}, Attributes{"kernel_shape": {2, 2}, "strides": {2, 2}}
	g := newGraph([]int{3, 32, 32}, []Node{
		{Op: "Conv", Inputs: []string{"x", "1.weight", "1.bias"}, Output: "1", Attrs: pad},
		{Op: "Relu", Inputs: []string{"1"}, Output: "r1"},
		{Op: "MaxPool", Inputs: []string{"r1"}, Output: "p1", Attrs: pool},
		{Op: "Conv", Inputs: []string{"p1", "2.weight", "2.bias"}, Output: "2", Attrs: pad},
		{Op: "Relu", Inputs: []string{"2"}, Output: "r2"},
		{Op: "MaxPool", Inputs: []string{"r2"}, Output: "p2", Attrs: pool},
		{Op: "Conv", Inputs: []string{"p2", "3.weight", "3.bias"}, Output: "3", Attrs: pad},
		{Op: "Relu", Inputs: []string{"3"}, Output: "r3"},
		{Op: "MaxPool", Inputs: []string{"r3"}, Output: "p3", Attrs: pool},
		{Op: "Conv", Inputs: []string{"p3", "4.weight", "4.bias"}, Output: "4", Attrs: pad},
		{Op: "Relu", Inputs: []string{"4"}, Output: "r4"},
		{Op: "GlobalAveragePool", Inputs: []string{"r4"}, Output: "g"},
		{Op: "Flatten", Inputs: []string{"g"}, Output: "f"},
		{Op: "Gemm", Inputs: []string{"f", "5.weight", "5.bias"}, Attrs: Attributes{"transB": {1}}},
	}, map[string][]int{
		"1.weight": {16, 3, 3, 3}, "1.bias": {16}, "2.weight": {32, 16, 3, 3}, "2.bias": {32}, "3.weight": {64, 32, 3, 3}, "3.bias": {64},
		"4.weight": {64, 64, 3, 3}, "4.bias": {64}, "5.weight": {12, 64}, "5.bias": {12},
	}, rand.New(rand.NewPCG(1, 1)))
	shrink(g)
	return g
}

func BenchmarkForward(b *testing.B) {
	g := cnn()
	n, err := Of(g)
	if err != nil {
		b.Fatal(err)
	}
	p, err := Compile(g, 50, false)
	if err != nil {
		b.Fatal(err)
	}
	copy(p.Input(), normal(len(p.Input()), rand.New(rand.NewPCG(1, 2))))
	pictures := func(b *testing.B) {
		for b.Loop() {
			p.Forward()
		}
		b.ReportMetric(float64(50*b.N)/b.Elapsed().Seconds(), "pictures/s")
	}
	b.Run("float", pictures)
	v, err := n.Quantize(context.Background(), plan(b, "int8:channel", "int8:asym"), nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := p.Use(v); err != nil {
		b.Fatal(err)
	}
	b.Run("fake", pictures)
	p.RunIntegers(v)
	b.Run("integers", pictures)
}

func BenchmarkTraining(b *testing.B) {
	for _, test := range []struct{ name, weights, activations string }{
		{"float", "keep", "keep"}, {"int4", "int4:channel", "keep"}, {"int4 and int8", "int4:channel", "int8"},
	} {
		b.Run(test.name, func(b *testing.B) {
			n, err := Of(cnn())
			if err != nil {
				b.Fatal(err)
			}
			data := draws(64, 3*32*32, 12, rand.New(rand.NewPCG(1, 2)))
			t, err := NewTrainer(context.Background(), n, data, plan(b, test.weights, test.activations), nil, Training{Batch: 64, Steps: 1 << 30, Rate: 1e-6})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := t.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkProduct is a product of 1024×1024 matrices, shared out among threads.
func BenchmarkProduct(b *testing.B) {
	const n = 1024
	for _, count := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", count), func(b *testing.B) {
			t := newThreads(count)
			defer t.close()
			c := &call{threads: t, space: make([]space, count)}
			x := normal(2*n*n, rand.New(rand.NewPCG(1, 2)))
			a, w, y := kernels.Dense(n, n, x), kernels.Dense(n, n, x[n*n:]), kernels.Dense(n, n, make([]float32, n*n))
			for b.Loop() {
				c.product(y, a, w, false)
			}
			b.ReportMetric(2*n*n*n*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
