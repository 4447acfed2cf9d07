package quant

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// A solution is never worse than its bound, nor better than the best of all.
func TestSolutionsAndTheirBoundsHoldTheBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		space := &Space{Fixed: rapid.Int64Range(0, 50).Draw(t, "fixed")}
		for range rapid.IntRange(1, 5).Draw(t, "rows") {
			var row Row
			for range rapid.IntRange(1, 5).Draw(t, "candidates") {
				row.Candidates = append(row.Candidates, Candidate{Bytes: rapid.Int64Range(1, 40).Draw(t, "bytes"), Error: float64(rapid.IntRange(0, 100).Draw(t, "error"))})
			}
			row.Candidates = undominated(row.Candidates)
			space.Rows = append(space.Rows, row)
		}
		least, most := space.Ends()
		budget := rapid.Int64Range(least, most+5).Draw(t, "budget")
		got, err := space.Solve(budget)
		if err != nil {
			t.Fatal(err)
		}
		best := math.Inf(1)
		var walk func(i int, bytes int64, e float64)
		walk = func(i int, bytes int64, e float64) {
			switch {
			case bytes > budget:
			case i == len(space.Rows):
				best = min(best, e)
			default:
				for _, c := range space.Rows[i].Candidates {
					walk(i+1, bytes+c.Bytes, e+c.Error)
				}
			}
		}
		walk(0, space.Fixed, 0)
		if got.Bytes > budget || got.Error < best-1e-9 || got.Bound > best+1e-9 {
			t.Fatalf("budget %d: %+v, the best is %v", budget, got, best)
		}
		if _, err := space.Solve(least - 1); err == nil {
			t.Fatal("a budget below the smallest plan was taken")
		}
	})
}
