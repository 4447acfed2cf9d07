package tui

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/net"
)

// app is the explorer.
type app struct {
	ctx  context.Context
	open func(path string) (*model.Model, error)

	model    *model.Model
	history  *quant.History
	recovery recovery
	discard  bool   // the unsaved plan is not wanted
	planPath string // where the plan was saved or loaded, "" if nowhere
	planned  planned

	work       work
	run        running
	view       runView
	training   *training // nil if none is under way
	kept       kept
	layers     layers
	page       int
	side       int  // of the sensitivity page, the last that was shown
	paused     bool // what fills it is not looked for until the user says so
	pace       pace
	heat       heatMap
	grid       gridMap
	measures   measures
	budget     budget
	against    against
	micro      microscope
	importance importance
	inputs     bool // the dials are those of what flows into the layer, not of its weights
	dial       int  // index into the table of dials of the one that ←/→ turn
	digit      int  // a typed 1 that may become 10 to 16, else 0
	channel    int  // under the cursor of the channel strip, from 1; 0 for none
	log        bool
	compare    bool

	writing *writing // files under way, nil if none are

	dialog dialog // drawn on top, gets the keys; nil if none
	notice string // in the last row, until the next key
	screen *screen
	theme  *theme
	hots   []hot
	mouse  struct{ x, y int }
	drag   func(a *app) tea.Cmd // what the mouse does while it moves with its button down
}

// hot is an area that can be clicked or turned with the wheel. What is drawn
// later lies on top.
type hot struct {
	area  rect
	click func(a *app, n int) tea.Cmd
	wheel func(a *app, n, steps int) tea.Cmd
	n     int
}

// pages is the table of pages. The key is a letter of the name; what it does
// is in the table of bindings.
var pages = []struct {
	name string
	key  string
	draw func(a *app, r rect)
}{
	{"Layers", "l", (*app).drawLayers},
	{"Sensitivity", "s", (*app).drawSensitivity},
	{"Plan", "p", (*app).drawPlan},
	{"Microscope", "m", (*app).drawMicroscope},
	{"Run", "r", (*app).drawRun},
	{"Compare", "C", (*app).drawCompare},
	{"", "t", (*app).drawTraining}, // what Run leads to: it has no tab of its own
	{"", "v", (*app).drawMeasures}, // the other sides of Sensitivity: they have no tabs of their own
	{"", "v", (*app).drawGrid},
	{"", "v", (*app).drawCurves},
}

const (
	pageLayers = iota
	pageSensitivity
	pagePlan
	pageMicroscope
	pageRun
	pageCompare
	pageTraining
	pageMeasures
	pageGrid
	pageCurves
)

// tabOf returns the page whose tab stands for page n.
func tabOf(n int) int {
	switch n {
	case pageMeasures, pageGrid, pageCurves:
		return pageSensitivity
	case pageTraining:
		return pageRun
	}
	return n
}

func newApp(ctx context.Context, o Options) *app {
	a := &app{ctx: ctx, open: o.Open, screen: newScreen(0, 0), theme: newTheme(true), planPath: o.PlanPath}
	a.mouse.x = -1
	a.load(o.Model, o.Plan, o.Task)
	return a
}

// load shows another model, under plan; task is nil if it cannot be run.
func (a *app) load(m *model.Model, plan quant.Plan, task *net.Task) {
	a.work.stop()
	a.model, a.history = m, quant.NewHistory(plan)
	a.planned = newPlanned(m, plan)
	a.work = newWork()
	a.importance = importance{}
	a.endTraining()
	a.run, a.view, a.kept = newRunning(task), runView{}, kept{}
	a.inputs, a.measures = false, measures{}
	a.page, a.micro, a.heat, a.compare = pageLayers, microscope{}, heatMap{}, false
	a.grid, a.side, a.paused = gridMap{column: -1}, 0, false
	a.budget = newBudget(m)
	a.dial = 1
	a.layers.load(m)
	a.layers.cursor = a.layers.first(a)
}

// selected returns the tensor under the cursor and its scheme, or nil if no
// tensor is shown.
func (a *app) selected() (*model.Tensor, quant.Scheme) {
	i := a.layers.selected()
	if i < 0 {
		return nil, quant.Scheme{}
	}
	return a.model.Tensors[i], a.planned.schemes[i]
}

// Init asks for what the first frame can do without.
func (a *app) Init() tea.Cmd {
	return tea.Batch(tea.RequestBackgroundColor, a.offerRecovery(), a.schedule())
}

