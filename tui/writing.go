package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"
)

// writing is a dialog while files are written. Only its goroutine touches them, and
// Run waits for that: whoever leaves in the middle leaves nothing behind.
type writing struct {
	what    *prepared
	path    string
	bytes   int64
	cancel  context.CancelFunc
	started time.Time
	share   atomic.Uint64 // bits of the share done
	ended   chan struct{} // closed when err is known
	err     error
	stopped bool // it was cancelled, and is about to end
}

// writtenMsg tells that writing has ended.
type writtenMsg struct{ *writing }

// startWriting writes aside, with its progress on the screen.
func (a *app) startWriting(what *prepared, path string, force bool) tea.Cmd {
	ctx, cancel := context.WithCancel(a.ctx)
	w := &writing{what: what, path: path, bytes: what.bytes(path), cancel: cancel, started: time.Now(), ended: make(chan struct{})}
	a.dialog, a.writing = w, w
	a.work.stop() // both cores are wanted
	go func() {
		defer close(w.ended)
		w.err = what.write(ctx, path, force, func(share float64) { w.share.Store(math.Float64bits(share)) })
	}()
	wait := func() tea.Msg {
		<-w.ended
		return writtenMsg{w}
	}
	if a.work.ticking {
		return wait
	}
	a.work.ticking = true
	return tea.Batch(wait, tick())
}

// wrote says how writing has ended, and asks before what is there is overwritten.
func (a *app) wrote(w *writing) tea.Cmd {
	w.cancel()
	a.dialog, a.writing = nil, nil
	switch {
	case errors.Is(w.err, context.Canceled):
		a.notice = "nothing was written"
	case errors.Is(w.err, fs.ErrExist):
		a.dialog = &question{"Overwrite?", w.err.Error(), []choice{
			{"o", "overwrite it", func(a *app) tea.Cmd { return a.startWriting(w.what, w.path, true) }},
			{"esc", "cancel", nil},
		}}
	case w.err != nil:
		a.dialog = newFailure(w.err)
	case w.what.plan != nil:
		a.planPath = w.path
		if w.what.plan.Equal(a.history.Plan()) { // the plan page may have gone on
			a.history.MarkSaved()
		}
		a.notice = "the plan is in " + w.path
		return a.keepPlan()
	default:
		a.notice = fmt.Sprintf("%s in %s", bytesText(w.bytes), w.what.files(w.path)[0].Path)
	}
	return nil
}

func (w *writing) key(_ *app, msg tea.Msg) tea.Cmd {
	if k, ok := msg.(tea.KeyPressMsg); ok && (k.String() == "esc" || k.String() == "ctrl+c") {
		w.stop(nil, 0)
	}
	return nil
}

// stop ends it; what was there before stays.
func (w *writing) stop(*app, int) tea.Cmd {
	w.stopped = true
	w.cancel()
	return nil
}

func (w *writing) draw(a *app, r rect) {
	in := a.drawDialog(r, 74, 7, "Writing")
	a.hots = a.hots[:0] // a click beside it does not close it
	s := a.screen
	share, spent := math.Float64frombits(w.share.Load()), time.Since(w.started)
	s.text(in, in.x, in.y, style{}, cutMiddle(w.path, in.w))
	s.text(in, in.x, in.y+1, fg(colDim), bytesText(w.bytes))
	s.text(in, in.x, in.y+2, fg(colAccent), bar(share, in.w))
	text := fmt.Sprintf("%.0f%%", 100*share)
	if seconds := spent.Seconds(); share > 0.01 && seconds > 0.2 {
		left := time.Duration(math.Ceil(seconds*(1-share)/share)) * time.Second
		text += fmt.Sprintf(" · %s/s · %s left", sizeText(int64(share*float64(w.bytes)/seconds)), left)
	}
	if w.stopped {
		text = "stopping"
	}
	s.text(in, in.x, in.y+3, style{}, text)
	x := s.text(in, in.x, in.y+4, fg(colAccent).with(bold), "esc")
	s.text(in, x, in.y+4, style{}, " cancel: what was there before stays")
	a.hots = append(a.hots, hot{area: rect{in.x, in.y + 4, in.w, 1}, click: w.stop})
}
