package quant

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/bitdial/bitdial/quant/model"
)

// Candidate is a scheme that some tensors could have, and what it would cost.
type Candidate struct {
	Scheme Scheme
	Bytes  int64
	Error  float64 // what the objective counts
}

// Space is what a plan can be chosen from: a row for each tensor, or for tensors
// that must have the same scheme, with its candidates by ascending bytes and
// falling error; whatever weighs as much as another and errs no less is left out.
type Space struct {
	Rows  []Row
	Fixed int64 // bytes of the tensors that there is nothing to choose for
}

// Row is tensors that get one scheme.
type Row struct {
	Tensors    []*model.Tensor
	Candidates []Candidate
}

// NewSpace returns the space of the weights among tensors under schemes. known
// returns a tensor's figures under a scheme, nil where they are not known: such a
// candidate is left out.
func NewSpace(tensors []*model.Tensor, schemes []Scheme, o *Objective, known func(*model.Tensor, Scheme) *Figures) *Space {
	space := &Space{}
	for _, t := range tensors {
		row := Row{Tensors: []*model.Tensor{t}}
		if IsWeight(t) {
			for _, s := range schemes {
				if s.WhyNot(t.Shape) != "" {
					continue
				}
				if f := known(t, s); f != nil {
					row.Candidates = append(row.Candidates, Candidate{s, f.Bytes, o.Error(f)})
				}
			}
		}
		if len(row.Candidates) == 0 {
			space.Fixed += t.Bytes()
			continue
		}
		row.Candidates = undominated(row.Candidates)
		space.Rows = append(space.Rows, row)
	}
	return space
}

// undominated returns the candidates that no other one beats in both bytes and
// error, by ascending bytes.
func undominated(list []Candidate) []Candidate {
	slices.SortStableFunc(list, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.Bytes, b.Bytes), cmp.Compare(a.Error, b.Error))
	})
	best := math.Inf(1)
	return slices.DeleteFunc(list, func(c Candidate) bool {
		if c.Error >= best {
			return true
		}
		best = c.Error
		return false
	})
}

// Solution is one candidate for each row of a space.
type Solution struct {
	Picks []int   // by row
	Bytes int64   // of the whole model
	Error float64 // Σ of the candidates'
	Bound float64 // no choice within the budget errs less
	Price float64 // error that a further byte would save, at the margin
}

// Ends returns the bytes of the smallest and of the largest plan.
func (s *Space) Ends() (least, most int64) {
	least, most = s.Fixed, s.Fixed
	for _, r := range s.Rows {
		least += r.Candidates[0].Bytes
		most += r.Candidates[len(r.Candidates)-1].Bytes
	}
	return least, most
}

// Solve returns the choice of least error among those that weigh at most budget
// bytes. A budget below the smallest plan is an error.
func (s *Space) Solve(budget int64) (Solution, error) {
	least, _ := s.Ends()
	if budget < least {
		return Solution{}, fmt.Errorf("no plan weighs %d bytes or less: the smallest has %d", budget, least)
	}
	sol := Solution{Picks: make([]int, len(s.Rows)), Bytes: least}
	for _, e := range s.steps() {
		c := s.Rows[e.row].Candidates
		more := c[e.to].Bytes - c[sol.Picks[e.row]].Bytes
		if sol.Bytes+more > budget {
			sol.Price = e.slope
			break
		}
		sol.Picks[e.row], sol.Bytes = e.to, sol.Bytes+more
	}
	for i, r := range s.Rows {
		sol.Error += r.Candidates[sol.Picks[i]].Error
	}
	sol.Bound = max(0, sol.Error-sol.Price*float64(budget-sol.Bytes))
	return sol, nil
}

// step is an edge of the lower hull of a row: to candidate to, saving slope of
// error a byte.
type step struct {
	row, to int
	slope   float64
}

// steps returns the edges of all rows, the best first.
func (s *Space) steps() []step {
	var list []step
	for i, r := range s.Rows {
		c := r.Candidates
		for from := 0; from < len(c)-1; {
			best, slope := from+1, 0.0
			for to := from + 1; to < len(c); to++ {
				if d := (c[from].Error - c[to].Error) / float64(c[to].Bytes-c[from].Bytes); d > slope {
					best, slope = to, d
				}
			}
			list = append(list, step{i, best, slope})
			from = best
		}
	}
	slices.SortStableFunc(list, func(a, b step) int { return cmp.Compare(b.slope, a.slope) })
	return list
}

// Point is a plan on a curve: what it weighs and how much it errs.
type Point struct {
	Bytes int64
	Error float64
}

// Frontier returns the plans that are best for their price, from the smallest to
// the largest: the lower convex hull of error against bytes.
func (s *Space) Frontier() []Point {
	at := make([]int, len(s.Rows))
	p := Point{Bytes: s.Fixed}
	for _, r := range s.Rows {
		p.Bytes += r.Candidates[0].Bytes
		p.Error += r.Candidates[0].Error
	}
	points := []Point{p}
	for _, e := range s.steps() {
		c := s.Rows[e.row].Candidates
		p.Bytes += c[e.to].Bytes - c[at[e.row]].Bytes
		p.Error += c[e.to].Error - c[at[e.row]].Error
		at[e.row] = e.to
		points = append(points, p)
	}
	return points
}

// Plan returns the plan that a solution of s stands for: a rule for each tensor.
func (s *Space) Plan(sol Solution) Plan {
	var p Plan
	for i, r := range s.Rows {
		for _, t := range r.Tensors {
			p.Rules = append(p.Rules, Rule{Literal(t.Name), Choice{Scheme: r.Candidates[sol.Picks[i]].Scheme}})
		}
	}
	return p
}