// Update takes in what happened and starts what is most urgent then.
func (a *app) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	return a, tea.Batch(a.handle(msg), a.schedule(), a.train())
}

func (a *app) handle(msg tea.Msg) tea.Cmd {
	if w := a.writing; w != nil && opensDialog(msg) {
		return func() tea.Msg { <-w.ended; return msg }
	}
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		a.screen.resize(msg.Width, msg.Height)
	case tea.BackgroundColorMsg:
		a.theme = newTheme(msg.IsDark())
	case tea.ColorProfileMsg:
		a.screen.mono = msg.Profile <= colorprofile.Ascii
	case tea.KeyPressMsg:
		a.notice = ""
		if msg.String() == "ctrl+c" && a.writing == nil {
			return tea.Interrupt
		}
		if a.dialog != nil {
			return a.dialog.key(a, msg)
		}
		return a.key(msg)
	case tea.PasteMsg:
		if a.dialog != nil {
			return a.dialog.key(a, msg)
		}
	case tea.MouseMsg:
		return a.pointer(msg)
	case resultMsg:
		return a.take(msg)
	case trainedMsg:
		return a.trained(msg)
	case keptMsg:
		return a.keepNetwork(msg)
	case writtenMsg:
		return a.wrote(msg.writing)
	case savedWeightsMsg:
		return a.savedWeights(msg)
	case tickMsg:
		return a.tick()
	case openedMsg:
		return a.opened(msg)
	case matrixMsg:
		return a.attach(msg)
	case devicesMsg:
		return a.takeDevices(msg)
	case tidiedMsg:
		return a.tidied(msg)
	case recoveryMsg:
		return a.recovered(msg)
	case againstMsg:
		return a.heldAgainst(msg)
	case failedMsg:
		a.notice = ""
		a.dialog = newFailure(msg.err)
	case noticeMsg:
		a.notice = string(msg)
	default:
		if a.dialog != nil {
			return a.dialog.key(a, msg)
		}
	}
	return nil
}

// opensDialog reports whether what happened takes the place of the dialog, which waits
// while that writes files.
func opensDialog(msg tea.Msg) bool {
	switch msg.(type) {
	case openedMsg, recoveryMsg, failedMsg:
		return true
	}
	return false
}

// failedMsg is an error to show.
type failedMsg struct{ err error }

// pointer finds what the mouse is over and does what is due there.
func (a *app) pointer(msg tea.MouseMsg) tea.Cmd {
	m := msg.Mouse()
	a.mouse.x, a.mouse.y = m.X, m.Y
	if _, moved := msg.(tea.MouseMotionMsg); moved && m.Button == tea.MouseLeft && a.drag != nil {
		return a.drag(a)
	}
	a.drag = nil
	for i := len(a.hots) - 1; i >= 0; i-- {
		h := a.hots[i]
		if !h.area.contains(m.X, m.Y) {
			continue
		}
		switch msg.(type) {
		case tea.MouseClickMsg:
			if m.Button == tea.MouseLeft && h.click != nil {
				a.notice = ""
				return h.click(a, h.n)
			}
		case tea.MouseWheelMsg:
			steps := 1
			if m.Button == tea.MouseWheelUp {
				steps = -1
			}
			if h.wheel != nil {
				return h.wheel(a, h.n, steps)
			}
		default:
			return nil
		}
	}
	return nil
}

// over reports whether the mouse is inside r, and where.
func (a *app) over(r rect) (x, y int, ok bool) {
	if a.dialog != nil || !r.contains(a.mouse.x, a.mouse.y) {
		return 0, 0, false
	}
	return a.mouse.x - r.x, a.mouse.y - r.y, true
}

// View draws the frame.
func (a *app) View() tea.View {
	s := a.screen
	s.clear()
	a.hots = a.hots[:0]
	if s.w > 0 && s.h > 0 {
		head, body, foot := s.parts()
		a.drawHead(head)
		a.drawTabs(body)
		pages[a.page].draw(a, body)
		a.drawFoot(foot)
		if a.dialog != nil {
			a.hots = a.hots[:0]
			a.dialog.draw(a, s.area())
		}
	}
	v := tea.NewView(s.String(a.theme))
	v.AltScreen = true
	v.MouseMode = tea.MouseModeAllMotion
	v.WindowTitle = "bitdial · " + cutMiddle(a.model.Name, 60)
	return v
}

