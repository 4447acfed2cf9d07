package net

import (
	"context"
	"fmt"
)

// Data are inputs of a network with what it should answer. Several goroutines
// may read them at a time.
type Data interface {
	// Len returns the number of inputs.
	Len() int
	// Labels returns how many answers belong to an input: one for a picture, one
	// for each token of a text.
	Labels() int
	// Read sets x to input i and labels to its answers, numbers of classes; one
	// below 0 does not count.
	Read(i int, x []float32, labels []int)
}

// First returns the first n inputs of data, or all if there are fewer, read once:
// what takes time to make is there at once from then on.
func First(data Data, n, size int) Data {
	n = min(n, data.Len())
	f := &first{labels: data.Labels(), size: size, x: make([]float32, n*size), y: make([]int, n*data.Labels())}
	for i := range n {
		data.Read(i, f.x[i*size:][:size], f.y[i*f.labels:][:f.labels])
	}
	return f
}

type first struct {
	labels, size int
	x            []float32
	y            []int
}

func (f *first) Len() int    { return len(f.y) / f.labels }
func (f *first) Labels() int { return f.labels }

func (f *first) Read(i int, x []float32, labels []int) {
	copy(x, f.x[i*f.size:][:f.size])
	copy(labels, f.y[i*f.labels:][:f.labels])
}

// batchOf reads inputs from to from+len, as many as p takes; those past the
// end are read again from the first on, and do not count.
func batchOf(p *Program, data Data, from, to int, labels []int) {
	size, per := len(p.Input())/p.Batch, data.Labels()
	for k := range p.Batch {
		i := from + k
		own := labels[k*per : (k+1)*per]
		data.Read(i%data.Len(), p.Input()[k*size:(k+1)*size], own)
		if i >= to {
			for j := range own {
				own[j] = -1
			}
		}
	}
}

// eachInput gives p the first n inputs of data one by one, as calibration takes
// them, and calls run after each. progress, which may be nil, hears the share
// done.
func (p *Program) eachInput(ctx context.Context, data Data, n int, progress func(float64), run func(i int, labels []int) error) error {
	labels := make([]int, data.Labels())
	for i := range n {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		data.Read(i, p.Input(), labels)
		if err := p.CheckInput(); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
		if err := run(i, labels); err != nil {
			return err
		}
		if progress != nil {
			progress(float64(i+1) / float64(n))
		}
	}
	return nil
}
