package net

import (
	"context"
	"math"
	"slices"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// Under returns the network under plan: remedied, calibrated with the first
// count inputs of data where the plan needs that, rounded. What does not change
// from one call to the next is kept. progress, which may be nil, hears the share
// of a calibration done. Not safe for concurrent use; data and count must stay
// the same.
func (n *Network) Under(ctx context.Context, plan quant.Plan, data Data, count int, progress func(float64)) (*Variant, error) {
	r, err := n.before(ctx, plan.Remedies, data, count, progress)
	if err != nil {
		return nil, err
	}
	var cal *Calibration
	if plan.NeedsCalibration() {
		if cal, err = r.calibrated(ctx, data, count, progress); err != nil {
			return nil, err
		}
	}
	v, err := r.Quantize(ctx, plan, cal)
	if err != nil || !plan.Remedies.CorrectBias {
		return v, err
	}
	return v, r.correctBias(ctx, v, data, min(count, 64))
}

// before returns the network with those remedies that come before rounding.
func (n *Network) before(ctx context.Context, remedies quant.Remedies, data Data, count int, progress func(float64)) (*Network, error) {
	remedies.CorrectBias = false
	r := n.remedied[remedies]
	if r != nil {
		return r, nil
	}
	r = n
	if remedies.Equalize {
		r = r.equalize()
	}
	if remedies.Smooth > 0 {
		cal, err := r.calibrated(ctx, data, count, progress)
		if err != nil {
			return nil, err
		}
		r = r.smooth(cal, float64(remedies.Smooth)/100)
	}
	n.remedied[remedies] = r
	return r, nil
}

// calibrated returns the calibration of n itself.
func (n *Network) calibrated(ctx context.Context, data Data, count int, progress func(float64)) (*Calibration, error) {
	if n.calibration == nil {
		cal, err := Calibrate(ctx, n.Graph, data, count, progress)
		if err != nil {
			return nil, err
		}
		n.calibration = cal
	}
	return n.calibration, nil
}

// passes are operators that let a positive factor of a channel through.
var passes = []*operator{relu, maxPool, averagePool, globalAveragePool, flatten}

// equalize returns the network with channels between two layers scaled, each
// by the root of the ratio of the ranges of its weights in both.
func (n *Network) equalize() *Network {
	out := map[string]*Weight{}
	weight := func(name string) *Weight {
		if out[name] == nil {
			w := n.Weight[name]
			out[name] = &Weight{w.Shape, slices.Clone(w.Data)}
		}
		return out[name]
	}
	for range 20 { // until ranges stop moving, as far as that matters
		for i := range n.Nodes {
			first := &n.Nodes[i]
			second := n.next(first)
			if second == nil {
				continue
			}
			a, b := weight(first.Inputs[1]), weight(second.Inputs[1])
			channels := a.Shape[0]
			inputs := newInputs(second, b, channels)
			for ch := range channels {
				own := a.Data[ch*len(a.Data)/channels:][:len(a.Data)/channels]
				r1, r2 := magnitude(own), inputs.magnitude(ch)
				if r1 == 0 || r2 == 0 {
					continue
				}
				s := float32(math.Sqrt(float64(r1 / r2)))
				for k := range own {
					own[k] /= s
				}
				if len(first.Inputs) == 3 {
					weight(first.Inputs[2]).Data[ch] /= s
				}
				inputs.scale(ch, s)
			}
		}
	}
	return n.with(out)
}

// next returns the layer that alone reads, through operators that pass factors,
// what the layer a computes; nil if there is none, or its weights do not have
// a's channels as inputs.
func (n *Network) next(a *Node) *Node {
	op := operatorOf(a.Op)
	if op != conv && (op != gemm || a.int("transB", 0) == 0) || n.Weight[a.Inputs[1]] == nil {
		return nil
	}
	at := a.Output
	for {
		reader := n.onlyReader(at)
		switch {
		case reader == nil || reader.Inputs[0] != at:
			return nil
		case slices.Contains(passes, operatorOf(reader.Op)):
			at = reader.Output
		case reader.Op == conv.name || reader.Op == gemm.name && reader.int("transB", 0) != 0:
			w := n.Weight[reader.Inputs[1]]
			channels := n.Weight[a.Inputs[1]].Shape[0]
			if w == nil || reader.Op == conv.name && w.Shape[1]*reader.int("group", 1) != channels || reader.Op == gemm.name && w.Shape[1]%channels != 0 {
				return nil
			}
			return reader
		default:
			return nil
		}
	}
}

func (n *Network) onlyReader(value string) *Node {
	var reader *Node
	if value == n.Output {
		return nil
	}
	for i := range n.Nodes {
		for _, in := range n.Nodes[i].Inputs {
			if in == value {
				if reader != nil {
					return nil
				}
				reader = &n.Nodes[i]
			}
		}
	}
	return reader
}

// inputs are the weights of a layer by the channel that they multiply.
type inputs struct {
	w          *Weight
	outs       int // rows of w
	perOut     int // weights of a row
	run        int // weights of a row that multiply one channel
	groupOuts  int // rows of a group
	groupChans int // channels of a group
}

func newInputs(n *Node, w *Weight, channels int) inputs {
	in := inputs{w: w, outs: w.Shape[0], perOut: len(w.Data) / w.Shape[0]}
	groups := 1
	if n.Op == conv.name {
		groups = n.int("group", 1)
	}
	in.groupOuts, in.groupChans = in.outs/groups, channels/groups
	in.run = in.perOut / in.groupChans
	return in
}

// of calls f for every run of weights that multiply channel ch.
func (in inputs) of(ch int, f func(w []float32)) {
	first := ch / in.groupChans * in.groupOuts
	for o := first; o < first+in.groupOuts; o++ {
		f(in.w.Data[o*in.perOut+ch%in.groupChans*in.run:][:in.run])
	}
}

func (in inputs) magnitude(ch int) (top float32) {
	in.of(ch, func(w []float32) { top = max(top, magnitude(w)) })
	return top
}

func (in inputs) scale(ch int, s float32) {
	in.of(ch, func(w []float32) {
		for i := range w {
			w[i] *= s
		}
	})
}

func magnitude(x []float32) float32 {
	lo, hi := kernels.Extremes(x)
	return max(-lo, hi)
}

// smooth returns the network with the gains of normalizations divided by, and
// the weights that follow multiplied by, max|x|^α / max|w|^(1−α) of every
// channel.
func (n *Network) smooth(cal *Calibration, alpha float64) *Network {
	out := map[string]*Weight{}
	for i := range n.Nodes {
		norm := &n.Nodes[i]
		if norm.Op != rmsNorm.name && norm.Op != layerNorm.name {
			continue
		}
		readers := n.linearReaders(norm.Output)
		if readers == nil || n.readersOf(norm.Inputs[1]) != 1 {
			continue
		}
		flow := cal.Flow(n.siteName(readers[0]))
		channels := len(n.Weight[norm.Inputs[1]].Data)
		factors := make([]float32, channels)
		var layers []inputs
		for _, r := range readers {
			w := n.Weight[r.Inputs[1]]
			out[r.Inputs[1]] = &Weight{w.Shape, slices.Clone(w.Data)}
			layers = append(layers, newInputs(r, out[r.Inputs[1]], channels))
		}
		for ch := range factors {
			var w float32
			for _, l := range layers {
				w = max(w, l.magnitude(ch))
			}
			x := max(-flow.Channels[ch].Lo, flow.Channels[ch].Hi)
			factors[ch] = 1
			if x > 0 && w > 0 {
				factors[ch] = float32(math.Pow(float64(x), alpha) / math.Pow(float64(w), 1-alpha))
			}
			for _, l := range layers {
				l.scale(ch, factors[ch])
			}
		}
		for _, name := range norm.Inputs[1:] { // gain, and shift where there is one
			w := &Weight{n.Weight[name].Shape, slices.Clone(n.Weight[name].Data)}
			for ch := range w.Data {
				w.Data[ch] /= factors[ch]
			}
			out[name] = w
		}
	}
	return n.with(out)
}

// linearReaders returns the nodes that read value, if all are linear layers whose
// weights no other reads.
func (n *Network) linearReaders(value string) (readers []*Node) {
	for i := range n.Nodes {
		node := &n.Nodes[i]
		if !slices.Contains(node.Inputs, value) {
			continue
		}
		if node.Op != gemm.name || node.int("transB", 0) == 0 || node.Inputs[0] != value || n.readersOf(node.Inputs[1]) != 1 {
			return nil
		}
		readers = append(readers, node)
	}
	return readers
}

func (n *Network) readersOf(value string) (count int) {
	for i := range n.Nodes {
		for _, in := range n.Nodes[i].Inputs {
			if in == value {
				count++
			}
		}
	}
	return count
}

// correctBias takes off the biases of v's layers, one after another, the mean by
// which their outputs differ from the float network's over some inputs.
func (n *Network) correctBias(ctx context.Context, v *Variant, data Data, count int) error {
	float, err := n.channelMeans(ctx, n.Float(), data, count)
	if err != nil {
		return err
	}
	for i := range n.Nodes {
		node := &n.Nodes[i]
		if !takesSchemes(node) || len(node.Inputs) != 3 || v.Graph.Weight[node.Inputs[2]] == nil {
			continue
		}
		means, err := n.channelMeans(ctx, v, data, count)
		if err != nil {
			return err
		}
		bias := v.Graph.Weight[node.Inputs[2]]
		corrected := &Weight{bias.Shape, slices.Clone(bias.Data)}
		for ch := range corrected.Data {
			corrected.Data[ch] -= float32(means[node.Output][ch] - float[node.Output][ch])
		}
		v.Graph.Weight[node.Inputs[2]] = corrected
	}
	v.roundBiases()
	return nil
}

// channelMeans returns the means of the channels of every layer with a bias,
// over the first count inputs.
func (n *Network) channelMeans(ctx context.Context, v *Variant, data Data, count int) (map[string][]float64, error) {
	trial, err := NewTrial(n, data)
	if err != nil {
		return nil, err
	}
	means := map[string][]float64{}
	trial.program.after = func(c *call) {
		if !takesSchemes(c.node) || len(c.node.Inputs) != 3 {
			return
		}
		channels, run := c.y.width(), 1
		if c.op == conv {
			channels, run = c.y.shape[1], c.y.shape[2]*c.y.shape[3]
		}
		sums := means[c.node.Output]
		if sums == nil {
			sums = make([]float64, channels)
			means[c.node.Output] = sums
		}
		for i, y := range c.y.data {
			sums[i/run%channels] += float64(y) * float64(channels) / float64(len(c.y.data))
		}
	}
	if err := trial.program.Use(v); err != nil {
		return nil, err
	}
	runs := 0
	for from := 0; from < count; from += trial.program.Batch {
		if err := trial.run(ctx, from, count); err != nil {
			return nil, err
		}
		runs++
	}
	for _, sums := range means {
		for i := range sums {
			sums[i] /= float64(runs)
		}
	}
	return means, nil
}