// drawHead says what the whole plan amounts to.
func (a *app) drawHead(r rect) {
	s := a.screen
	a.addUp()
	t := &a.planned.totals
	approx := ""
	if !t.Exact() {
		approx = "≈"
	}
	if t.Measured < t.Quantized {
		approx = "…"
	}
	sqnr := fmt.Sprintf("SQNR %s%s dB ", approx, dbText(t.SQNR()))
	if t.Quantized > 0 && t.Measured == 0 {
		sqnr = "SQNR … dB "
	}
	right := fmt.Sprintf("%s → %s  %.1f×  %.2f bpw  ", sizeText(t.Now), sizeText(t.Then), t.Ratio(), t.BPW())
	x := s.text(r, r.x, r.y, fg(colAccent).with(bold), " bitdial ")
	sqnr += a.meritText(r.w)
	width := textWidth(right) + textWidth(sqnr)
	left := rect{x, r.y, max(0, r.w-x-width-1), 1}
	facts := fmt.Sprintf("  %d tensors · %s weights", len(a.model.Tensors), countText(int64(t.Params)))
	if a.layers.stored > 0 { // quantized already: what it is compared with are not 16 or 32 bits
		facts += fmt.Sprintf(" of %.2f bits", t.NowBPW())
	}
	mark := ""
	if a.weighted() && left.w > 16 {
		mark = "  imatrix" // weights do not count alike
	}
	name := a.model.Name
	if !a.history.Saved() {
		name += "*"
	}
	if textWidth(name+mark+facts) > left.w {
		name, facts = cutMiddle(name, left.w-len(mark)), ""
	}
	x = s.text(left, x, r.y, style{}.with(bold), name)
	a.hots = append(a.hots, hot{area: rect{x, r.y, len(mark), 1}, click: func(a *app, _ int) tea.Cmd { return a.askImportance() }})
	x = s.text(left, x, r.y, fg(colQuantized), mark)
	s.text(left, x, r.y, fg(colDim), facts)
	end := rect{max(x, r.x+r.w-width), r.y, width, 1}
	x = s.text(end, end.x, r.y, style{}, right)
	s.text(end, x, r.y, style{}.with(bold), sqnr)
}

// drawTabs draws the frame around the pages with their names in it.
func (a *app) drawTabs(r rect) {
	s := a.screen
	s.box(r, fg(colFaint))
	x := r.x + 1
	for i, p := range pages {
		if p.name == "" {
			continue
		}
		if i > 0 {
			x = s.text(r, x, r.y, fg(colFaint), "─")
		}
		st := fg(colDim)
		if i == tabOf(a.page) {
			st = fg(colAccent).with(bold)
		}
		from := x
		label := " " + p.name + " "
		if at := strings.Index(strings.ToLower(label), strings.ToLower(p.key)); at >= 0 {
			x = s.text(r, x, r.y, st, label[:at])
			x = s.text(r, x, r.y, st.with(underline), label[at:at+1])
			x = s.text(r, x, r.y, st, label[at+1:])
		}
		a.hots = append(a.hots, hot{area: rect{from, r.y, x - from, 1}, click: (*app).openPage, n: i})
	}
	if path := a.planPath; path != "" {
		label := " " + filepath.Base(path) + " "
		if w := textWidth(label); x+w+2 < r.x+r.w {
			s.text(r, r.x+r.w-1-w, r.y, fg(colDim), label)
		}
	}
}

// openPage does what the page's key does.
func (a *app) openPage(n int) tea.Cmd {
	return a.key(tea.KeyPressMsg{Code: rune(pages[n].key[0]), Text: pages[n].key})
}

// turnTo shows page n.
func (a *app) turnTo(n int) tea.Cmd {
	a.page, a.digit = n, 0
	return nil
}

// drawFoot names the keys, or says what just happened.
func (a *app) drawFoot(r rect) {
	s := a.screen
	_, r = r.cutLeft(1)
	if a.notice != "" {
		s.text(r, r.x, r.y, fg(colWarn), cutEnd(a.notice, r.w))
		return
	}
	right := a.work.status()
	if right != "" {
		at := s.textRight(rect{r.x, r.y, r.w - 1, 1}, r.y, fg(colDim), right)
		r.w = max(0, at-r.x-1)
	}
	x := r.x
	for i, b := range bindings {
		if b.hint == "" || !b.on(a.page) {
			continue
		}
		w := textWidth(b.show) + 1 + textWidth(b.hint)
		if x+w > r.x+r.w {
			break
		}
		at := s.text(r, x, r.y, fg(colAccent), b.show)
		s.text(r, at+1, r.y, fg(colDim), b.hint)
		a.hots = append(a.hots, hot{area: rect{x, r.y, w, 1}, click: (*app).press, n: i})
		x += w + 2
	}
}
