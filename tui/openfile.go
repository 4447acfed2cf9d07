package tui

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"charm.land/bubbles/v2/filepicker"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/imatrix"
)

// openDialog picks a file.
type openDialog struct {
	title, foot string
	done        func(a *app, path string) tea.Cmd
	picker      filepicker.Model
	row         int // of the cursor, on the screen
}

// openedMsg is a model that was opened.
type openedMsg struct{ model *model.Model }

func (a *app) askOpen() tea.Cmd {
	if a.unsaved() {
		return a.askWeights("Open another model?", "open", (*app).askOpenPlan)
	}
	return a.askOpenPlan()
}

func (a *app) askOpenPlan() tea.Cmd {
	if !a.history.Saved() {
		a.dialog = &question{"Open another model?", "The plan of this one has changes that are not written to a file.", []choice{
			{"w", "write it", (*app).askWrite},
			{"o", "open without", (*app).pickModel},
			{"esc", "stay", nil},
		}}
		return nil
	}
	return a.pickModel()
}

func (a *app) pickModel() tea.Cmd {
	return a.pickFile("Open a model", "⏎ or → open; an imatrix weighs error   ← folder above   esc cancel",
		func(a *app, path string) tea.Cmd { return a.openFile(path, false) })
}

func (a *app) pickMatrix() tea.Cmd {
	return a.pickFile("Weigh error by an importance matrix", "⏎ or → take it   ← folder above   ↑↓ choose   esc cancel",
		func(a *app, path string) tea.Cmd { return a.openFile(path, true) })
}

// pickFile picks a file for done, from the folder of the model on.
func (a *app) pickFile(title, foot string, done func(a *app, path string) tea.Cmd) tea.Cmd {
	p := filepicker.New()
	p.CurrentDirectory = "."
	if dir, err := os.Getwd(); err == nil {
		p.CurrentDirectory = dir
	}
	if dir := filepath.Dir(a.model.Path); a.model.Path != "" {
		if info, err := os.Stat(dir); err == nil && info.IsDir() && strings.ContainsRune(a.model.Path, filepath.Separator) {
			p.CurrentDirectory = dir
		}
	}
	p.AutoHeight = false
	p.ShowPermissions = false
	p.SetHeight(10)
	a.dialog = &openDialog{title: title, foot: foot, done: done, picker: p}
	return p.Init()
}

func (d *openDialog) key(a *app, msg tea.Msg) tea.Cmd {
	if k, ok := msg.(tea.KeyPressMsg); ok && (k.String() == "esc" || k.String() == "q") {
		a.dialog = nil
		return nil
	}
	var cmd tea.Cmd
	d.picker, cmd = d.picker.Update(msg)
	if chosen, path := d.picker.DidSelectFile(msg); chosen {
		a.dialog = nil
		return d.done(a, path)
	}
	return cmd
}

// openFile opens the file at path aside, so that the screen goes on: as an
// importance matrix if it is one, or has to be, else as a model.
func (a *app) openFile(path string, matrix bool) tea.Cmd {
	open, of := a.open, a.model
	return func() tea.Msg {
		if matrix || imatrix.Is(path) {
			w, err := openImportance(path, of)
			if err != nil {
				return failedMsg{err}
			}
			return matrixMsg{of, w}
		}
		m, err := open(path)
		if err != nil {
			return failedMsg{err}
		}
		return openedMsg{m}
	}
}

// opened shows the model. The one before is closed when its last read is over.
func (a *app) opened(msg openedMsg) tea.Cmd {
	before, matrix, other := a.model, a.importance.matrix, a.letGo()
	a.planPath, a.dialog = "", nil // it was about the model before
	a.load(msg.model, DefaultPlan(), nil)
	return tea.Batch(a.offerRecovery(), other, func() tea.Msg {
		err := before.Close()
		if matrix != nil {
			err = errors.Join(err, matrix.Close())
		}
		if err != nil {
			return failedMsg{err}
		}
		return nil
	})
}

// click chooses row n, or opens it if it is chosen already.
func (d *openDialog) click(a *app, n int) tea.Cmd {
	if n == d.row {
		return d.key(a, tea.KeyPressMsg{Code: tea.KeyEnter})
	}
	return d.move(a, 0, n-d.row)
}

func (d *openDialog) move(a *app, _, steps int) tea.Cmd {
	k := tea.KeyPressMsg{Code: tea.KeyDown}
	if steps < 0 {
		k.Code, steps = tea.KeyUp, -steps
	}
	for range steps {
		d.key(a, k)
	}
	return nil
}

func (d *openDialog) draw(a *app, r rect) {
	in := a.drawDialog(r, 76, min(r.h, 24), d.title)
	s := a.screen
	s.text(in, in.x, in.y, fg(colDim), cutMiddle(d.picker.CurrentDirectory, in.w))
	list := rect{in.x, in.y + 1, in.w, max(1, in.h-3)}
	d.picker.SetHeight(list.h)
	for i, line := range strings.Split(ansi.Strip(d.picker.View()), "\n") {
		if i >= list.h {
			break
		}
		st := style{}
		if strings.HasPrefix(line, d.picker.Cursor) {
			d.row = i
			st = st.with(bold).on(colSelectBg)
		}
		s.text(list, list.x, list.y+i, st, line)
		a.hots = append(a.hots, hot{area: rect{list.x, list.y + i, list.w, 1}, n: i, click: d.click, wheel: d.move})
	}
	s.text(in, in.x, in.y+in.h-1, fg(colDim), cutEnd(d.foot, in.w))
}
