package tui

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/adrg/xdg"

	"github.com/bitdial/bitdial/quant"
)

// recovery keeps the unsaved plan on disk. Writing waits for the disk, so
// commands do it aside; whichever is asked for last wins.
type recovery struct {
	mu    sync.Mutex
	asked int // requests so far, counted by Update
	done  int // the latest that was carried out
}

// keep writes plan for request n, unless a later one was carried out.
func (r *recovery) keep(n int, path string, plan quant.Plan) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n < r.done {
		return nil
	}
	r.done = n
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return quant.SavePlan(path, plan, true)
}

// drop removes what was kept.
func (r *recovery) drop(n int, path string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done = n
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// recoveryPath is where the unsaved plan of the model is kept.
func (a *app) recoveryPath() string {
	name := a.model.Path
	if abs, err := filepath.Abs(name); err == nil {
		name = abs
	}
	return filepath.Join(xdg.StateHome, "bitdial", fmt.Sprintf("unsaved-%x.toml", sha256.Sum256([]byte(name)))[:24]+".toml")
}

// keepPlan brings the disk up to date with the plan: it is kept while it is not
// saved where the user wants it.
func (a *app) keepPlan() tea.Cmd {
	write := a.recoveryWrite()
	return func() tea.Msg {
		if err := write(); err != nil {
			return noticeMsg("the plan is not kept against a crash: " + err.Error())
		}
		return nil
	}
}

func (a *app) recoveryWrite() func() error {
	a.recovery.asked++
	n, path, plan := a.recovery.asked, a.recoveryPath(), a.history.Plan()
	if a.history.Saved() || a.discard {
		return func() error { return a.recovery.drop(n, path) }
	}
	return func() error { return a.recovery.keep(n, path, plan) }
}

// recoveryMsg is an unsaved plan that an earlier run has left.
type recoveryMsg struct {
	path string
	plan quant.Plan
	when time.Time
}

// noticeMsg is something to say in the last row.
type noticeMsg string

// offerRecovery looks for an unsaved plan.
func (a *app) offerRecovery() tea.Cmd {
	path := a.recoveryPath()
	return func() tea.Msg {
		info, err := os.Stat(path)
		if err != nil {
			return nil // nearly always: none was left
		}
		plan, err := quant.LoadPlan(path)
		if err != nil {
			return failedMsg{fmt.Errorf("an unsaved plan was left, and cannot be read: %w", err)}
		}
		return recoveryMsg{path, plan, info.ModTime()}
	}
}

func (a *app) recovered(msg recoveryMsg) tea.Cmd {
	if msg.path != a.recoveryPath() || msg.plan.Equal(a.history.Plan()) {
		return nil
	}
	a.dialog = &question{"Unsaved plan", "A plan for this model was left unsaved on " + msg.when.Format("2 January 15:04") + ".", []choice{
		{"enter", "take it up", func(a *app) tea.Cmd { return a.change(msg.plan) }},
		{"d", "delete it", (*app).keepPlan},
		{"esc", "leave it", nil},
	}}
	return nil
}
