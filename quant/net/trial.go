package net

import (
	"context"
	"errors"
	"fmt"
)

// Trial is a network before data: it answers them under one plan after another,
// and is compared with its float self. It is not safe for concurrent use.
type Trial struct {
	// Integers makes layers that can run in integers do so.
	Integers bool

	data      Data
	program   *Program
	float     *Variant
	reference []float32 // the float network's outputs, as far as they are known
	labels    []int
}

// NewTrial prepares the float network for data.
func NewTrial(n *Network, data Data) (*Trial, error) {
	if data.Len() == 0 {
		return nil, errors.New("there are no inputs to try the network on")
	}
	p, err := Compile(n.Graph, trialBatch(n.Graph, data), false)
	if err != nil {
		return nil, err
	}
	if rows := len(p.Output()) / p.classes(); rows != p.Batch*data.Labels() {
		return nil, fmt.Errorf("the network gives %d answers for %d inputs, and the data have %d each", rows, p.Batch, data.Labels())
	}
	t := &Trial{data: data, program: p, float: n.Float(), labels: make([]int, p.Batch*data.Labels())}
	return t, nil
}

// trialBatch is how many inputs are run together: enough to keep every core
// busy, few enough to stay in caches and to stop soon.
func trialBatch(g *Graph, data Data) int {
	n, _ := numbers(g.Input.Shape)
	return max(1, min(data.Len(), max(16, 2*all().count), (1<<17)/n))
}

func (p *Program) classes() int { return p.output.width() }

// Score answers the first n inputs under v; with v nil, as the float network.
// It stops soon after ctx is done. progress, which may be nil, hears the share
// done.
func (t *Trial) Score(ctx context.Context, v *Variant, n int, progress func(float64)) (*Score, error) {
	n = min(n, t.data.Len())
	if err := t.answerInFloat(ctx, n); err != nil {
		return nil, err
	}
	if v == nil {
		v = t.float
	}
	if err := t.program.Use(v); err != nil {
		return nil, err
	}
	if t.Integers {
		t.program.RunIntegers(v)
	}
	s := new(Score)
	per := len(t.program.Output())
	for from := 0; from < n; from += t.program.Batch {
		if err := t.run(ctx, from, n); err != nil {
			return nil, err
		}
		if i := notFinite(t.program.Output()); i >= 0 {
			return nil, fmt.Errorf("the network's answer to input %d is not a number: its weights or activations overflow under this plan", from+i*t.program.Batch/per)
		}
		s.add(t.program.Output(), t.reference[from/t.program.Batch*per:][:per], t.labels, t.program.classes())
		if progress != nil {
			progress(float64(min(n, from+t.program.Batch)) / float64(n))
		}
	}
	return s, nil
}

// answerInFloat makes sure that the reference covers the first n inputs.
func (t *Trial) answerInFloat(ctx context.Context, n int) error {
	per := len(t.program.Output())
	from := len(t.reference) / per * t.program.Batch
	if from >= n {
		return nil
	}
	if err := t.program.Use(t.float); err != nil {
		return err
	}
	for ; from < n; from += t.program.Batch {
		if err := t.run(ctx, from, t.data.Len()); err != nil {
			return err
		}
		if notFinite(t.program.Output()) >= 0 {
			return fmt.Errorf("the float network's answer to one of the inputs from %d on is not a number", from)
		}
		t.reference = append(t.reference, t.program.Output()...)
	}
	return nil
}

// run answers a batch of the inputs from from on, of which those before to
// count.
func (t *Trial) run(ctx context.Context, from, to int) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	batchOf(t.program, t.data, from, to, t.labels)
	if err := t.program.CheckInput(); err != nil {
		return fmt.Errorf("of the inputs from %d on: %w", from, err)
	}
	for i, l := range t.labels {
		if l >= t.program.classes() {
			return fmt.Errorf("input %d has the label %d, and the network %d classes", from+i/t.data.Labels(), l, t.program.classes())
		}
	}
	t.program.Forward()
	return nil
}

// notFinite returns the index of the first number of x that is NaN or infinite,
// or −1.
func notFinite(x []float32) int {
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1
}
