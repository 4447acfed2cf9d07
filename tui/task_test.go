package tui

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/exp/teatest/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/net"
)

// pictures are drawn inputs whose answers are the float network's, some of them
// wrong.
type pictures struct {
	x      [][]float32
	labels []int
}

func (p *pictures) Len() int    { return len(p.x) }
func (p *pictures) Labels() int { return 1 }
func (p *pictures) Read(i int, x []float32, labels []int) {
	copy(x, p.x[i])
	labels[0] = p.labels[i]
}

// smallTask returns a network of three layers with what it is for, and its
// model. One channel of what flows into the second layer is an outlier.
func smallTask(t testing.TB) (*model.Model, *net.Task) {
	t.Helper()
	draw := rand.New(rand.NewPCG(7, 9))
	g := &net.Graph{Input: net.Port{Name: "x", Shape: []int{3, 8, 8}}, Output: "y", Weight: map[string]*net.Weight{}}
	g.Nodes = []net.Node{
		{Name: "conv1", Op: "Conv", Inputs: []string{"x", "conv1.weight", "conv1.bias"}, Output: "a", Attrs: net.Attributes{"pads": {1, 1, 1, 1}}},
		{Name: "relu1", Op: "Relu", Inputs: []string{"a"}, Output: "ra"},
		{Name: "conv2", Op: "Conv", Inputs: []string{"ra", "conv2.weight"}, Output: "b", Attrs: net.Attributes{"strides": {2, 2}}},
		{Name: "relu2", Op: "Relu", Inputs: []string{"b"}, Output: "rb"},
		{Name: "flat", Op: "Flatten", Inputs: []string{"rb"}, Output: "f"},
		{Name: "fc", Op: "Gemm", Inputs: []string{"f", "fc.weight"}, Output: "y", Attrs: net.Attributes{"transB": {1}}},
	}
	m := &model.Model{Name: "small", Path: "small", Format: "memory"}
	for _, w := range []struct {
		name  string
		shape []int
	}{{"conv1.weight", []int{8, 3, 3, 3}}, {"conv1.bias", []int{8}}, {"conv2.weight", []int{8, 8, 3, 3}}, {"fc.weight", []int{4, 72}}} {
		n := 1
		for _, d := range w.shape {
			n *= d
		}
		x, data := make([]float32, n), make([]byte, 4*n)
		for i := range x {
			x[i] = float32(draw.NormFloat64() * math.Sqrt(2*float64(w.shape[0])/float64(n)))
			if w.name == "conv1.weight" && i/27 == 5 {
				x[i] *= 10
			}
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(x[i]))
		}
		file := model.NewFile(w.name, data)
		tensor, err := model.NewTensor(w.name, model.F32, w.shape, file, 0)
		if err != nil {
			t.Fatal(err)
		}
		m.Files, m.Tensors = append(m.Files, file), append(m.Tensors, tensor)
		g.Weight[w.name] = &net.Weight{Shape: w.shape, Data: x}
	}
	n, err := net.Of(g)
	if err != nil {
		t.Fatal(err)
	}
	p, err := net.Compile(g, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	drawn := func(n int) *pictures {
		d := new(pictures)
		for i := range n {
			x := make([]float32, 3*64)
			for k := range x {
				x[k] = float32(draw.NormFloat64())
			}
			copy(p.Input(), x)
			p.Forward()
			label := 0
			for k, v := range p.Output() {
				if v > p.Output()[label] {
					label = k
				}
			}
			if i%7 == 0 {
				label = (label + 1) % 4
			}
			d.x, d.labels = append(d.x, x), append(d.labels, label)
		}
		return d
	}
	return m, &net.Task{Network: n, Train: drawn(60), Validation: drawn(100)}
}

func sitWithTask(t testing.TB, w, h int) *sitting {
	t.Helper()
	noState(t)
	m, task := smallTask(t)
	s := &sitting{t, newApp(context.Background(), Options{Model: m, Plan: DefaultPlan(), Task: task})}
	s.send(tea.WindowSizeMsg{Width: w, Height: h})
	s.layers.cursor = 2 // conv2.weight
	return s
}

// flow returns the scheme of what flows into the layer called name.
func (s *sitting) flow(name string) string {
	return s.history.Plan().Activation(name).String()
}

