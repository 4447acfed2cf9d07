package quant

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

// figuresByRate returns figures that follow from the rate: a quarter of the error
// for each bit, and a little more for some names.
func figuresByRate(t *model.Tensor, s Scheme) *Figures {
	f := &Figures{Bytes: s.Bytes(t.Shape, t.Bytes())}
	f.N, f.X2 = t.Len(), 1
	f.E2 = 1 / float64(uint64(1)<<(2*s.Format.Bits)) * (1 + float64(len(t.Name)%7)/10)
	return f
}

func TestTiesAreWithinLayersOrAcrossThem(t *testing.T) {
	var names []string
	for i := range 2 {
		for _, part := range []string{"attn_q.weight", "attn_k.weight", "attn_q.bias", "ffn_down.weight", "experts.0.w1.weight", "experts.1.w1.weight"} {
			names = append(names, fmt.Sprintf("blk.%d.%s", i, part))
		}
	}
	tensors := named(t, append(names, "output.weight", "token_embd.weight")...)
	for glob, want := range map[string]string{
		"blk.*.attn_[qk].weight":   "blk.0.attn_q.weight blk.0.attn_k.weight|blk.1.attn_q.weight blk.1.attn_k.weight",
		"*.attn_*":                 "blk.0.attn_q.weight blk.0.attn_k.weight|blk.1.attn_q.weight blk.1.attn_k.weight",
		"blk.*.ffn_down.weight":    "blk.0.ffn_down.weight blk.1.ffn_down.weight",
		"*.experts.*.w1.*":         "blk.0.experts.0.w1.weight blk.0.experts.1.w1.weight|blk.1.experts.0.w1.weight blk.1.experts.1.w1.weight",
		"[ot]*":                    "output.weight token_embd.weight",
		"blk.1.attn_q.weight":      "blk.1.attn_q.weight",
		"*.attn_q.bias":            "",
		"blk.[01].attn_[qk].weigh": "",
	} {
		var got []string
		for _, tied := range Tie(glob, tensors) {
			var list []string
			for _, i := range tied {
				list = append(list, tensors[i].Name)
			}
			got = append(got, strings.Join(list, " "))
		}
		if text := strings.Join(got, "|"); text != want {
			t.Errorf("%s ties %s, want %s", glob, text, want)
		}
	}
}

// layersOf returns tensors of three layers, and schemes to choose from.
func layersOf(t *testing.T) ([]*model.Tensor, []Scheme) {
	var names []string
	for i := range 3 {
		for _, part := range []string{"attn_q.weight", "attn_k.weight", "ffn_down.weight", "norm.weight"} {
			names = append(names, fmt.Sprintf("blk.%d.%s", i, part))
		}
	}
	var schemes []Scheme
	for _, text := range strings.Fields("q2_K q3_K q4_K q5_K q6_K q8_0") {
		schemes = append(schemes, mustParse(t, text))
	}
	return named(t, names...), schemes
}

// Whatever the budget, plans keep to their terms.
func TestPlansKeepToTheirTerms(t *testing.T) {
	tensors, schemes := layersOf(t)
	terms := Terms{
		Pins:   []Rule{{"blk.*.ffn_down.weight", Choice{Scheme: mustParse(t, "q3_K")}}, {"blk.1.ffn_down.weight", Choice{}}, {"blk.2.norm.weight", Choice{Scheme: mustParse(t, "f16")}}},
		Ties:   []string{"blk.*.attn_[qk].weight"},
		Floors: []Floor{{"blk.0.attn_q.weight", 4.5}},
	}
	if err := terms.Check(tensors, schemes); err != nil {
		t.Fatal(err)
	}
	space := terms.Space(tensors, schemes, Objectives[0], figuresByRate)
	least, most := space.Ends()
	picks := map[string]bool{}
	for budget := least; budget <= most; budget += 16 {
		sol, err := space.Solve(budget)
		if err != nil {
			t.Fatal(err)
		}
		plan := space.Plan(sol)
		of := map[string]string{}
		bytes := int64(0)
		for i, s := range plan.Schemes(tensors) {
			of[tensors[i].Name] = s.String()
			bytes += s.Bytes(tensors[i].Shape, tensors[i].Bytes())
		}
		if bytes != sol.Bytes || bytes > budget {
			t.Fatalf("the plan has %d bytes, its solution %d, the budget %d", bytes, sol.Bytes, budget)
		}
		for i := range 3 {
			q, k := of[fmt.Sprintf("blk.%d.attn_q.weight", i)], of[fmt.Sprintf("blk.%d.attn_k.weight", i)]
			if q != k || i == 0 && (q == "q2_K" || q == "q3_K") {
				t.Fatalf("layer %d: q %s, k %s", i, q, k)
			}
			picks[q] = true
		}
		if of["blk.0.ffn_down.weight"] != "q3_K" || of["blk.1.ffn_down.weight"] != "keep" || of["blk.2.norm.weight"] != "f16" || of["blk.1.norm.weight"] != "keep" {
			t.Fatalf("pins: %v", of)
		}
	}
	if len(picks) < 5 {
		t.Errorf("only %v were ever chosen", picks)
	}
}

