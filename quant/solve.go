package quant

import (
	"fmt"
	"math"
	"slices"

	"github.com/bitdial/bitdial/quant/knapsack"
	"github.com/bitdial/bitdial/quant/model"
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
	picks, bound, price := s.small.Solve(float64(budget - s.Fixed))
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
	picks, bound, price := s.good.Solve(limit)
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
		small, good := make([][]knapsack.Item, len(s.Rows)), make([][]knapsack.Item, len(s.Rows))
		for i, r := range s.Rows {
			for _, c := range r.Candidates {
				small[i] = append(small[i], knapsack.Item{Weight: float64(c.Bytes), Cost: c.Error})
				good[i] = append(good[i], knapsack.Item{Weight: c.Error, Cost: float64(c.Bytes)})
			}
			slices.Reverse(good[i])
		}
		s.small, s.good = knapsack.New(small), knapsack.New(good)
	})
}

// Undecided returns the schemes of t, chosen among them, that have to be measured
// exactly before it is certain that chosen is the best at a price, in error per
// byte: those whose error is an estimate and could, at the end of its interval,
// cost less than chosen does at the end of its own. It is nil if no measurement
// can change the choice.
func Undecided(t *model.Tensor, schemes []Scheme, chosen Scheme, price float64, o *Objective, known func(*model.Tensor, Scheme) *Figures) []Scheme {
	now := known(t, chosen)
	if now == nil {
		return nil
	}
	cost := func(f *Figures, e float64) float64 { return e + price*float64(f.Bytes) }
	_, most := o.Interval(now)
	limit := cost(now, most)
	var rivals []Scheme
	for _, s := range schemes {
		f := known(t, s)
		if s == chosen || f == nil {
			continue
		}
		if least, _ := o.Interval(f); cost(f, least) < limit {
			rivals = append(rivals, s)
		}
	}
	if len(rivals) == 0 {
		return nil
	}
	return slices.DeleteFunc(append(rivals, chosen), func(s Scheme) bool { return known(t, s).Exact })
}
