package tui

import tea "charm.land/bubbletea/v2"

// helpDialog lists the table of keys.
type helpDialog struct{ top int }

func (d *helpDialog) key(a *app, msg tea.Msg) tea.Cmd {
	k, ok := msg.(tea.KeyPressMsg)
	if !ok {
		return nil
	}
	switch k.String() {
	case "up", "k":
		d.top--
	case "down", "j":
		d.top++
	case "pgup":
		d.top -= 10
	case "pgdown", "space":
		d.top += 10
	default:
		a.dialog = nil
	}
	return nil
}

func (d *helpDialog) draw(a *app, r rect) {
	here, elsewhere := 0, 0
	for i := range bindings {
		if bindings[i].on(a.page) {
			here++
		} else {
			elsewhere++
		}
	}
	in := a.drawDialog(r, 78, here+5, "Keys on this page")
	body, foot := in.cutTop(in.h - 2)
	d.top = clamp(d.top, 0, max(0, here-body.h))
	row := -d.top
	for i := range bindings {
		b := &bindings[i]
		if !b.on(a.page) {
			continue
		}
		if row >= 0 && row < body.h {
			y := body.y + row
			a.screen.textRight(rect{body.x, y, 10, 1}, y, fg(colAccent), b.show)
			a.screen.text(body, body.x+12, y, style{}, b.about)
			a.hots = append(a.hots, hot{area: rect{body.x, y, body.w, 1}, n: i, click: func(a *app, n int) tea.Cmd {
				a.dialog = nil
				return bindings[n].do(a)
			}})
		}
		row++
	}
	a.hots = append(a.hots, hot{area: body, wheel: func(_ *app, _, steps int) tea.Cmd { d.top += steps; return nil }})
	a.paragraphs(foot, fg(colDim), "The mouse does the same: click a tab, a key's name, a layer, a column's head, a dial's arrows; turn the wheel over a list or a dial.")
}
