package tui

import (
	"path/filepath"
	"strconv"

	tea "charm.land/bubbletea/v2"
)

// writeDialog asks what to write, and where.
type writeDialog struct {
	line   input
	row    int    // of the table of outputs
	named  string // what the dialog has put into the line
	ready  []readyOutput
	sizes  []string // of each output at the path in sized
	sized  string
	chosen bool // enter was pressed before everything was ready
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
	m, plan := a.model, a.history.Plan()
	return func() tea.Msg {
		ready := make([]readyOutput, len(outputs))
		for i, o := range outputs {
			ready[i].prepared, ready[i].err = o.prepare(m, plan)
		}
		return preparedMsg{d, ready}
	}
}

// choose takes row i, and its name unless another one was typed.
func (d *writeDialog) choose(a *app, i int) {
	d.row = clamp(i, 0, len(outputs)-1)
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
	return a.startWriting(d.ready[d.row].prepared, path, d.ready[d.row].plan && path == a.planPath)
}

func (d *writeDialog) click(a *app, n int) tea.Cmd {
	if n == d.row {
		return d.write(a)
	}
	d.choose(a, n)
	return nil
}

func (d *writeDialog) draw(a *app, r rect) {
	in := a.drawDialog(r, 74, len(outputs)+9, "Write")
	s := a.screen
	if path := d.line.value(); d.ready != nil && (path != d.sized || d.sizes == nil) {
		d.sized, d.sizes = path, make([]string, len(outputs))
		for i, o := range d.ready {
			if o.err == nil {
				d.sizes[i] = bytesText(o.bytes(path))
			}
		}
	}
	for i, o := range outputs {
		row := rect{in.x, in.y + i, in.w, 1}
		st, mark := style{}, "  "
		if i == d.row {
			st, mark = st.with(bold).on(colSelectBg), "▸ "
			s.fill(row, style{}.on(colSelectBg))
		}
		x := s.text(row, row.x, row.y, st, mark+o.name)
		switch {
		case d.ready == nil:
			s.textRight(row, row.y, st, "…")
		case d.ready[i].err != nil:
			rest := rect{x + 2, row.y, row.x + row.w - x - 2, 1}
			s.textRight(rest, row.y, fg(colWarn).on(st.bg), "cannot hold this plan")
		default:
			s.textRight(row, row.y, st, d.sizes[i])
		}
		a.hots = append(a.hots, hot{area: row, n: i, click: d.click})
	}
	y := in.y + len(outputs) + 1
	d.line.draw(a, rect{in.x, y, in.w, 1})
	st, text := fg(colDim), outputs[d.row].about
	if d.ready != nil {
		switch o := d.ready[d.row]; {
		case o.err != nil:
			st, text = fg(colWarn), o.err.Error()
		case o.note != "":
			text += " " + o.note
		}
		if o := d.ready[d.row]; o.err == nil {
			if n := len(o.files(d.sized)); n > 1 {
				text += " " + strconv.Itoa(n) + " files: " + filepath.Base(o.files(d.sized)[0].Path) + " …"
			}
		}
	}
	a.paragraphs(rect{in.x, y + 2, in.w, 3}, st, text)
	s.text(in, in.x, in.y+in.h-1, fg(colDim), cutEnd("↑↓ what   ⏎ write   esc cancel", in.w))
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
