package net

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// Calibration is what flowed into the layers of a float network over some
// inputs: what static ranges are chosen from.
type Calibration struct {
	N     int // inputs
	sites map[string]*Flow
}

// Flow is what flowed into one layer.
type Flow struct {
	Lo, Hi         float32              // the extremes of all inputs together
	MeanLo, MeanHi float32              // the means of each input's own
	Distribution   kernels.Distribution // of all values
	Channels       []kernels.Extent     // of the values by channel: the axis after the batch of a picture, else the last
	spectrum       *kernels.Spectrum
}

// Calibrate runs g over the first n inputs of data and notes what flows into
// its layers. progress, which may be nil, hears the share done.
func Calibrate(ctx context.Context, g *Graph, data Data, n int, progress func(float64)) (*Calibration, error) {
	if n = min(n, data.Len()); n < 1 {
		return nil, errors.New("calibration needs at least one input")
	}
	c := &Calibration{N: n, sites: map[string]*Flow{}}
	p, err := Compile(g, 1, false) // one by one: each input's extremes are wanted
	if err != nil {
		return nil, err
	}
	p.before = func(call *call) {
		if takesSchemes(call.node) {
			name := g.siteName(call.node)
			if c.sites[name] == nil {
				c.sites[name] = &Flow{spectrum: new(kernels.Spectrum)}
			}
			c.sites[name].count(call.x[0])
		}
	}
	err = p.eachInput(ctx, data, n, progress, func(int, []int) error {
		p.Forward()
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, f := range c.sites {
		f.MeanLo /= float32(n)
		f.MeanHi /= float32(n)
		f.Distribution = f.spectrum.Distribution()
		f.spectrum = nil
	}
	return c, nil
}

// count adds one input's values.
func (f *Flow) count(v *value) {
	f.spectrum.Count(v.data)
	channels, run := v.width(), 1
	if len(v.shape) == 4 {
		channels, run = v.shape[1], v.shape[2]*v.shape[3]
	}
	if f.Channels == nil {
		f.Channels = make([]kernels.Extent, channels)
	}
	var lo, hi float32
	if run > 1 {
		for ch := range channels {
			l, h := kernels.Extremes(v.data[ch*run : (ch+1)*run])
			f.Channels[ch] = kernels.Extent{Lo: min(f.Channels[ch].Lo, l), Hi: max(f.Channels[ch].Hi, h)}
			lo, hi = min(lo, l), max(hi, h)
		}
	} else {
		for row := range len(v.data) / channels {
			for ch, x := range v.data[row*channels:][:channels] {
				if kernels.Finite(x) {
					f.Channels[ch] = kernels.Extent{Lo: min(f.Channels[ch].Lo, x), Hi: max(f.Channels[ch].Hi, x)}
					lo, hi = min(lo, x), max(hi, x)
				}
			}
		}
	}
	f.Lo, f.Hi = min(f.Lo, lo), max(f.Hi, hi)
	f.MeanLo += lo
	f.MeanHi += hi
}

// Flow returns what flowed into the layer of the site called name, or nil.
func (c *Calibration) Flow(name string) *Flow { return c.sites[name] }

// Map returns the map that a, which is static, fixes for what flowed: by the
// extremes, their average, a percentile, the least squared error or the least
// loss of information.
func (f *Flow) Map(a quant.Activation) kernels.Map {
	lo, hi := f.Lo, f.Hi
	if a.Average {
		lo, hi = f.MeanLo, f.MeanHi
	}
	return quant.FitRange(a.Scheme, f.Distribution, lo, hi)
}

// CheckInput returns an error if the input holds what the network cannot take:
// numbers that are not finite, or rows that a table does not have.
func (p *Program) CheckInput() error {
	for i, v := range p.input.data {
		if !kernels.Finite(v) {
			return fmt.Errorf("number %d of it is %v", i, v)
		}
	}
	for _, c := range p.calls {
		if c.op != gather || c.x[1] != p.input {
			continue
		}
		for i, v := range p.input.data {
			if v < 0 || v >= float32(c.x[0].shape[0]) || v != float32(math.Trunc(float64(v))) {
				return fmt.Errorf("token %d of it is %v, and the table %q has %d rows", i, v, c.x[0].name, c.x[0].shape[0])
			}
		}
	}
	return nil
}
