package quant

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bitdial/bitdial/quant/model"
)

// tensors returns tensors of the given names; those that end in "bias" have
// one axis, those that end in "ids" are integers.
func tensors(t testing.TB, names ...string) []*model.Tensor {
	t.Helper()
	file := model.NewFile("memory", make([]byte, 64))
	var list []*model.Tensor
	for _, name := range names {
		dtype, shape := model.F32, []int{2, 4}
		if strings.HasSuffix(name, "bias") {
			shape = []int{4}
		}
		if strings.HasSuffix(name, "ids") {
			dtype = model.I64
		}
		tensor, err := model.NewTensor(name, dtype, shape, file, 0)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, tensor)
	}
	return list
}

func TestTheLastRuleThatMatchesWins(t *testing.T) {
	list := tensors(t, "blk.0.q.weight", "blk.1.q.weight", "blk.1.q.bias", "blk.1.ids", "a/b[0]*.weight")
	p := Plan{Default: choose(t, "int8")}.
		With("blk.*", choose(t, "int4")).
		With(Literal("blk.1.q.weight"), choose(t, "int2")).
		With(Literal("a/b[0]*.weight"), choose(t, "f16"))
	for i, want := range []string{"int4", "int2", "int4", "keep", "f16"} {
		if got := p.For(list[i]).String(); got != want {
			t.Errorf("%s: %s, want %s", list[i].Name, got, want)
		}
	}
	again := p.With("blk.*", choose(t, "bf16")) // replaces its own glob, and comes last
	if got := again.For(list[1]).String(); got != "bf16" || len(again.Rules) != 3 || len(p.Rules) != 3 {
		t.Errorf("%s under %v, made from %v", got, again.Rules, p.Rules)
	}
}

func TestTheDefaultLeavesBiasesAndIdsAlone(t *testing.T) {
	p := Plan{Default: choose(t, "int8")}
	for i, tensor := range tensors(t, "fc.weight", "fc.bias", "position_ids") {
		want := []string{"int8", "keep", "keep"}[i]
		if got := p.For(tensor).String(); got != want {
			t.Errorf("%s: %s, want %s", tensor.Name, got, want)
		}
	}
}

func anyPlan(t *rapid.T) Plan {
	p := Plan{Default: Choice{anyScheme(t), anyScheme(t)}, DefaultActivation: anyActivation(t)}
	globs := []string{"*", "a.*", "*.weight", "a.0.weight", `a\[0\].bias`, "?.[01].*", "b.ids", Literal("a[0].bias")}
	for range rapid.IntRange(0, 6).Draw(t, "rules") {
		p.Rules = append(p.Rules, Rule{rapid.SampledFrom(globs).Draw(t, "glob"), Choice{anyScheme(t), anyScheme(t)}})
		p = p.WithActivation(rapid.SampledFrom(globs).Draw(t, "layers"), anyActivation(t))
	}
	p.Remedies = Remedies{rapid.Bool().Draw(t, "equalize"), rapid.Bool().Draw(t, "correct"), rapid.Uint8Range(0, 100).Draw(t, "smooth")}
	return p
}

func TestSchemesAreThoseOfEachTensor(t *testing.T) {
	list := tensors(t, "a.0.weight", "a.1.weight", "a[0].bias", "b.ids", "c")
	rapid.Check(t, func(t *rapid.T) {
		p := anyPlan(t)
		for i, got := range p.Schemes(list) {
			if want := p.For(list[i]); got != want {
				t.Fatalf("%s: %s, want %s under %v", list[i].Name, got, want, p)
			}
		}
	})
}

func TestAPlanSurvivesItsFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPlan(t)
		var file bytes.Buffer
		if _, err := p.WriteTo(&file); err != nil {
			t.Fatal(err)
		}
		got, err := ReadPlan(&file)
		if err != nil || !got.Equal(p) {
			t.Fatalf("%v, %v, want %v", got, err, p)
		}
	})
}

func TestABrokenPlanFileSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"default = 'int99'":                      `default: scheme "int99" is not a format`,
		"[[rule]]\nmatch = '['\nscheme = 'int8'": `rule 1: match "[" is not a glob`,
		"[[rule]]\nscheme = 'int8'":              `rule 1: match "" is not a glob`,
		"[[rule]]\nmatch = '*'\nscheme = 'i'":    `rule 1: scheme "i" is not a format`,
		"activation = 'int8:channel'":            `is no granularity of activations`,
		"[[activation_rule]]\nmatch = '['":       `activation rule 1: match "[" is not a glob`,
		"remedies = 'sleep'":                     `remedy "sleep" is not one`,
		"colour = 'red'":                         `not a plan: it has no key "colour"`,
		"\x00\x01":                               "not a plan",
	} {
		_, err := ReadPlan(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	path := filepath.Join(t.TempDir(), "none.toml")
	if _, err := LoadPlan(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestAPlanFileIsNotOverwrittenUnasked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.toml")
	one, two := Plan{Default: choose(t, "int4")}, Plan{Default: choose(t, "int2")}
	if err := SavePlan(path, one, false); err != nil {
		t.Fatal(err)
	}
	if err := SavePlan(path, two, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the second time: %v", err)
	}
	if got, err := LoadPlan(path); err != nil || !got.Equal(one) {
		t.Errorf("%v, %v", got, err)
	}
	if err := SavePlan(path, two, true); err != nil {
		t.Error(err)
	}
	if got, err := LoadPlan(path); err != nil || !got.Equal(two) {
		t.Errorf("with force: %v, %v", got, err)
	}
}

func FuzzReadPlan(f *testing.F) {
	f.Add([]byte("default = 'int4:g32'\n[[rule]]\nmatch = 'blk.*.weight'\nscheme = 'int8:channel'\n"))
	f.Add([]byte("[[rule]]\nmatch = '[a-'\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ReadPlan(bytes.NewReader(text))
		if err != nil {
			return
		}
		var file bytes.Buffer
		if _, err := p.WriteTo(&file); err != nil {
			t.Fatal(err)
		}
		if again, err := ReadPlan(&file); err != nil || !again.Equal(p) {
			t.Fatalf("%v became %v, %v", p, again, err)
		}
	})
}

func TestKindsAreLayersOfTheSamePlace(t *testing.T) {
	for name, want := range map[string]string{
		"blk.12.attn_q.weight": "blk.*.attn_q.weight",
		"conv2.weight":         "conv*.weight",
		"fc.weight":            "fc.weight",
		"h[3].w1":              `h\[*].w*`,
	} {
		if got := Kind(name); got != want || !Match(got, name) {
			t.Errorf("%s: %s, matches itself: %v", name, got, Match(got, name))
		}
	}
}

func TestALiteralMatchesItsNameAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-c*?\[\]\\./]{1,8}`).Draw(t, "name")
		other := rapid.StringMatching(`[a-c*?\[\]\\./]{1,8}`).Draw(t, "other")
		glob := Literal(name)
		if !Match(glob, name) || other != name && Match(glob, other) {
			t.Fatalf("%q matches %q: %v, %q: %v", glob, name, Match(glob, name), other, Match(glob, other))
		}
		if back, ok := literal(glob); !ok || back != name {
			t.Fatalf("%q is literal: %q, %v", glob, back, ok)
		}
	})
}

func TestHistoryWalksBackAndForth(t *testing.T) {
	plan := func(text string) Plan { return Plan{Default: choose(t, text)} }
	h := NewHistory(plan("int8"))
	if h.Undo() || h.Redo() || !h.Saved() {
		t.Error("a new history has a past, a future or changes")
	}
	h.Push(plan("int8"))
	if h.Undo() {
		t.Error("a plan that says the same is a step")
	}
	h.Push(plan("int4"))
	h.Push(plan("int2"))
	if h.Saved() {
		t.Error("changes count as saved")
	}
	h.MarkSaved()
	if !h.Undo() || h.Saved() || !h.Plan().Equal(plan("int4")) {
		t.Errorf("one back: %v, saved %v", h.Plan(), h.Saved())
	}
	h.Push(plan("f16")) // the saved plan is gone for good
	if h.Redo() || h.Saved() {
		t.Error("what was undone can be redone after another change")
	}
	steps := 0
	for h.Undo() {
		steps++
	}
	if steps != 2 || !h.Plan().Equal(plan("int8")) || h.Saved() {
		t.Errorf("%d steps all the way back: %v, saved %v", steps, h.Plan(), h.Saved())
	}
}

func TestTotalsOfPartsAreTheWhole(t *testing.T) {
	list := tensors(t, "a", "b", "c.bias", "d.ids")
	p := Plan{Default: choose(t, "int4")}
	figures := func(e2, x2 float64, exact bool) *Figures {
		f := &Figures{Exact: exact}
		f.N, f.E2, f.X2 = 8, e2, x2
		return f
	}
	known := []*Figures{figures(1, 100, true), figures(1, 1000, false), nil, nil}
	var whole, one, two Totals
	for i, tensor := range list {
		whole.Add(tensor, p.For(tensor), known[i])
		part := &one
		if i >= 2 {
			part = &two
		}
		part.Add(tensor, p.For(tensor), known[i])
	}
	one.Join(&two)
	if diff := cmp.Diff(whole, one, cmp.AllowUnexported(Totals{})); diff != "" {
		t.Error(diff)
	}
	// 8 weights of relative error 0.01, 8 of 0.001, and 4 that are kept; ids are no weights.
	if got, want := whole.SQNR(), -decibel(0.01*8+0.001*8, 20); got-want > 1e-9 || want-got > 1e-9 {
		t.Errorf("SQNR %v, want %v", got, want)
	}
	if whole.Exact() || whole.Quantized != 2 || whole.Measured != 2 {
		t.Errorf("%+v", whole)
	}
	if whole.Now != 32+32+16+64 || whole.Then != 2*8+16+64 {
		t.Errorf("%d → %d bytes", whole.Now, whole.Then)
	}
}

func choose(t testing.TB, text string) Choice {
	t.Helper()
	c, err := ParseChoice(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhatDoesNotFitFallsBackAsTheRuleSays(t *testing.T) {
	file := model.NewFile("memory", make([]byte, 4*8*48))
	tensor, err := model.NewTensor("w.weight", model.F32, []int{8, 48}, file, 0)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"q4_K": "keep", "q4_K,int8": "int8", "q4_K,q8_0": "keep", "int4:g32,int8": "int4:g32", "mxfp4": "mxfp4",
	} {
		p := Plan{Default: choose(t, text)}
		if got := p.For(tensor).String(); got != want || p.Wish(tensor).String() != text {
			t.Errorf("%s became %s, want %s; the wish is %s", text, got, want, p.Wish(tensor))
		}
	}
	why := mustParse(t, "q4_K").WhyNot([]int{8, 64})
	if !strings.Contains(why, "blocks of 256") || !strings.Contains(why, "rows have 64") || !strings.Contains(why, "q8_0") {
		t.Errorf("the reason is %q", why)
	}
}
