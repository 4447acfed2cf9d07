package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant/model"
)

// layers is the list of tensors: which are shown, in which order, and where
// the cursor is.
type layers struct {
	order  []int // indices of the tensors shown
	cursor int   // into order
	top    int   // first row on the screen, into order
	rows   int   // on the screen
	filter string
	sort   int // index into columns, -1: as in the file
	down   bool
	scheme int // columns that the widest scheme takes
	flow   int // likewise of what flows in
	stored int // likewise of the types that tensors are stored in, 0 if none is worth showing
	names  nameCut
}

func (l *layers) load(m *model.Model) {
	*l = layers{sort: -1, rows: 1, names: newNameCut(m.Tensors), stored: storedWidth(m.Tensors)}
	l.order = make([]int, len(m.Tensors))
	for i := range l.order {
		l.order[i] = i
	}
}

// at returns the tensor in a row of the list.
func (l *layers) at(row int) (int, bool) {
	if row < 0 || row >= len(l.order) {
		return 0, false
	}
	return l.order[row], true
}

// selected returns the tensor under the cursor, or -1.
func (l *layers) selected() int {
	if i, ok := l.at(l.cursor); ok {
		return i
	}
	return -1
}

// first returns the row to begin at: the first tensor that the plan changes and
// that has weights enough for a smooth histogram, else the first that it
// changes.
func (l *layers) first(a *app) int {
	const smooth = 4096
	first := -1
	for row, i := range l.order {
		if a.planned.schemes[i].Keep() {
			continue
		}
		if a.model.Tensors[i].Len() >= smooth {
			return row
		}
		if first < 0 {
			first = row
		}
	}
	return max(0, first)
}

// arrange filters and sorts anew and keeps the cursor on its tensor.
func (l *layers) arrange(a *app) {
	at := l.selected()
	l.order = l.order[:0]
	needle := strings.ToLower(l.filter)
	for i, t := range a.model.Tensors {
		if needle == "" || strings.Contains(strings.ToLower(t.Name), needle) {
			l.order = append(l.order, i)
		}
	}
	if l.sort >= 0 {
		less := columns[l.sort].less
		slices.SortStableFunc(l.order, func(i, j int) int { return less(a, i, j) })
	}
	if l.down {
		slices.Reverse(l.order)
	}
	l.cursor = max(0, slices.Index(l.order, at))
}

// sortBy sorts by column n, or the other way round if it did already.
func (a *app) sortBy(n int) tea.Cmd {
	l := &a.layers
	l.down = l.sort == n && !l.down
	l.sort = n
	l.arrange(a)
	return nil
}

func (a *app) nextSort() tea.Cmd {
	if a.page == pageCompare {
		return a.nextDifferenceSort()
	}
	l := &a.layers
	l.down = false
	last := len(columns) - 1 // the bar is the SQNR again
	for l.sort++; l.sort < last && !columns[l.sort].shows(a); {
		l.sort++
	}
	if l.sort >= last {
		l.sort = -1
		l.arrange(a)
		a.notice = "as in the file"
		return nil
	}
	l.arrange(a)
	a.notice = "sorted by " + columns[l.sort].name
	return nil
}

func (a *app) reverseSort() tea.Cmd {
	if a.page == pageCompare {
		return a.sortDifferences(a.against.column)
	}
	a.layers.down = !a.layers.down
	a.layers.arrange(a)
	return nil
}

// moveLayer moves the cursor by rows, that of the page if it has a list of its own.
func (a *app) moveLayer(rows int) tea.Cmd {
	if a.page == pageCompare {
		return a.moveDifference(rows)
	}
	l := &a.layers
	l.cursor = clamp(l.cursor+rows, 0, max(0, len(l.order)-1))
	a.digit, a.channel = 0, 0
	a.micro.reset()
	return nil
}

// scroll keeps the cursor on the screen.
func (l *layers) scroll(rows int) {
	l.rows = max(1, rows)
	l.top = clamp(l.top, max(0, l.cursor-l.rows+1), l.cursor)
	l.top = clamp(l.top, 0, max(0, len(l.order)-l.rows))
}

