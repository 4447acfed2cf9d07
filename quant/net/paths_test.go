package net

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bitdial/bitdial/kernels"
)

// geometries are of every kind: those that have a short way and those that are
// nearly so.
func geometries(t *testing.T) (all []geometry) {
	for _, size := range [][2]int{{1, 1}, {1, 6}, {5, 4}, {7, 9}} {
		for _, kernel := range [][2]int{{1, 1}, {2, 2}, {3, 3}, {5, 3}} {
			for _, strides := range [][]float64{{1, 1}, {2, 2}, {2, 1}, {1, 3}} {
				for _, pads := range [][]float64{{0, 0, 0, 0}, {1, 1, 1, 1}, {2, 1, 2, 1}, {0, 2, 1, 0}, {0, 0, 1, 1}} {
					for _, dilations := range [][]float64{{1, 1}, {2, 2}, {1, 2}} {
						n := &Node{Op: "Conv", Attrs: Attributes{"strides": strides, "pads": pads, "dilations": dilations}}
						g, err := newGeometry(n, [][]int{{1, 3, size[0], size[1]}, {2, 3, kernel[0], kernel[1]}})
						if err == nil {
							all = append(all, g)
						}
					}
				}
			}
		}
	}
	if len(all) < 100 {
		t.Fatalf("only %d geometries", len(all))
	}
	return all
}

// see calls f for every output of rows from row on and every weight that lies
// inside the input: column i of patch element p sees number at.
func (g *geometry) see(row, rows int, f func(p, i, at int)) {
	for p := range g.patch() {
		ch, ky, kx := p/(g.kH*g.kW), p/g.kW%g.kH, p%g.kW
		for i := range rows * g.outW {
			y, x := (row+i/g.outW)*g.strideH-g.padH+ky*g.dilateH, i%g.outW*g.stride-g.pad+kx*g.dilate
			if y >= 0 && y < g.inH && x >= 0 && x < g.inW {
				f(p, i, (ch*g.inH+y)*g.inW+x)
			}
		}
	}
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

func TestColumnsAreWhatOutputsSee(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 2))
	for _, g := range geometries(t) {
		x := normal(g.inC*g.inH*g.inW, draw)
		for row := range g.outH {
			for rows := 1; row+rows <= g.outH; rows++ {
				width := rows * g.outW
				got, want := normal(g.patch()*width, draw), make([]float32, g.patch()*width)
				g.see(row, rows, func(p, i, at int) { want[p*width+i] = x[at] })
				g.columns(got, x, row, rows)
				if !sameBits(got, want) {
					t.Fatalf("%+v, rows %d+%d: columns\n%v\nwant\n%v", g, row, rows, got, want)
				}
				sums := normal(len(x), draw)
				sums[draw.IntN(len(sums))] = float32(math.Copysign(0, -1))
				wantSums := slices.Clone(sums)
				g.see(row, rows, func(p, i, at int) { wantSums[at] += got[p*width+i] })
				g.spread(sums, got, row, rows)
				if !sameBits(sums, wantSums) {
					t.Fatalf("%+v, rows %d+%d: gradients\n%v\nwant\n%v", g, row, rows, sums, wantSums)
				}
			}
		}
	}
}

func TestPatchesOfBytesAreWhatOutputsSee(t *testing.T) {
	draw := rand.New(rand.NewPCG(3, 4))
	for _, g := range geometries(t) {
		planes := make([]uint8, g.inC*g.inH*g.inW)
		for i := range planes {
			planes[i] = uint8(draw.Uint32())
		}
		const zero, guard = 7, 9
		height, width := g.padded()
		image := make([]uint8, height*width*g.inC+kernels.RunSlack)
		fill(image, zero)
		g.interleave(image, planes)
		n := g.outH * g.outW
		got, want := make([]uint8, n*g.patch()+kernels.RunSlack+1), make([]uint8, n*g.patch())
		got[len(got)-1] = guard
		fill(want, zero)
		g.see(0, g.outH, func(p, i, at int) { // row, column, channel
			ch, in := p/(g.kH*g.kW), p%(g.kH*g.kW)
			want[i*g.patch()+in*g.inC+ch] = planes[at]
		})
		g.patches(got, image, 0, g.outH)
		if !slices.Equal(got[:len(want)], want) || got[len(got)-1] != guard {
			t.Fatalf("%+v: patches\n%v\nwant\n%v", g, got, want)
		}
	}
}

// TestPoolingTakesTheGreatest runs windows with and without a short way against
// what the operator says, among them numbers that are none and zeros of both
// signs.
func TestPoolingTakesTheGreatest(t *testing.T) {
	draw := rand.New(rand.NewPCG(5, 6))
	some := []float32{0, float32(math.Copysign(0, -1)), -1, 1, 2, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}
	for _, size := range [][2]int{{2, 2}, {8, 8}, {7, 9}, {6, 33}} {
		for _, test := range []struct {
			kernel, strides, pads []float64
		}{
			{[]float64{2, 2}, []float64{2, 2}, []float64{0, 0, 0, 0}},
			{[]float64{2, 2}, []float64{2, 2}, []float64{0, 0, 1, 1}},
			{[]float64{2, 2}, []float64{2, 2}, []float64{1, 1, 1, 1}},
			{[]float64{2, 2}, []float64{1, 1}, []float64{0, 0, 0, 0}},
			{[]float64{3, 3}, []float64{2, 2}, []float64{1, 1, 1, 1}},
		} {
			pool := Attributes{"kernel_shape": test.kernel, "strides": test.strides, "pads": test.pads}
			g := newGraph([]int{3, size[0], size[1]}, []Node{{Op: "MaxPool", Inputs: []string{"x"}, Attrs: pool}}, nil, draw)
			for _, b := range kernels.Backends() {
				t.Run(fmt.Sprint(size, test, b), func(t *testing.T) {
					defer kernels.Use(kernels.Use(b))
					checkPooling(t, g, some, draw)
				})
			}
		}
	}
}

func checkPooling(t *testing.T, graph *Graph, some []float32, draw *rand.Rand) {
	t.Helper()
	p, err := Compile(graph, 2, true)
	if err != nil {
		t.Skip(err) // a window that does not fit
	}
	c := p.calls[0]
	x := p.Input()
	for i := range x {
		x[i] = some[draw.IntN(len(some))]
	}
	c.x[0].grad = make([]float32, len(x))
	p.Forward()
	copy(p.OutputGradient(), normal(len(p.Output()), draw))
	p.Backward()
	g, err := window(c.node, [][]int{c.x[0].shape})
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float32, len(x))
	out := g.outH * g.outW
	for i, y := range p.Output() {
		from, w := i/out*g.inH*g.inW, g.under(i%out)
		top := float32(math.Inf(-1))
		for row := w.top; row < w.bottom; row++ {
			for col := w.left; col < w.right; col++ {
				top = max(top, x[from+row*g.inW+col])
			}
		}
		if math.Float32bits(y) != math.Float32bits(top) && (y == y || top == top) {
			t.Fatalf("output %d is %v, want %v", i, y, top)
		}
		want[from+g.first(x[from:], y, w)] += p.OutputGradient()[i]
	}
	if !sameBits(c.x[0].grad, want) {
		t.Errorf("gradients\n%v\nwant\n%v", c.x[0].grad, want)
	}
}
