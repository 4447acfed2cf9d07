package tui

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"pgregory.net/rapid"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

func TestTheFirstFrameShowsTheSampleQuantized(t *testing.T) {
	s := sitWithSample(t, 120, 34)
	s.shows("bitdial animals  10 tensors · 61.3 k weights", "239 KiB → 60.4 KiB", "▸ conv2.weight", "int8", "18.0 KiB → 4.50 KiB", "clipping range")
	s.hides("≈", " …", "reading")
}

func TestADigitSetsTheBitsAndEverythingFollows(t *testing.T) {
	s := sitWithSample(t, 120, 34)
	before := s.screen.plain()
	s.press("4")
	if got := s.scheme("conv2.weight"); got != "int4" {
		t.Errorf("the plan has %s", got)
	}
	s.shows("int4", "18.0 KiB → 2.25 KiB", "SQNR 12.7 dB", "animals*")
	if s.screen.plain() == before {
		t.Error("the screen has not changed")
	}
	s.press("1 2")
	if got := s.scheme("conv2.weight"); got != "int12" {
		t.Errorf("1 2 gave %s", got)
	}
}

func TestArrowsTurnTheDialInFocus(t *testing.T) {
	s := sitWithSample(t, 120, 34)
	s.press("left left")
	if got := s.scheme("conv2.weight"); got != "int6" {
		t.Errorf("two steps down gave %s", got)
	}
	s.press("tab right right right")
	if got := s.scheme("conv2.weight"); got != "int6:g256" {
		t.Errorf("three steps of granularity gave %s", got)
	}
	s.press("tab right tab left")
	s.press("right right")
	if got := s.scheme("conv2.weight"); got != "int6:g256:asym:round=trunc" {
		t.Errorf("zero point and rounding gave %s", got)
	}
}

func TestADialThatDoesNotApplySaysWhy(t *testing.T) {
	s := sitWithSample(t, 120, 34)
	s.press("shift+tab shift+tab right") // bits, format, seed
	s.shows("only stochastic rounding draws lots")
	s.press("shift+tab") // scale
	s.press("tab tab")   // format again
	for range 20 {
		s.press("left")
	}
	if got := s.scheme("conv2.weight"); got != "keep" {
		t.Fatalf("the lowest format is %s", got)
	}
	s.press("tab right")
	s.shows("the tensor is kept as it is stored")
}

func TestUndoAndRedoWalkThroughTheEdits(t *testing.T) {
	s := sitWithSample(t, 120, 34)
	s.press("4 3 2")
	for _, want := range []string{"int3", "int4", "int8"} {
		s.press("u")
		if got := s.scheme("conv2.weight"); got != want {
			t.Errorf("undo gave %s, want %s", got, want)
		}
	}
	s.hides("animals*")
	s.press("u")
	s.shows("nothing to undo")
	s.press("U U U U")
	s.shows("nothing to redo")
	if got := s.scheme("conv2.weight"); got != "int2" {
		t.Errorf("redo gave %s", got)
	}
}

func TestApplyReachesTheKindAllOrAGlob(t *testing.T) {
	for _, c := range []struct {
		keys, text string
		want       map[string]string
	}{
		{"1 enter", "", map[string]string{"conv2.weight": "int4", "conv1.weight": "int8", "fc.weight": "int8"}},
		{"2 enter", "", map[string]string{"conv2.weight": "int4", "conv1.weight": "int4", "conv1.bias": "keep", "fc.weight": "int8"}},
		{"3 enter", "", map[string]string{"conv2.weight": "int4", "conv1.weight": "int4", "conv1.bias": "keep", "fc.weight": "int4"}},
		{"4", "conv[34].*", map[string]string{"conv4.weight": "int4", "conv4.bias": "int4", "conv1.weight": "int8", "fc.weight": "int8"}},
	} {
		s := sitWithSample(t, 120, 34)
		s.press("4 a")
		s.shows("this layer", "layers of the same kind", "conv*.weight", "4 layers")
		s.press(c.keys)
		if c.text != "" {
			s.press("backspace")
			s.write(c.text)
			s.shows("4 layers") // matched so far
			s.press("enter")
		}
		for name, want := range c.want {
			if got := s.scheme(name); got != want {
				t.Errorf("%s: %s became %s, want %s", c.keys, name, got, want)
			}
		}
	}
}

