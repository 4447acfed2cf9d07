package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// Indices in quant.Dials.
const (
	dialFamily = iota
	dialFormat
)

// turn turns dial n of the selected layer.
func (a *app) turn(n, steps int) tea.Cmd {
	a.dial, a.digit = n, 0
	t, s := a.selected()
	if t == nil {
		return nil
	}
	if why := a.whyNot(n); why != "" {
		a.notice = why
		return nil
	}
	next, skipped := fitting(quant.Dials[n], s, steps, t.Shape)
	if skipped != "" {
		a.notice = skipped
	}
	return a.setScheme(next)
}

// fitting turns dial d by steps over the schemes that fit a tensor of the given
// shape, and says why others were passed over.
func fitting(d *quant.Dial[quant.Scheme], s quant.Scheme, steps int, shape []int) (next quant.Scheme, skipped string) {
	options, at := d.Options(s)
	step := 1
	if steps < 0 {
		step = -1
	}
	next = s
	for i := at + step; i >= 0 && i < len(options) && steps != 0; i += step {
		o, ok := fit(options[i].Scheme, d == quant.Dials[dialFamily], shape)
		if !ok {
			skipped = o.WhyNot(shape)
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
	case !quant.Quantizable(t):
		return t.DType.Name + " is not quantized: integers are codes or ids"
	}
	return quant.Dials[n].Why(s)
}

func (a *app) nextDial(steps int) tea.Cmd {
	n := len(quant.Dials)
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
	case t == nil || !quant.Quantizable(t):
		a.notice = a.whyNot(dialFormat)
		return nil
	case bits == 1:
		a.digit = 1
		a.notice = "1_ : 0 to 6 for 10 to 16 bits"
		return nil
	}
	if f := kernels.FormatOf(fmt.Sprintf("int%d", bits)); f != nil {
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

// dialGrid lays the dials out in as many columns as there is room for.
func dialGrid(w int) (rows, columns int) {
	columns = clamp(w/dialWidth, 1, 4)
	return (len(quant.Dials) + columns - 1) / columns, columns
}

// drawDials draws the dials, column by column, and below them what the one in
// focus is for.
func (a *app) drawDials(r rect) {
	t, s := a.selected()
	if t == nil {
		return
	}
	sc := a.screen
	about, r := r.cutBottom(1)
	rows, columns := dialGrid(r.w)
	width := r.w / columns
	for n, d := range quant.Dials {
		cell := rect{r.x + n/rows*width, r.y + n%rows, width - 1, 1}
		if !r.contains(cell.x, cell.y) {
			continue
		}
		why := a.whyNot(n)
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
		x := sc.text(cell, cell.x, cell.y, label, mark+d.Name)
		x = max(x+1, cell.x+dialLabel)
		text := "–"
		if why == "" {
			text = d.Label(s)
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
	line := quant.Dials[a.dial].Name + ": " + quant.Dials[a.dial].About
	if why := a.whyNot(a.dial); why != "" {
		line = quant.Dials[a.dial].Name + ": " + why
	} else {
		switch name := quant.Dials[a.dial].Name; {
		case name == "format":
			line = fmt.Sprintf("%s: %s · %.2f bpw · %s", s.Format.Name, s.Format.About, a.bpw(a.layers.selected()), s.Format.Runs)
		case name == "rounding":
			line = "rounding " + s.Rounding.About
		case name == "range" && s.Range != nil:
			line = "range: " + s.Range.About
		}
	}
	sc.text(about, about.x+1, about.y, fg(colDim), cutEnd(line, about.w-2))
}
