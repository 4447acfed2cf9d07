package quant

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"github.com/bitdial/bitdial/quant/knapsack"
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
// It is not to be changed once something has been chosen from it.
type Space struct {
	Rows  []Row
	Kept  []*model.Tensor // there is nothing to choose for them: they stay as they are stored
	Fixed int64           // bytes of the kept ones

	once        sync.Once
	small, good *knapsack.Problem // least error within bytes, fewest bytes within an error
}

// Row is tensors that get one scheme.
type Row struct {
	Tensors    []*model.Tensor
	Candidates []Candidate
}

// NewSpace returns the space of the weights among tensors under schemes. known
// returns a tensor's figures under a scheme, nil where they are not known: such a
// candidate is left out. To keep a tensor as it is stored is a candidate where
// schemes hold it, and needs no figures. Tensors with the same storage are a row.
func NewSpace(tensors []*model.Tensor, schemes []Scheme, o *Objective, known func(*model.Tensor, Scheme) *Figures) *Space {
	return Terms{}.Space(tensors, schemes, o, known)
}

// undominated returns the candidates that no other one beats in both bytes and
// error, by ascending bytes. An error that is no number has no place among them.
func undominated(list []Candidate) []Candidate {
	slices.SortStableFunc(list, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.Bytes, b.Bytes), cmp.Compare(a.Error, b.Error))
	})
	best := math.Inf(1)
	return slices.DeleteFunc(list, func(c Candidate) bool {
		if !(c.Error < best) {
			return true
		}
		best = c.Error
		return false
	})
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

// Errors returns the error of the smallest and of the largest plan.
func (s *Space) Errors() (least, most float64) {
	for _, r := range s.Rows {
		least += r.Candidates[0].Error
		most += r.Candidates[len(r.Candidates)-1].Error
	}
	return least, most
}

// Point is a plan on a curve: what it weighs and how much it errs.
type Point struct {
	Bytes int64
	Error float64
}

// Frontier returns the plans that are best for their price, from the smallest to
// the largest: the lower convex hull of error against bytes.
func (s *Space) Frontier() []Point {
	s.prepare()
	p := Point{Bytes: s.Fixed}
	for _, r := range s.Rows {
		p.Bytes += r.Candidates[0].Bytes
		p.Error += r.Candidates[0].Error
	}
	points := []Point{p}
	for _, e := range s.small.Steps() {
		c := s.Rows[e.Row].Candidates
		p.Bytes += c[e.To].Bytes - c[e.From].Bytes
		p.Error += c[e.To].Error - c[e.From].Error
		points = append(points, p)
	}
	return points
}

// Plan returns the plan that a solution of s stands for, in as few rules as say
// it: see [Compress].
func (s *Space) Plan(sol Solution) Plan {
	tensors := slices.Clone(s.Kept)
	schemes := make([]Scheme, len(tensors))
	for i, r := range s.Rows {
		for _, t := range r.Tensors {
			tensors = append(tensors, t)
			schemes = append(schemes, r.Candidates[sol.Picks[i]].Scheme)
		}
	}
	return Compress(tensors, schemes)
}
