package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
)

// aboutDialog tells what the file says of the model: how its tensors are stored,
// and its metadata.
type aboutDialog struct {
	rows [][2]string // a name and what is said; a name alone is a heading
	top  int
	page int // rows on the screen
}

// askAbout shows what is known of the model.
func (a *app) askAbout() tea.Cmd {
	m := a.model
	d := &aboutDialog{rows: [][2]string{
		{"file", m.Path},
		{"format", m.Format},
		{"tensors", countText(int64(len(m.Tensors)))},
		{"", ""},
		{"stored as", ""},
	}}
	for _, s := range quant.StoredAs(m.Tensors) {
		d.rows = append(d.rows, [2]string{dtypeText(s.DType), fmt.Sprintf("×%s · %s weights · %s · %.2f bpw", countText(int64(s.Tensors)), countText(int64(s.Params)), sizeText(s.Bytes), s.BPW())})
	}
	if len(m.Metadata) > 0 {
		d.rows = append(d.rows, [2]string{}, [2]string{"metadata", ""})
	}
	for _, kv := range m.Metadata {
		d.rows = append(d.rows, [2]string{kv.Key, kv.Value})
	}
	a.dialog = d
	return nil
}

func (d *aboutDialog) key(a *app, msg tea.Msg) tea.Cmd {
	k, ok := msg.(tea.KeyPressMsg)
	if !ok {
		return nil
	}
	if d.top, ok = scrolled(d.top, len(d.rows), d.page, k.String()); !ok {
		a.dialog = nil
	}
	return nil
}

func (d *aboutDialog) draw(a *app, r rect) {
	s := a.screen
	in := a.drawDialog(r, min(r.w-4, 110), min(r.h-2, len(d.rows)+3), cutMiddle(a.model.Name, 60))
	foot, body := in.cutBottom(1)
	d.page = max(1, body.h)
	d.top = clamp(d.top, 0, max(0, len(d.rows)-body.h))
	names := 0
	for _, row := range d.rows {
		names = max(names, textWidth(row[0]))
	}
	names = min(names, body.w/2)
	for y := range min(body.h, len(d.rows)-d.top) {
		row := d.rows[d.top+y]
		if row[1] == "" {
			s.text(body, body.x, body.y+y, fg(colAccent), cutEnd(row[0], body.w))
			continue
		}
		s.text(body, body.x, body.y+y, fg(colDim), cutMiddle(row[0], names))
		s.text(body, body.x+names+2, body.y+y, style{}, cutEnd(row[1], body.w-names-2))
	}
	a.hots = append(a.hots, hot{area: body, wheel: func(_ *app, _, steps int) tea.Cmd { d.top += 3 * steps; return nil }})
	note := "any other key goes back"
	if below := len(d.rows) - d.top - body.h; below > 0 {
		note = fmt.Sprintf("↓ %d more · ", below) + note
	}
	s.text(foot, foot.x, foot.y, fg(colDim), cutEnd(note, foot.w))
}
