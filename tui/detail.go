package tui

import (
	"fmt"
	"math"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// drawLayers draws the first page: the list, and what the dials do to the
// layer under the cursor.
func (a *app) drawLayers(r rect) {
	s := a.screen
	in := r.inset(1)
	list := clamp(in.w*45/100, min(34, in.w), 84)
	left, rest := in.cutLeft(list)
	s.vrule(r, rest.x, fg(colFaint))
	_, left = left.cutLeft(1)
	a.drawList(left)
	_, right := rest.cutLeft(1)
	t, scheme := a.selected()
	if t == nil {
		return
	}
	dials, plots := right.cutBottom(dialRows(right.w) + 1)
	rule := dials.y - 1
	_, plots = plots.cutBottom(0)
	plots.h = max(0, plots.h-1)
	for x := rest.x + 1; x < r.x+r.w-1; x++ {
		s.line(x, rule, armLeft|armRight, fg(colFaint))
	}
	s.line(rest.x, rule, armRight, fg(colFaint))
	s.line(r.x+r.w-1, rule, armLeft, fg(colFaint))
	s.text(right, right.x+1, rule, fg(colDim), " dials ")
	a.drawDials(dials)

	before, compare := a.previous[t]
	if a.compare && compare {
		one, other := plots.cutLeft(plots.w / 2)
		a.drawDetail(rect{one.x, one.y, max(0, one.w-1), one.h}, t, before, "before: ")
		a.drawDetail(other, t, scheme, "now: ")
		return
	}
	a.drawDetail(plots, t, scheme, "")
}

func (a *app) toggleCompare() tea.Cmd {
	t, _ := a.selected()
	if t == nil {
		return nil
	}
	if _, ok := a.previous[t]; !ok && !a.compare {
		a.notice = "nothing to compare with: this layer's scheme has not changed yet"
		return nil
	}
	a.compare = !a.compare
	return nil
}

// drawDetail draws what s does to t: figures, histograms, error per channel.
func (a *app) drawDetail(r rect, t *model.Tensor, s quant.Scheme, label string) {
	sc := a.screen
	title, r := r.cutTop(1)
	_, title = title.cutLeft(1)
	count := fmt.Sprintf("%s %s ", countText(int64(t.Len())), strings.ToLower(t.DType.Name))
	name := label
	if label == "" {
		name = t.Name
	} else {
		name += schemeText(t, s)
		count = ""
	}
	x := sc.text(title, title.x, title.y, style{}.with(bold), cutMiddle(name, max(0, title.w-textWidth(count)-1)))
	if label == "" && title.w-(x-title.x)-textWidth(count) > 12 {
		sc.text(title, x+1, title.y, fg(colDim), shapeText(t.Shape))
	}
	sc.textRight(title, title.y, fg(colDim), count)

	m, ok := a.work.pictures.get(fact{t, s})
	if !ok {
		// The picture before stays until the new one is there.
		if m = a.work.shown; m == nil || m.Tensor != t || label != "" {
			text := "reading …"
			if err := a.work.failed[t]; err != nil {
				text = err.Error()
			}
			a.paragraphs(r.inset(1), fg(colDim), text)
			return
		}
	}
	if label == "" {
		a.work.shown = m
	}
	facts, r := r.cutTop(factRows(r.w))
	a.drawFigures(facts, m)
	a.drawPlots(r, m)
}

func factRows(w int) int {
	if w >= 84 {
		return 1
	}
	return 2
}

// drawFigures writes the measurement's figures, the most wanted first.
func (a *app) drawFigures(r rect, m *quant.Measurement) {
	approx := ""
	if !m.Exact {
		approx = "≈"
	}
	sqnr := approx + dbText(m.SQNR()) + " dB"
	if spread := (m.SQNRHi - m.SQNRLo) / 2; spread > 0 {
		sqnr += fmt.Sprintf(" ±%.1f", spread)
	}
	facts := []struct{ name, value string }{
		{"SQNR", sqnr},
		{"bpw", fmt.Sprintf("%.2f", m.BPW())},
		{"size", sizeText(m.Tensor.Bytes()) + " → " + sizeText(m.Bytes)},
		{"clipped", shareText(m.ClippedShare())},
		{"to zero", shareText(m.ZeroShare())},
		{"max |e|", valueText(m.MaxAbs)},
		{"MSE", valueText(m.MSE())},
		{"cosine", fmt.Sprintf("%.5f", m.Cosine())},
	}
	if m.NonFinite > 0 {
		facts = append(facts[:1], append([]struct{ name, value string }{{"NaN/Inf", countText(int64(m.NonFinite))}}, facts[1:]...)...)
	}
	x, y := r.x+1, r.y
	for _, f := range facts {
		w := textWidth(f.name) + 1 + textWidth(f.value)
		if x+w > r.x+r.w {
			x, y = r.x+1, y+1
		}
		if y >= r.y+r.h {
			return
		}
		x = a.screen.text(r, x, y, fg(colDim), f.name+" ")
		st := style{}.with(bold)
		if f.name == "NaN/Inf" {
			st = fg(colWarn).with(bold)
		}
		x = a.screen.text(r, x, y, st, f.value) + 2
	}
}

func shareText(share float64) string {
	switch p := 100 * share; {
	case p == 0:
		return "0 %"
	case p < 0.01:
		return "<0.01 %"
	case p < 10:
		return fmt.Sprintf("%.2f %%", p)
	default:
		return fmt.Sprintf("%.0f %%", p)
	}
}

// drawPlots draws the histograms and the strip, each if there is room.
func (a *app) drawPlots(r rect, m *quant.Measurement) {
	s := a.screen
	_, r = r.cutLeft(1)
	strip, r := r.cutBottom(2)
	rest := r
	errorPlot := rect{}
	if r.h >= 9 {
		errorPlot, rest = r.cutBottom(max(4, r.h*3/10))
	}
	view := histogramView{
		axis:     axis{m.Original.Lo, m.Original.Hi, m.ClipLo, m.ClipHi},
		original: m.Original.Bins, quantized: m.Quantized.Bins, log: a.log,
	}
	legend, plot := rest.cutTop(1)
	a.drawLegend(legend, m, plot, &view)
	paintHistogram(s, plot, &view)
	if x, _, ok := a.over(plot); ok {
		paintColumnCursor(s, plot, x)
	}
	if errorPlot.h > 0 {
		head, plot := errorPlot.cutTop(1)
		x := s.text(head, head.x, head.y, fg(colError), "error")
		s.text(head, x+2, head.y, fg(colDim), cutEnd(fmt.Sprintf("±%s", valueText(m.MaxAbs)), head.w))
		if m.E2 > 0 {
			paintErrorHistogram(s, plot, &errorView{axis: axis{lo: m.Close.Lo, hi: m.Close.Hi}, bins: m.Close.Bins, log: a.log})
		} else {
			s.text(plot, plot.x, plot.y, fg(colDim), "none")
		}
	}
	a.drawStrip(strip, m)
}

// drawLegend names the two histograms, or what the mouse is over.
func (a *app) drawLegend(r rect, m *quant.Measurement, plot rect, view *histogramView) {
	s := a.screen
	if x, _, ok := a.over(plot); ok {
		lo, hi, before, after := view.column(plot, x)
		s.text(r, r.x, r.y, style{}, cutEnd(fmt.Sprintf("%s to %s: %s → %s weights", valueText(lo), valueText(hi), countText(before), countText(after)), r.w))
		return
	}
	x := s.text(r, r.x, r.y, fg(colOriginal), "■ ")
	x = s.text(r, x, r.y, fg(colDim), strings.ToLower(m.Tensor.DType.Name)+"  ")
	x = s.text(r, x, r.y, fg(colQuantized), "■ ")
	x = s.text(r, x, r.y, fg(colDim), m.Scheme.String()+"  ")
	if m.ClipHi > m.ClipLo {
		x = s.text(r, x, r.y, fg(colClip), "┊ ")
		s.text(r, x, r.y, fg(colDim), cutEnd("clipping range", r.x+r.w-x-1))
	}
	axis := "linear"
	if a.log {
		axis = "log"
	}
	if at := r.x + r.w - len(axis); at > x+16 {
		s.text(r, at, r.y, fg(colFaint), axis)
		a.hots = append(a.hots, hot{area: rect{at, r.y, len(axis), 1}, click: func(a *app, _ int) tea.Cmd { a.log = !a.log; return nil }})
	}
}

// drawStrip draws the error per channel, with the value under the mouse.
func (a *app) drawStrip(r rect, m *quant.Measurement) {
	if r.h < 2 || len(m.Channels) == 0 {
		return
	}
	s := a.screen
	head, row := r.cutTop(1)
	values := make([]float64, len(m.Channels))
	worst, at := math.Inf(1), -1
	for i, c := range m.Channels {
		values[i] = math.NaN()
		if c.N > 0 {
			values[i] = c.SQNR()
			if values[i] < worst {
				worst, at = values[i], i
			}
		}
	}
	x := s.text(head, head.x, head.y, fg(colDim), "channels  ")
	cursor := -1
	if mx, _, ok := a.over(row); ok {
		cursor = mx
		first, end := stripChannels(row.w, len(values), mx)
		text := "not in the sample yet"
		for i := first; i < end; i++ {
			if !math.IsNaN(values[i]) && (text[0] == 'n' || values[i] < worst) {
				text = fmt.Sprintf("channel %d: %s dB", i, dbText(values[i]))
				worst = values[i]
			}
		}
		s.text(head, x, head.y, style{}, cutEnd(text, head.x+head.w-x))
	} else if at >= 0 {
		s.text(head, x, head.y, fg(colDim), cutEnd(fmt.Sprintf("%d · worst: %d, %s dB", len(values), at, dbText(worst)), head.x+head.w-x))
	}
	paintStrip(s, row, values, sqnrScale, cursor)
}