func TestTheFilterNarrowsWhileTyping(t *testing.T) {
	s := sitWithSample(t, 120, 34)
	s.press("/")
	s.write("fc")
	s.shows("fc.weight", "fc.bias", "2 of 10")
	s.hides("conv1.bias")
	s.press("enter")
	s.shows("layer /fc (2)")
	s.press("esc")
	s.shows("conv1.bias")
	s.press("/")
	s.write("nothing like it")
	s.shows("no layer's name holds")
	s.press("esc")
	s.shows("conv1.bias")
}

func TestColumnsSort(t *testing.T) {
	s := sitWithSample(t, 200, 60)
	x, y := s.find("SQNR  ")
	s.click(x+1, y)
	order := func() []float64 {
		var list []float64
		for _, i := range s.layers.order {
			list = append(list, s.sqnr(i))
		}
		return list
	}
	if !slices.IsSorted(order()) {
		t.Errorf("by SQNR: %v", order())
	}
	s.click(x+1, y)
	list := order()
	slices.Reverse(list)
	if !slices.IsSorted(list) {
		t.Errorf("by SQNR, downwards: %v", order())
	}
}

func TestTheMouseDoesWhatKeysDo(t *testing.T) {
	s := sitWithSample(t, 120, 34)
	x, y := s.find("fc.weight")
	s.click(x, y)
	s.shows("▸ fc.weight")
	x, y = s.find("format  ")
	s.wheel(x, y, 1)
	if got := s.scheme("fc.weight"); got != "int7" {
		t.Errorf("a turn of the wheel over the format gave %s", got)
	}
	x, y = s.find("symmetric ▸")
	s.click(x+len("symmetric "), y)
	if got := s.scheme("fc.weight"); got != "int7:asym" {
		t.Errorf("a click on the arrow gave %s", got)
	}
	x, y = s.find("Sensitivity")
	s.click(x, y)
	s.shows("SQNR dB by format")
	x, y = s.find("Microscope")
	s.click(x, y)
	s.shows("as float32")
	x, y = s.find("? help")
	s.click(x, y)
	s.shows("Keys on this page")
	s.click(0, 0)
	s.hides("Keys on this page")
}

func TestTheMouseReadsThePlots(t *testing.T) {
	s := sitWithSample(t, 120, 34)
	_, y := s.find("clipping range")
	x, _ := s.find("f32  ■")
	s.hover(x+20, y+5)
	s.shows("weights")
	_, y = s.find("channels  ")
	s.hover(x+3, y+1)
	s.shows("channel ")
	s.hover(0, 0)
	s.shows("worst: ")
	s.press("] ]")
	s.shows("channel 1: ")
}

func TestCompareShowsBothSchemes(t *testing.T) {
	s := sitWithSample(t, 200, 60)
	s.press("c")
	s.shows("nothing to compare with")
	s.press("3 c")
	s.shows("before: int8", "now: int3")
	s.press("c")
	s.hides("before: int8")
}

func TestSensitivityFillsInAndLeadsToTheDials(t *testing.T) {
	s := sitWithSample(t, 120, 34)
	s.press("s")
	known, all := s.heatProgress()
	if known != all || all != 10*len(heatSets[0].formats) {
		t.Errorf("%d of %d cells are known", known, all)
	}
	s.press("right right right right right down enter")
	if s.page != pageLayers {
		t.Error("enter stays on the map")
	}
	s.press("s space")
	if got := s.scheme("conv2.bias"); got != "int3" {
		t.Errorf("space took %s", got)
	}
	s.press("f f f")
	s.shows("· ggml", "q4_0", "does not fit")
	s.press("right right right right right") // q1_0
	s.shows("blocks of 128")
	s.press("space")
	if got := s.scheme("conv2.bias"); got != "int3" {
		t.Errorf("a format that does not fit was taken: %s", got)
	}
	for range 30 {
		s.press("right")
	}
	s.shows("mxfp4_ggml", "‹")
}

func TestTheMicroscopeFollowsOneWeight(t *testing.T) {
	s := sitWithSample(t, 120, 34)
	s.press("4 m")
	s.shows("the largest error", "conv2.weight", "÷ scale", "integer's bits", "nearest away", "weight ")
	i := s.micro.index
	s.press("right")
	if s.micro.index != i+1 {
		t.Errorf("from %d to %d", i, s.micro.index)
	}
	s.press("n")
	s.write("#7")
	s.press("enter")
	s.shows("#7 [0, 0, 2, 1]")
	s.press("n")
	s.write("0.25")
	s.press("enter")
	s.shows("a typed number", "0.25")
	s.press("n")
	s.write("quarter")
	s.press("enter")
	s.shows(`"quarter" is not a number`)
	s.press("x 3")
	s.shows("int3", "the largest error")
	s.press("tab +")
	if got := s.scheme("conv2.weight"); got != "int3:channel" {
		t.Errorf("+ on granularity gave %s", got)
	}
}

