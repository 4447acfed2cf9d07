package knapsack

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// core closes the gap between the greedy choice and its bound: which few rows
// should have another item, so that what is left of the limit is used. The bound
// is Lagrange's: at the slope λ of the margin, an item that is not the greedy one
// loses a little, its loss
//
//	(cost − cost of the greedy) + λ·(weight − weight of the greedy) ≥ 0
//
// and a choice exceeds the bound by its losses and λ for each unit of weight that
// it leaves. So only items of small loss can be part of something better; they are
// tried by dynamic programming, row by row from the one that loses least, after
// Pisinger, "A minimal algorithm for the multiple-choice knapsack problem" (1995).
type core struct {
	greedy, best []int // items by row
	left, slope  float64
	moves        [][]move // by row, by ascending weight, without the greedy item
	excess       float64  // of the best choice so far over the bound
}

// move is to take another item of a row than the greedy choice did.
type move struct {
	item               int
	weight, cost, loss float64 // more than the greedy item's
}

// state is a choice for the rows so far.
type state struct {
	weight, cost float64
	bound        float64 // of the excess of all that can become of it
	from         int32   // of the states before
	item         int32   // -1: the greedy one
}

const (
	maxStates = 1 << 11 // after each row
	maxWork   = 1 << 18 // states looked at for one solution
)

func newCore(k *Problem, picks []int, left, slope float64) *core {
	c := &core{greedy: picks, best: slices.Clone(picks), left: left, slope: slope, excess: slope * left, moves: make([][]move, len(k.rows))}
	for i, r := range k.rows {
		at := r[picks[i]]
		for j, x := range r {
			if j == picks[i] {
				continue
			}
			m := move{item: j, weight: x.Weight - at.Weight, cost: x.Cost - at.Cost}
			if m.loss = max(0, m.cost+slope*m.weight); m.loss < c.excess {
				c.moves[i] = append(c.moves[i], m)
			}
		}
	}
	return c
}

// close looks for better choices until the best is found or the work becomes too
// much. It returns by how much every choice exceeds the bound at least: by as much
// as the best one, if that is found.
func (c *core) close() (proven float64) {
	first := c.excess
	work := maxWork
	// Few choices are within a small part of the gap, and they are soon tried.
	for part := 1.0 / 256; ; part *= 4 {
		all := first*part >= c.excess
		proven = max(proven, c.within(min(first*part, c.excess), &work))
		if all || proven >= c.excess || work <= 0 {
			return min(proven, c.excess)
		}
	}
}

// coreRow is a row of the core, with what those after it can do.
type coreRow struct {
	row      int
	moves    []move
	rate     float64 // the least loss for a unit of weight
	up, down float64 // the same of the rows after it, for weight more and for weight less
	most     float64 // weight that the rows after it can add
	low      float64 // weight that they can take away, negative
}

