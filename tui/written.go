package tui

import (
	"context"

	"github.com/bitdial/bitdial/quant/net"
)

// written is a text that a network continues: what it was given, and what it
// has written since. A token is a byte.
type written struct {
	tokens []int
	prompt int // of the tokens
}

const (
	promptTokens = 48
	pieceTokens  = 12  // written at a time, so that it can be watched
	firstTokens  = 250 // before what takes long
	mostTokens   = 1200
	temperature  = 0.8
)

// seeds are those of the draws that the user goes through; 0 takes the
// likeliest letters, which soon go round in circles.
var seeds = [...]uint64{1, 2, 3, 4, 0}

// doWrite writes the next piece of a text.
func doWrite(ctx context.Context, e errand, g given, progress func(float64)) (any, error) {
	v, err := g.variant(ctx, e, progress)
	if err != nil {
		return nil, err
	}
	if v == nil {
		v = g.reference.Float()
	}
	if g.writer == nil {
		if g.writer, err = net.NewContinuation(g.reference.Graph); err != nil {
			return nil, err
		}
	}
	so := g.so
	if so == nil {
		test := g.task.Tests[e.set]
		x, labels := make([]float32, g.reference.InputLen()), make([]int, test.Labels())
		test.Read(e.from, x, labels)
		so = &written{}
		for _, token := range x[:min(promptTokens, len(x))] {
			so.tokens = append(so.tokens, int(token))
		}
		so.prompt = len(so.tokens)
	}
	g.writer.Temperature, g.writer.Seed = temperature, e.seed
	if e.seed == 0 {
		g.writer.Temperature = 0
	}
	tokens, err := g.writer.Extend(ctx, v, so.tokens, pieceTokens)
	return &written{tokens, so.prompt}, err
}

// nextText returns the text that is to be written on, the shorter of the float
// network's and the plan's, until both are so long or fill their columns.
func (a *app) nextText(most int) (errand, bool) {
	_, body, _ := a.screen.parts()
	column := a.runLayout(body).left
	least, next := min(most, (column.w-1)*column.h), errand{}
	for _, plan := range [...]string{"", a.planSum()} {
		e := a.run.text(&a.view, plan)
		if a.run.failed[e] != nil {
			return errand{}, false
		}
		so := 0
		if t, ok := a.run.texts.get(e); ok {
			so = len(t.tokens)
		}
		if so < least {
			least, next = so, e
		}
	}
	return next, next.kind != noErrand
}

// text returns the errand that writes under plan.
func (r *running) text(v *runView, plan string) errand {
	n := max(1, r.task().Tests[v.set].Len())
	return errand{kind: writeText, plan: plan, set: v.set, from: (v.prompt%n + n) % n, seed: seeds[v.draws]}
}