func TestTheDialsOfInputsTurnAndUndo(t *testing.T) {
	s := sitWithTask(t, 120, 34)
	s.press("i")
	s.shows("dials ─ weights ─ inputs", "into it flow 8×8×8", "on average", "min–max", "least error", "p99.9", "largest: 5", "× the median")
	s.press("right right")
	if got := s.flow("conv2.weight"); got != "int8:static" {
		t.Fatalf("two steps of when gave %s", got)
	}
	s.shows("SQNR", "int8:static", "fixed range", "›min–max")
	m, ok := s.run.flows.get(errand{kind: measureFlow, tensor: s.model.Tensors[2], flow: s.activation("conv2.weight")})
	if !ok {
		t.Fatal("the scheme is not measured")
	}
	if want := dbText(m.SQNR()); s.sqnrText(2) != want || s.sqnrText(0) != "∞" || s.sqnrText(1) != "" {
		t.Errorf("the list says %s, %s and %s", s.sqnrText(2), s.sqnrText(0), s.sqnrText(1))
	}
	s.press("tab right")
	if got := s.flow("conv2.weight"); got != "int8:static:range=average" {
		t.Errorf("a step of range gave %s", got)
	}
	s.press("4")
	if got := s.flow("conv2.weight"); got != "int4:static:range=average" {
		t.Errorf("4 gave %s", got)
	}
	if got := s.scheme("conv2.weight"); got != "int8" {
		t.Errorf("the weights became %s", got)
	}
	s.press("u u u u")
	if got := s.flow("conv2.weight"); got != "keep" {
		t.Errorf("after undo it is %s", got)
	}
	s.press("U U U U i left")
	if got := s.scheme("conv2.weight"); got == "int8" {
		t.Error("i does not turn back to the weights")
	}
	if got := s.flow("conv2.weight"); got != "int4:static:range=average" {
		t.Errorf("after redo it is %s", got)
	}
}

func TestADialOfInputsThatDoesNotApplySaysWhy(t *testing.T) {
	s := sitWithTask(t, 120, 34)
	s.press("i right right tab tab tab tab tab right") // static; then granularity
	s.shows("one scale for all that flows in")
	s.press("down") // fc.weight
	s.press("up up right")
	s.shows("nothing flows into conv1.bias")
	s.press("8")
	s.shows("nothing flows into conv1.bias")
	s = sitWithSample(t, 120, 34)
	s.press("i")
	s.shows("the model cannot be run here")
	s.hides("─ inputs")
}

func TestInputsAreTurnedToByTheMouse(t *testing.T) {
	s := sitWithTask(t, 120, 34)
	x, y := s.find("inputs ─")
	s.click(x, y)
	if !s.inputs {
		t.Fatal("a click does not turn to the inputs")
	}
	x, y = s.find("when")
	s.wheel(x, y, -1)
	s.wheel(x, y, -1)
	x, y = s.find("entropy")
	s.click(x, y) // on the ruler
	if got := s.flow("conv2.weight"); got != "int8:range=entropy:static" {
		t.Errorf("a click on the ruler gave %s", got)
	}
	s.shows("›entropy")
	x, y = s.find("weights ─ inputs")
	s.click(x, y)
	if s.inputs {
		t.Error("a click does not turn back to the weights")
	}
}

func TestApplyReachesInputsByGlob(t *testing.T) {
	for keys, want := range map[string][3]string{
		"1 enter": {"keep", "int5:dynamic", "keep"},
		"2 enter": {"int5:dynamic", "int5:dynamic", "keep"},
		"3 enter": {"int5:dynamic", "int5:dynamic", "int5:dynamic"},
	} {
		s := sitWithTask(t, 120, 34)
		s.press("i 5 a")
		s.shows("Apply int5:dynamic to", "what flows into any layer", "conv*.weight", "3 layers")
		s.press(keys)
		if got := [3]string{s.flow("conv1.weight"), s.flow("conv2.weight"), s.flow("fc.weight")}; got != want {
			t.Errorf("%s: %v, want %v", keys, got, want)
		}
		if got := s.scheme("conv2.weight"); got != "int8" {
			t.Errorf("%s: the weights became %s", keys, got)
		}
	}
}

func TestWhatDoesNotFitALayerIsNotAppliedToIt(t *testing.T) {
	s := sitWithTask(t, 120, 34)
	s.press("i down") // rows of 72
	a, err := quant.ParseActivation("q8_0")
	if err != nil {
		t.Fatal(err)
	}
	s.inputs = true
	s.change(s.history.Plan().WithActivation("*", a)) // as a file may have it
	s.send(tea.FocusMsg{})
	s.shows("packs blocks of 32")
	s.press("a 3 enter")
	s.shows("no layer's name matches")
}

func TestApplyingWeightsToAllLeavesInputsAlone(t *testing.T) {
	s := sitWithTask(t, 120, 34)
	s.press("i 8 i 4 a 3 enter")
	if s.scheme("fc.weight") != "int4" || s.flow("conv2.weight") != "int8:dynamic" {
		t.Errorf("weights %s, inputs %s", s.scheme("fc.weight"), s.flow("conv2.weight"))
	}
}

