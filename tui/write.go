package tui

import (
	"path/filepath"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant/export"
)

// writeDialog asks what to write, and where.
type writeDialog struct {
	line   input
	row    int    // of the table of outputs
	named  string // what the dialog has put into the line
	ready  []readyOutput
	files  []export.File // of the chosen output at the path in sized
	sized  string
	chosen bool     // enter was pressed before everything was ready
	lines  []string // of its text
	top    int      // the first of them on the screen
	page   int      // how many are on the screen
}

// readyOutput is an output once it is known what it amounts to.
type readyOutput struct {
	*prepared
	err error // why it cannot be written
}

// preparedMsg brings what the outputs of a dialog amount to.
type preparedMsg struct {
	dialog *writeDialog
	ready  []readyOutput
}

// askWrite asks what to write: the plan, or a file of the model under it.
func (a *app) askWrite() tea.Cmd {
	d := &writeDialog{}
	d.choose(a, 0)
	a.dialog = d
	m, plan, matrix := a.model, a.history.Plan(), a.importance.matrix
	return func() tea.Msg {
		ready := make([]readyOutput, len(outputs))
		for i, o := range outputs {
			ready[i].prepared, ready[i].err = o.prepare(m, plan, matrix)
		}
		return preparedMsg{d, ready}
	}
}

// choose takes row i, and its name unless another one was typed.
func (d *writeDialog) choose(a *app, i int) {
	d.row, d.top, d.files = clamp(i, 0, len(outputs)-1), 0, nil
	if d.line.value() != d.named {
		return
	}
	o := &outputs[d.row]
	d.named = filepath.Base(a.model.Name)
	switch s := a.history.Plan().Default.Scheme; {
	case d.row == 0:
	case s.Keep():
		d.named += "-new"
	default:
		d.named += "-" + s.Format.Name
	}
	if d.named += o.ext; d.row == 0 && a.planPath != "" {
		d.named = a.planPath
	}
	d.line = newInput(d.named)
}

func (d *writeDialog) key(a *app, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case preparedMsg:
		if msg.dialog == d {
			if d.ready = msg.ready; d.chosen {
				return d.write(a)
			}
		}
		return nil
	case tea.KeyPressMsg:
		switch msg.String() {
		case "esc":
			a.dialog = nil
			return nil
		case "up", "shift+tab":
			d.choose(a, d.row-1)
			return nil
		case "down", "tab":
			d.choose(a, d.row+1)
			return nil
		case "pgup":
			d.top -= d.page
			return nil
		case "pgdown":
			d.top += d.page
			return nil
		case "enter":
			return d.write(a)
		}
	}
	d.line.update(msg)
	return nil
}

// write begins with what is chosen, if it can be written.
func (d *writeDialog) write(a *app) tea.Cmd {
	if d.chosen = d.ready == nil; d.chosen || d.ready[d.row].err != nil {
		return nil // the reason is on the screen
	}
	path := d.line.value()
	return a.startWriting(d.ready[d.row].prepared, path, d.ready[d.row].plan != nil && path == a.planPath)
}

func (d *writeDialog) click(a *app, n int) tea.Cmd {
	if n == d.row {
		return d.write(a)
	}
	d.choose(a, n)
	return nil
}

func (d *writeDialog) draw(a *app, r rect) {
	in := a.drawDialog(r, min(r.w-4, 116), min(r.h-2, 32), "Write")
	s := a.screen
	foot, body := in.cutBottom(3)
	names := 0
	for _, o := range outputs {
		names = max(names, textWidth(o.name))
	}
	list, about := body.cutLeft(min(names+4, body.w/2))
	for i, o := range outputs {
		row := rect{list.x, list.y + i, list.w - 1, 1}.intersect(list)
		if row.h == 0 {
			break
		}
		st, mark := style{}, "  "
		if d.ready != nil && d.ready[i].err != nil {
			st = fg(colFaint)
		}
		if i == d.row {
			st, mark = st.with(bold).on(colSelectBg), "▸ "
			s.fill(row, style{}.on(colSelectBg))
		}
		s.text(row, row.x, row.y, st, mark+o.name)
		if d.ready != nil && d.ready[i].err != nil {
			s.put(row.x+row.w-1, row.y, '×', st)
		}
		a.hots = append(a.hots, hot{area: row, n: i, click: d.click})
	}
	s.vrule(body, about.x, fg(colFaint))
	_, about = about.cutLeft(2)
	d.drawAbout(a, about)
	d.line.draw(a, rect{foot.x, foot.y + 1, foot.w, 1})
	s.text(foot, foot.x, foot.y+2, fg(colDim), cutEnd("↑↓ what   ⏎ write   pgup pgdn more of the text   esc cancel", foot.w))
}

// drawAbout says of the chosen output what it is and how large, and shows its text.
func (d *writeDialog) drawAbout(a *app, r rect) {
	y := r.y
	line := func(st style, text string) {
		y += a.paragraphs(rect{r.x, y, r.w, max(0, r.y+r.h-y)}, st, text)
	}
	line(style{}, outputs[d.row].about)
	if d.ready == nil {
		line(fg(colDim), "…")
		return
	}
	o := d.ready[d.row]
	if o.err != nil {
		y++
		line(fg(colWarn), o.err.Error())
		return
	}
	if path := d.line.value(); path != d.sized || d.files == nil {
		d.sized, d.files = path, o.files(path)
	}
	size := int64(0)
	for _, f := range d.files {
		size += f.Bytes
	}
	text := bytesText(size)
	if n := len(d.files); n > 1 {
		text += " in " + strconv.Itoa(n) + " files: " + filepath.Base(d.files[0].Path) + " …"
	}
	line(style{}.with(bold), text)
	if o.with != "" {
		line(fg(colDim), o.with)
	}
	if o.note != "" {
		y++
		line(fg(colWarn), o.note)
	}
	y++
	d.lines = d.lines[:0]
	for _, l := range strings.Split(strings.TrimRight(o.preview, "\n"), "\n") {
		d.lines = append(d.lines, strings.ReplaceAll(l, "\t", "    "))
	}
	room := rect{r.x, y, r.w, max(0, r.y+r.h-y)}
	d.page = max(1, room.h)
	d.top = clamp(d.top, 0, max(0, len(d.lines)-room.h))
	for i := range min(room.h, len(d.lines)-d.top) {
		a.screen.text(room, room.x, room.y+i, fg(colDim), cutEnd(d.lines[d.top+i], room.w))
	}
	a.screen.scrollbar(rect{room.x, room.y, room.w, room.h}, d.top, len(d.lines))
	a.hots = append(a.hots, hot{area: room, wheel: func(_ *app, _, steps int) tea.Cmd { d.top += 3 * steps; return nil }})
}

// bytesText returns an exact number of bytes, and what that is about.
func bytesText(n int64) string {
	digits := strconv.FormatInt(n, 10)
	text := ""
	for len(digits) > 3 {
		text = " " + digits[len(digits)-3:] + text
		digits = digits[:len(digits)-3]
	}
	text = digits + text + " bytes"
	if n >= 1024 {
		text += " · " + sizeText(n)
	}
	return text
}
