package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal opens a pseudo-terminal of 120×34: the end that a user has, and the
// one that programs run in.
func terminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = user.Close() }) // nothing is written any more
	fd := int(user.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 34, Col: 120})
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return user, program
}

// screen is what a program has written to its terminal so far.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// until waits for text on the screen.
func (s *screen) until(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !strings.Contains(s.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %q on the screen: %q", text, s)
		}
	}
}

// run starts the command in a terminal whose contents go to the screen.
func (s *screen) run(t *testing.T, args ...string) (c *exec.Cmd, user, program *os.File) {
	t.Helper()
	user, program = terminal(t)
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, err := user.Read(buf)
			if err != nil {
				return
			}
			_, _ = s.Write(buf[:n]) // memory
		}
	}()
	c = exec.Command(binaryPath, args...)
	c.Env = append(os.Environ(), "TERM=xterm-256color", "XDG_STATE_HOME="+t.TempDir())
	c.Stdin, c.Stdout, c.Stderr = program, program, program
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, user, program
}

func TestHoweverTheExplorerEndsTheTerminalIsRestored(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(c *exec.Cmd, user *os.File) error
		code int
	}{
		"q":       {func(_ *exec.Cmd, user *os.File) error { _, err := user.WriteString("q"); return err }, 0},
		"ctrl-C":  {func(_ *exec.Cmd, user *os.File) error { _, err := user.WriteString("\x03"); return err }, 130},
		"SIGINT":  {func(c *exec.Cmd, _ *os.File) error { return c.Process.Signal(syscall.SIGINT) }, 130},
		"SIGTERM": {func(c *exec.Cmd, _ *os.File) error { return c.Process.Signal(syscall.SIGTERM) }, 143},
		"SIGHUP":  {func(c *exec.Cmd, _ *os.File) error { return c.Process.Signal(syscall.SIGHUP) }, 129},
	} {
		t.Run(name, func(t *testing.T) {
			var s screen
			c, user, program := s.run(t)
			s.until(t, "conv2.weight")
			if err := test.end(c, user); err != nil {
				t.Fatal(err)
			}
			_ = c.Wait() // the exit code is what counts
			s.until(t, "\x1b[?1049l")
			if code := c.ProcessState.ExitCode(); code != test.code {
				t.Errorf("exit %d, want %d", code, test.code)
			}
			text := s.String()
			for on, off := range map[string]string{"\x1b[?1049h": "\x1b[?1049l", "\x1b[?25l": "\x1b[?25h", "\x1b[?1003h": "\x1b[?1003l"} {
				if strings.LastIndex(text, on) > strings.LastIndex(text, off) {
					t.Errorf("%q was not undone", on)
				}
			}
			state, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			if state.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != unix.ICANON|unix.ECHO|unix.ISIG {
				t.Errorf("the terminal stays raw: flags %x", state.Lflag)
			}
		})
	}
}

func TestMeasureOnATerminalIsATableUnderWhichABarCountsDown(t *testing.T) {
	var s screen
	c, _, _ := s.run(t, "measure", big(t), "-s", "int4:g32")
	s.until(t, "SQNR dB")
	s.until(t, " left  b")
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // the exit code is what counts
	if code := c.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit %d", code)
	}
	for end := time.Now().Add(time.Second); !strings.HasSuffix(s.String(), "\r\x1b[K"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the bar stays: %q", s.String())
		}
	}
}

func TestAMistypedFlagDoesNotWaitForTheTerminalToAnswer(t *testing.T) {
	var s screen
	c, _, _ := s.run(t, "measure", "--nope")
	_ = c.Wait() // the exit code is what counts
	s.until(t, "bitdial: unknown flag: --nope")
	if code := c.ProcessState.ExitCode(); code != 2 || strings.Contains(s.String(), "\x1b") {
		t.Errorf("exit %d: %q", code, s.String())
	}
}