func TestSchemesOfInputsAreWrittenAndComeBack(t *testing.T) {
	s := sitWithTask(t, 200, 60)
	t.Chdir(t.TempDir())
	s.press("i right right a 3 enter")
	kept, err := filepath.Glob(filepath.Join(filepath.Dir(s.recoveryPath()), "*.toml"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept for recovery: %v, %v", kept, err)
	}
	again := &sitting{t, newApp(t.Context(), Options{Model: s.model, Plan: DefaultPlan(), Task: s.run.bench.task})}
	again.send(tea.WindowSizeMsg{Width: 100, Height: 30})
	again.send(again.offerRecovery()())
	again.press("enter")
	if got := again.flow("fc.weight"); got != "int8:static" {
		t.Errorf("recovered as %s", got)
	}
	s.press("w enter")
	plan, err := quant.LoadPlan("small.plan.toml")
	if err != nil || !plan.Equal(s.history.Plan()) || plan.DefaultActivation.String() != "int8:static" {
		t.Errorf("written %v, %v", plan, err)
	}
	s.press("i")
	s.shows("input", "int8:static") // a column of its own where there is room
}

func TestEveryLayerIsMeasuredByRunning(t *testing.T) {
	s := sitWithTask(t, 200, 60)
	s.press("4 a 3 enter s v")
	known, all, _ := s.measureProgress()
	if known != all || all != 9 {
		t.Fatalf("%d of %d are known:\n%s", known, all, s.screen.plain())
	}
	s.shows("what each layer does to the answers · 100 inputs", "forecast", "alone", "spared", "points", "rank correlation", "alone: loss", "the plan")
	for _, i := range []int{0, 2, 3} {
		for c := range measureColumns {
			if v := s.measure(i, c); math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%s of layer %d is %v", measureColumns[c].name(), i, v)
			}
		}
	}
	if v := s.measure(1, columnAlone); !math.IsInf(v, -1) {
		t.Errorf("a bias in float has a measure: %v", v)
	}
	s.press("right")
	s.shows("[") // the cursor
	s.press("space")
	s.shows("sorted by alone: KLD")
	if first, last := s.harm(s.layers.order[0], 2), s.harm(s.layers.order[2], 2); first < last {
		t.Errorf("sorted from %v to %v", first, last)
	}
	s.press("enter")
	if s.page != pageLayers {
		t.Error("enter stays on the measures")
	}
}

func TestOneMoreBitAsksForThatLayerAlone(t *testing.T) {
	s := sitWithTask(t, 120, 34)
	s.press("s v")
	scores := len(s.run.harms)
	s.press("l 4 s v")
	// The layer alone, the plan, and every layer spared under the new plan.
	if got := len(s.run.harms) - scores; got != 5 {
		t.Errorf("%d new scores", got)
	}
	s.press("l u s v")
	if got := len(s.run.harms) - scores; got != 5 {
		t.Errorf("after undo there are %d more: something known was run again", got-5)
	}
}

func TestRunsStopAndGoOn(t *testing.T) {
	s := sitWithTask(t, 120, 34)
	s.measures.stopped = true
	s.press("s v")
	if len(s.run.harms) > 0 {
		t.Error("something is run though it is stopped")
	}
	s.shows("0/9, stopped: x goes on")
	s.press("x")
	if known, all, _ := s.measureProgress(); known != all {
		t.Errorf("%d of %d are known", known, all)
	}
	for range 3 {
		s.press("v")
	}
	s.shows("SQNR dB by format")
}

// A run that is cancelled leaves nothing behind and is done again.
func TestARunGivesWayAndIsTakenUpAgain(t *testing.T) {
	s := sitWithTask(t, 120, 34)
	s.page, s.measures.column = pageMeasures, columnAlone
	_ = s.schedule()
	j := s.work.job
	if j == nil || j.errand.kind != scoreFloat {
		t.Fatalf("the job is %+v", j)
	}
	s.turnTo(pageLayers)
	_ = s.schedule()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	msg, ok := j.runErrand(ctx, s.given(j.errand)).(resultMsg)
	if !ok || msg.err == nil {
		t.Fatalf("a cancelled run gave %+v", msg)
	}
	s.send(msg)
	if len(s.run.failed) > 0 || len(s.run.harms) > 0 {
		t.Errorf("left behind: %v, %v", s.run.failed, s.run.harms)
	}
	s.press("s v")
	if known, all, _ := s.measureProgress(); known != all {
		t.Errorf("%d of %d are known", known, all)
	}
}

