package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
)

// formatsDialog lists what a plan is chosen from, to turn schemes off and on.
type formatsDialog struct{ at, top int }

func (a *app) askFormats() tea.Cmd {
	a.dialog = &formatsDialog{}
	return nil
}

func (d *formatsDialog) key(a *app, msg tea.Msg) tea.Cmd {
	k, ok := msg.(tea.KeyPressMsg)
	if !ok {
		return nil
	}
	set := &candidateSets[a.budget.set]
	switch k.String() {
	case "up", "k":
		d.at = max(0, d.at-1)
	case "down", "j":
		d.at = min(len(set.schemes)-1, d.at+1)
	case "left", "h":
		return d.turn(a, 0, -1)
	case "right", "f":
		return d.turn(a, 0, 1)
	case "space":
		return d.toggle(a, d.at)
	case "esc", "enter", "F", "q":
		a.dialog = nil
	}
	return nil
}

// turn chooses another set.
func (d *formatsDialog) turn(a *app, _, steps int) tea.Cmd {
	d.at, d.top = 0, 0
	return a.chooseFrom((a.budget.set + steps + len(candidateSets)) % len(candidateSets))
}

func (d *formatsDialog) toggle(a *app, n int) tea.Cmd {
	b := &a.budget
	s := candidateSets[b.set].schemes[n]
	d.at = n
	if b.off[s] {
		delete(b.off, s)
	} else {
		b.off[s] = true
	}
	a.beginSweep()
	return a.again()
}

func (d *formatsDialog) draw(a *app, r rect) {
	s, b := a.screen, &a.budget
	set := &candidateSets[b.set]
	in := a.drawDialog(r, 60, len(set.schemes)+6, "What a plan is chosen from")
	head, body := in.cutTop(2)
	foot, body := body.cutBottom(2)
	x := s.text(head, head.x, head.y, fg(colAccent), "◂ ")
	a.hots = append(a.hots, hot{area: rect{head.x, head.y, 2, 1}, n: 0, click: func(a *app, _ int) tea.Cmd { return d.turn(a, 0, -1) }})
	from := x
	x = s.text(head, x, head.y, style{}.with(bold), set.name)
	x = s.text(head, x, head.y, fg(colAccent), " ▸")
	a.hots = append(a.hots, hot{area: rect{from, head.y, x - from, 1}, n: 0, click: func(a *app, _ int) tea.Cmd { return d.turn(a, 0, 1) }})
	used := map[quant.Scheme]int{}
	for _, scheme := range a.planned.schemes {
		used[scheme]++
	}
	d.top = clamp(d.top, d.at-body.h+1, d.at)
	d.top = clamp(d.top, 0, max(0, len(set.schemes)-body.h))
	for row := range min(body.h, len(set.schemes)-d.top) {
		n := d.top + row
		scheme := set.schemes[n]
		line := rect{body.x, body.y + row, body.w, 1}
		st := style{}
		if b.off[scheme] {
			st = fg(colDim)
		}
		if n == d.at {
			s.fill(line, style{}.on(colSelectBg))
			st = st.with(bold).on(colSelectBg)
			s.put(line.x-1, line.y, '▸', fg(colAccent).with(bold))
		}
		tick := "[✓] "
		if b.off[scheme] {
			tick = "[ ] "
		}
		x := s.text(line, line.x, line.y, fg(colAccent).on(st.bg), tick)
		s.text(line, x, line.y, st, scheme.String())
		if k := used[scheme]; k > 0 {
			s.textRight(line, line.y, fg(colDim).on(st.bg), fmt.Sprintf("%d layers", k))
		}
		a.hots = append(a.hots, hot{area: line, n: n, click: func(a *app, n int) tea.Cmd { return d.toggle(a, n) }})
	}
	s.text(foot, foot.x, foot.y+foot.h-1, fg(colDim), "space on or off   ←→ another runtime   esc done")
}
