package net

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// Continuation continues texts with a network that reads a row of tokens and
// gives, after each, how likely every token is to be the next. It is not safe
// for concurrent use.
type Continuation struct {
	Temperature float64 // by which logits are divided before a token is drawn; 0 takes the likeliest
	Seed        uint64  // of the draws

	p    *Program
	odds []float64
}

// NewContinuation prepares the graph. The error of one that does not read a row
// of tokens says so.
func NewContinuation(g *Graph) (*Continuation, error) {
	p, err := Compile(g, 1, false)
	if err != nil {
		return nil, err
	}
	if len(g.Input.Shape) != 1 || len(p.Output()) != g.Input.Shape[0]*p.classes() {
		return nil, fmt.Errorf("the network takes an input of shape %v and gives %d numbers: it does not continue rows of tokens", g.Input.Shape, len(p.Output()))
	}
	return &Continuation{p: p, odds: make([]float64, p.classes())}, nil
}

// Extend returns text with count more tokens as v continues it. The draw at a
// position depends on Seed and the position alone, so that two networks that
// agree on a text continue it alike.
func (c *Continuation) Extend(ctx context.Context, v *Variant, text []int, count int) ([]int, error) {
	if len(text) == 0 {
		return nil, errors.New("there is no text to continue")
	}
	if err := c.p.Use(v); err != nil {
		return nil, err
	}
	out := append([]int(nil), text...)
	for range count {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		// Nothing looks ahead, so what follows the text does not matter.
		window := out[max(0, len(out)-len(c.p.Input())):]
		in := c.p.Input()
		clear(in)
		for i, token := range window {
			in[i] = float32(token)
		}
		if err := c.p.CheckInput(); err != nil {
			return nil, err
		}
		c.p.Forward()
		logits := c.p.Output()[(len(window)-1)*c.p.classes():][:c.p.classes()]
		if i := notFinite(logits); i >= 0 {
			return nil, errors.New("the network's answer is not a number: its weights or activations overflow under this plan")
		}
		out = append(out, c.draw(logits, len(out)))
	}
	return out, nil
}

// draw chooses the token at position at: where the sum of the odds passes the
// random number, in the order of the tokens.
func (c *Continuation) draw(logits []float32, at int) int {
	best := largest(logits)
	if c.Temperature <= 0 {
		return best
	}
	var total float64
	for i, l := range logits {
		c.odds[i] = math.Exp(float64(l-logits[best]) / c.Temperature)
		total += c.odds[i]
	}
	left := total * rand.New(rand.NewPCG(c.Seed, uint64(at))).Float64()
	for i, p := range c.odds {
		if left -= p; left < 0 {
			return i
		}
	}
	return best // by rounding nothing was left
}
