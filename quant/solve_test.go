package quant

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawSpace draws a space small enough to try everything.
func drawSpace(t *rapid.T, rows, candidates int) *Space {
	space := &Space{Fixed: rapid.Int64Range(0, 50).Draw(t, "fixed")}
	unit := rapid.Int64Range(1, 5).Draw(t, "unit")
	for range rapid.IntRange(1, rows).Draw(t, "rows") {
		var row Row
		for range rapid.IntRange(1, candidates).Draw(t, "candidates") {
			row.Candidates = append(row.Candidates, Candidate{Bytes: unit * rapid.Int64Range(1, 40).Draw(t, "bytes"), Error: float64(rapid.IntRange(0, 100).Draw(t, "error"))})
		}
		row.Candidates = undominated(row.Candidates)
		space.Rows = append(space.Rows, row)
	}
	return space
}

// everything calls visit with what each choice weighs and errs.
func everything(s *Space, visit func(bytes int64, e float64)) {
	var walk func(i int, bytes int64, e float64)
	walk = func(i int, bytes int64, e float64) {
		if i == len(s.Rows) {
			visit(bytes, e)
			return
		}
		for _, c := range s.Rows[i].Candidates {
			walk(i+1, bytes+c.Bytes, e+c.Error)
		}
	}
	walk(0, s.Fixed, 0)
}

// holds returns what is wrong with a solution as a choice from s.
func holds(s *Space, sol Solution) string {
	bytes, e := s.Fixed, 0.0
	for i, r := range s.Rows {
		bytes += r.Candidates[sol.Picks[i]].Bytes
		e += r.Candidates[sol.Picks[i]].Error
	}
	if bytes != sol.Bytes || e != sol.Error {
		return fmt.Sprintf("%+v is %d bytes and errs %v", sol, bytes, e)
	}
	return ""
}

// What is small enough to try everything is solved exactly, both ways.
func TestSmallSpacesAreSolvedExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		space := drawSpace(t, 5, 5)
		least, most := space.Ends()
		budget := rapid.Int64Range(least, most+5).Draw(t, "budget")
		got, err := space.Solve(budget)
		if err != nil {
			t.Fatal(err)
		}
		limit := math.Inf(1)
		everything(space, func(bytes int64, e float64) {
			if bytes <= budget {
				limit = min(limit, e)
			}
		})
		if wrong := holds(space, got); wrong != "" || got.Bytes > budget || got.Error != limit || !got.Optimal() || got.Bound != got.Error {
			t.Fatalf("budget %d: %+v, the best is %v; %s", budget, got, limit, wrong)
		}
		if _, err := space.Solve(least - 1); err == nil {
			t.Fatal("a budget below the smallest plan was taken")
		}
		limit += float64(rapid.IntRange(0, 30).Draw(t, "more"))
		small, err := space.Smallest(limit)
		if err != nil {
			t.Fatal(err)
		}
		fewest := int64(math.MaxInt64)
		everything(space, func(bytes int64, e float64) {
			if e <= limit {
				fewest = min(fewest, bytes)
			}
		})
		if wrong := holds(space, small); wrong != "" || small.Error > limit || small.Bytes != fewest || !small.Optimal() {
			t.Fatalf("limit %v: %+v, the smallest has %d; %s", limit, small, fewest, wrong)
		}
		if _, err := space.Smallest(-1); err == nil {
			t.Fatal("an error below the best plan's was taken")
		}
	})
}

// byTable solves a space by dynamic programming over every weight there is.
func byTable(s *Space, budget int64) float64 {
	room := budget - s.Fixed
	best := make([]float64, room+1)
	for _, r := range s.Rows {
		next := make([]float64, room+1)
		for w := range next {
			next[w] = math.Inf(1)
			for _, c := range r.Candidates {
				if rest := int64(w) - c.Bytes; rest >= 0 {
					next[w] = min(next[w], best[rest]+c.Error)
				}
			}
		}
		best = next
	}
	return best[room]
}

// Larger ones agree with dynamic programming, as far as they say that they are
// optimal, and their bounds hold.
func TestLargerSpacesAgreeWithATable(t *testing.T) {
	optimal := 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 7))
		shape := instanceShapes[seed%uint64(len(instanceShapes))]
		space := shape.make(rng, 25, 8, 60)
		least, most := space.Ends()
		budget := least + rng.Int64N(most-least)
		got, err := space.Solve(budget)
		if err != nil {
			t.Fatal(err)
		}
		best := byTable(space, budget)
		near := 1e-9 * best
		if wrong := holds(space, got); wrong != "" || got.Bytes > budget || got.Error < best-near || got.Bound > best+near || got.Optimal() && got.Error > best+near {
			t.Fatalf("%s %d: %+v, the best is %v; %s", shape.name, seed, got, best, wrong)
		}
		if got.Optimal() {
			optimal++
		}
		again, _ := space.Solve(budget)
		if fmt.Sprint(again) != fmt.Sprint(got) {
			t.Fatal("the same budget was solved otherwise")
		}
	}
	if optimal < 55 {
		t.Errorf("only %d of 60 were solved exactly", optimal)
	}
}

