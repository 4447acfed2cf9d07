package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// Indices in quant.Dials, and in quant.ActivationDials.
const (
	dialFamily = iota
	dialFormat
	_
	_
	dialWhen // of activations alone
)

// onInputs reports whether the dials are those of what flows into the layer.
func (a *app) onInputs() bool { return a.inputs && a.page == pageLayers }

// turn turns dial n of the selected layer.
func (a *app) turn(n, steps int) tea.Cmd {
	n = min(n, a.dials()-1) // another page has more of them
	a.dial, a.digit = n, 0
	t, s := a.selected()
	if t == nil {
		return nil
	}
	if why := a.whyNot(n); why != "" {
		a.notice = why
		return nil
	}
	if a.onInputs() {
		next, skipped := fitting(quant.ActivationDials[n], a.activation(t.Name), steps, func(f quant.Activation) (quant.Activation, string) {
			return f, f.WhyNot(a.run.inputs[t.Name])
		})
		a.note(skipped)
		return a.setActivation(next)
	}
	next, skipped := fitting(quant.Dials[n], s, steps, func(s quant.Scheme) (quant.Scheme, string) {
		fits, ok := fit(s, n == dialFamily, t.Shape)
		if !ok {
			return s, s.WhyNot(t.Shape)
		}
		return fits, ""
	})
	a.note(skipped)
	return a.setScheme(next)
}

// note says something in the last row, if there is something to say.
func (a *app) note(text string) {
	if text != "" {
		a.notice = text
	}
}

// fitting turns dial d by steps over the schemes that fit, and says why others
// were passed over. fit returns what takes the place of a scheme, or why none
// does.
func fitting[S comparable](d *quant.Dial[S], s S, steps int, fit func(S) (S, string)) (next S, skipped string) {
	options, at := d.Options(s)
	step := 1
	if steps < 0 {
		step = -1
	}
	next = s
	for i := at + step; i >= 0 && i < len(options) && steps != 0; i += step {
		o, why := fit(options[i].Scheme)
		if why != "" {
			skipped = why
			continue
		}
		next, steps = o, steps-step
	}
	return next, skipped
}

// fit returns s, or if any member of its family will do, the one nearest in
// bits that fits the shape, and whether there is one.
func fit(s quant.Scheme, family bool, shape []int) (quant.Scheme, bool) {
	if s.WhyNot(shape) == "" || !family {
		return s, s.WhyNot(shape) == ""
	}
	members, _ := quant.Dials[dialFormat].Options(s)
	best, found := s, false
	for _, m := range members {
		bits, least := m.Scheme.Format.Bits-s.Format.Bits, best.Format.Bits-s.Format.Bits
		if m.Scheme.WhyNot(shape) == "" && (!found || bits*bits < least*least) {
			best, found = m.Scheme, true
		}
	}
	return best, found
}

// whyNot returns why dial n cannot be turned, or "".
func (a *app) whyNot(n int) string {
	t, s := a.selected()
	switch {
	case t == nil:
		return "no layer is selected"
	case a.onInputs():
		if why := a.whyNoInputs(t); why != "" {
			return why
		}
		return quant.ActivationDials[n].Why(a.activation(t.Name))
	case !quant.Quantizable(t):
		return t.DType.Name + " is not quantized: integers are codes or ids"
	}
	return quant.Dials[n].Why(s)
}

// whyNoInputs returns why there is no scheme for what flows into t, or "".
func (a *app) whyNoInputs(t *model.Tensor) string {
	switch {
	case a.run.bench == nil:
		return "nothing flows: the model cannot be run"
	case a.run.inputs == nil:
		return a.run.failed[errand{kind: calibrate}].Error()
	case a.run.inputs[t.Name] == nil:
		return "nothing flows into " + t.Name + ": Conv, Gemm and MatMul have inputs"
	}
	return ""
}

// toInputs turns between the dials of weights and of what flows in.
func (a *app) toInputs() tea.Cmd {
	if a.run.bench == nil {
		a.notice = "the model cannot be run here: nothing flows into its layers"
		return nil
	}
	return a.showInputs(map[bool]int{false: 1}[a.inputs])
}

