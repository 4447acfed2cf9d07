package tui

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/adrg/xdg"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/files"
	"github.com/bitdial/bitdial/samples"
)

// noState keeps a test's recovery files away from the user's.
func noState(t testing.TB) {
	t.Helper()
	old := xdg.StateHome
	xdg.StateHome = t.TempDir()
	t.Cleanup(func() { xdg.StateHome = old })
}

// sitting is the explorer without a terminal: keys go in, frames come out, and
// what a key sets off is done before the next.
type sitting struct {
	t testing.TB
	*app
}

func sit(t testing.TB, m *model.Model, w, h int) *sitting {
	t.Helper()
	noState(t)
	s := &sitting{t, newApp(context.Background(), Options{Model: m, Plan: DefaultPlan(), Open: files.Open})}
	s.send(tea.WindowSizeMsg{Width: w, Height: h})
	return s
}

func sitWithSample(t testing.TB, w, h int) *sitting {
	t.Helper()
	m, err := samples.Open("animals")
	if err != nil {
		t.Fatal(err)
	}
	return sit(t, m, w, h)
}

// send gives the explorer a message and everything that follows from it.
func (s *sitting) send(msg tea.Msg) {
	s.t.Helper()
	queue := []tea.Msg{msg}
	for steps := 0; len(queue) > 0; steps++ {
		if steps > 100_000 {
			s.t.Fatal("work without end")
		}
		msg, queue = queue[0], queue[1:]
		if batch, ok := msg.(tea.BatchMsg); ok {
			for _, cmd := range batch {
				if cmd != nil {
					if m := cmd(); m != nil {
						queue = append(queue, m)
					}
				}
			}
			continue
		}
		s.work.ticking = true // time does not pass
		_, cmd := s.Update(msg)
		if cmd != nil {
			if m := cmd(); m != nil {
				queue = append(queue, m)
			}
		}
		s.View()
	}
}

// press types keys, separated by spaces: names as Bubble Tea has them.
func (s *sitting) press(keys string) {
	s.t.Helper()
	for _, k := range strings.Fields(keys) {
		s.send(keyPress(k))
	}
}

// write types a text, character by character.
func (s *sitting) write(text string) {
	s.t.Helper()
	for _, r := range text {
		s.send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

var keyCodes = map[string]rune{
	"up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "tab": tea.KeyTab,
	"enter": tea.KeyEnter, "esc": tea.KeyEscape, "space": tea.KeySpace, "home": tea.KeyHome, "end": tea.KeyEnd,
	"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "backspace": tea.KeyBackspace,
}

func keyPress(name string) tea.KeyPressMsg {
	if code, ok := keyCodes[name]; ok {
		return tea.KeyPressMsg{Code: code}
	}
	if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(rest[0]), Mod: tea.ModCtrl}
	}
	if name == "shift+tab" {
		return tea.KeyPressMsg{Code: tea.KeyTab, Mod: tea.ModShift}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

func (s *sitting) click(x, y int) {
	s.t.Helper()
	s.send(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
}

func (s *sitting) hover(x, y int) {
	s.t.Helper()
	s.send(tea.MouseMotionMsg{X: x, Y: y})
}

func (s *sitting) wheel(x, y, steps int) {
	s.t.Helper()
	button := tea.MouseWheelDown
	if steps < 0 {
		button = tea.MouseWheelUp
	}
	s.send(tea.MouseWheelMsg{X: x, Y: y, Button: button})
}

// find returns where text stands on the screen.
func (s *sitting) find(text string) (x, y int) {
	s.t.Helper()
	for y, line := range strings.Split(s.screen.plain(), "\n") {
		if at := strings.Index(line, text); at >= 0 {
			return textWidth(line[:at]), y
		}
	}
	s.t.Fatalf("the screen does not say %q:\n%s", text, s.screen.plain())
	return 0, 0
}

// shows requires that the screen says every text.
func (s *sitting) shows(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		s.find(text)
	}
}

// hides requires that the screen says none of the texts.
func (s *sitting) hides(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if strings.Contains(s.screen.plain(), text) {
			s.t.Errorf("the screen says %q:\n%s", text, s.screen.plain())
		}
	}
}

// scheme returns the scheme of the tensor called name under the plan.
func (s *sitting) scheme(name string) string {
	s.t.Helper()
	for _, t := range s.model.Tensors {
		if t.Name == name {
			return s.history.Plan().For(t).String()
		}
	}
	s.t.Fatalf("no tensor %q", name)
	return ""
}

// modelOf returns a model of tensors in memory whose weights are w.
func modelOf(t testing.TB, w []float32, shapes map[string][]int, names ...string) *model.Model {
	t.Helper()
	data := make([]byte, 4*len(w))
	for i, x := range w {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(x))
	}
	file := model.NewFile("memory", data)
	m := &model.Model{Name: "memory", Path: "memory", Format: "memory", Files: []*model.File{file}}
	for _, name := range names {
		tensor, err := model.NewTensor(name, model.F32, shapes[name], file, 0)
		if err != nil {
			t.Fatal(err)
		}
		m.Tensors = append(m.Tensors, tensor)
	}
	return m
}

func gaussian(n int) []float32 {
	r := rand.New(rand.NewPCG(1, 2))
	w := make([]float32, n)
	for i := range w {
		w[i] = float32(r.NormFloat64() * 0.05)
	}
	return w
}

// manyTensors returns a model of n small layers with names as language models
// have them.
func manyTensors(t testing.TB, n int) *model.Model {
	shapes := map[string][]int{}
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("model.layers.%d.mlp.experts.%d.down_proj.weight", i/256, i%256)
		shapes[names[i]] = []int{16, 64}
	}
	return modelOf(t, gaussian(1024), shapes, names...)
}

func oneTensor(t testing.TB, rows, columns int) *model.Model {
	return modelOf(t, gaussian(rows*columns), map[string][]int{"w": {rows, columns}}, "w")
}
