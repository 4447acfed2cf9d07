package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
)

// helpDialog lists the table of keys.
type helpDialog struct{ top, rows, page int }

func (d *helpDialog) key(a *app, msg tea.Msg) tea.Cmd {
	k, ok := msg.(tea.KeyPressMsg)
	if !ok {
		return nil
	}
	if d.top, ok = scrolled(d.top, d.rows, d.page, k.String()); !ok {
		a.dialog = nil
	}
	return nil
}

func (d *helpDialog) draw(a *app, r rect) {
	var here []int // bindings to name
	for i := range bindings {
		if bindings[i].on(a.page) && bindings[i].about != "" {
			here = append(here, i)
		}
	}
	in := a.drawDialog(r, 78, len(here)+5, "Keys on this page")
	foot, body := in.cutBottom(2)
	d.rows, d.page = len(here), body.h
	d.top = clamp(d.top, 0, max(0, len(here)-body.h))
	for row := range min(body.h, len(here)-d.top) {
		b := &bindings[here[d.top+row]]
		y := body.y + row
		a.screen.textRight(rect{body.x, y, 10, 1}, y, fg(colAccent), b.show)
		a.screen.text(body, body.x+12, y, style{}, cutEnd(b.about, body.w-12))
		a.hots = append(a.hots, hot{area: rect{body.x, y, body.w, 1}, n: here[d.top+row], click: func(a *app, n int) tea.Cmd {
			a.dialog = nil
			return bindings[n].do(a)
		}, wheel: d.turn})
	}
	note := "The mouse does the same: click a tab, a key's name, a layer, a column's head, a dial's arrows; turn the wheel over a list or a dial."
	if below := len(here) - d.top - body.h; below > 0 {
		note = fmt.Sprintf("↓ %d more. ", below) + note
	}
	a.paragraphs(foot, fg(colDim), note)
}

func (d *helpDialog) turn(_ *app, _, steps int) tea.Cmd {
	d.top += steps
	return nil
}