func TestTheMicroscopeFollowsTheFilterToAnotherLayer(t *testing.T) {
	s := sitWithSample(t, 120, 34)
	s.press("m n")
	s.write("#4000")
	s.press("enter /")
	s.write("conv1.bias")
	s.press("enter")
	s.shows("conv1.bias", "the largest error")
}

func TestThePlanIsWrittenAndLeavingAsks(t *testing.T) {
	s := sitWithSample(t, 120, 34)
	t.Chdir(t.TempDir())
	s.press("4 q")
	s.shows("Leave?", "not written")
	s.press("esc w")
	s.shows("animals.plan.toml")
	s.press("enter")
	s.shows("the plan is in animals.plan.toml")
	s.hides("animals*")
	plan, err := quant.LoadPlan("animals.plan.toml")
	if err != nil || !plan.Equal(s.history.Plan()) {
		t.Errorf("written %v, %v", plan, err)
	}
	s.press("3 w enter") // its own file: no question
	s.shows("the plan is in animals.plan.toml")
	if err := os.WriteFile("other.toml", []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.press("2 w")
	for range len("animals.plan.toml") {
		s.press("backspace")
	}
	s.write("other.toml")
	s.press("enter")
	s.shows("Overwrite?")
	s.press("esc")
	if text, _ := os.ReadFile("other.toml"); string(text) != "mine" {
		t.Error("the file was overwritten")
	}
}

func TestAnUnsavedPlanComesBack(t *testing.T) {
	s := sitWithSample(t, 120, 34)
	s.press("4 down down 3")
	again := &sitting{t, newApp(t.Context(), Options{Model: s.model, Plan: DefaultPlan()})}
	again.send(tea.WindowSizeMsg{Width: 100, Height: 30})
	again.send(again.offerRecovery()())
	again.shows("Unsaved plan")
	again.press("enter")
	if !again.history.Plan().Equal(s.history.Plan()) {
		t.Errorf("came back as %v", again.history.Plan())
	}
	again.press("u")
	if got := again.scheme("conv2.weight"); got != "int8" {
		t.Errorf("undo after recovery gave %s", got)
	}
	if again.offerRecovery()() != nil {
		t.Error("what was undone is still kept")
	}
}

func TestAModelThatCannotBeOpenedIsSaidAndTheSittingGoesOn(t *testing.T) {
	s := sitWithSample(t, 120, 34)
	path := filepath.Join(t.TempDir(), "broken.safetensors")
	if err := os.WriteFile(path, []byte("not a model at all"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.send(s.openFile(path, false)())
	s.shows("That did not work", "broken.safetensors")
	s.press("enter 4")
	if got := s.scheme("conv2.weight"); got != "int4" {
		t.Errorf("afterwards 4 gave %s", got)
	}
}

func TestAFileIsPickedAndOpened(t *testing.T) {
	dir := t.TempDir()
	data, err := os.ReadFile("../samples/animals/animals.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "mine.safetensors"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	s := sitWithSample(t, 120, 34)
	t.Chdir(dir)
	s.press("o")
	s.shows("Open a model", "mine.safetensors")
	s.press("enter")
	s.shows("bitdial mine")
}

func TestNonFiniteWeightsAreCountedAndShown(t *testing.T) {
	w := gaussian(64 * 64)
	w[5], w[99] = float32(math.NaN()), float32(math.Inf(-1))
	s := sit(t, modelOf(t, w, map[string][]int{"w": {64, 64}}, "w"), 120, 34)
	s.press("4")
	s.shows("NaN/Inf 2", "SQNR 1")
	s.press("m n")
	s.write("#5")
	s.press("enter")
	s.shows("not finite")
}

// What comes back may be beyond float32: then it stands at the end of the line.
func TestAWeightThatOverflowsIsSeen(t *testing.T) {
	s := sit(t, modelOf(t, []float32{0.5, -0.25, math.MaxFloat32, 0.125}, map[string][]int{"w": {2, 2}}, "w"), 120, 34)
	s.shows("cosine –")
	s.press("m n")
	s.write("#2")
	s.press("enter")
	s.shows("#2 [1, 0]", "▲")
	s.press("p")
	s.shows("relative error")
}

func TestTheModelTellsAboutItself(t *testing.T) {
	m := oneTensor(t, 64, 64)
	m.Metadata = append(m.Metadata, model.KeyValue{Key: "general.architecture", Value: "llama"})
	s := sit(t, m, 80, 24)
	s.press("I")
	s.shows("stored as", "f32", "4 096 weights", "32.00 bpw", "general.architecture", "llama")
	s.press("esc")
	s.hides("general.architecture")
}

func TestHelpNamesEveryKeyOfThePage(t *testing.T) {
	s := sitWithSample(t, 120, 60)
	for page := range pages {
		s.page = page
		s.press("?")
		for _, b := range bindings {
			if b.on(page) && b.about != "" {
				s.shows(b.about)
			}
		}
		s.press("esc")
	}
}

func TestEveryKeyOfTheTableDoesSomethingThatIsReachable(t *testing.T) {
	seen := map[string]bool{}
	for page := range pages {
		taken := map[string]string{}
		for _, b := range bindings {
			if !b.on(page) {
				continue
			}
			for _, k := range b.keys {
				if other, twice := taken[k]; twice {
					t.Errorf("on %s %q means %q and %q", pages[page].name, k, other, b.about)
				}
				taken[k] = b.about
				seen[k] = true
			}
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %d keys", len(seen))
	}
}

func TestWithoutColourNothingIsLost(t *testing.T) {
	s := sitWithSample(t, 120, 34)
	s.send(tea.ColorProfileMsg{Profile: colorprofile.Ascii})
	s.press("4")
	if strings.Contains(s.View().Content, "38;2") {
		t.Error("colours are written")
	}
	s.shows("░", "█", "▸ conv2.weight")
	s.press("s")
	s.shows("█1", "░4")
}

// oddModels are models that something may be made of wrongly.
func oddModels(t testing.TB) []*model.Model {
	w := gaussian(4096)
	odd := slices.Clone(w)
	odd[1], odd[70], odd[300] = float32(math.NaN()), float32(math.Inf(1)), math.MaxFloat32
	layered := map[string][]int{"token_embd.weight": {64, 64}, "norm.weight": {64}}
	names := []string{"token_embd.weight", "norm.weight"}
	for i := range 5 {
		for _, kind := range []string{"attn.q_proj", "attn.k_proj", "mlp.experts.0.up", "mlp.experts.1.up", "mlp.down_proj"}[:5-i%2] {
			name := fmt.Sprintf("model.layers.%d.%s.weight", i, kind)
			names = append(names, name)
			layered[name] = []int{8, 32}
		}
	}
	broken := modelOf(t, w, layered, names...)
	lost := model.NewFile("lost", make([]byte, 4*4096))
	for i := 2; i < len(names); i += 4 {
		tensor, err := model.NewTensor(names[i], model.F32, []int{8, 32}, lost, 0)
		if err != nil {
			t.Fatal(err)
		}
		broken.Tensors[i] = tensor
	}
	if err := lost.Close(); err != nil {
		t.Fatal(err)
	}
	return []*model.Model{
		modelOf(t, w, map[string][]int{"a.0.w": {8, 16}, "a.1.w": {4, 4, 3, 3}, "a.0.b": {16}, "empty": {0, 4}, "b": {64, 64}}, "a.0.w", "a.1.w", "a.0.b", "empty", "b"),
		modelOf(t, w, layered, names...),
		modelOf(t, odd, layered, names...),
		modelOf(t, make([]float32, 4096), layered, names...),
		modelOf(t, w, map[string][]int{"a.0.w": {8, 16}, "a.1.w": {8, 16}}, "a.0.w", "a.1.w", "a.0.w"), // two of a name
		modelOf(t, w, map[string][]int{"bias": {16}}, "bias"),
		oneTensor(t, 1, 1),
		modelOf(t, nil, nil),
		broken,
	}
}

// Any keys, clicks and sizes in any order, on every page and dialog of any model: no
// panic, a plan that is valid, a frame that fits, and nothing that is not a number.
func TestNothingBreaksTheExplorer(t *testing.T) {
	t.Chdir(t.TempDir())

	var keys []string
	for _, b := range bindings {
		keys = append(keys, b.keys...)
	}
	keys = append(keys, "enter", "enter", "enter", "esc", "esc", "backspace", "tab", "a", "4", "2", "1")
	keys = slices.DeleteFunc(keys, func(k string) bool { return k == "q" || k == "f1" })
	models := oddModels(t)
	matrix := matrixFile(t, models[1], "importance.dat", 32)
	sizes := [][2]int{{10, 3}, {300, 80}, {80, 24}, {200, 60}, {40, 12}, {0, 0}}
	rapid.Check(t, func(r *rapid.T) {
		s := sit(t, models[rapid.IntRange(0, len(models)-1).Draw(r, "model")], 80, 24)
		s.press(rapid.SampledFrom([]string{"l", "s", "s v", "s v v", "s v v v", "p", "m", "r", "C down enter", "C enter", "w", "I", "M"}).Draw(r, "page"))
		for range rapid.IntRange(1, 20).Draw(r, "steps") {
			switch rapid.IntRange(0, 9).Draw(r, "what") {
			case 0:
				s.send(tea.WindowSizeMsg{Width: rapid.IntRange(0, 300).Draw(r, "w"), Height: rapid.IntRange(0, 100).Draw(r, "h")})
			case 1:
				size := rapid.SampledFrom(sizes).Draw(r, "size")
				s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			case 2:
				s.click(rapid.IntRange(0, 300).Draw(r, "x"), rapid.IntRange(0, 100).Draw(r, "y"))
			case 3:
				if n := len(s.hots); n > 0 { // what can be clicked
					h := s.hots[rapid.IntRange(0, 1<<20).Draw(r, "hot")%n]
					s.click(h.area.x+h.area.w/2, h.area.y+h.area.h/2)
					s.send(tea.MouseMotionMsg{X: h.area.x + 1, Y: h.area.y, Button: tea.MouseLeft})
				}
			case 4:
				s.wheel(rapid.IntRange(0, 300).Draw(r, "x"), rapid.IntRange(0, 100).Draw(r, "y"), rapid.SampledFrom([]int{-1, 1}).Draw(r, "steps"))
			case 5:
				s.press(rapid.SampledFrom([]string{"s", "v", "p", "m", "r", "C", "C", "w", "M", "I", "F", "o"}).Draw(r, "to"))
			case 6:
				if s.dialog == nil && rapid.IntRange(0, 4).Draw(r, "weigh") == 0 {
					s.send(s.openFile(matrix, true)())
				}
			default:
				s.press(rapid.SampledFrom(keys).Draw(r, "key"))
			}
			frame := s.screen.plain()
			lines := strings.Split(frame, "\n")
			if s.screen.h > 0 && (len(lines) != s.screen.h || textWidth(lines[0]) != s.screen.w) {
				r.Fatalf("a frame of %d lines and %d columns on a screen of %d×%d", len(lines), textWidth(lines[0]), s.screen.w, s.screen.h)
			}
			if s.page != pageMicroscope && strings.Contains(strings.ReplaceAll(frame, "NaN/Inf", ""), "NaN") {
				r.Fatalf("a figure is none:\n%s", frame)
			}
			for _, tensor := range s.model.Tensors {
				scheme := s.history.Plan().For(tensor)
				if again, err := quant.Parse(scheme.String()); err != nil || again != scheme {
					r.Fatalf("%s: %v", scheme, err)
				}
			}
		}
	})
}

func TestAModelWithoutTensorsIsShown(t *testing.T) {
	s := sit(t, modelOf(t, nil, nil), 100, 30)
	s.shows("0 tensors", "the model has no tensors")
	for _, k := range []string{"4", "right", "s", "right", "space", "enter", "m", "right", "n", "esc", "l", "a", "c", "/", "esc", "tab", "u", "down", "?", "esc"} {
		s.press(k)
	}
	s.press("4")
	s.shows("no layer is selected")
}

func TestIdsAndMasksStayAsTheyAre(t *testing.T) {
	file := model.NewFile("memory", make([]byte, 800))
	ids, err := model.NewTensor("ids", model.I64, []int{10, 10}, file, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := sit(t, &model.Model{Name: "m", Path: "m", Files: []*model.File{file}, Tensors: []*model.Tensor{ids}}, 100, 30)
	s.press("4")
	s.shows("I64 is not quantized", "800 B → 800 B")
	s.press("s m a")
	if got := s.scheme("ids"); got != "keep" {
		t.Errorf("ids became %s", got)
	}
}
