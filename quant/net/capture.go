package net

import (
	"context"
	"fmt"
	"slices"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// Captured is what flowed into one layer of a float network, input by input:
// what activation schemes are tried on.
type Captured struct {
	Shape  []int // of what one input makes flow
	N      int   // inputs
	Values []float32
}

// maxCaptured bounds how many numbers are kept of one layer.
const maxCaptured = 1 << 22

// Capture runs g over the first n inputs of data, or as many as there is room
// for, up to the layer of the site called name, and keeps what flows into it.
// progress, which may be nil, hears the share done.
func Capture(ctx context.Context, g *Graph, data Data, n int, name string, progress func(float64)) (*Captured, error) {
	p, err := Compile(g, 1, false)
	if err != nil {
		return nil, err
	}
	site := p.callAt(name)
	if site == nil {
		return nil, fmt.Errorf("no layer is called %q", name)
	}
	size := len(site.x[0].data)
	n = max(1, min(n, data.Len(), maxCaptured/size))
	c := &Captured{Shape: slices.Clone(site.x[0].shape[1:]), N: n, Values: make([]float32, 0, n*size)}
	return c, p.eachInput(ctx, data, n, progress, func(int, []int) error {
		for _, call := range p.calls {
			if call == site {
				break
			}
			call.op.forward(call)
		}
		c.Values = append(c.Values, site.x[0].data...)
		return nil
	})
}

// FlowMeasurement is what a scheme does to what flows into a layer.
type FlowMeasurement struct {
	quant.Figures
	Quantized quant.Histogram // of the values that came back, over the axis of the flow
	// ClipLo and ClipHi are the clipping range, Levels the values that can come
	// back; of a range that follows the values they are those of an input whose
	// extremes are the mean ones. There is none where every row or group has
	// its own.
	ClipLo, ClipHi float64
	Levels         []float32
}

// Measure takes what was captured through a. The flow that it is part of, over
// as many inputs or more, says what ranges calibration fixes.
func (c *Captured) Measure(ctx context.Context, a quant.Activation, flow *Flow) (*FlowMeasurement, error) {
	axis := quant.HistogramOf(nil, flow.Lo, flow.Hi)
	m := &FlowMeasurement{Quantized: axis}
	m.Exact = true
	bins := kernels.NewBinCounter(axis.Lo, axis.Hi)
	through, err := c.through(a, flow, m)
	if err != nil {
		return nil, err
	}
	size := len(c.Values) / c.N
	y := make([]float32, size)
	for i := range c.N {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		x := c.Values[i*size:][:size]
		clipped := through(y, x)
		sums := kernels.Compare(x, y, i*size)
		sums.Clipped = clipped
		m.Add(sums)
		bins.Count(y)
	}
	bins.AddTo(m.Quantized.Bins)
	m.SQNRLo, m.SQNRHi = m.SQNR(), m.SQNR()
	return m, nil
}

// through returns what takes the values of one input through a, and tells m
// what range and what values that has.
func (c *Captured) through(a quant.Activation, flow *Flow, m *FlowMeasurement) (func(y, x []float32) (clipped int), error) {
	tell := func(of kernels.Map) {
		lo, hi := of.Range()
		m.ClipLo, m.ClipHi = float64(lo), float64(hi)
		if a.Format.Bits <= 8 { // not too many to list
			m.Levels = of.Values()
		}
	}
	if a.Static {
		fixed := flow.Map(a)
		tell(fixed)
		return func(y, x []float32) int {
			return fixed.RoundTrip(y, x, a.Rounding, uint64(a.Seed), 0)
		}, nil
	}
	unit := a.Unit(c.Shape)
	fake, err := quant.NewFake(a.Scheme, unit)
	if err != nil {
		return nil, err
	}
	if a.Granularity == quant.PerTensor && !a.Keep() && a.Format.Cast == nil && a.Format.Block() == 0 {
		tell(quant.FitRange(a.Scheme, flow.Distribution, flow.MeanLo, flow.MeanHi))
	}
	n, err := numbers(unit)
	if err != nil {
		return nil, err
	}
	return func(y, x []float32) (clipped int) {
		for i := 0; i < len(x); i += n {
			clipped += fake.RoundTrip(y[i:i+n], x[i:i+n])
		}
		return clipped
	}, nil
}

// Entries returns the shapes of what one input makes flow into the sites of g.
func (g *Graph) Entries() (map[string][]int, error) {
	p, err := Compile(g, 1, false)
	if err != nil {
		return nil, err
	}
	shapes := map[string][]int{}
	for _, c := range p.calls {
		if takesSchemes(c.node) {
			shapes[g.siteName(c.node)] = c.x[0].shape[1:]
		}
	}
	return shapes, nil
}
