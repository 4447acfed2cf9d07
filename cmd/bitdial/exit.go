package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"unicode"

	tea "charm.land/bubbletea/v2"
	"charm.land/fang/v2"
	"github.com/spf13/cobra"
)

// The exit codes. A signal adds its number to exitSignal: 130 after ctrl-C.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitSignal = 128
)

// usageError is a command line that cannot be meant.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// wrong returns a usage error that ends in where to read more.
func wrong(c *cobra.Command, format string, args ...any) error {
	return usageError{fmt.Errorf(format+" (see "+c.CommandPath()+" --help)", args...)}
}

// signals returns a context that ends with the first signal that asks the
// program to stop, and the signal that has come, 0 if none. A second one ends
// the process at once.
func signals() (ctx context.Context, caught func() syscall.Signal, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ask := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		ask = append(ask, syscall.SIGHUP)
	}
	came := make(chan os.Signal, 1)
	signal.Notify(came, ask...)
	var last atomic.Int32
	go func() {
		select {
		case s := <-came:
			if number, ok := s.(syscall.Signal); ok {
				last.Store(int32(number))
			}
			signal.Stop(came)
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() syscall.Signal { return syscall.Signal(last.Load()) }, func() {
		signal.Stop(came)
		cancel()
	}
}

// silent leaves errors to exitCode: fang's own are a box of several lines.
func silent(io.Writer, fang.Styles, error) {}

// exitCode tells err on stderr, in one line, and returns the code to exit with.
func exitCode(err error, caught syscall.Signal) int {
	var usage usageError
	switch {
	case caught != 0:
		return exitSignal + int(caught)
	case err == nil:
		return exitDone
	case errors.Is(err, tea.ErrInterrupted): // ctrl-C is a key while the explorer has the terminal
		return exitSignal + int(syscall.SIGINT)
	case errors.Is(err, syscall.EPIPE): // the reader of stdout has had enough
		return exitSignal + int(syscall.SIGPIPE)
	}
	fmt.Fprintln(os.Stderr, "bitdial: "+oneLine(err.Error()))
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// oneLine returns text as one line that a terminal shows and does not obey:
// errors repeat what was typed and what files say.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}
