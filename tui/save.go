package tui

import (
	tea "charm.land/bubbletea/v2"
)

// lineDialog asks for one line of text.
type lineDialog struct {
	title, about string
	line         input
	done         func(a *app, text string) tea.Cmd
}

func (d *lineDialog) key(a *app, msg tea.Msg) tea.Cmd {
	if k, ok := msg.(tea.KeyPressMsg); ok {
		switch k.String() {
		case "esc":
			a.dialog = nil
			return nil
		case "enter":
			a.dialog = nil
			return d.done(a, d.line.value())
		}
	}
	d.line.update(msg)
	return nil
}

func (d *lineDialog) draw(a *app, r rect) {
	in := a.drawDialog(r, 66, 7, d.title)
	d.line.draw(a, rect{in.x, in.y + 1, in.w, 1})
	a.paragraphs(rect{in.x, in.y + 3, in.w, 2}, fg(colDim), d.about)
}

// quit leaves, or asks first if trained weights or the plan would be lost.
func (a *app) quit() tea.Cmd {
	if a.unsaved() {
		return a.askWeights("Leave?", "leave", (*app).quitPlan)
	}
	return a.quitPlan()
}

func (a *app) quitPlan() tea.Cmd {
	if a.history.Saved() {
		return tea.Quit
	}
	a.dialog = &question{"Leave?", "The plan has changes that are not written to a file.", []choice{
		{"w", "write it", (*app).askWrite},
		{"q", "leave without", func(a *app) tea.Cmd { a.discard = true; return tea.Quit }},
		{"esc", "stay", nil},
	}}
	return nil
}