// showInputs shows the dials of weights (0) or of what flows in (1).
func (a *app) showInputs(n int) tea.Cmd {
	a.inputs, a.digit, a.channel = n == 1, 0, 0
	a.dial = min(a.dial, a.dials()-1)
	if t, _ := a.selected(); a.inputs && t != nil && a.activation(t.Name).Keep() {
		a.dial = dialWhen // the way out of float
	}
	return nil
}

// dials returns how many dials there are.
func (a *app) dials() int {
	if a.onInputs() {
		return len(quant.ActivationDials)
	}
	return len(quant.Dials)
}

func (a *app) nextDial(steps int) tea.Cmd {
	n := a.dials()
	a.dial = (a.dial + steps + n) % n
	return nil
}

func (a *app) focusDial(n int) tea.Cmd {
	a.dial = n
	return nil
}

func (a *app) wheelDial(n, steps int) tea.Cmd { return a.turn(n, -steps) }

func (a *app) turnDown(n int) tea.Cmd { return a.turn(n, -1) }
func (a *app) turnUp(n int) tea.Cmd   { return a.turn(n, 1) }

// typeBits sets the bit width to a digit, or to 10 to 16 after a 1.
func (a *app) typeBits(digit int) tea.Cmd {
	bits := digit
	if a.digit == 1 {
		bits = 10 + digit
	}
	a.digit, a.dial = 0, dialFormat
	t, s := a.selected()
	switch {
	case t == nil || !quant.Quantizable(t) || a.onInputs() && a.whyNoInputs(t) != "":
		a.notice = a.whyNot(dialFormat)
		return nil
	case bits == 1:
		a.digit = 1
		a.notice = "1_ : 0 to 6 for 10 to 16 bits"
		return nil
	}
	if f := kernels.FormatOf(fmt.Sprintf("int%d", bits)); f != nil {
		if a.onInputs() {
			return a.setActivation(a.activation(t.Name).As(f))
		}
		if !s.Has(kernels.Granular) { // the default's other dials, which people expect
			s = a.history.Plan().Default.Scheme
		}
		return a.setScheme(s.As(f))
	}
	a.notice = fmt.Sprintf("%d bits: integers have 1 to 16", bits)
	return nil
}

const (
	dialWidth = 30
	dialLabel = 13
)

// dialRows is how many rows the dials take, with the one that says what the
// dial in focus is for.
func dialRows(w int) int {
	rows, _ := dialGrid(w)
	return rows + 1
}

// dialGrid lays the dials out in as many columns as there is room for: those of
// weights, of which there are more, so that nothing moves between the two.
func dialGrid(w int) (rows, columns int) {
	columns = clamp(w/dialWidth, 1, 4)
	return (len(quant.Dials) + columns - 1) / columns, columns
}

// drawDialTitle writes " dials " at (x, y), and between whose they are.
func (a *app) drawDialTitle(r rect, x, y int) {
	s := a.screen
	x = s.text(r, x, y, fg(colDim), " dials ")
	if a.run.bench == nil {
		return
	}
	for n, name := range []string{"weights", "inputs"} {
		st := fg(colDim)
		if a.inputs == (n == 1) {
			st = fg(colAccent).with(bold)
		}
		from := x
		x = s.text(r, x, y, fg(colFaint), "─ ")
		if n == 1 { // its first letter is the key
			x = s.text(r, x, y, st.with(underline), name[:1])
			name = name[1:]
		}
		x = s.text(r, x, y, st, name+" ")
		a.hots = append(a.hots, hot{area: rect{from, y, x - from, 1}, click: (*app).showInputs, n: n})
	}
}

// face is what a dial shows.
type face struct{ name, label, about string }

