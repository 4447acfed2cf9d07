package tui

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/teatest/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/export"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/files"
	"github.com/bitdial/bitdial/quant/model/imatrix"
	"github.com/bitdial/bitdial/samples"
)

// TestWhatIsWrittenIsWhatTheDialogSaid writes the model in every way of the table
// that can hold its plan.
func TestWhatIsWrittenIsWhatTheDialogSaid(t *testing.T) {
	m, err := samples.Open("animals")
	if err != nil {
		t.Fatal(err)
	}
	s := sit(t, m, 120, 34)
	t.Chdir(t.TempDir())
	s.press("w down") // int8 with a scale per tensor is no type of GGUF
	s.shows("conv1.weight: GGUF cannot hold int8", "animals-int8.gguf")
	s.press("enter")
	s.shows("conv1.weight: GGUF cannot hold int8")
	s.press("esc")
	half, err := quant.ParseChoice("f16")
	if err != nil {
		t.Fatal(err)
	}
	s.send(s.change(quant.Everywhere(half))()) // the recovery file
	for i, o := range outputs[1:] {
		s.press("w")
		for range i + 1 {
			s.press("down")
		}
		dialog := s.dialog.(*writeDialog)
		path, ready := dialog.line.value(), dialog.ready[i+1]
		if ready.err != nil {
			s.shows(path, ready.err.Error()[:40])
			s.press("enter")
			if s.dialog != dialog {
				t.Errorf("%s: it is written though %v", o.name, ready.err)
			}
			s.press("esc")
			continue
		}
		size := ready.bytes(path)
		s.shows(path, bytesText(size), o.about[:20])
		s.press("enter")
		s.shows("bytes", "in "+path)
		info, err := os.Stat(path)
		if err != nil || info.Size() != size {
			t.Errorf("%s: %v, %v; %d bytes were foretold", o.name, info, err, size)
		}
		if ready.preview != "" {
			text, err := os.ReadFile(path)
			if err != nil || !strings.HasPrefix(ready.preview, string(text)) {
				t.Errorf("%s: %v; what was shown is not what was written:\n%s", o.name, err, text)
			}
		} else if out, err := files.Open(path); err != nil || len(out.Tensors) != len(m.Tensors) {
			t.Errorf("%s: %v", o.name, err)
		}
		if err := os.Remove(path); err != nil { // two have one name
			t.Fatal(err)
		}
	}
}

func TestAFileThatIsThereIsAskedFor(t *testing.T) {
	s := sitWithSample(t, 80, 24)
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("animals-int8.safetensors", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.press("w down down down enter")
	s.shows("Overwrite?", "animals-int8.safetensors")
	s.press("esc")
	if b, _ := os.ReadFile("animals-int8.safetensors"); string(b) != "mine" {
		t.Error("it was overwritten")
	}
	s.press("w down down down enter o")
	if m, err := files.Open("animals-int8.safetensors"); err != nil || m.Format != "safetensors" {
		t.Error(err)
	}
}

// TestWritingIsCancelledByItsKeys writes in a real event loop what takes for ever, and
// stops it: the sitting goes on.
func TestWritingIsCancelledByItsKeys(t *testing.T) {
	whole := outputs
	t.Cleanup(func() { outputs = whole })
	outputs = slices.Clone(outputs)
	outputs[1].prepare = func(*model.Model, quant.Plan, *imatrix.Matrix) (*prepared, error) {
		return &prepared{
			files: func(path string) []export.File { return []export.File{{Path: path, Bytes: 1 << 30}} },
			write: func(ctx context.Context, _ string, _ bool, progress func(float64)) error {
				progress(0.25)
				<-ctx.Done()
				return ctx.Err()
			},
		}, nil
	}
	p := start(t, 80, 24)
	p.until("conv1.weight")
	for _, key := range []string{"esc", "ctrl+c"} {
		p.press("w", "down")
		p.until("1 073 741 824 bytes")
		p.press("enter")
		p.until("25%")
		p.until("MiB/s")
		p.until("left")
		p.press(key)
		p.until("nothing was written")
	}
	p.press("q")
	p.WaitFinished(t, teatest.WithFinalTimeout(20*time.Second))
}

// TestWhoLeavesWhileItIsWrittenLeavesNothing ends the explorer's context in the middle
// of a real file.
func TestWhoLeavesWhileItIsWrittenLeavesNothing(t *testing.T) {
	m, err := samples.Open("animals")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	a := newApp(ctx, Options{Model: m, Plan: DefaultPlan()})
	p, err := prepareDequantized(m, DefaultPlan(), nil)
	if err != nil {
		t.Fatal(err)
	}
	whole := p.write
	p.write = func(ctx context.Context, path string, force bool, progress func(float64)) error {
		return whole(ctx, path, force, func(share float64) { cancel(); time.Sleep(time.Millisecond); progress(share) })
	}
	a.startWriting(p, filepath.Join(dir, "out.safetensors"), false)
	<-a.writing.ended
	if left, err := os.ReadDir(dir); !errors.Is(a.writing.err, context.Canceled) || err != nil || len(left) > 0 {
		t.Errorf("%v; %v is left", a.writing.err, left)
	}
}

func TestBytesAreExactAndReadable(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1024: "1 024 bytes · 1.00 KiB", 1234567890: "1 234 567 890 bytes · 1.15 GiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
		if !strings.HasPrefix(strings.ReplaceAll(bytesText(n), " ", ""), strconv.FormatInt(n, 10)) {
			t.Errorf("%d lost digits", n)
		}
	}
}

// While the plan is being written the plan page goes on, and files that were asked for
// before come in: what was not written is not saved, and what opens waits.
func TestWhatHappensWhileAPlanIsWritten(t *testing.T) {
	t.Chdir(t.TempDir())
	s := sitWithSample(t, 120, 34)
	s.press("4 w")
	_, cmd := s.Update(keyPress("enter"))
	s.send(s.change(quant.Everywhere(quant.Choice{}))())
	waits := s.handle(openedMsg{oneTensor(t, 8, 8)})
	if s.model.Name != "animals" || waits == nil {
		t.Fatalf("%s is shown while files of another are written", s.model.Name)
	}
	s.send(cmd())
	s.shows("the plan is in animals.plan.toml", "animals*")
	s.press("w")
	s.send(waits())
	s.shows("bitdial memory", "1 tensors")
	if s.dialog != nil {
		t.Error("the dialog is about the model before")
	}
}
