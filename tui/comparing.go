package tui

import (
	"context"
	"time"

	"github.com/bitdial/bitdial/quant"
)

// touch notes that something new is known of tensor i.
func (a *app) touch(i int) {
	a.planned.touch(i)
	if a.against.plan != nil {
		a.against.under.touch(i)
		a.against.stale = true
	}
}

// nextDifference returns what the page wants to know next.
func (a *app) nextDifference() (request, bool) {
	g := &a.against
	switch {
	case a.page != pageCompare || a.paused:
	case g.model != nil:
		if n, ok := g.nextPair(); ok {
			return request{errand: errand{kind: comparePairs, n: n, seed: uint64(g.turn), tensor: g.pairs[n].A[0]}}, true
		}
	case g.plan != nil:
		for g.follow(a.planned.edits); g.next < len(a.model.Tensors); g.next++ {
			if len(a.missingUnderBoth(g.next).schemes) > 0 {
				return request{sweep: comparedBatch}, true
			}
		}
	}
	return request{}, false
}

// comparedBatch is the turn of batches for the comparison: they are facts, whatever
// it is that they are held against.
const comparedBatch = -1

// missingUnderBoth returns what is missing of tensor i if the plans differ there.
func (a *app) missingUnderBoth(i int) batchOf {
	if !a.differs(i) {
		return batchOf{}
	}
	return a.missingUnder(i, []quant.Scheme{a.planned.schemes[i], a.against.under.schemes[i]})
}

// settleDifference returns figures that are known as estimates: of the layers on the
// screen, and of all of them if the model is small.
func (a *app) settleDifference() (request, bool) {
	g := &a.against
	if a.page != pageCompare || a.paused || g.plan == nil {
		return request{}, false
	}
	estimate := func(i int) (request, bool) {
		t := a.model.Tensors[i]
		for _, s := range [...]quant.Scheme{a.planned.schemes[i], g.under.schemes[i]} {
			if f := a.work.figures[fact{t, s}]; f != nil && !f.Exact && a.work.failed[t] == nil {
				return request{fact: fact{t, s}, i: i, exact: true}, true
			}
		}
		return request{}, false
	}
	for row := range g.rows {
		if i, ok := g.at(g.top + row); ok {
			if r, ok := estimate(i); ok {
				return r, true
			}
		}
	}
	if a.planned.totals.Params <= settleAll {
		for ; g.settle < len(a.model.Tensors); g.settle++ {
			if r, ok := estimate(g.settle); ok {
				return r, true
			}
		}
	}
	return request{}, false
}

// nextPair returns the pair to compare next: the one under the cursor, or the first.
func (g *against) nextPair() (int, bool) {
	if k, ok := g.at(g.cursor); ok && g.cursor > 0 && g.open(k) {
		return k, true
	}
	for ; g.next < len(g.pairs); g.next++ {
		if g.open(g.next) {
			return g.next, true
		}
	}
	return 0, false
}

// open reports whether k is a pair that has not been compared.
func (g *against) open(k int) bool {
	return k < len(g.pairs) && g.found[k] == nil && g.failed[k] == nil
}

// smallPair is how many weights may be compared along with others.
const smallPair = 1 << 18

// batch returns pair n, and those after it that are small enough to go along.
func (g *against) batch(n int) []comparedPair {
	list := []comparedPair{{n: n, pair: &g.pairs[n]}}
	for k := g.next; k < len(g.pairs) && len(list) < batchTensors && g.pairs[k].Len() <= smallPair; k++ {
		if k != n && g.open(k) {
			list = append(list, comparedPair{n: k, pair: &g.pairs[k]})
		}
	}
	return list
}

// comparedPair is a pair and how far its sides are from each other.
type comparedPair struct {
	n     int
	pair  *quant.Pair
	found *quant.Compared
	err   error
}

// doCompare compares the first pair, and as many more as the time of a batch allows.
func doCompare(ctx context.Context, _ errand, g given, progress func(float64)) (any, error) {
	end := time.Now().Add(batchTime)
	for n := range g.pairs {
		p := &g.pairs[n]
		if n > 0 && time.Now().After(end) {
			return g.pairs[:n], nil
		}
		if p.err = ctx.Err(); p.err == nil {
			p.found, p.err = p.pair.Compare(ctx, progress)
		}
		switch {
		case isCanceled(p.err) && n > 0:
			return g.pairs[:n], nil
		case isCanceled(p.err):
			return nil, p.err
		}
		progress = nil // of the first alone
	}
	return g.pairs, nil
}

// takeCompared keeps what was found of pairs, if they are those of the present
// comparison.
func (a *app) takeCompared(turn int, list []comparedPair) {
	g := &a.against
	if g.turn != turn {
		return
	}
	for _, p := range list {
		g.known++
		if p.err != nil {
			g.failed[p.n] = p.err
			a.notice = p.err.Error()
			continue
		}
		g.found[p.n] = p.found
		g.totals.AddCompared(p.found)
	}
	g.stale = true
}