// faceOf returns what dial n shows; the label is "–" where it does not apply.
func (a *app) faceOf(n int) face {
	t, s := a.selected()
	if a.onInputs() {
		d, f := quant.ActivationDials[n], a.activation(t.Name)
		return face{d.Name, d.Label(f), flowAbout(d, f)}
	}
	d := quant.Dials[n]
	about := d.Name + ": " + d.About
	switch {
	case d.Why(s) != "":
	case d.Name == "format":
		about = fmt.Sprintf("%s: %s · %.2f bpw · %s", s.Format.Name, s.Format.About, a.bpw(a.layers.selected()), s.Format.Runs)
	default:
		about = schemeAbout(d.Name, s, about)
	}
	return face{d.Name, d.Label(s), about}
}

// schemeAbout says what the present position of a dial does, where the table of
// positions says it, else about.
func schemeAbout(name string, s quant.Scheme, about string) string {
	switch {
	case name == "rounding":
		return "rounding " + s.Rounding.About
	case name == "range" && s.Range != nil:
		return "range: " + s.Range.About
	}
	return about
}

// flowAbout is schemeAbout for activations.
func flowAbout(d *quant.Dial[quant.Activation], f quant.Activation) string {
	about := d.Name + ": " + d.About
	switch {
	case d.Why(f) != "":
	case d.Name == "format":
		about = f.Format.Name + ": " + f.Format.About + " · " + f.Format.Runs
	case d.Name == "when" && f.WhyNotStatic() != "":
		about = "when: not static: " + f.WhyNotStatic()
	case d.Name == "range" && f.Average:
		about = "range: the mean of the extremes that the inputs have, one by one"
	default:
		return schemeAbout(d.Name, f.Scheme, about)
	}
	return about
}

// drawDials draws the dials, column by column, and below them what the one in
// focus is for.
func (a *app) drawDials(r rect) {
	if t, _ := a.selected(); t == nil {
		return
	}
	sc := a.screen
	about, r := r.cutBottom(1)
	rows, columns := dialGrid(r.w)
	width := r.w / columns
	for n := range a.dials() {
		cell := rect{r.x + n/rows*width, r.y + n%rows, width - 1, 1}
		if !r.contains(cell.x, cell.y) {
			continue
		}
		why, of := a.whyNot(n), a.faceOf(n)
		label, value, arrow := fg(colDim), style{}, fg(colFaint)
		if why != "" {
			label, value = fg(colFaint), fg(colFaint)
		}
		if n == a.dial {
			label = fg(colAccent).with(bold)
			if why == "" {
				value, arrow = value.with(bold), fg(colAccent)
			}
		}
		if _, _, ok := a.over(cell); ok {
			sc.fill(cell, style{}.on(colHoverBg))
			label, value, arrow = label.on(colHoverBg), value.on(colHoverBg), arrow.on(colHoverBg)
		}
		a.hots = append(a.hots, hot{area: cell, click: (*app).focusDial, wheel: (*app).wheelDial, n: n})
		mark := " "
		if n == a.dial {
			mark = "›"
		}
		x := sc.text(cell, cell.x, cell.y, label, mark+of.name)
		x = max(x+1, cell.x+dialLabel)
		text := "–"
		if why == "" {
			text = of.label
			if n == dialFormat && a.digit == 1 {
				text = "1_"
			}
			sc.text(cell, x, cell.y, arrow, "◂")
			a.hots = append(a.hots, hot{area: rect{x, cell.y, 2, 1}, click: (*app).turnDown, wheel: (*app).wheelDial, n: n})
		}
		x = sc.text(cell, x+2, cell.y, value, text)
		if why == "" {
			sc.text(cell, x+1, cell.y, arrow, "▸")
			a.hots = append(a.hots, hot{area: rect{x, cell.y, 3, 1}, click: (*app).turnUp, wheel: (*app).wheelDial, n: n})
		}
	}
	n := min(a.dial, a.dials()-1)
	line := a.faceOf(n).about
	if why := a.whyNot(n); why != "" {
		line = a.faceOf(n).name + ": " + why
	}
	sc.text(about, about.x+1, about.y, fg(colDim), cutEnd(line, about.w-2))
}
