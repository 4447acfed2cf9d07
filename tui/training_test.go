package tui

import (
	"math"
	"os"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/files"
	"github.com/bitdial/bitdial/quant/net"
)

// sitInTraining is a sitting whose network trains at two bits, a message at a
// time: what is to come lies in the queue.
type sitInTraining struct {
	*sitting
	queue []tea.Msg
}

func train(t testing.TB, edit func(*net.Training)) *sitInTraining {
	t.Helper()
	s := &sitInTraining{sitting: sitWithShapes(t, 120, 34)}
	s.press("r 2 a 3 enter")
	edit(&s.run.bench.task.Training)
	s.do(keyPress("t"))
	return s
}

// do gives the explorer a message, and puts what follows into the queue.
func (s *sitInTraining) do(msg tea.Msg) {
	s.t.Helper()
	if batch, ok := msg.(tea.BatchMsg); ok {
		for _, cmd := range batch {
			if cmd != nil {
				s.queue = append(s.queue, cmd())
			}
		}
		return
	}
	s.work.ticking = true
	if _, cmd := s.Update(msg); cmd != nil {
		s.queue = append(s.queue, cmd())
	}
	s.View()
}

// until takes messages from the queue until something holds.
func (s *sitInTraining) until(what string, holds func() bool) {
	s.t.Helper()
	for range 10_000 {
		if holds() {
			return
		}
		if len(s.queue) == 0 {
			break
		}
		msg := s.queue[0]
		s.queue = s.queue[1:]
		if msg != nil {
			s.do(msg)
		}
	}
	s.t.Fatalf("it is never so that %s:\n%s", what, s.screen.plain())
}

func (s *sitInTraining) idle() {
	s.t.Helper()
	s.until("nothing is left to do", func() bool { return len(s.queue) == 0 })
}

func TestTrainingWinsBackAnswersAndIsKept(t *testing.T) {
	s := train(t, func(o *net.Training) {})
	s.until("it learns", func() bool { return s.training.step > 0 && s.training.state == learning })
	s.shows("training under int2", "of 60", "left", "loss ", "right answers", "float weights now")
	s.until("it is done", func() bool { return s.training.state == finished })
	s.idle()
	s.shows("step 60 of 60", "⏎ keeps it")
	first, last := s.training.accuracy.y[0], s.training.accuracy.last()
	if last < first+0.2 || s.training.checked != 60 {
		t.Errorf("from %.2f to %.2f at step %d", first, last, s.training.checked)
	}
	before, _ := s.scored()
	tensors := s.model.Tensors
	s.do(s.holdPlan("as it is", func(*model.Model) (quant.Plan, error) { return quant.Plan{}, nil })())
	s.turnTo(pageTraining)
	s.do(keyPress("enter"))
	s.idle()
	s.shows("trained, not written", "W writes them")
	if after, exact := s.scored(); !exact || after.Accuracy() < before.Accuracy()+0.2 {
		t.Errorf("of the test, from %.2f to %.2f", before.Accuracy(), after.Accuracy())
	}
	if s.model.Tensors[0] == tensors[0] || s.model.Tensors[0].Name != tensors[0].Name || s.scheme("fc.weight") != "int2" {
		t.Error("the pages show the weights of before, or another plan")
	}
	if !s.against.none() {
		t.Error("the tensors of before are still compared")
	}
	s.press("l")
	s.shows("int2", "▸ ")

	t.Chdir(t.TempDir())
	s.press("q")
	s.shows("Leave?", "trained weights are not written")
	s.press("esc r W")
	s.shows("toy.trained.safetensors")
	s.press("enter")
	s.shows("the trained weights are in toy.trained.safetensors")
	s.hides("not written")
	m, err := files.Open("toy.trained.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close() //nolint:errcheck // only read
	if _, err := net.New(m); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile("mine", []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.send(s.saveWeights("mine", false)())
	s.shows("Overwrite?")
	s.press("esc q")
	s.shows("The plan has changes") // of the weights nothing is said any more
}

func TestTrainingPausesStopsAndIsDropped(t *testing.T) {
	s := train(t, func(o *net.Training) { o.Steps = 100_000 })
	s.until("it learns", func() bool { return s.training.step > 0 && s.training.state == learning })
	s.do(keyPress("space"))
	s.idle() // a training would go on for ever
	step := s.training.step
	s.shows("paused")
	s.do(keyPress("down")) // another layer's weights
	s.idle()
	s.shows("conv1.bias")
	s.do(keyPress("space"))
	s.until("it goes on", func() bool { return s.training.step > step })
	s.do(keyPress("q"))
	s.shows("Leave?", "what it has learned is not kept")
	s.do(keyPress("esc"))
	s.do(keyPress("x"))
	s.idle()
	s.shows("done: ⏎ keeps it")
	s.do(keyPress("d"))
	s.shows("Drop the training?")
	s.do(keyPress("d"))
	s.idle()
	if s.training != nil || s.page != pageRun || s.kept.network != nil {
		t.Error("the training is still there")
	}
	s.do(keyPress("q"))
	s.shows("The plan has changes")
}

func TestATrainingThatDivergesIsSaidAndTheSittingGoesOn(t *testing.T) {
	s := train(t, func(o *net.Training) { o.Rate, o.SGD, o.Steps = 1e9, true, 100_000 })
	s.until("it fails", func() bool { return s.training.state == failed })
	s.idle()
	s.shows("the training diverged at step", "a smaller learning rate or more bits may help")
	s.do(keyPress("enter"))
	s.shows("there is nothing to keep")
	s.press("l")
	s.press("4")
	s.shows("int4")
	s.press("q")
	s.shows("The plan has changes")
}

func TestPointsOfACurveBecomeMeansWhenTheyAreMany(t *testing.T) {
	var c curve
	for i := range 100_000 {
		c.add(float64(i), float64(i)/1e5)
	}
	if c.n > curvePoints || c.n < curvePoints/2 {
		t.Errorf("%d points", c.n)
	}
	for i := range c.n {
		if math.Abs(c.y[i]-c.x[i]/1e5) > 1e-9 || i > 0 && c.x[i] <= c.x[i-1] {
			t.Fatalf("point %d is %v, %v", i, c.x[i], c.y[i])
		}
	}
	s := newScreen(20, 5)
	paintCurve(s, s.area(), &c, 1e5, 0, 1, fg(colError))
	for _, at := range [][2]int{{0, 4}, {19, 0}, {10, 2}} {
		if g := s.glyphAt(at[0], at[1]); g < 0x2801 || g > 0x28ff {
			t.Errorf("at %v there is %q:\n%s", at, g, s.plain())
		}
	}
}