// rows returns the moves that a choice of less excess than below can hold, the
// rows that lose least first, and how much of the weight that is left such a
// choice can use: moves that weigh multiples of a number leave the rest.
func (c *core) rows(below float64) (rows []coreRow, usable float64) {
	unit, whole := uint64(0), true
	for i, moves := range c.moves {
		r := coreRow{row: i, rate: math.Inf(1)}
		for _, m := range moves {
			if m.loss >= below {
				continue
			}
			r.moves = append(r.moves, m)
			w := math.Abs(m.weight)
			r.rate = min(r.rate, m.loss/w)
			if whole = whole && w == math.Trunc(w) && w < 1<<53; whole {
				unit = gcd(unit, uint64(w))
			}
		}
		if r.moves != nil {
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, func(a, b coreRow) int { return cmp.Compare(a.rate, b.rate) })
	up, down, most, low := math.Inf(1), math.Inf(1), 0.0, 0.0
	for i := len(rows) - 1; i >= 0; i-- {
		r := &rows[i]
		r.up, r.down, r.most, r.low = up, down, most, low
		for _, m := range r.moves {
			if m.weight > 0 {
				up = min(up, m.loss/m.weight)
			} else {
				down = min(down, -m.loss/m.weight)
			}
		}
		most += max(0, r.moves[len(r.moves)-1].weight)
		low += min(0, r.moves[0].weight)
	}
	if whole && unit > 0 {
		return rows, math.Floor(c.left/float64(unit)) * float64(unit)
	}
	return rows, c.left
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// within tries the choices of less excess than below, and takes what it makes of
// them off work. It returns what all choices exceed the bound by at least.
func (c *core) within(below float64, work *int) (proven float64) {
	proven = below
	rows, usable := c.rows(below)
	levels := [][]state{{{item: -1}}}
	bestLevel, best := -1, 0
	var a, b, moved []state
	for n := range rows {
		r, before := &rows[n], levels[n]
		below = min(below, c.excess)
		now := c.after(a[:0], before, move{item: -1}, r, usable, below)
		spare := b
		for _, m := range r.moves {
			if moved = c.after(moved[:0], before, m, r, usable, below); len(moved) > 0 {
				now, spare = joinStates(spare[:0], now, moved), now
				*work -= len(now)
			}
		}
		a, b = now, spare
		*work -= len(before) * (1 + len(r.moves))
		if most := min(maxStates, max(1, *work)); len(now) > most {
			var least float64
			now, least = narrowed(now, most)
			proven = min(proven, least)
		}
		for i, s := range now {
			if e := s.cost + c.slope*c.left; s.weight <= c.left && e < c.excess {
				c.excess, bestLevel, best = e, n+1, i
			}
		}
		levels = append(levels, slices.Clone(now))
	}
	if bestLevel >= 0 {
		copy(c.best, c.greedy)
		for n, i := bestLevel, best; n > 0; n-- {
			s := levels[n][i]
			if s.item >= 0 {
				c.best[rows[n-1].row] = int(s.item)
			}
			i = int(s.from)
		}
	}
	return min(proven, c.excess)
}

// after appends what becomes of the states before by one move in row r, but for
// what cannot end with less excess than below.
func (c *core) after(dst, before []state, m move, r *coreRow, usable, below float64) []state {
	waste := c.slope * (c.left - usable)
	for i, s := range before {
		s.weight += m.weight
		s.cost += m.cost
		loss := s.cost + c.slope*s.weight
		left := usable - s.weight
		switch {
		case left >= 0:
			used := min(left, r.most)
			s.bound = loss + min(c.slope, r.up)*used + c.slope*(left-used) + waste
		case left < r.low:
			return dst // as all heavier ones
		default:
			s.bound = loss - r.down*left + waste
		}
		if s.bound < below {
			s.from, s.item = int32(i), int32(m.item)
			dst = append(dst, s)
		}
	}
	return dst
}

// joinStates appends the states of a and b, both by ascending weight, that no
// other one of less weight has the cost of.
func joinStates(dst, a, b []state) []state {
	least := math.Inf(1)
	for len(a)+len(b) > 0 {
		var s state
		if len(b) == 0 || len(a) > 0 && (a[0].weight < b[0].weight || a[0].weight == b[0].weight && a[0].cost <= b[0].cost) {
			s, a = a[0], a[1:]
		} else {
			s, b = b[0], b[1:]
		}
		if s.cost < least {
			least = s.cost
			dst = append(dst, s)
		}
	}
	return dst
}

// narrowed returns the most promising states of list, at least one and at most
// most, and the least bound of the others.
func narrowed(list []state, most int) ([]state, float64) {
	bounds := make([]float64, len(list))
	for i, s := range list {
		bounds[i] = s.bound
	}
	slices.Sort(bounds)
	least := bounds[most]
	ties := most - sort.SearchFloat64s(bounds, least)
	kept := slices.DeleteFunc(list, func(s state) bool {
		if s.bound == least {
			ties--
			return ties < 0
		}
		return s.bound > least
	})
	return kept, least
}