func TestTermsThatCannotBeMeantAreNamed(t *testing.T) {
	tensors, schemes := layersOf(t)
	q4, q5 := Choice{Scheme: mustParse(t, "q4_K")}, Choice{Scheme: mustParse(t, "q5_K")}
	for want, terms := range map[string]Terms{
		`no tensor matches "x"`:        {Pins: []Rule{{"x", q4}}},
		`"y", which is to be tied`:     {Ties: []string{"y"}},
		`"z", which is to have 4 bits`: {Floors: []Floor{{"z", 4}}},
		"but they are tied":            {Pins: []Rule{{"blk.0.attn_q.weight", q4}, {"blk.0.attn_k.weight", q5}}, Ties: []string{"*.attn_*"}},
		"no scheme is left: q8_0 has 8.5 bits per weight, and *_q* is to have 9 at least": {Floors: []Floor{{"*_q*", 9}}},
		"attn_k.weight: no scheme is left: q8_0":                                          {Floors: []Floor{{"*_k*", 9}}, Ties: []string{"blk.*.attn_[qk].weight"}},
		"blk.0.attn_q.weight is pinned to q4_K: q4_K has 4.5 bits per weight, and *_q*":   {Pins: []Rule{{"blk.0.attn_q.weight", q4}}, Floors: []Floor{{"*_q*", 5}}},
		"blk.0.attn_k.weight is tied to blk.0.attn_q.weight: q4_K has 4.5":                {Pins: []Rule{{"blk.0.attn_q.weight", q4}}, Floors: []Floor{{"*_k*", 5}}, Ties: []string{"blk.*.attn_[qk].weight"}},
	} {
		if err := terms.Check(tensors, schemes); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Two names for the same bytes are one row.
func TestOneStorageHasOneScheme(t *testing.T) {
	f := model.NewFile("m", make([]byte, 2*2*256*2))
	var tensors []*model.Tensor
	for i, name := range []string{"token_embd.weight", "output.weight", "other.weight"} {
		tensor, err := model.NewTensor(name, model.F16, []int{2, 256}, f, int64(i/2)*2*2*256)
		if err != nil {
			t.Fatal(err)
		}
		tensors = append(tensors, tensor)
	}
	_, schemes := layersOf(t)
	space := NewSpace(tensors, schemes, Objectives[0], figuresByRate)
	if len(space.Rows) != 2 || len(space.Rows[0].Tensors) != 2 {
		t.Errorf("%d rows, the first of %d tensors", len(space.Rows), len(space.Rows[0].Tensors))
	}
}

// What decided is what the price says: nothing left out was worth more than the
// margin, nothing taken less, but for what the last bytes were used for.
func TestTheMarginDecides(t *testing.T) {
	tensors, schemes := layersOf(t)
	space := NewSpace(tensors, schemes, Objectives[0], figuresByRate)
	points := space.Frontier()
	for _, p := range points[1 : len(points)-1] {
		sol, err := space.Solve(p.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		for i := range space.Rows {
			w := space.Why(sol, i)
			if w.Better != nil && w.Better.Rate > w.Price*(1+1e-9) || w.Worse != nil && w.Worse.Rate < w.Price*(1-1e-9) {
				t.Errorf("%d bytes: %s: %s", p.Bytes, w.Pick.Scheme, w)
			}
			if text := w.String(); w.Better != nil && !strings.Contains(text, w.Better.Scheme.String()+" would add") {
				t.Error(text)
			}
		}
	}
	if !slices.IsSortedFunc(points, func(a, b Point) int { return int(a.Bytes - b.Bytes) }) {
		t.Error("the frontier goes back")
	}
	whole := Row{Candidates: []Candidate{{schemes[0], 4, 1}, {Scheme{}, 8, 0}}}
	if text := whole.Why(whole.Candidates[0], 0).String(); !strings.HasPrefix(text, "keep would add ∞ dB for 4 B") {
		t.Error(text)
	}
}

func TestBudgetsAreRead(t *testing.T) {
	for text, want := range map[string]int64{"4.5bpw": 562, "75%": 1500, "6GiB": 6 << 30, "123456B": 123456, "1.5 kB": 1500} {
		b, err := ParseBudget(text)
		if got := b.Of(1000, 2000); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0bpw", "-1%", "7", "NaN%", "much", "1e400B"} {
		if b, err := ParseBudget(text); err == nil {
			t.Errorf("%q is %+v", text, b)
		}
	}
	if f, err := ParseFloor("a=b=4bpw"); err != nil || f != (Floor{"a=b", 4}) {
		t.Error(f, err)
	}
	for _, text := range []string{"a", "=4", "a=x", "[=4", "a=0", "a=NaN"} {
		if f, err := ParseFloor(text); err == nil {
			t.Errorf("%q is %+v", text, f)
		}
	}
}