// drawList draws the list into r.
func (a *app) drawList(r rect) {
	s, l := a.screen, &a.layers
	name, r := r.cutBottom(1)
	if i := l.selected(); i >= 0 {
		s.text(name, name.x, name.y, fg(colDim), cutMiddle(a.model.Tensors[i].Name, name.w))
	}
	head, body := r.cutTop(1)
	l.scroll(body.h)
	l.scheme, l.flow = 0, 0
	for row := range body.h {
		if i, ok := l.at(l.top + row); ok {
			l.scheme = max(l.scheme, textWidth(schemeText(a.model.Tensors[i], a.planned.schemes[i])))
			l.flow = max(l.flow, textWidth(a.flowText(i)))
		}
	}
	areas := a.columnAreas(r)
	for c, area := range areas {
		if area.w == 0 {
			continue
		}
		cell := rect{area.x, head.y, area.w, 1}
		title, st := columns[c].name, fg(colDim)
		if c == l.sort {
			st = fg(colAccent)
			title += map[bool]string{false: "↓", true: "↑"}[l.down]
		}
		if c == 0 && l.filter != "" {
			title += fmt.Sprintf(" /%s (%d)", l.filter, len(l.order))
		}
		if columns[c].right {
			s.textRight(cell, cell.y, st, title)
		} else {
			s.text(cell, cell.x, cell.y, st, cutEnd(title, cell.w))
		}
		a.hots = append(a.hots, hot{area: cell, click: (*app).sortBy, n: c})
	}
	a.hots = append(a.hots, hot{area: body, click: (*app).clickRow, wheel: (*app).wheelList})
	if len(l.order) == 0 {
		why := "no layer's name holds “" + l.filter + "” — esc shows all"
		if len(a.model.Tensors) == 0 {
			why = "the model has no tensors"
		}
		s.text(body, body.x, body.y, fg(colDim), cutEnd(why, body.w))
	}
	for row := range body.h {
		i, ok := l.at(l.top + row)
		if !ok {
			break
		}
		a.drawRow(areas, rect{body.x, body.y + row, body.w, 1}, i, l.top+row == l.cursor)
	}
	a.drawScrollbar(body)
}

func (a *app) drawRow(areas []rect, r rect, i int, cursor bool) {
	s := a.screen
	for c, area := range areas {
		if area.w == 0 {
			continue
		}
		cell := rect{area.x, r.y, area.w, 1}
		st := style{}
		if a.planned.schemes[i].Keep() {
			st = fg(colDim)
		}
		col := &columns[c]
		switch {
		case c == 0:
			s.text(cell, cell.x, cell.y, st, a.layers.names.short(col.text(a, i), cell.w))
		case col.text == nil:
			if v := a.sqnr(i); v < 1e6 {
				s.text(cell, cell.x, cell.y, sqnrScale.style(v), bar(v/fullSQNR, cell.w))
			}
		case col.right:
			s.textRight(cell, cell.y, st, col.text(a, i))
		default:
			s.text(cell, cell.x, cell.y, st, cutEnd(col.text(a, i), cell.w))
		}
	}
	if cursor {
		s.put(r.x-1, r.y, '▸', fg(colAccent).with(bold))
		s.restyle(r, func(st style) style { return st.on(colSelectBg).with(bold) })
	}
}

// sqnrScale colours SQNR: above 40 dB hardly anyone notices, at 10 dB little
// is left.
var sqnrScale = scale{good: 45, bad: 8}

// columnAreas lays the columns out over the width of r; one that does not fit
// has no width.
func (a *app) columnAreas(r rect) []rect {
	areas := make([]rect, len(columns))
	_, room := r.cutLeft(1) // for the cursor
	for c := len(columns) - 1; c > 0; c-- {
		if r.w < columns[c].room || !columns[c].shows(a) {
			continue
		}
		areas[c], room = room.cutRight(columns[c].width(a, r.w))
		_, room = room.cutRight(1)
	}
	areas[0] = room
	return areas
}

// drawScrollbar marks in the frame where in a long list the screen is.
func (a *app) drawScrollbar(r rect) { a.screen.scrollbar(r, a.layers.top, len(a.layers.order)) }

// scrollbar marks on the right of r, which shows rows from top on, where that is
// among n rows.
func (s *screen) scrollbar(r rect, top, n int) {
	if n <= r.h || r.h == 0 {
		return
	}
	thumb := max(1, r.h*r.h/n)
	at := top * (r.h - thumb) / max(1, n-r.h)
	for y := range thumb {
		s.put(r.x+r.w, r.y+at+y, '┃', fg(colDim))
	}
}

func (a *app) clickRow(int) tea.Cmd {
	for _, h := range a.hots {
		if h.wheel != nil && h.area.contains(a.mouse.x, a.mouse.y) {
			return a.moveLayer(a.layers.top + a.mouse.y - h.area.y - a.layers.cursor)
		}
	}
	return nil
}

func (a *app) wheelList(_, steps int) tea.Cmd { return a.moveLayer(3 * steps) }
