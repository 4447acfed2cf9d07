package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
)

// filterLine narrows the list while a part of the names is typed, in the last
// row, so that the list stays in view.
type filterLine struct {
	line   input
	before string
}

func (a *app) askFilter() tea.Cmd {
	a.dialog = &filterLine{newInput(a.layers.filter), a.layers.filter}
	return nil
}

// toLayers goes back to the layers; from there it takes the filter away.
func (a *app) toLayers() tea.Cmd {
	if a.page == pageLayers && a.layers.filter != "" {
		a.filter("")
	}
	return a.turnTo(pageLayers)
}

func (a *app) filter(text string) {
	a.layers.filter = text
	a.layers.arrange(a)
}

func (d *filterLine) key(a *app, msg tea.Msg) tea.Cmd {
	if k, ok := msg.(tea.KeyPressMsg); ok {
		switch k.String() {
		case "esc":
			a.filter(d.before)
			a.dialog = nil
			return nil
		case "enter":
			a.dialog = nil
			return nil
		case "up":
			return a.moveLayer(-1)
		case "down":
			return a.moveLayer(1)
		}
	}
	d.line.update(msg)
	a.filter(d.line.value())
	return nil
}

func (d *filterLine) draw(a *app, r rect) {
	_, row := r.cutTop(r.h - 1)
	a.screen.fill(row, style{})
	right := fmt.Sprintf("%d of %d · ⏎ keep · esc as before", len(a.layers.order), len(a.model.Tensors))
	at := a.screen.textRight(row, row.y, fg(colDim), right)
	x := a.screen.text(row, row.x, row.y, fg(colAccent).with(bold), " / ")
	d.line.draw(a, rect{x, row.y, max(1, at-x-2), 1})
}
