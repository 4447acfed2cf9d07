package net

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Timing is how long a network takes for one input on this machine.
type Timing struct {
	Batch   int           // inputs that were run together
	Float   time.Duration // for each, in float32
	Integer time.Duration // for each, with layers that can run in integers doing so; 0 if there are none
}

const (
	timedBatch  = 16
	timedLeast  = 5 // runs of each
	timedFor    = 300 * time.Millisecond
	timedWarmUp = 2
)

// Time runs both the float network and v, by turns, on the first of data, and
// returns the medians.
func Time(ctx context.Context, n *Network, v *Variant, data Data) (Timing, error) {
	if data.Len() == 0 {
		return Timing{}, errors.New("there are no inputs to run the network on")
	}
	batch := min(timedBatch, data.Len())
	sites, _ := v.Integers()
	ways := []*Variant{n.Float(), v}
	if len(sites) == 0 {
		ways = ways[:1]
	}
	programs := make([]*Program, len(ways))
	for i, way := range ways {
		p, err := Compile(n.Graph, batch, false)
		if err != nil {
			return Timing{}, err
		}
		if err := p.Use(way); err != nil {
			return Timing{}, err
		}
		if i == 1 {
			p.RunIntegers(way)
		}
		batchOf(p, data, 0, batch, make([]int, batch*data.Labels()))
		for range timedWarmUp {
			p.Forward()
		}
		programs[i] = p
	}
	var took [2][]time.Duration
	for begun := time.Now(); len(took[0]) < timedLeast || time.Since(begun) < timedFor; {
		for i, p := range programs {
			if err := context.Cause(ctx); err != nil {
				return Timing{}, err
			}
			start := time.Now()
			p.Forward()
			took[i] = append(took[i], time.Since(start)/time.Duration(batch))
		}
	}
	t := Timing{Batch: batch, Float: median(took[0])}
	if len(took[1]) > 0 {
		t.Integer = median(took[1])
	}
	return t, nil
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}
