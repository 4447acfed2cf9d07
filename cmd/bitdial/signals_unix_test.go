//go:build unix

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// started runs the command until its stdout holds a line, or something is in
// dir, and returns it still at work.
func started(t *testing.T, args ...string) (c *exec.Cmd, out *bufio.Reader, errs *bytes.Buffer) {
	t.Helper()
	c = exec.Command(binaryPath, args...)
	errs = new(bytes.Buffer)
	c.Stderr = errs
	pipe, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() }) // already over, if all is well
	return c, bufio.NewReader(pipe), errs
}

// big writes a small tensor and one that takes seconds to measure.
func big(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "big.safetensors")
	safetensors(t, path, nil, []int{4, 32}, []int{1 << 15, 1 << 15})
	return path
}

func TestAnInterruptEndsAMeasurementWith130(t *testing.T) {
	c, out, errs := started(t, "measure", big(t), "-s", "int4:g32", "--json")
	if line, err := out.ReadString('\n'); err != nil || !strings.Contains(line, `"a"`) { // as results come
		t.Fatalf("first line %q, %v", line, err)
	}
	begun := time.Now()
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // the exit code is what counts
	if code := c.ProcessState.ExitCode(); code != 130 || len(rest) > 0 || errs.Len() > 0 {
		t.Errorf("exit %d, rest %q, stderr %q", code, rest, errs)
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("it took %v to stop", took)
	}
}

func TestAnInterruptLeavesTheRowsThatBenchHasPrinted(t *testing.T) {
	c, out, errs := started(t, "bench", "--json")
	lines := make([]string, 2)
	for i := range lines {
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = strings.TrimSpace(line)
	}
	begun := time.Now()
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // the exit code is what counts
	if code := c.ProcessState.ExitCode(); code != 130 || errs.Len() > 0 {
		t.Errorf("exit %d, stderr %q", code, errs)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if len(rest) > 0 && rest[len(rest)-1] != '\n' {
		t.Errorf("a torn line: %q", rest)
	}
	objects(t, append(lines, strings.FieldsFunc(string(rest), func(r rune) bool { return r == '\n' })...))
}

func TestASignalEndsAnExportAndLeavesNothing(t *testing.T) {
	model := big(t)
	for signal, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129} {
		dir := t.TempDir()
		args, quiet := []string{"quantize", model, "-s", "int4:g32", "-o", filepath.Join(dir, "o.safetensors"), "--dequantize"}, true
		if signal == syscall.SIGTERM { // in the last of several files
			args, quiet = []string{"quantize", model, "-s", "q4_K,keep", "-o", filepath.Join(dir, "o.gguf"), "--split-max-size", "1M", "--verify"}, false
		}
		c, _, errs := started(t, args...)
		for part := 0; part == 0; time.Sleep(5 * time.Millisecond) { // until it writes
			items, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			part = len(items)
		}
		if err := c.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // the exit code is what counts
		left, err := os.ReadDir(dir)
		if code := c.ProcessState.ExitCode(); code != want || err != nil || len(left) > 0 || quiet && errs.Len() > 0 {
			t.Errorf("%v: exit %d, want %d; %v is left, %v; stderr %q", signal, code, want, left, err, errs)
		}
	}
}

func TestAReaderThatHasEnoughEndsItQuietly(t *testing.T) {
	model := filepath.Join(t.TempDir(), "m.safetensors")
	safetensors(t, model, nil, []int{4, 32}, []int{1 << 12, 1 << 12}) // the second row comes after head has gone
	for _, args := range []string{
		"bitdial measure MODEL -s int4 --json | head -n 1",
		"bitdial inspect MODEL --json | head -n 1",
		"(trap '' PIPE; bitdial schemes) | true",
		"bitdial measure --help | true",
	} {
		line := strings.NewReplacer("bitdial", "'"+binaryPath+"'", "MODEL", "'"+model+"'").Replace(args)
		c := exec.Command("sh", "-c", line)
		var errs bytes.Buffer
		c.Stderr = &errs
		if err := c.Run(); err != nil || errs.Len() > 0 {
			t.Errorf("%s: %v, stderr %q", args, err, errs.String())
		}
	}
}

// TestAFullDiskLeavesWhatWasThere limits the size of files, which fails like a disk
// that is full: in the middle of a write.
func TestAFullDiskLeavesWhatWasThere(t *testing.T) {
	model := filepath.Join(t.TempDir(), "m.safetensors")
	safetensors(t, model, nil, []int{4, 32}, []int{1 << 12, 1 << 11})
	for _, test := range []struct{ out, more, fails string }{
		{"o.gguf", "", "o.gguf"},
		{"o.gguf", "--verify --force", "o.gguf"},
		{"p.gguf", "--split-max-size 1M --force", "p-00002-of-00002.gguf"},
		{"o.safetensors", "--dequantize", "o.safetensors"},
	} {
		dir := t.TempDir()
		old := test.out
		if test.fails != test.out {
			old = test.fails
		}
		forced := strings.Contains(test.more, "--force")
		if forced {
			if err := os.WriteFile(filepath.Join(dir, old), []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		line := "ulimit -f 4096; exec '" + binaryPath + "' quantize '" + model + "' -s f16 -o " + test.out + " " + test.more
		c := exec.Command("sh", "-c", line)
		c.Dir = dir
		var errs bytes.Buffer
		c.Stderr = &errs
		err := c.Run()
		if code := c.ProcessState.ExitCode(); code != 1 || !strings.Contains(errs.String(), "bitdial: "+test.fails+": file too large") {
			t.Errorf("%s: exit %d, %v, stderr %q", line, code, err, errs.String())
		}
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(filepath.Join(dir, old)); forced != (string(b) == "old") || forced != (len(left) == 1) {
			t.Errorf("%s: %v is left, %s holds %q", line, left, old, b)
		}
	}
}
