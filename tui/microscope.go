package tui

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// microscope is the weight that is looked at, and those beside it.
type microscope struct {
	index  int      // of the weight in its tensor
	chosen bool     // by the user; else it follows the largest error
	typed  *float64 // a number that stands in for the weight
	traces []quant.Trace
	first  int // index of traces[0]
	of     fact
	err    error
}

// reset forgets the weight: another layer has been chosen.
func (m *microscope) reset() { *m = microscope{} }

func (a *app) toMicroscope() tea.Cmd {
	a.page = pageMicroscope
	return nil
}

// settle follows the largest error as that becomes known.
func (m *microscope) settle(a *app) {
	t, s := a.selected()
	if t == nil || m.chosen {
		return
	}
	if p, ok := a.work.pictures.get(fact{t, s}); ok {
		m.index = p.MaxAt
	}
}

// look takes the weight and up to n of those around it through the scheme,
// once per place and scheme, and returns the weight's own trace, nil while the
// tensor's summary is not known.
func (m *microscope) look(a *app, n int) *quant.Trace {
	t, s := a.selected()
	if m.of.tensor != nil && m.of.tensor != t || m.index >= t.Len() { // a filter has moved the cursor
		m.reset()
	}
	m.settle(a)
	n = clamp(n, 1, t.Len())
	if first := clamp(m.index-n/2, 0, t.Len()-n); m.traces == nil || m.of != (fact{t, s}) || m.first != first || len(m.traces) != n {
		sum, ok := a.work.summaries.get(t)
		if !ok {
			return nil
		}
		m.first, m.of = first, fact{t, s}
		if m.traces, m.err = quant.ExplainWeights(a.ctx, t, sum, s, first, n); m.err != nil {
			return nil
		}
	}
	trace := m.traces[m.index-m.first]
	if m.typed != nil {
		trace = trace.With(float32(*m.typed))
	}
	return &trace
}

// moveWeight moves along the tensor's row.
func (a *app) moveWeight(steps int) tea.Cmd {
	if t, _ := a.selected(); t != nil {
		a.micro = microscope{index: clamp(a.micro.index+steps, 0, max(0, t.Len()-1)), chosen: true}
	}
	return nil
}

func (a *app) worstWeight() tea.Cmd {
	a.micro.reset()
	return nil
}

// askNumber looks at a typed value, or at the weight of a typed index.
func (a *app) askNumber() tea.Cmd {
	a.dialog = &lineDialog{
		title: "Look at", about: "a number such as 0.7896, or # and the index of a weight such as #4711", line: newInput(""),
		done: func(a *app, text string) tea.Cmd {
			text = strings.TrimSpace(text)
			t, _ := a.selected()
			if index, ok := strings.CutPrefix(text, "#"); ok && t != nil {
				n, err := strconv.Atoi(index)
				if err != nil || n < 0 || n >= t.Len() {
					a.notice = fmt.Sprintf("%q is not a weight of this layer: #0 to #%d", text, t.Len()-1)
					return nil
				}
				a.micro = microscope{index: n, chosen: true}
				return nil
			}
			x, err := strconv.ParseFloat(text, 32)
			if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
				a.notice = fmt.Sprintf("%q is not a number", text)
				return nil
			}
			a.micro = microscope{index: a.micro.index, chosen: true, typed: &x}
			return nil
		},
	}
	return nil
}

// place writes an index as its position along the axes.
func place(index int, shape []int) string {
	part := make([]string, len(shape))
	for i := len(shape) - 1; i >= 0; i-- {
		part[i] = strconv.Itoa(index % shape[i])
		index /= shape[i]
	}
	return "[" + strings.Join(part, ", ") + "]"
}

