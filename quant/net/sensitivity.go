package net

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/bitdial/bitdial/quant"
)

// CalibrationInputs is how many of the inputs to learn from a task is
// calibrated with.
const CalibrationInputs = 256

// Calibrate returns what flows into the layers of the task's network, which is
// found out once. Not safe for concurrent use, as nothing is that has the
// network run.
func (t *Task) Calibrate(ctx context.Context, progress func(float64)) (*Calibration, error) {
	return t.Network.calibrated(ctx, t.Train, CalibrationInputs, progress)
}

// Score answers the first n inputs of trial, which is the network's, under
// plan.
func (t *Task) Score(ctx context.Context, trial *Trial, plan quant.Plan, n int, progress func(float64)) (*Score, error) {
	v, err := t.Network.Under(ctx, plan, t.Train, CalibrationInputs, nil)
	if err != nil {
		return nil, err
	}
	return trial.Score(ctx, v, n, progress)
}

// Alone scores the network as [Task.Score] does, with the layer called name as
// plan has it, weights and what flows in, and all else in float: the harm that
// the layer does by itself.
func (t *Task) Alone(ctx context.Context, trial *Trial, plan quant.Plan, name string, n int, progress func(float64)) (*Score, error) {
	layer := t.Network.tensors[name]
	if layer == nil {
		return nil, fmt.Errorf("no layer is called %q", name)
	}
	return t.Score(ctx, trial, plan.Only(layer), n, progress)
}

// AllBut scores the network as [Task.Score] does, with everything as plan has
// it but the layer called name, which stays in float: what is won if it is
// spared.
func (t *Task) AllBut(ctx context.Context, trial *Trial, plan quant.Plan, name string, n int, progress func(float64)) (*Score, error) {
	return t.Score(ctx, trial, plan.Without(name), n, progress)
}

// Curvature is how much the loss of a float network resents a move of each of
// its weights: the diagonal of the empirical Fisher information, the mean of
// the squared gradients of single answers. Around a minimum it stands for the
// second derivative (LeCun, Denker and Solla, "Optimal brain damage", 1990;
// Kunstner, Hennig and Balles, "Limitations of the empirical Fisher
// approximation", 2019).
type Curvature struct {
	N       int // inputs
	squares map[string][]float32
}

// MeasureCurvature runs g forward and backward over the first n inputs of data,
// one at a time. Of an input with several answers, such as a text, it sees the
// gradient of their mean alone, and takes those of single answers to be
// independent of each other. progress, which may be nil, hears the share done.
func MeasureCurvature(ctx context.Context, g *Graph, data Data, n int, progress func(float64)) (*Curvature, error) {
	if n = min(n, data.Len()); n < 1 {
		return nil, errors.New("curvature needs at least one input")
	}
	p, err := Compile(g, 1, true)
	if err != nil {
		return nil, err
	}
	if rows := len(p.Output()) / p.classes(); rows != data.Labels() {
		return nil, fmt.Errorf("the network gives %d answers to an input, and the data have %d", rows, data.Labels())
	}
	c := &Curvature{N: n, squares: map[string][]float32{}}
	for name, w := range g.Weight {
		c.squares[name] = make([]float32, len(w.Data))
	}
	return c, p.eachInput(ctx, data, n, progress, func(i int, labels []int) error {
		answers := 0
		for _, l := range labels {
			if l >= p.classes() {
				return fmt.Errorf("input %d has the label %d, and the network %d classes", i, l, p.classes())
			}
			if l >= 0 {
				answers++
			}
		}
		p.Forward()
		p.crossEntropy(labels)
		p.Backward()
		share := float32(answers) / float32(n)
		for name, sum := range c.squares {
			for k, gradient := range p.Gradient(name) {
				sum[k] += gradient * gradient * share
			}
		}
		return nil
	})
}

// Forecast returns how much loss, in nats, the scheme s of the weight called
// name should cost: ½·Σ c·Δw², without another run. Not safe for concurrent
// use, as [Network.Quantize] is not.
func (n *Network) Forecast(ctx context.Context, c *Curvature, name string, s quant.Scheme) (float64, error) {
	t := n.tensors[name]
	if t == nil || c.squares[name] == nil {
		return 0, fmt.Errorf("no weight is called %q", name)
	}
	if s.Keep() {
		return 0, nil
	}
	r, err := n.round(ctx, t, s)
	if err != nil {
		return 0, err
	}
	var sum float64
	for i, x := range n.Weight[name].Data {
		d := float64(r.weight.Data[i] - x)
		sum += float64(c.squares[name][i]) * d * d
	}
	return sum / 2, nil
}

// RankCorrelation returns how alike two lists order the same things, from −1 to
// 1 (Spearman's ρ; equals share a rank), NaN where one of them orders nothing.
func RankCorrelation(x, y []float64) float64 {
	a, b := ranks(x), ranks(y)
	mean := float64(len(a)+1) / 2
	var ab, aa, bb float64
	for i := range a {
		da, db := a[i]-mean, b[i]-mean
		ab += da * db
		aa += da * da
		bb += db * db
	}
	return ab / math.Sqrt(aa*bb)
}

// ranks returns the place of each of x in their order, from 1, the mean place
// of equals.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(x[i], x[j]) })
	places := make([]float64, len(x))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && x[order[to]] == x[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			places[i] = float64(from+to+1) / 2
		}
		from = to
	}
	return places
}
