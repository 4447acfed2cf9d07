package tui

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/adrg/xdg"

	"github.com/bitdial/bitdial/quant"
)

// recoveryMsg is an unsaved plan that an earlier run has left.
type recoveryMsg struct {
	path string
	plan quant.Plan
	when time.Time
}

// recoveryPath is where the unsaved plan of the model is kept.
func (a *app) recoveryPath() string {
	name := a.model.Path
	if abs, err := filepath.Abs(name); err == nil {
		name = abs
	}
	return filepath.Join(xdg.StateHome, "bitdial", fmt.Sprintf("unsaved-%x.toml", sha256.Sum256([]byte(name)))[:32]+".toml")
}

// saveRecovery keeps the plan on disk while it is not saved where the user
// wants it. It is small, and written before the next key is read, so that
// nothing can happen in between.
func (a *app) saveRecovery() tea.Cmd {
	if a.history.Saved() {
		return a.dropRecovery()
	}
	path := a.recoveryPath()
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = quant.SavePlan(path, a.history.Plan(), true)
	}
	if err != nil {
		a.notice = "the plan is not kept against a crash: " + err.Error()
	}
	return nil
}

func (a *app) dropRecovery() tea.Cmd {
	if err := os.Remove(a.recoveryPath()); err != nil && !os.IsNotExist(err) {
		a.notice = err.Error()
	}
	return nil
}

// offerRecovery looks for an unsaved plan.
func (a *app) offerRecovery() tea.Cmd {
	path := a.recoveryPath()
	return func() tea.Msg {
		info, err := os.Stat(path)
		if err != nil {
			return nil
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
		{"d", "delete it", func(a *app) tea.Cmd { return a.dropRecovery() }},
		{"esc", "leave it", nil},
	}}
	return nil
}
