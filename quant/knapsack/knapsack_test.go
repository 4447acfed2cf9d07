package knapsack

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// rows draws rows of items by ascending weight and falling cost.
func rows(t *rapid.T) (list [][]Item) {
	for range rapid.IntRange(1, 6).Draw(t, "rows") {
		var row []Item
		weight, cost := 0.0, 100.0
		for range rapid.IntRange(1, 5).Draw(t, "items") {
			weight += float64(rapid.IntRange(1, 30).Draw(t, "weight"))
			cost -= float64(rapid.IntRange(1, 20).Draw(t, "cost"))
			row = append(row, Item{weight, cost})
		}
		list = append(list, row)
	}
	return list
}

// A choice fits, and no choice at all costs less than the smaller of its cost and
// the bound.
func TestChoicesAndTheirBoundsHoldTheBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rows(t)
		least, most := 0.0, 0.0
		for _, r := range list {
			least += r[0].Weight
			most += r[len(r)-1].Weight
		}
		limit := least + math.Floor(rapid.Float64Range(0, 1.1).Draw(t, "share")*(most-least))
		picks, bound, slope := New(list).Solve(limit)
		weight, cost := 0.0, 0.0
		for i, r := range list {
			weight += r[picks[i]].Weight
			cost += r[picks[i]].Cost
		}
		best := math.Inf(1)
		var walk func(i int, weight, cost float64)
		walk = func(i int, weight, cost float64) {
			if weight > limit {
				return
			}
			if i == len(list) {
				best = min(best, cost)
				return
			}
			for _, x := range list[i] {
				walk(i+1, weight+x.Weight, cost+x.Cost)
			}
		}
		walk(0, 0, 0)
		if weight > limit || slope < 0 || best < min(cost, bound)-1e-9 {
			t.Fatalf("limit %v: %v weighs %v and costs %v, others at least %v; the best costs %v", limit, picks, weight, cost, bound, best)
		}
	})
}

// Taken one after another, the steps lead through choices of falling price.
func TestStepsAreWalkedFromTheLightestToTheHeaviest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rows(t)
		at := make([]int, len(list))
		steps := New(list).Steps()
		for i, e := range steps {
			if at[e.Row] != e.From || i > 0 && e.Slope > steps[i-1].Slope {
				t.Fatalf("step %d, %+v, does not follow", i, e)
			}
			at[e.Row] = e.To
		}
		for i, r := range list {
			if at[i] != len(r)-1 {
				t.Fatalf("row %d ends at %d of %d", i, at[i], len(r))
			}
		}
	})
}
