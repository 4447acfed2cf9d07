package tui

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/exp/teatest/v2"
	"github.com/charmbracelet/x/vt"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/samples"
)

// program is the explorer in a real event loop, in front of an emulated
// terminal.
type program struct {
	t *testing.T
	*teatest.TestModel
	terminal *vt.Emulator
}

func start(t *testing.T, w, h int) program {
	t.Helper()
	m, err := samples.Open("animals")
	if err != nil {
		t.Fatal(err)
	}
	return startWith(t, Options{Model: m, Plan: DefaultPlan()}, w, h)
}

func startWith(t *testing.T, o Options, w, h int) program {
	t.Helper()
	noState(t)
	a := newApp(context.Background(), o)
	tm := teatest.NewTestModel(t, a, teatest.WithInitialTermSize(w, h), teatest.WithProgramOptions(
		tea.WithColorProfile(colorprofile.TrueColor), tea.WithEnvironment([]string{"TERM=xterm-256color"})))
	t.Cleanup(func() { // a recovery file may still be on its way to the folder that goes away
		for range 100 {
			a.recovery.mu.Lock()
			settled := a.recovery.done == a.recovery.asked
			a.recovery.mu.Unlock()
			if settled {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	terminal := vt.NewEmulator(w, h)
	go io.Copy(io.Discard, terminal) //nolint:errcheck // its answers would block it
	return program{t, tm, terminal}
}

// until waits for the terminal to show text.
func (p program) until(text string) {
	p.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		out, err := io.ReadAll(p.Output())
		if err != nil {
			p.t.Fatal(err)
		}
		// The test's output is not a terminal's: no line discipline adds returns.
		if _, err := p.terminal.Write(bytes.ReplaceAll(out, []byte("\n"), []byte("\r\n"))); err != nil {
			p.t.Fatal(err)
		}
		if strings.Contains(p.terminal.String(), text) {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("the terminal does not show %q:\n%s", text, p.terminal)
		}
	}
}

// resize changes the size of the window.
func (p program) resize(w, h int) {
	p.terminal.Resize(w, h)
	p.Send(tea.WindowSizeMsg{Width: w, Height: h})
}

func (p program) press(keys ...string) {
	for _, k := range keys {
		p.Send(keyPress(k))
	}
}

// A newcomer turns the bits of a layer, applies them to all, writes the plan
// and leaves.
func TestASittingFromTheFirstFrameToAWrittenPlan(t *testing.T) {
	t.Chdir(t.TempDir())
	p := start(t, 120, 34)
	p.until("conv2.weight")
	p.press("4")
	p.until("2.25 KiB")
	p.press("tab", "right", "right", "right", "right", "right", "right")
	p.until("int4:g32")
	p.press("a", "3", "enter")
	p.until("int4:g32 on 5 layers")
	p.press("s")
	p.until("SQNR dB by format")
	p.press("m")
	p.until("as float32")
	p.press("w", "enter")
	p.until("the plan is in animals.plan.toml")
	p.press("q")
	a := p.FinalModel(t, teatest.WithFinalTimeout(20*time.Second)).(*app)
	plan, err := quant.LoadPlan("animals.plan.toml")
	if err != nil || !plan.Equal(a.history.Plan()) {
		t.Fatalf("written: %v, %v", plan, err)
	}
	if got := plan.Default.String(); got != "int4:g32" || len(plan.Rules) != 0 {
		t.Errorf("the plan is %s and %d rules", got, len(plan.Rules))
	}
}

// Someone leaves in the middle of a measurement, without writing, and says so.
func TestASittingThatIsGivenUp(t *testing.T) {
	p := start(t, 80, 24)
	p.until("conv2.weight")
	p.press("2", "q")
	p.until("Leave?")
	p.press("q")
	a := p.FinalModel(t, teatest.WithFinalTimeout(20*time.Second)).(*app)
	if !a.discard {
		t.Error("the plan is not given up")
	}
}

// The window changes its size again and again while the dials turn.
func TestASittingInAWindowThatIsDragged(t *testing.T) {
	p := start(t, 80, 24)
	p.until("conv2.weight")
	for i := range 40 {
		p.resize(10+i*7%290, 1+i*5%99)
		p.press([]string{"3", "7", "s", "l", "m", "l"}[i%6])
	}
	p.resize(120, 34)
	p.press("?")
	p.until("Keys on this page")
	p.press("esc", "q", "q")
	p.WaitFinished(t, teatest.WithFinalTimeout(20*time.Second))
}

// The program as a whole is left by a cancelled context, keeping the plan.
func TestWhenTheProgramIsStoppedTheUnsavedPlanIsKept(t *testing.T) {
	s := sitWithSample(t, 80, 24)
	s.turn(dialFormat, -1)
	if err := s.recoveryWrite()(); err != nil {
		t.Fatal(err)
	}
	kept, err := filepath.Glob(filepath.Join(filepath.Dir(s.recoveryPath()), "*.toml"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept: %v, %v", kept, err)
	}
	s.discard = true
	if err := s.recoveryWrite()(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(kept[0]); !os.IsNotExist(err) {
		t.Errorf("still kept: %v", err)
	}
}

// Someone holds the plan against another, takes all of that, and leaves.
func TestASittingThatComparesPlans(t *testing.T) {
	p := start(t, 120, 34)
	p.until("conv2.weight")
	p.press("C", "down", "enter")
	p.until("layers differ")
	p.until("B costs")
	p.press("T")
	p.until("The plans agree")
	p.press("u")
	p.until("B costs")
	p.press("q")
	a := p.FinalModel(t, teatest.WithFinalTimeout(20*time.Second)).(*app)
	if got := a.history.Plan(); !got.Equal(DefaultPlan()) {
		t.Errorf("undone, the plan is %v", got)
	}
}