// instanceShapes are kinds of spaces: rows, candidates of each, and the most that
// one weighs in units.
var instanceShapes = []struct {
	name string
	make func(rng *rand.Rand, rows, candidates int, most int64) *Space
}{
	{"random", func(rng *rand.Rand, rows, candidates int, most int64) *Space {
		return spaceOf(rows, candidates, func(int, int) (int64, float64) { return 1 + rng.Int64N(most), rng.ExpFloat64() })
	}},
	{"layers", func(rng *rand.Rand, rows, candidates int, most int64) *Space { // sizes of a transformer, errors of rate and distortion
		loud := make([]float64, rows)
		for i := range loud {
			loud[i] = math.Exp(rng.NormFloat64())
		}
		bpw := bitsPerWeight(rng, candidates)
		sizes := []int64{4, 1, 1, 4, 14, 14, 14}
		return spaceOf(rows, candidates, func(i, j int) (int64, float64) {
			size := sizes[i%len(sizes)] * most / 14
			return max(1, int64(bpw[j]*float64(max(1, size))*16)/16), float64(size) * loud[i] * math.Exp2(-2*bpw[j]) * (1 + 0.2*rng.Float64())
		})
	}},
	{"equal", func(rng *rand.Rand, rows, candidates int, most int64) *Space { // every row as large, and some as sensitive
		bpw := bitsPerWeight(rng, candidates)
		return spaceOf(rows, candidates, func(i, j int) (int64, float64) {
			return int64(bpw[j] * float64(most)), float64(1+i%3) * math.Exp2(-2*bpw[j])
		})
	}},
	{"strongly correlated", func(rng *rand.Rand, rows, candidates int, most int64) *Space { // what is known to be hard
		return spaceOf(rows, candidates, func(int, int) (int64, float64) {
			w := 1 + rng.Int64N(most)
			return w, float64(2*most - w)
		})
	}},
	{"experts", func(rng *rand.Rand, rows, candidates int, most int64) *Space { // few large rows, many small ones
		bpw := bitsPerWeight(rng, candidates)
		return spaceOf(rows, candidates, func(i, j int) (int64, float64) {
			size := most / 16
			if i%9 == 0 {
				size = most
			}
			return max(1, int64(bpw[j]*float64(size))), float64(size) * math.Exp2(-2*bpw[j]) * math.Exp(rng.NormFloat64()/4)
		})
	}},
}

// bitsPerWeight returns rates as those of formats, in sixteenths.
func bitsPerWeight(rng *rand.Rand, n int) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = float64(25+rng.IntN(120)) / 16
	}
	return list
}

func spaceOf(rows, candidates int, of func(row, candidate int) (int64, float64)) *Space {
	space := &Space{Fixed: 3}
	for i := range rows {
		var row Row
		for j := range candidates {
			bytes, e := of(i, j)
			row.Candidates = append(row.Candidates, Candidate{Bytes: bytes, Error: e})
		}
		row.Candidates = undominated(row.Candidates)
		space.Rows = append(space.Rows, row)
	}
	return space
}

// BenchmarkSolve moves the budget of a thousand rows of thirty candidates, and
// reports the widest gap and the longest step.
func BenchmarkSolve(b *testing.B) {
	for _, shape := range instanceShapes {
		for _, dual := range []bool{false, true} {
			name := shape.name
			if dual {
				name += "/smallest"
			}
			b.Run(name, func(b *testing.B) {
				space := shape.make(rand.New(rand.NewPCG(1, 2)), 1000, 30, 1<<24)
				space.prepare()
				least, most := space.Ends()
				worst, best := space.Errors()
				gap, optimal, n, longest := 0.0, 0, 0, time.Duration(0)
				for b.Loop() {
					share := math.Mod(float64(n)*0.618034, 1)
					var sol Solution
					begun := time.Now()
					if dual {
						sol, _ = space.Smallest(best * math.Pow(worst/best, share))
					} else {
						sol, _ = space.Solve(least + int64(share*float64(most-least)))
					}
					longest = max(longest, time.Since(begun))
					gap = max(gap, sol.Gap())
					if sol.Optimal() {
						optimal++
					}
					n++
				}
				b.ReportMetric(gap, "gap")
				b.ReportMetric(float64(longest.Microseconds())/1e3, "longest-ms")
				b.ReportMetric(100*float64(optimal)/float64(n), "%optimal")
			})
		}
	}
}

func TestBetweenTwoThatHaveNoErrorThereIsNoDifference(t *testing.T) {
	w := (&Row{Candidates: []Candidate{{Bytes: 4}, {Bytes: 5}}}).Why(Candidate{Bytes: 5}, 0)
	if got, want := w.String(), "nothing errs less; keep would cost 0.0 dB and save 1 B, 0 a byte"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
