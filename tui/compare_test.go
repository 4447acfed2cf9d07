package tui

import (
	"encoding/binary"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/files"
	"github.com/bitdial/bitdial/quant/model/gguf"
	"github.com/bitdial/bitdial/quant/model/safetensors"
)

// folder makes an empty folder the current one; file pickers begin there.
func folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	return dir
}

// savedPlan writes a plan of a scheme for all weights, and rules.
func savedPlan(t testing.TB, path, scheme string, rules ...string) quant.Plan {
	t.Helper()
	choice := func(text string) quant.Choice {
		c, err := quant.ParseChoice(text)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	p := quant.Everywhere(choice(scheme))
	for _, r := range rules {
		glob, text, _ := strings.Cut(r, "=")
		p = p.With(glob, choice(text))
	}
	if err := quant.SavePlan(path, p, false); err != nil {
		t.Fatal(err)
	}
	return p
}

// changes returns the changes that are listed, from the top.
func (s *sitting) changes() (list []float64) {
	for _, k := range s.against.order {
		list = append(list, s.changeOfDB(k))
	}
	return list
}

func TestAPlanIsHeldAgainstAnother(t *testing.T) {
	folder(t)
	other := savedPlan(t, "other.toml", "int4:g32", "blk.2.*=int8", "blk.3.*=int12")
	s := sit(t, apart(t, blockModel(t, 6)), 120, 34)
	s.press("C")
	s.shows("Compare with", "a file…", "int4:g32")
	s.press("enter")
	s.shows("Compare with a plan or a model", "⏎ or → compare", "other.toml")
	s.press("enter")
	s.shows("A this plan, int8", "B other.toml", "21 of 26 layers differ", "B costs", "dB per KiB", "int12", "SQNR A", "B − A: −")
	s.hides("≈", "…d", "blk.2.")
	if list := s.changes(); !slices.IsSorted(list) || list[0] > -10 || list[len(list)-1] < 10 {
		t.Errorf("not the worst first: %v", list)
	}
	s.addUp()
	if want := s.under(other); math.Abs(s.against.under.totals.SQNR()-want) > 1e-9 {
		t.Errorf("under the other plan SQNR is %v, want %v", s.against.under.totals.SQNR(), want)
	}

	k := s.against.order[0]
	worst := s.model.Tensors[k].Name
	s.press("space")
	s.shows("20 of 26 layers differ", "is int4:g32 now")
	if got := s.scheme(worst); got != "int4:g32" {
		t.Errorf("taken, %s has %s", worst, got)
	}
	if slices.Contains(s.against.order, k) {
		t.Error("what was taken still differs")
	}
	s.press("u")
	if got := s.scheme(worst); got != "int8" || s.against.order[0] != k {
		t.Errorf("undone, %s has %s", worst, got)
	}
	s.press("end")
	s.shows("B gains", "int8 → int12", "It takes")
	s.press("T")
	s.shows("21 layers are as in other.toml now", "The plans agree")
	if !slices.Equal(s.planned.schemes, other.Schemes(s.model.Tensors)) {
		t.Error("not all of the other plan was taken")
	}
	s.press("T space")
	s.press("u")
	if got := s.scheme("blk.3.ffn_up.weight"); got != "int8" {
		t.Errorf("all that was taken is not undone at once: %s", got)
	}
	s.press("home down down enter")
	s.shows("clipping range", "▸ "+s.model.Tensors[s.against.order[2]].Name)
	s.press("C")
	s.shows("21 of 26 layers differ")
}

// under measures the SQNR of the model under p.
func (s *sitting) under(p quant.Plan) float64 {
	s.t.Helper()
	var totals quant.Totals
	for _, w := range s.model.Tensors {
		scheme := p.For(w)
		if scheme.Keep() {
			totals.Add(w, scheme, nil)
			continue
		}
		summary, err := quant.Summarize(s.t.Context(), w, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		m, err := quant.Measure(s.t.Context(), w, summary, scheme, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		totals.Add(w, scheme, &m.Figures)
	}
	return totals.SQNR()
}

func TestAPlanIsHeldAgainstAMix(t *testing.T) {
	names := []string{"token_embd.weight"}
	for _, kind := range []string{"attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_gate", "ffn_down"} {
		names = append(names, "blk.0."+kind+".weight")
	}
	shapes := map[string][]int{}
	for _, n := range names {
		shapes[n] = []int{16, 256}
	}
	m := modelOf(t, gaussian(16*256), shapes, names...)
	m.Format = "gguf"
	s := sit(t, m, 120, 34)
	mix := func() {
		s.press("C")
		for s.dialog.(*againstDialog).list[s.dialog.(*againstDialog).at].name != "Q4_K_M" {
			s.press("down")
		}
		s.shows("the mix of llama-quantize")
		s.press("enter")
	}
	mix()
	s.shows("That did not work", "the mixes are known for the architectures")
	s.press("enter")
	m.Metadata = []model.KeyValue{
		{Key: "general.architecture", Value: "llama"}, {Key: "llama.block_count", Value: "1"}, {Key: "llama.attention.head_count", Value: "2"},
	}
	mix()
	s.shows("B Q4_K_M", "8 of 8 layers differ", "int8", "q4_K", "q6_K")
	s.press("T u T")
	plan, err := quant.MixOf("Q4_K_M").Plan(m, false)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.planned.schemes, plan.Schemes(m.Tensors)) {
		t.Errorf("taken: %v", s.planned.schemes)
	}
}

// release writes a llama in transformers' names, hf.safetensors, and its GGUF,
// made.gguf, whose rows of q stand in another order and whose values of v are off.
func release(t testing.TB) {
	t.Helper()
	const rows, columns = 8, 32 // two heads of four rows
	weights := gaussian(rows * columns)
	put := func(w io.Writer, order []int, off float32) error {
		for _, r := range order {
			row := slices.Clone(weights[r*columns : (r+1)*columns])
			for i := range row {
				row[i] += off
			}
			if err := binary.Write(w, binary.LittleEndian, row); err != nil {
				return err
			}
		}
		return nil
	}
	same, permuted := []int{0, 1, 2, 3, 4, 5, 6, 7}, []int{0, 2, 1, 3, 4, 6, 5, 7}
	shape := []int{rows, columns}
	err := model.WriteFile("hf.safetensors", false, func(w io.Writer) error {
		return safetensors.Write(w, nil, []safetensors.Entry{
			{Name: "model.layers.0.self_attn.q_proj.weight", DType: model.F32, Shape: shape},
			{Name: "model.layers.0.self_attn.v_proj.weight", DType: model.F32, Shape: shape},
			{Name: "model.layers.0.self_attn.o_proj.weight", DType: model.F32, Shape: shape},
			{Name: "lm_head.weight", DType: model.F32, Shape: shape},
		}, func(_ int, w io.Writer) error { return put(w, same, 0) })
	})
	if err != nil {
		t.Fatal(err)
	}
	metadata := new(gguf.Metadata)
	metadata.SetString("general.architecture", "llama")
	metadata.SetUint32("llama.attention.head_count", 2)
	err = model.WriteFile("made.gguf", false, func(w io.Writer) error {
		return gguf.Write(w, metadata, []gguf.Entry{
			{Name: "blk.0.attn_q.weight", DType: model.F32, Shape: shape},
			{Name: "blk.0.attn_v.weight", DType: model.F32, Shape: shape},
			{Name: "blk.0.attn_output.weight", DType: model.F16, Shape: shape},
			{Name: "rope_freqs.weight", DType: model.F32, Shape: shape},
		}, func(i int, w io.Writer) error {
			switch i {
			case 0:
				return put(w, permuted, 0)
			case 2: // halves are two bytes: zeros
				_, err := w.Write(make([]byte, 2*rows*columns))
				return err
			}
			return put(w, same, 0.01)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAModelIsHeldAgainstItsRelease(t *testing.T) {
	folder(t)
	release(t)
	m, err := files.Open("hf.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	s := sit(t, m, 200, 60)
	s.press("C enter")
	s.shows("hf.safetensors", "made.gguf")
	s.press("down enter")
	s.shows("A hf", "B made.gguf", "3 pairs, 2 without partner", "dB against A", "f32 → f16", "only in A", "only in B", "the same by its name in")
	if list := s.changes(); !slices.IsSorted(list[:3]) || list[0] > 0.1 || !math.IsInf(list[2], 1) {
		t.Errorf("not the worst first, what is the same last: %v", list)
	}
	pairs, _, _ := quant.Pairs(m, s.against.model)
	for _, p := range pairs {
		want, err := p.Compare(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		k := slices.IndexFunc(s.against.pairs, func(q quant.Pair) bool { return q.A[0] == p.A[0] })
		if got := s.against.found[k]; got == nil || got.SQNR() != want.SQNR() {
			t.Errorf("%s: %v", p.A[0].Name, got)
		}
	}
	s.press("down down")
	s.shows("undone: rows of heads reordered", "The weights are the same")
	s.press("down")
	s.shows("lm_head.weight", "Only in A: no tensor of the other model has its name")
	s.press("space")
	s.shows("only one of the models has it")
	s.press("down")
	s.shows("Only in B", "rope_freqs.weight")
	s.press("enter")
	s.shows("only the other model has it")
	s.press("home space")
	s.shows("is planned as f16")
	if got := s.scheme("model.layers.0.self_attn.o_proj.weight"); got != "f16" {
		t.Errorf("taken, it has %s", got)
	}
	s.press("u T")
	s.shows("3 layers are planned as made.gguf stores them")
	for name, want := range map[string]string{
		"model.layers.0.self_attn.o_proj.weight": "f16", "model.layers.0.self_attn.q_proj.weight": "keep", "lm_head.weight": "int8",
	} {
		if got := s.scheme(name); got != want {
			t.Errorf("%s has %s, want %s", name, got, want)
		}
	}
	s.press("enter")
	s.shows("▸ model.layers", "f16")
	s.press("o") // the plan is not written
	s.press("o")
	s.press("enter")
	if !s.against.none() || s.page != pageLayers {
		t.Error("another model was opened, and the comparison goes on")
	}
}

func TestWhatCannotBeComparedIsSaid(t *testing.T) {
	folder(t)
	savedPlan(t, "a.toml", "int4")
	for name, text := range map[string]string{"b.toml": "[default", "c.gguf": "GGUF", "d.txt": "nothing"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := sit(t, oneTensor(t, 8, 32), 80, 24)
	for row, text := range map[int]string{1: "b.toml: not a", 2: "c.gguf", 3: "d.txt"} {
		s.press("C enter")
		for range row {
			s.press("down")
		}
		s.press("enter")
		s.shows("That did not work", text)
		s.press("enter")
	}
	release(t)
	s.press("C enter down down down down enter")
	s.shows("no tensor of one has a partner")
	s.press("enter C esc")
	s.page = pageCompare
	s.press("space T > < enter")
	s.press("C enter enter")
	s.shows("1 of 1 layers differ", "int8 → int4")
}

func TestLeavingThePageCancelsTheComparison(t *testing.T) {
	folder(t)
	release(t)
	m, err := files.Open("hf.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	s := sit(t, m, 120, 34)
	s.handle(s.holdFile("made.gguf")())
	if r, ok := s.next(); !ok || r.errand.kind != comparePairs {
		t.Fatalf("next is %+v", r)
	}
	s.work.ticking = true
	run := s.schedule()
	s.View()
	s.shows("0/3", "…")
	s.handle(keyPress("esc"))
	s.schedule()
	got := run().(resultMsg)
	if !isCanceled(got.err) {
		t.Fatalf("the job was not cancelled: %v", got.err)
	}
	s.send(got)
	if s.page != pageLayers || s.against.known != 0 {
		t.Errorf("page %d, %d pairs known", s.page, s.against.known)
	}
	s.handle(keyPress("x"))
	s.page = pageCompare
	s.paused = true
	s.View()
	s.shows("0/3, paused")
	if r, ok := s.next(); ok && r.errand.kind == comparePairs {
		t.Error("paused, and a pair is compared")
	}
	s.press("x")
	s.hides("paused", "0/3")
	if s.against.known != 3 {
		t.Errorf("%d pairs known", s.against.known)
	}
	s.takeCompared(s.against.turn-1, []comparedPair{{n: 0}})
	if s.against.known != 3 {
		t.Error("what was found for another comparison is taken")
	}
}

func TestTheListIsSortedAndFiltered(t *testing.T) {
	folder(t)
	savedPlan(t, "other.toml", "int4:g32", "blk.2.*=int12", "*norm*=f16")
	s := sit(t, apart(t, blockModel(t, 40)), 200, 60)
	s.press("C enter enter")
	s.shows("size A", "size B", "162 of 162 layers differ")
	s.press(">")
	s.shows("sorted by layer", "▸ token_embd.weight")
	s.press("> > > >")
	s.shows("sorted by size B", "size B↓")
	if k := s.against.order[0]; !strings.HasPrefix(s.model.Tensors[k].Name, "blk.2.") {
		t.Errorf("the largest is %s", s.model.Tensors[k].Name)
	}
	s.press("<")
	s.shows("size B↑")
	if k := s.against.order[0]; s.model.Tensors[k].Name != "output_norm.weight" {
		t.Errorf("the smallest is %s", s.model.Tensors[k].Name)
	}
	x, y := s.find("change")
	s.click(x, y)
	s.shows("change↓")
	s.press("/")
	s.write("blk.2.")
	s.press("enter")
	s.shows("layer /blk.2. (4)")
	if len(s.against.order) != 4 {
		t.Errorf("%d are listed", len(s.against.order))
	}
	s.wheel(10, 10, 1)
	if s.against.cursor != 3 {
		t.Errorf("the wheel went to row %d", s.against.cursor)
	}
	x, y = s.find("blk.2.attn_q")
	s.click(x, y)
	s.shows("▸ blk.2.attn_q")
	s.click(x, y)
	s.shows("clipping range")
	x, y = s.find("Compare")
	s.click(x, y)
	s.shows("▸ blk.2.attn_q")
	s.press("/")
	s.write("zzz")
	s.press("enter")
	s.shows("nothing that differs has")
	s.press("down up space enter")
}

func TestTheComparisonFitsAnyScreen(t *testing.T) {
	folder(t)
	savedPlan(t, "other.toml", "int4:g32")
	s := sit(t, apart(t, blockModel(t, 6)), 80, 24)
	s.screen.mono = true
	s.press("C")
	for _, size := range [][2]int{{200, 60}, {30, 8}, {12, 5}, {1, 1}, {80, 24}} {
		s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
	}
	s.press("enter enter")
	s.shows("█", "B − A", "SQNR A", "B costs", "─ Compare ─")
	for _, size := range [][2]int{{200, 60}, {30, 8}, {12, 5}, {1, 1}, {80, 24}} {
		s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		s.press("down")
	}
	s = sit(t, modelOf(t, nil, nil), 80, 24)
	s.press("C enter enter space T enter > <")
	s.shows("no tensors")
}

func TestAComparisonWeighsErrorToo(t *testing.T) {
	m := apart(t, blockModel(t, 6))
	s := sit(t, m, 200, 60)
	s.everywhere("q4_0")
	s.press("C")
	s.dialog.(*againstDialog).at = 1
	s.press("enter")
	s.shows("25 of 26 layers differ", "B ")
	s.hides("weighted")
	plain := s.changes()
	s.attachFile(matrixFile(t, m, "m.imatrix", 64))
	s.shows("SQNR by layer weighted by m.imatrix", "weighted SQNR")
	if list := s.changes(); !slices.IsSorted(list) || slices.Equal(list, plain) {
		t.Errorf("weighted, the changes are %v", list)
	}
	s.press("M x")
	s.hides("weighted")
	if !slices.Equal(s.changes(), plain) {
		t.Error("the matrix is off, and the changes are others than before")
	}
}

// BenchmarkCompareManyTensors is the time of a list of 300 000 differences, of a
// frame of it, and of a layer that is taken.
func BenchmarkCompareManyTensors(b *testing.B) {
	noState(b)
	m := manyTensors(b, 300_000)
	s := &sitting{b, newApp(b.Context(), Options{Model: m, Plan: DefaultPlan()})}
	s.screen.resize(200, 60)
	four, err := quant.Parse("int4:g32")
	if err != nil {
		b.Fatal(err)
	}
	s.handle(s.holdPlan("four", func(*model.Model) (quant.Plan, error) { return quant.Everywhere(quant.Choice{Scheme: four}), nil })())
	for s.work.found < 20_000 {
		s.takeNext()
	}
	s.View()
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			s.rearrange()
		}
	})
	b.Run("frame", func(b *testing.B) {
		for b.Loop() {
			s.View()
		}
	})
	b.Run("batch", func(b *testing.B) {
		for b.Loop() {
			s.takeNext()
			s.View()
		}
	})
	b.Run("take", func(b *testing.B) {
		for b.Loop() {
			s.handle(keyPress("space"))
			s.View()
		}
	})
}
