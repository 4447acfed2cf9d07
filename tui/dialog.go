package tui

import (
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
)

// dialog is drawn on top of the page and gets the keys while it is there.
type dialog interface {
	key(a *app, msg tea.Msg) tea.Cmd
	draw(a *app, r rect)
}

// drawDialog draws an empty window of w×h, or what fits, in the middle of r and
// returns its inside. A click outside closes it.
func (a *app) drawDialog(r rect, w, h int, title string) rect {
	a.hots = append(a.hots, hot{area: a.screen.area(), click: (*app).closeDialog})
	w, h = min(w, r.w), min(h, r.h)
	box := rect{r.x + (r.w-w)/2, r.y + (r.h-h)/2, w, h}
	a.screen.fill(box, style{})
	a.screen.box(box, fg(colAccent), title)
	a.hots = append(a.hots, hot{area: box})
	in := box.inset(1)
	return rect{in.x + 1, in.y, max(0, in.w-2), in.h}
}

func (a *app) closeDialog(int) tea.Cmd {
	a.dialog = nil
	return nil
}

// paragraphs writes text into r, broken between words, and returns the rows used.
func (a *app) paragraphs(r rect, st style, text string) int {
	y := r.y
	for _, line := range wrap(text, r.w) {
		if y >= r.y+r.h {
			break
		}
		a.screen.text(r, r.x, y, st, line)
		y++
	}
	return y - r.y
}

// scrolled returns the first row to show after a key, of what has rows of which a
// screen shows page; ok is false if the key is none that scrolls.
func scrolled(top, rows, page int, key string) (int, bool) {
	switch key {
	case "up", "k":
		top--
	case "down", "j":
		top++
	case "pgup":
		top -= page
	case "pgdown", "space":
		top += page
	case "home", "g":
		top = 0
	case "end", "G":
		top = rows
	default:
		return top, false
	}
	return clamp(top, 0, max(0, rows-page)), true
}

// choice is an answer of a dialog: a key and what it does.
type choice struct {
	key, label string
	do         func(a *app) tea.Cmd
}

// question is a dialog that says something and waits for a choice; escape
// takes the last one.
type question struct {
	title, text string
	choices     []choice
}

func (q *question) key(a *app, msg tea.Msg) tea.Cmd {
	k, ok := msg.(tea.KeyPressMsg)
	if !ok {
		return nil
	}
	for i, c := range q.choices {
		if k.String() == c.key || k.String() == "esc" && i == len(q.choices)-1 {
			return q.take(a, i)
		}
	}
	return nil
}

func (q *question) take(a *app, n int) tea.Cmd {
	a.dialog = nil
	if q.choices[n].do == nil {
		return nil
	}
	return q.choices[n].do(a)
}

func (q *question) draw(a *app, r rect) {
	w := clamp(r.w-8, 20, 72)
	in := a.drawDialog(r, w, len(wrap(q.text, w-4))+4, q.title)
	a.paragraphs(in, style{}, q.text)
	x, y := in.x, in.y+in.h-1
	for i, c := range q.choices {
		from := x
		x = a.screen.text(in, x, y, fg(colAccent).with(bold), c.key)
		x = a.screen.text(in, x, y, style{}, " "+c.label)
		a.hots = append(a.hots, hot{area: rect{from, y, x - from, 1}, n: i, click: func(a *app, n int) tea.Cmd { return q.take(a, n) }})
		x += 3
	}
}

// newFailure shows an error and goes on.
func newFailure(err error) *question {
	return &question{"That did not work", err.Error(), []choice{{"enter", "go on", nil}}}
}

// input is one line of text to edit.
type input struct{ model textinput.Model }

func newInput(value string) input {
	m := textinput.New()
	m.Prompt = ""
	m.SetVirtualCursor(false)
	m.SetValue(value)
	m.CursorEnd()
	m.Focus()
	return input{m}
}

func (i *input) update(msg tea.Msg) { i.model, _ = i.model.Update(msg) }

func (i *input) value() string { return i.model.Value() }

// draw writes the line into the first row of r, scrolled so that the cursor shows.
func (i *input) draw(a *app, r rect) {
	value := []rune(i.model.Value())
	at := i.model.Position()
	first := 0
	for textWidth(string(value[first:at])) >= r.w && first < at {
		first++
	}
	a.screen.fill(rect{r.x, r.y, r.w, 1}, style{}.with(underline))
	x := a.screen.text(r, r.x, r.y, style{}.with(underline), string(value[first:at]))
	under := " "
	if at < len(value) {
		under = string(value[at])
	}
	next := a.screen.text(r, x, r.y, style{}.with(reverse), under)
	if at < len(value) {
		a.screen.text(r, next, r.y, style{}.with(underline), string(value[at+1:]))
	}
}

// wrap breaks text into lines of at most w columns, between words where it can.
func wrap(text string, w int) []string {
	var lines []string
	line := ""
	for _, word := range splitWords(text) {
		for w > 0 && textWidth(word) > w {
			if line != "" {
				lines = append(lines, line)
				line = ""
			}
			n := max(1, bytesWithin(word, w))
			lines = append(lines, word[:n])
			word = word[n:]
		}
		switch {
		case word == "\n":
			lines = append(lines, line)
			line = ""
		case line == "":
			line = word
		case textWidth(line)+1+textWidth(word) <= w:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// splitWords returns the words of a text; each line break is a word "\n".
func splitWords(text string) []string {
	return strings.FieldsFunc(strings.ReplaceAll(text, "\n", " \n "), func(r rune) bool { return r == ' ' })
}