func TestARunThatFailsIsSaidOnce(t *testing.T) {
	s := sitWithTask(t, 120, 34)
	a, err := quant.ParseActivation("q8_0:dynamic")
	if err != nil {
		t.Fatal(err)
	}
	s.change(s.history.Plan().WithActivation("fc.weight", a)) // rows of 72
	s.press("s v down")
	s.shows("72 weights")
	s.press("l i")
	s.shows("72 weights")
}

func TestPagesThatRunFitAnyScreen(t *testing.T) {
	s := sitWithTask(t, 80, 24)
	s.press("i right right")
	for _, size := range [][2]int{{80, 24}, {100, 30}, {120, 34}, {200, 60}, {40, 10}, {20, 5}, {3, 3}, {0, 0}} {
		s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		for range 2 {
			for _, key := range []string{"i", "tab", "s", "v", "right", "l"} {
				s.press(key)
			}
			s.send(tea.ColorProfileMsg{Profile: colorprofile.Ascii})
		}
	}
	s.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	s.inputs = true
	s.send(tea.FocusMsg{})
	if strings.Contains(s.View().Content, "38;2") {
		t.Error("colours are written")
	}
	s.shows("ranges to", "min–max", "channels", "int8:static")
	s.press("s v")
	s.shows("forecast", "points", "conv2.weight")
}

// In a real event loop: someone turns dials of inputs while the network runs,
// has layers measured, goes away in the middle of that and comes back.
func TestASittingThatRunsTheModel(t *testing.T) {
	m, task := smallTask(t)
	p := startWith(t, Options{Model: m, Plan: DefaultPlan(), Task: task}, 120, 34)
	p.until("conv1.weight")
	p.press("i", "right", "right", "4", "5", "6", "down", "down", "8", "right")
	p.until("into it flow 8×8×8")
	p.until("least error")
	p.press("a", "3", "enter")
	p.until("on 3 layers")
	p.press("s", "v", "right", "l", "i", "5", "s", "l", "4", "s", "x", "x")
	p.until("rank correlation")
	p.press("q", "q")
	a := p.FinalModel(t, teatest.WithFinalTimeout(20*time.Second)).(*app)
	if len(a.run.failed) > 0 {
		t.Errorf("what failed: %v", a.run.failed)
	}
}

// Any keys and clicks in any order, of a model that runs: no panic, a plan that
// is valid, a frame that fits.
func TestNothingBreaksAModelThatRuns(t *testing.T) {
	var keys []string
	for _, b := range bindings {
		keys = append(keys, b.keys...)
	}
	keys = append(keys, "enter", "esc", "i", "i", "v", "right", "right", "tab", "a")
	keys = slices.DeleteFunc(keys, func(k string) bool { return slices.Contains([]string{"q", "f1", "w", "W", "o"}, k) })
	for seed := range uint64(6) {
		draw := rand.New(rand.NewPCG(seed, 1))
		s := sitWithTask(t, 120, 34)
		var typed []string
		for range 60 {
			switch draw.IntN(6) {
			case 0:
				s.send(tea.WindowSizeMsg{Width: draw.IntN(250), Height: draw.IntN(70)})
			case 1:
				s.click(draw.IntN(250), draw.IntN(70))
			default:
				k := keys[draw.IntN(len(keys))]
				typed = append(typed, k)
				s.press(k)
			}
			lines := strings.Split(s.screen.plain(), "\n")
			if s.screen.h > 0 && (len(lines) != s.screen.h || textWidth(lines[0]) != s.screen.w) {
				t.Fatalf("after %v a frame of %d lines on a screen of %d×%d", typed, len(lines), s.screen.w, s.screen.h)
			}
			for name, shape := range s.run.inputs {
				f := s.history.Plan().Activation(name)
				if again, err := quant.ParseActivation(f.String()); err != nil || again != f || f.WhyNot(shape) != "" {
					t.Fatalf("after %v: %s has %s, %v", typed, name, f, err)
				}
			}
		}
		if len(s.run.failed) > 0 {
			t.Errorf("after %v: %v", typed, s.run.failed)
		}
	}
}

func TestTheLayersOfATextsNetworkHaveInputsAndMeasures(t *testing.T) {
	s := sitWithVerses(t, 160, 45)
	for s.run.inputs[s.model.Tensors[s.layers.selected()].Name] == nil {
		s.press("down")
	}
	name := s.model.Tensors[s.layers.selected()].Name
	s.press("i right tab tab tab tab tab right") // dynamic; granularity
	if got := s.flow(name); got != "int8:token:dynamic" {
		t.Fatalf("%s has %s", name, got)
	}
	s.press("a 3 enter i 4 a 3 enter s v")
	if known, all, _ := s.measureProgress(); known != all || all < 9 {
		t.Errorf("%d of %d are known", known, all)
	}
	s.shows("int4 × int8:t", "rank correlation")
}
