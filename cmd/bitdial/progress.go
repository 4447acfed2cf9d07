package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
)

// progress is a bar on stderr with the time left. In a pipe, and on a nil
// progress, nothing is written.
type progress struct {
	mu      sync.Mutex
	begun   time.Time
	drawn   time.Time
	shown   bool
	total   float64 // bytes, weights: whatever parts are counted in
	done    float64
	current string // what is under way
	share   float64
	part    float64
}

const (
	patience = 300 * time.Millisecond // how long work may take before a bar appears
	redraw   = 100 * time.Millisecond
	barLen   = 24
)

// newProgress returns the progress of work that amounts to total, or nil if
// nobody sees it.
func newProgress(total float64) *progress {
	if !term.IsTerminal(os.Stderr.Fd()) {
		return nil
	}
	return &progress{begun: time.Now(), total: total}
}

// start names the next part of the work and how much it amounts to.
func (p *progress) start(name string, part float64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += p.part
	p.current, p.part, p.share = name, part, 0
}

// from returns a function that hears the share done of a stretch of the
// present part, which begins and ends at the given shares of it.
func (p *progress) from(begin, end float64) func(float64) {
	if p == nil {
		return nil
	}
	return func(share float64) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.share = begin + share*(end-begin)
		now := time.Now()
		if now.Sub(p.begun) < patience || now.Sub(p.drawn) < redraw {
			return
		}
		p.drawn, p.shown = now, true
		fmt.Fprint(os.Stderr, "\r"+p.line(now.Sub(p.begun))+ansi.EraseLineRight)
	}
}

// line returns the bar, cut to the terminal's width.
func (p *progress) line(spent time.Duration) string {
	share := min(1, (p.done+p.share*p.part)/max(1, p.total))
	left := ""
	if share > 0.01 {
		left = "  " + time.Duration(float64(spent)*(1-share)/share+float64(time.Second)).Truncate(time.Second).String() + " left"
	}
	full := int(share * barLen)
	text := fmt.Sprintf("%s%s %3.0f%%%s  %s", strings.Repeat("█", full), strings.Repeat("░", barLen-full), 100*share, left, p.current)
	width, _, err := term.GetSize(os.Stderr.Fd())
	if err != nil || width < 2 {
		width = 80
	}
	return ansi.Truncate(text, width-1, "…")
}

// wipe takes the bar off the screen, before something else is written.
func (p *progress) wipe() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		p.shown = false
		fmt.Fprint(os.Stderr, "\r"+ansi.EraseLineRight)
	}
}