// drawMicroscope draws one weight on its way through the scheme.
func (a *app) drawMicroscope(r rect) {
	s := a.screen
	in := r.inset(1)
	_, in = in.cutLeft(1)
	_, in = in.cutRight(1)
	t, scheme := a.selected()
	if t == nil || t.Len() == 0 {
		s.text(in, in.x, in.y, fg(colDim), "no weight to look at")
		return
	}
	dials := rect{}
	if rows := dialRows(in.w); in.h >= 20+rows {
		dials, in = in.cutBottom(rows + 1)
		s.hrule(r, dials.y, fg(colFaint), "")
		s.text(r, dials.x+1, dials.y, fg(colDim), " dials ")
		_, dials = dials.cutTop(1)
		a.drawDials(dials)
	}
	trace := a.micro.look(a, max(1, (in.w-8)/neighbourWidth))
	if a.micro.err != nil {
		a.paragraphs(in, fg(colFail), a.micro.err.Error())
		return
	}
	if trace == nil {
		s.text(in, in.x, in.y, fg(colDim), "reading …")
		return
	}
	a.hots = append(a.hots, hot{area: in, wheel: func(a *app, _, steps int) tea.Cmd { return a.moveWeight(steps) }})
	where := fmt.Sprintf("  #%d %s", a.micro.index, place(a.micro.index, t.Shape))
	if !a.micro.chosen {
		where += "  the largest error"
	}
	if a.micro.typed != nil {
		where = "  a typed number, with the scale of" + where[1:]
	}
	x := s.text(in, in.x, in.y, fg(colQuantized).with(bold), schemeText(t, scheme)+"  ")
	x = s.text(in, x, in.y, style{}.with(bold), cutMiddle(t.Name, max(8, in.w-(x-in.x)-textWidth(where))))
	s.text(in, x, in.y, style{}, cutEnd(where, in.x+in.w-x))

	_, body := in.cutTop(2)
	if body.h >= 17 {
		var row rect
		row, body = body.cutTop(3)
		a.drawNeighbours(row)
	}
	used := a.drawChain(body, trace)
	_, body = body.cutTop(min(used+1, max(used, body.h-numberLineRows)))
	grid := make([]float64, len(trace.Grid))
	for i, g := range trace.Grid {
		grid[i] = float64(g)
	}
	paintNumberLine(s, body, numberLine{grid, float64(trace.X), float64(trace.Step.Value)})
}

// neighbourWidth is how many columns one of the weights in the row takes.
const neighbourWidth = 10

// drawNeighbours writes the weights around the one looked at, what became of
// them, and a mark below the one.
func (a *app) drawNeighbours(r rect) {
	s, m := a.screen, &a.micro
	s.text(r, r.x, r.y, fg(colDim), "row")
	s.text(r, r.x, r.y+1, fg(colDim), "becomes")
	for i := range m.traces {
		t := &m.traces[i]
		cell := rect{r.x + 8 + i*neighbourWidth, r.y, neighbourWidth - 1, 2}
		before, after := fg(colOriginal), fg(colQuantized)
		if m.first+i == m.index {
			before, after = before.with(bold).on(colSelectBg), after.with(bold).on(colSelectBg)
			s.fill(cell, style{}.on(colSelectBg))
		}
		s.textRight(cell, cell.y, before, valueText(float64(t.X)))
		s.textRight(cell, cell.y+1, after, valueText(float64(t.Step.Value)))
		a.hots = append(a.hots, hot{
			area: cell, n: m.first + i, wheel: func(a *app, _, steps int) tea.Cmd { return a.moveWeight(steps) },
			click: func(a *app, n int) tea.Cmd { return a.moveWeight(n - a.micro.index) },
		})
	}
}

