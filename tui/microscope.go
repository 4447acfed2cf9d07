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

// microscope is the weight that is looked at.
type microscope struct {
	index  int      // of the weight in its tensor
	chosen bool     // by the user; else it follows the largest error
	typed  *float64 // a number that stands in for the weight
	trace  *quant.Trace
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
	if t == nil {
		return
	}
	if p, ok := a.work.pictures.get(fact{t, s}); ok && !m.chosen && m.index != p.MaxAt {
		m.index, m.trace = p.MaxAt, nil
	}
}

// look takes the weight through the scheme, once per weight and scheme.
func (m *microscope) look(a *app) *quant.Trace {
	t, s := a.selected()
	m.settle(a)
	if f := (fact{t, s}); m.trace != nil && m.of == f {
		return m.trace
	}
	sum, ok := a.work.summaries.get(t)
	if !ok {
		return nil
	}
	trace, err := quant.ExplainWeight(a.ctx, t, sum, s, m.index)
	if err == nil && m.typed != nil {
		trace = trace.With(float32(*m.typed))
	}
	m.trace, m.of, m.err = &trace, fact{t, s}, err
	return m.trace
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
	trace := a.micro.look(a)
	if a.micro.err != nil {
		a.paragraphs(in, fg(colFail), a.micro.err.Error())
		return
	}
	if trace == nil {
		s.text(in, in.x, in.y, fg(colDim), "reading …")
		return
	}
	a.hots = append(a.hots, hot{area: in, wheel: func(a *app, _, steps int) tea.Cmd { return a.moveWeight(steps) }})
	what := fmt.Sprintf("%s  #%d %s", cutMiddle(t.Name, max(10, in.w-44)), a.micro.index, place(a.micro.index, t.Shape))
	switch {
	case a.micro.typed != nil:
		what = fmt.Sprintf("a typed number in place of %s", what)
	case !a.micro.chosen:
		what += "  the largest error"
	}
	x := s.text(in, in.x, in.y, fg(colQuantized).with(bold), schemeText(t, scheme)+"  ")
	s.text(in, x, in.y, style{}, cutEnd(what, in.x+in.w-x))

	line := rect{}
	_, body := in.cutTop(2)
	if body.h >= 14 {
		line, body = body.cutBottom(min(7, body.h-9))
	}
	a.drawChain(body, trace)
	if line.h > 0 && len(trace.Grid) > 1 {
		a.drawGrid(line, trace)
	}
}

// drawChain writes the steps of the trace, one a row, and beside them what the
// other roundings would have given.
func (a *app) drawChain(r rect, t *quant.Trace) {
	s := a.screen
	const label = 13
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
		return
	case !kernels.Finite(t.X):
		row("not finite", fg(colWarn), "NaN and ±Inf stay as they are and are counted")
		return
	case !t.Scheme.Scaled():
		row("cast", fg(colDim), "to the nearest "+t.Scheme.Format.Name+", halves to the even one")
		row("as "+t.Scheme.Format.Name, fg(colQuantized), t.CodeBits())
		row("comes back", fg(colQuantized).with(bold), fullText(t.Step.Value))
		row("error", fg(colError).with(bold), valueDigits(t.Err(), 6))
		return
	}
	top := y
	m := t.Map
	row("÷ scale", fg(colDim), fullText(m.Scale)+" → ", strong, valueDigits(float64(t.Step.Scaled), 7))
	row("rounded", strong, fmt.Sprintf("%.0f", t.Step.Rounded), fg(colDim), "  "+t.Scheme.Rounding.Title)
	if t.Scheme.Asymmetric {
		row("+ zero point", fg(colDim), fmt.Sprintf("%d → ", m.Zero), strong, fmt.Sprintf("%.0f", float64(t.Step.Rounded)+float64(m.Zero)))
	}
	clamped := style{}.with(bold)
	note := "  inside"
	if t.Step.Clipped {
		clamped, note = fg(colWarn).with(bold), "  clipped"
	}
	row("clamped", clamped, strconv.Itoa(int(t.Step.Code)), fg(colDim), fmt.Sprintf("%s %d … %d", note, m.Min, m.Max))
	row("integer's bits", fg(colQuantized), t.CodeBits())
	row("comes back", fg(colQuantized).with(bold), fullText(t.Step.Value), fg(colDim), fmt.Sprintf("  = %d × scale", t.Step.Code-m.Zero))
	row("error", fg(colError).with(bold), valueDigits(t.Err(), 6), fg(colDim), fmt.Sprintf("  %.2f steps", t.Err()/float64(m.Scale)))

	side := rect{r.x + 46, top, max(0, r.w-46), r.h - (top - r.y)}
	if side.w < 24 {
		return
	}
	s.text(side, side.x, side.y-1, fg(colDim), "rounded otherwise")
	for i, mode := range t.Modes {
		st := style{}
		if mode.Rounding == t.Scheme.Rounding {
			st = st.with(bold).on(colSelectBg)
		}
		line := rect{side.x, side.y + i, min(side.w, 52), 1}
		if line.y >= r.y+r.h {
			break
		}
		s.fill(line, st)
		s.text(line, line.x, line.y, st, mode.Rounding.Title)
		s.textRight(rect{line.x, line.y, 19, 1}, line.y, st, strconv.Itoa(int(mode.Code)))
		s.text(line, line.x+21, line.y, fg(colQuantized).on(st.bg), valueText(float64(mode.Value)))
		s.textRight(line, line.y, fg(colError).on(st.bg), valueText(float64(t.X)-float64(mode.Value)))
	}
}

// drawGrid draws the number line with the grid points around the weight.
func (a *app) drawGrid(r rect, t *quant.Trace) {
	grid := make([]float64, len(t.Grid))
	for i, g := range t.Grid {
		grid[i] = float64(g)
	}
	paintNumberLine(a.screen, r, numberLine{grid, float64(t.X), float64(t.Step.Value)})
}

// fullText writes a float32 so that it reads back as the same.
func fullText(x float32) string { return strconv.FormatFloat(float64(x), 'g', -1, 32) }
