package quant

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// someTensors are small ones, one of several chunks, and one that is no weight.
func someTensors(t testing.TB) []*model.Tensor {
	t.Helper()
	var list []*model.Tensor
	for i, shape := range [][]int{{16, 256}, {8, 3, 3, 3}, {400, 512}, {32, 64}, {7}, {96, 512}} {
		tensor := gaussian(t, shape...)
		tensor.Name = fmt.Sprintf("blk.%d", i)
		list = append(list, tensor)
	}
	return list
}

func parseAll(t testing.TB, texts string) (list []Scheme) {
	t.Helper()
	for text := range strings.FieldsSeq(texts) {
		list = append(list, mustParse(t, text))
	}
	return list
}

// importanceOf is that of some tensors.
func importanceOf(t *model.Tensor) ([]float32, error) {
	if t.Name == "blk.3" {
		return nil, nil
	}
	return outliers(1, t.Shape[len(t.Shape)-1]), nil
}

// TestASweepFindsWhatMeasuringFinds holds every figure to a measurement of its own.
func TestASweepFindsWhatMeasuringFinds(t *testing.T) {
	for _, exact := range []bool{false, true} {
		tensors := someTensors(t)
		tasks := Tasks(tensors, parseAll(t, "int4:g32 q4_K nf4:g64:scale=dq int8:channel:range=mse"), exact)
		known := NewResults()
		found, last := 0, 0.0
		err := Sweep(t.Context(), tasks, SweepOptions{
			Known: known, Importance: importanceOf,
			Emit: func(*Result) error { found++; return nil },
			Progress: func(share float64) {
				if share < last-1e-9 || share > 1+1e-9 {
					t.Errorf("%g done after %g", share, last)
				}
				last = share
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, task := range tasks {
			want += len(task.Schemes)
			importance, _ := importanceOf(task.Tensor)
			sum := summarizeWith(t, task.Tensor, importance)
			for _, s := range task.Schemes {
				how := Estimate
				if exact {
					how = func(ctx context.Context, t *model.Tensor, sum *Summary, s Scheme) (*Measurement, error) {
						return Measure(ctx, t, sum, s, nil)
					}
				}
				m, err := how(t.Context(), task.Tensor, sum, s)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(&m.Figures, known.Figures(task.Tensor, s)); diff != "" {
					t.Errorf("%s as %s: %s", task.Tensor.Name, s, diff)
				}
			}
		}
		if found != want || math.Abs(last-1) > 1e-9 || want != 4*5-2 { // two have no rows of 256
			t.Errorf("%d results of %d, %g done", found, want, last)
		}
	}
}

// TestASweepGoesOn stops a sweep into a file again and again, which must leave what
// one does that is not stopped, and measure nothing twice.
func TestASweepGoesOn(t *testing.T) {
	tensors := someTensors(t)
	tasks := Tasks(tensors, parseAll(t, "int4:g32 q4_K int8:channel f16"), false)
	dir := t.TempDir()
	into := func(name string, most int) (added int) {
		f, err := OpenResults(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err = Sweep(ctx, tasks, SweepOptions{Known: f.Results, Emit: func(r *Result) error {
			if added++; added == most {
				cancel()
			}
			return f.Append(r)
		}})
		if err != nil && !errors.Is(err, context.Canceled) || err != nil != (added >= most) && added != most {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		return added
	}
	all := into("single", math.MaxInt)
	sum := 0
	for i := 0; sum < all; i++ {
		n := into("parts", 3)
		if sum += n; n == 0 || sum > all {
			t.Fatalf("%d results after %d runs, %d in all", sum, i+1, all)
		}
	}
	if n := into("parts", math.MaxInt); n != 0 {
		t.Errorf("%d were measured again", n)
	}
	sorted := func(name string) []string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(b), "\n")
		slices.Sort(lines)
		return lines
	}
	if diff := cmp.Diff(sorted("single"), sorted("parts")); diff != "" {
		t.Error(diff)
	}
}

// TestTensorsThatAreAlikeHaveALineEach measures them once, at any time.
func TestTensorsThatAreAlikeHaveALineEach(t *testing.T) {
	a, b := gaussian(t, 32, 64), gaussian(t, 32, 64)
	b.Name = "tied"
	path := filepath.Join(t.TempDir(), "sweep.jsonl")
	for i, want := range []string{"weight", "tied", ""} {
		f, err := OpenResults(path)
		if err != nil {
			t.Fatal(err)
		}
		tensors := []*model.Tensor{a, b}[:min(2, i+1)]
		got := ""
		err = Sweep(t.Context(), Tasks(tensors, parseAll(t, "int4:g32"), true), SweepOptions{Known: f.Results, Emit: func(r *Result) error {
			got += r.Tensor
			return f.Append(r)
		}})
		if err != nil || got != want {
			t.Errorf("sweep %d emits %q, want %q (%v)", i+1, got, want, err)
		}
		if f.Results.Len() != 1 {
			t.Errorf("%d results of one content", f.Results.Len())
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestASweepStopsAtAnError gives back what Emit does.
func TestASweepStopsAtAnError(t *testing.T) {
	full := errors.New("disk full")
	var calls atomic.Int32
	err := Sweep(t.Context(), Tasks(someTensors(t), parseAll(t, "int4:g32 f16"), true), SweepOptions{
		Emit: func(*Result) error { calls.Add(1); return full },
	})
	if !errors.Is(err, full) || calls.Load() > 4 {
		t.Errorf("error %v after %d calls", err, calls.Load())
	}
}

// TestResultsAreOfContent finds them under another name, and not of other
// weights, shapes, types or importance.
func TestResultsAreOfContent(t *testing.T) {
	x := make([]float32, 512)
	for i := range x {
		x[i] = float32(i % 7)
	}
	a := tensorOf(t, x, 2, 256)
	known := NewResults()
	s := mustParse(t, "int4:g32")
	if err := Sweep(t.Context(), Tasks([]*model.Tensor{a}, []Scheme{s}, true), SweepOptions{Known: known}); err != nil {
		t.Fatal(err)
	}
	renamed := tensorOf(t, x, 2, 256)
	renamed.Name = "else"
	shaped := tensorOf(t, x, 4, 128)
	x[300]++
	changed := tensorOf(t, x, 2, 256)
	x[300]--
	half := make([]byte, 1024)
	model.F16.Encode(half, x)
	typed, err := model.NewTensor("weight", model.F16, []int{2, 256}, model.NewFile("memory", half), 0)
	if err != nil {
		t.Fatal(err)
	}
	if known.Figures(renamed, s) != nil {
		t.Error("a tensor that was not read has figures")
	}
	if err := known.Identify(t.Context(), []*model.Tensor{renamed, shaped, changed, typed}, nil, nil); err != nil {
		t.Fatal(err)
	}
	if known.Figures(renamed, s) == nil {
		t.Error("a tensor is not known by another name")
	}
	for what, tensor := range map[string]*model.Tensor{"shape": shaped, "weight": changed, "type": typed} {
		if known.Figures(tensor, s) != nil {
			t.Errorf("a tensor of another %s is taken for the same", what)
		}
	}
	if known.Figures(a, mustParse(t, "int4:g64")) != nil || known.Strangers() != 0 {
		t.Error("figures of another scheme, or strangers")
	}
	other := NewResults()
	if err := other.Add(&Result{Subject: Subject{Tensor: Digest{1}}, Scheme: s}); err != nil {
		t.Fatal(err)
	}
	weighted := func(*model.Tensor) ([]float32, error) { return x[:256], nil }
	if err := other.Identify(t.Context(), []*model.Tensor{a}, weighted, nil); err != nil {
		t.Fatal(err)
	}
	if other.Figures(a, s) != nil || other.Strangers() != 1 {
		t.Error("results of others are taken for one's own")
	}
}

// TestSharesAreTheWholeAndAlike divides tasks among any number of machines.
func TestSharesAreTheWholeAndAlike(t *testing.T) {
	schemes := parseAll(t, "int4:g32 q4_K iq2_xs int8 nf4:g64 f16")
	rapid.Check(t, func(r *rapid.T) {
		var tensors []*model.Tensor
		for range rapid.IntRange(1, 30).Draw(r, "tensors") {
			rows := rapid.IntRange(1, 200).Draw(r, "rows")
			tensors = append(tensors, tensorOf(t, make([]float32, rows*64), rows, 64))
		}
		tasks := Tasks(tensors, schemes, rapid.Bool().Draw(r, "exact"))
		n := rapid.IntRange(1, 12).Draw(r, "shares")
		seen := map[*model.Tensor]map[Scheme]bool{}
		total, largest, all := 0.0, 0.0, 0
		var loads []float64
		for i := range n {
			load := 0.0
			for _, task := range Shard(tasks, i, n) {
				if seen[task.Tensor] == nil {
					seen[task.Tensor] = map[Scheme]bool{}
				}
				for _, s := range task.Schemes {
					if seen[task.Tensor][s] {
						r.Fatalf("%s is measured by two machines", s)
					}
					seen[task.Tensor][s] = true
					load += s.cost(task.Tensor, task.Exact)
					all++
				}
			}
			loads = append(loads, load)
		}
		want := 0
		for _, task := range tasks {
			want += len(task.Schemes)
			for _, s := range task.Schemes {
				total += s.cost(task.Tensor, task.Exact)
				largest = max(largest, s.cost(task.Tensor, task.Exact)+summaryCost(task.Tensor))
			}
		}
		if all != want {
			r.Fatalf("%d results of %d", all, want)
		}
		if most := slices.Max(loads); most > 1.5*total/float64(n)+2*largest {
			r.Fatalf("a share of %g, %g each would be equal, the largest result takes %g", most, total/float64(n), largest)
		}
	})
}

// TestWhatCouldBeBetterIsUndecided names schemes whose interval reaches the chosen one's.
func TestWhatCouldBeBetterIsUndecided(t *testing.T) {
	tensor := gaussian(t, 2, 32)
	schemes := parseAll(t, "int2:g32 int3:g32 int4:g32 int8:g32")
	figure := map[Scheme]*Figures{}
	for i, s := range schemes {
		f := &Figures{Bytes: int64(100 * (i + 1))}
		f.N, f.X2, f.E2 = 64, 100, []float64{10, 2, 1, 0.9}[i]
		f.SQNRLo, f.SQNRHi = f.SQNR()-1, f.SQNR()+1
		figure[s] = f
	}
	known := func(_ *model.Tensor, s Scheme) *Figures { return figure[s] }
	sse := ObjectiveOf("sse")
	// At a price of 0.005 a byte they cost 10.5, 3, 2.5, 2.9: the last one at best 2.71, the chosen one at worst 2.76.
	got := Undecided(tensor, schemes, schemes[2], 0.005, sse, known)
	if want := []Scheme{schemes[1], schemes[3], schemes[2]}; !slices.Equal(got, want) {
		t.Errorf("undecided %v, want %v", got, want)
	}
	figure[schemes[2]].Exact = true
	if got := Undecided(tensor, schemes, schemes[2], 0.005, sse, known); len(got) != 0 {
		t.Errorf("undecided %v after the chosen one is known", got)
	}
	if got := Undecided(tensor, schemes, schemes[0], 0, sse, known); !slices.Equal(got, []Scheme{schemes[1], schemes[3], schemes[0]}) {
		t.Errorf("undecided %v where bytes cost nothing", got)
	}
}

// resultsOf is the digest of results under the version of the arithmetic.
var resultsOf = map[int]string{1: "7edbeb653d8a69e5"}

// TestResultsChangeWithTheVersion holds figures to those that are kept in files: if
// they change, so must the version.
func TestResultsChangeWithTheVersion(t *testing.T) {
	draw := rand.New(rand.NewPCG(7, 8))
	x := make([]float32, 256*512)
	for i := range x {
		x[i] = float32(draw.NormFloat64()) * float32(int(1)<<(i/512%4)) / 64
	}
	tensor := tensorOf(t, x, 256, 512)
	h := sha256.New()
	for _, importance := range [][]float32{nil, x[:512]} {
		for i, v := range importance {
			importance[i] = v * v
		}
		sum := summarizeWith(t, tensor, importance)
		for _, text := range schemesFor(tensor.Shape...) {
			s := mustParse(t, text)
			for _, size := range []int{1 << 11, 1 << 14} {
				f, err := figures(t.Context(), tensor, sum, s, size, 2, nil)
				if err != nil {
					t.Fatal(err)
				}
				h.Write(fmt.Appendf(nil, "%s %.7g %.7g %.7g %.7g %d %d %.3f\n", text, f.E2, f.X2, f.MaxAbs, f.Weighted.E2, f.Clipped, f.Zeros, f.SQNRLo))
			}
		}
	}
	if got := fmt.Sprintf("%x", h.Sum(nil)[:8]); got != resultsOf[kernels.Version] {
		t.Errorf("results have digest %s under version %d: if kernels, ranges or sampling have changed on purpose, add 1 to kernels.Version and note the digest under it here", got, kernels.Version)
	}
}
