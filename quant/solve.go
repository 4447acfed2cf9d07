package quant

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Solution is one candidate for each row of a space.
type Solution struct {
	Picks []int   // by row
	Bytes int64   // of the whole model
	Error float64 // Σ of the candidates'
	Bound float64 // of [Space.Solve]: no choice within the budget errs less
	Price float64 // error that a further byte would save, at the margin

	gap float64
}

// Gap returns how much of what was made small, bytes or error, a better choice
// could spare at most, as a share of it. It is 0 where there is no better one.
func (s *Solution) Gap() float64 { return s.gap }

// Optimal reports whether there is no better choice.
func (s *Solution) Optimal() bool { return s.gap == 0 }

// Solve returns the choice of least error among those that weigh at most budget
// bytes: the least, or one near it with a bound of how near. A budget below the
// smallest plan is an error. It takes milliseconds for a thousand rows of thirty
// candidates, and the same choice comes of the same space and budget.
func (s *Space) Solve(budget int64) (Solution, error) {
	s.prepare()
	least, most := s.Ends()
	if budget < least {
		return Solution{}, fmt.Errorf("no plan weighs %d bytes or less: the smallest has %d, the largest %d", budget, least, most)
	}
	picks, bound, price := s.small.solve(float64(budget - s.Fixed))
	sol := s.solution(picks)
	sol.Price, sol.Bound = price, min(bound, sol.Error)
	sol.gap = ratio(sol.Error-sol.Bound, sol.Error)
	return sol, nil
}

// Smallest returns the choice of fewest bytes among those that err at most limit,
// or one near it, as [Space.Solve]. A limit below the error of the best plan is an
// error.
func (s *Space) Smallest(limit float64) (Solution, error) {
	s.prepare()
	most, least := s.Errors()
	if !(limit >= least) {
		return Solution{}, fmt.Errorf("no plan errs %.6g or less: the largest errs %.6g, the smallest %.6g", limit, least, most)
	}
	picks, bound, price := s.good.solve(limit)
	for i, r := range s.Rows {
		picks[i] = len(r.Candidates) - 1 - picks[i]
	}
	sol := s.solution(picks)
	sol.Bound = sol.Error
	if price > 0 {
		sol.Price = 1 / price
	}
	if spare := float64(sol.Bytes-s.Fixed) - math.Ceil(bound-1e-6); spare >= 1 { // a bound in bytes is whole
		sol.gap = spare / float64(sol.Bytes)
	}
	return sol, nil
}

func (s *Space) solution(picks []int) Solution {
	sol := Solution{Picks: picks, Bytes: s.Fixed}
	for i, r := range s.Rows {
		sol.Bytes += r.Candidates[picks[i]].Bytes
		sol.Error += r.Candidates[picks[i]].Error
	}
	return sol
}

// prepare sorts what every solution begins with, once.
func (s *Space) prepare() {
	s.once.Do(func() {
		small, good := make([][]item, len(s.Rows)), make([][]item, len(s.Rows))
		for i, r := range s.Rows {
			for _, c := range r.Candidates {
				small[i] = append(small[i], item{float64(c.Bytes), c.Error})
				good[i] = append(good[i], item{c.Error, float64(c.Bytes)})
			}
			slices.Reverse(good[i])
		}
		s.small, s.good = newKnapsack(small), newKnapsack(good)
	})
}

// knapsack is a multiple-choice knapsack problem: of each row one item, so that
// they cost the least and weigh no more than a limit.
type knapsack struct {
	rows  [][]item // by ascending weight and falling cost
	steps []step   // of all rows, the steepest first
	least float64  // weight of all first items
}

type item struct{ weight, cost float64 }

// step is an edge of the lower hull of a row, between two items; slope is the cost
// that it saves for a unit of weight.
type step struct {
	row, from, to int
	slope         float64
}

func newKnapsack(rows [][]item) *knapsack {
	k := &knapsack{rows: rows}
	for i, r := range rows {
		k.least += r[0].weight
		k.steps = appendHull(k.steps, i, r)
	}
	slices.SortStableFunc(k.steps, func(a, b step) int { return cmp.Compare(b.slope, a.slope) })
	return k
}

// appendHull appends the edges of the lower hull of row, the steepest first.
func appendHull(steps []step, row int, items []item) []step {
	before := math.Inf(1)
	for from := 0; from < len(items)-1; {
		to, slope := from+1, math.Inf(-1)
		for n := from + 1; n < len(items); n++ {
			if d := (items[from].cost - items[n].cost) / (items[n].weight - items[from].weight); d >= slope {
				to, slope = n, d
			}
		}
		before = min(before, slope) // what rounding says otherwise
		steps = append(steps, step{row, from, to, before})
		from = to
	}
	return steps
}

// greedy takes the steepest steps while they fit limit. It returns the items
// taken, what is left of limit, and the slope of the first step that did not fit:
// Σ cost less slope times what is left is a bound for all choices.
func (k *knapsack) greedy(limit float64) (picks []int, left, slope float64) {
	picks = make([]int, len(k.rows))
	left = limit - k.least
	for _, e := range k.steps {
		r := k.rows[e.row]
		more := r[e.to].weight - r[e.from].weight
		if more > left {
			return picks, left, e.slope
		}
		picks[e.row] = e.to
		left -= more
	}
	return picks, left, 0
}

// solve returns the items of the best choice found; a bound of the cost of all
// others, which is +Inf where none is better; and the slope at the margin.
func (k *knapsack) solve(limit float64) (picks []int, bound, slope float64) {
	picks, left, slope := k.greedy(limit)
	if slope <= 0 || left <= 0 { // everything fits, or nothing is left
		return picks, math.Inf(1), slope
	}
	cost := 0.0
	for i, r := range k.rows {
		cost += r[picks[i]].cost
	}
	c := newCore(k, picks, left, slope)
	proven := c.close()
	bound = cost - slope*left + proven
	if proven >= c.excess { // so that rounding does not show as a gap
		bound = math.Inf(1)
	}
	return c.best, bound, slope
}