// drawChain writes the steps of the trace, one a row, and beside them what the
// other roundings would have given. It returns how many rows that took.
func (a *app) drawChain(r rect, t *quant.Trace) (rows int) {
	s := a.screen
	const label = 16
	y := r.y
	row := func(name string, part ...any) {
		if y >= r.y+r.h {
			return
		}
		x := s.text(r, r.x, y, fg(colDim), name)
		x = max(x+1, r.x+label)
		for i := 0; i+1 < len(part); i += 2 {
			x = s.text(r, x, y, part[i].(style), part[i+1].(string))
		}
		y++
	}
	sign, exponent, mantissa := quant.Bits(t.X)
	strong := style{}.with(bold)
	row("weight", fg(colOriginal).with(bold), fullText(t.X))
	row("as float32", fg(colFail), sign, fg(colText), " ", fg(colAccent), exponent, fg(colText), " ", fg(colGood), mantissa)
	if e, err := strconv.ParseUint(exponent, 2, 9); err == nil {
		row("", fg(colFail), "sign", fg(colAccent), fmt.Sprintf(" exponent 2^%d", max(-126, int(e)-127)), fg(colGood), "   mantissa")
	}
	switch {
	case t.Scheme.Keep():
		row("kept", fg(colDim), "as it is stored: no step changes it")
		return y - r.y
	case !kernels.Finite(t.X):
		row("not finite", fg(colWarn), "NaN and ±Inf stay as they are and are counted")
		return y - r.y
	case t.Scheme.Format.Cast != nil:
		row("cast", fg(colDim), "to the nearest "+t.Scheme.Format.Name+", halves to the even one")
		row("as "+t.Scheme.Format.Name, fg(colQuantized), t.CodeBits())
		row("comes back", fg(colQuantized).with(bold), fullText(t.Step.Value))
		row("error", fg(colError).with(bold), valueDigits(t.Err(), 6))
		return y - r.y
	}
	top := y
	f := t.Scheme.Format
	switch a, integer := t.Affine(); {
	case integer:
		row("÷ scale", fg(colDim), fullText(a.Scale)+" → ", strong, valueDigits(float64(t.Step.Scaled), 7))
		row("rounded", strong, fmt.Sprintf("%.0f", t.Step.Rounded), fg(colDim), "  "+t.Scheme.Rounding.Title)
		if t.Scheme.Asymmetric {
			row("+ zero point", fg(colDim), fmt.Sprintf("%d → ", a.Zero), strong, fmt.Sprintf("%.0f", float64(t.Step.Rounded)+float64(a.Zero)))
		}
		clamped, note := strong, "  inside"
		if t.Step.Clipped {
			clamped, note = fg(colWarn).with(bold), "  clipped"
		}
		row("clamped", clamped, strconv.Itoa(int(t.Step.Code)), fg(colDim), fmt.Sprintf("%s %d … %d", note, a.Min, a.Max))
		row("integer's bits", fg(colQuantized), t.CodeBits())
		row("comes back", fg(colQuantized).with(bold), fullText(t.Step.Value), fg(colDim), fmt.Sprintf("  = %d × scale", t.Step.Code-a.Zero))
	case t.Scale() > 0:
		row("÷ scale", fg(colDim), fullText(t.Scale())+" → ", strong, valueDigits(float64(t.Step.Scaled), 7))
		row("nearest value", strong, valueDigits(float64(t.Step.Rounded), 7), fg(colDim), "  of "+f.Name)
		row("its bits", fg(colQuantized), t.CodeBits())
		row("comes back", fg(colQuantized).with(bold), fullText(t.Step.Value), fg(colDim), fmt.Sprintf("  = %s × scale", valueDigits(float64(t.Step.Rounded), 4)))
	case t.Map != nil:
		row("nearest value", fg(colQuantized).with(bold), fullText(t.Step.Value), fg(colDim), fmt.Sprintf("  number %d of the codebook", t.Step.Code))
		row("its bits", fg(colQuantized), t.CodeBits())
	default:
		row("packed", fg(colDim), fmt.Sprintf("with its block of %d: %s", f.Block(), f.About))
		row("comes back", fg(colQuantized).with(bold), fullText(t.Step.Value))
	}
	steps := ""
	if t.Scale() > 0 && f.Integer() {
		steps = fmt.Sprintf("  %.2f steps", t.Err()/float64(t.Scale()))
	}
	row("error", fg(colError).with(bold), valueDigits(t.Err(), 6), fg(colDim), steps)
	if len(t.Modes) == 0 {
		return y - r.y
	}

	left := 44
	if r.w >= 96 {
		left = 52
		s.text(r, r.x+left, top-1, fg(colDim), "the other roundings")
	}
	side := rect{r.x + left, top, clamp(r.w-left, 0, 48), r.h - (top - r.y)}
	if side.w < 30 {
		return y - r.y
	}
	for i, mode := range t.Modes {
		st := style{}
		if mode.Rounding == t.Scheme.Rounding {
			st = st.with(bold).on(colSelectBg)
		}
		line := rect{side.x, side.y + i, side.w, 1}
		if line.y >= r.y+r.h {
			break
		}
		s.fill(line, st)
		s.text(line, line.x, line.y, st, mode.Rounding.Title)
		s.textRight(rect{line.x, line.y, 19, 1}, line.y, st, strconv.Itoa(int(mode.Code)))
		s.textRight(rect{line.x, line.y, 30, 1}, line.y, fg(colQuantized).on(st.bg), valueText(float64(mode.Value)))
		if line.w >= 42 {
			s.textRight(rect{line.x, line.y, 42, 1}, line.y, fg(colError).on(st.bg), valueText(float64(t.X)-float64(mode.Value)))
		}
	}
	return y - r.y
}

// fullText writes a float32 so that it reads back as the same.
func fullText(x float32) string { return strconv.FormatFloat(float64(x), 'g', -1, 32) }
