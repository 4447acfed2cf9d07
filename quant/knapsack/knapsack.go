// Package knapsack solves the multiple-choice knapsack problem: to take one item of
// each row, so that together they weigh no more than a limit and cost the least. It
// gives the best choice, or a good one with a bound of how much better another could
// be, in milliseconds for a thousand rows, and the same one every time.
package knapsack

import (
	"cmp"
	"math"
	"slices"
)

// Problem is a multiple-choice knapsack problem: of each row one item, so that
// they cost the least and weigh no more than a limit.
type Problem struct {
	rows  [][]Item // by ascending weight and falling cost
	steps []Step   // of all rows, the steepest first
	least float64  // weight of all first items
}

// Item is what may be taken of a row.
type Item struct{ Weight, Cost float64 }

// Step is an edge of the lower hull of a row, between two of its items.
type Step struct {
	Row, From, To int
	Slope         float64 // cost that it saves for a unit of weight
}

// New returns the problem of rows, each by ascending weight and falling cost. It
// keeps them.
func New(rows [][]Item) *Problem {
	k := &Problem{rows: rows}
	for i, r := range rows {
		k.least += r[0].Weight
		k.steps = appendHull(k.steps, i, r)
	}
	slices.SortStableFunc(k.steps, func(a, b Step) int { return cmp.Compare(b.Slope, a.Slope) })
	return k
}

// appendHull appends the edges of the lower hull of row, the steepest first.
func appendHull(steps []Step, row int, items []Item) []Step {
	before := math.Inf(1)
	for from := 0; from < len(items)-1; {
		to, slope := from+1, math.Inf(-1)
		for n := from + 1; n < len(items); n++ {
			if d := (items[from].Cost - items[n].Cost) / (items[n].Weight - items[from].Weight); d >= slope {
				to, slope = n, d
			}
		}
		before = min(before, slope) // what rounding says otherwise
		steps = append(steps, Step{row, from, to, before})
		from = to
	}
	return steps
}

// greedy takes the steepest steps while they fit limit. It returns the items
// taken, what is left of limit, and the slope of the first step that did not fit:
// Σ cost less slope times what is left is a bound for all choices.
func (k *Problem) greedy(limit float64) (picks []int, left, slope float64) {
	picks = make([]int, len(k.rows))
	left = limit - k.least
	for _, e := range k.steps {
		r := k.rows[e.Row]
		more := r[e.To].Weight - r[e.From].Weight
		if more > left {
			return picks, left, e.Slope
		}
		picks[e.Row] = e.To
		left -= more
	}
	return picks, left, 0
}

// Solve returns the items of the best choice found; a bound of the cost of all
// others, which is +Inf where none is better; and the slope at the margin.
func (k *Problem) Solve(limit float64) (picks []int, bound, slope float64) {
	picks, left, slope := k.greedy(limit)
	if slope <= 0 || left <= 0 { // everything fits, or nothing is left
		return picks, math.Inf(1), slope
	}
	cost := 0.0
	for i, r := range k.rows {
		cost += r[picks[i]].Cost
	}
	c := newCore(k, picks, left, slope)
	proven := c.close()
	bound = cost - slope*left + proven
	if proven >= c.excess { // so that rounding does not show as a gap
		bound = math.Inf(1)
	}
	return c.best, bound, slope
}

// Steps returns the edges of the lower hulls of all rows, the steepest first: taken
// one after another from the lightest items on, they are the choices that are best
// at a price. They are not to be changed.
func (k *Problem) Steps() []Step { return k.steps }
