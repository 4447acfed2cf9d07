package tui

import (
	"fmt"
	"math"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// drawLayers draws the first page: the list, and what the dials do to the
// layer under the cursor. The dials stand below the plots, or below both where
// that side is too narrow for two columns of them.
func (a *app) drawLayers(r rect) {
	s := a.screen
	in := r.inset(1)
	listWidth := clamp(in.w*45/100, min(34, in.w), 84)
	below := in.w-listWidth-3 < 2*dialWidth
	dials, plots := rect{}, rect{}
	left, right := in.cutLeft(listWidth)
	if below {
		dials, in = in.cutBottom(dialRows(in.w))
		left, right = in.cutLeft(listWidth)
		left.h, right.h = max(0, left.h-1), max(0, right.h-1) // for the rule
	}
	divider := right.x
	_, plots = right.cutLeft(2)
	_, plots = plots.cutRight(1)
	if !below {
		dials, plots = plots.cutBottom(dialRows(plots.w))
		plots.h = max(0, plots.h-1)
	}
	rule := dials.y - 1
	if below {
		s.hrule(r, rule, fg(colFaint), "")
		s.vrule(rect{r.x, r.y, r.w, rule - r.y + 1}, divider, fg(colFaint))
	} else {
		s.vrule(r, divider, fg(colFaint))
		s.hrule(rect{divider, r.y, r.x + r.w - divider, r.h}, rule, fg(colFaint), "")
	}
	a.drawDialTitle(r, dials.x+1, rule)
	_, left = left.cutLeft(1)
	a.drawList(left)
	a.drawDials(dials)

	t, scheme := a.selected()
	if t == nil {
		return
	}
	if a.inputs {
		a.drawFlow(plots, t)
		return
	}
	before, known := a.planned.previous[t]
	if a.compare && known {
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
	if a.inputs {
		a.notice = "it is the schemes of weights that are compared: i turns to them"
		return nil
	}
	if _, ok := a.planned.previous[t]; !ok && !a.compare {
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
	count := fmt.Sprintf("%s %s ", countText(int64(t.Len())), dtypeText(t.DType))
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
	// Two rows at most, so that what narrow columns cannot show does not push
	// the plots away.
	facts, r := r.cutTop(2)
	used := a.drawFigures(facts, m)
	r.y, r.h = r.y-(2-used), r.h+2-used
	if a.weighted() && label == "" && r.h >= 10 {
		facts, r = r.cutTop(1)
		a.writeFigures(facts, a.importanceFigures(t))
	}
	a.drawPlots(r, m)
}

// drawFigures writes the measurement's figures into r, the most wanted first,
// and returns how many rows that took.
func (a *app) drawFigures(r rect, m *quant.Measurement) int {
	approx := ""
	if !m.Exact {
		approx = "≈"
	}
	sqnr := approx + dbText(m.SQNR()) + " dB"
	if spread := (m.SQNRHi - m.SQNRLo) / 2; spread > 0 {
		sqnr += fmt.Sprintf(" ±%.1f", spread)
	}
	facts := []figure{
		{"SQNR", sqnr},
		{"bpw", fmt.Sprintf("%.2f", m.BPW())},
		{"size", sizeText(m.Tensor.Bytes()) + " → " + sizeText(m.Bytes)},
		{"clipped", shareText(m.ClippedShare())},
		{"to zero", shareText(m.ZeroShare())},
		{"max |e|", valueText(m.MaxAbs)},
		{"MSE", valueText(m.MSE())},
		{"cosine", cosineText(m.Cosine())},
	}
	if a.weighs(m.Tensor) {
		facts = slices.Insert(facts, 1, figure{"weighted", approx + dbText(m.Weighted.SQNR()) + " dB"})
	}
	if as := m.Tensor.Encoding; as != "" {
		facts = append(facts, figure{"in the file", as})
	}
	if m.NonFinite > 0 {
		facts = slices.Insert(facts, 1, figure{"NaN/Inf", countText(int64(m.NonFinite))})
	}
	return a.writeFigures(r, facts)
}

// figure is a number with its name.
type figure struct{ name, value string }

// writeFigures writes figures into r, as many as there is room for, and returns
// how many rows that took.
func (a *app) writeFigures(r rect, facts []figure) int {
	x, y := r.x+1, r.y
	for _, f := range facts {
		w := textWidth(f.name) + 1 + textWidth(f.value)
		if x+w > r.x+r.w {
			x, y = r.x+1, y+1
		}
		if y >= r.y+r.h {
			return r.h
		}
		x = a.screen.text(r, x, y, fg(colDim), f.name+" ")
		st := style{}.with(bold)
		if f.name == "NaN/Inf" {
			st = fg(colWarn).with(bold)
		}
		x = a.screen.text(r, x, y, st, f.value) + 2
	}
	return y - r.y + 1
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
	if a.weighs(m.Tensor) && r.h >= 16 {
		columns, above := r.cutBottom(2)
		a.drawColumns(columns, m.Tensor)
		r = above
	}
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
	if len(m.Levels) > 0 && plot.h >= 8 {
		var levels rect
		levels, plot = plot.cutBottom(1)
		paintLevels(s, levels, view.axis, m.Levels)
	}
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
	original := "■ "
	if s.mono {
		original = string(shadeOf(8)) + " "
	}
	x := s.text(r, r.x, r.y, fg(colOriginal), original)
	x = s.text(r, x, r.y, fg(colDim), dtypeText(m.Tensor.DType)+"  ")
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

// moveChannel moves the cursor of the channel strip.
func (a *app) moveChannel(steps int) tea.Cmd {
	a.channel += steps
	return nil
}

// drawStrip draws the error per channel, with the value under the mouse or the
// cursor, else of the worst.
func (a *app) drawStrip(r rect, m *quant.Measurement) {
	values := make([]float64, len(m.Channels))
	for i, c := range m.Channels {
		values[i] = math.NaN()
		if c.N > 0 {
			values[i] = c.SQNR()
		}
	}
	a.drawChannels(r, values, sqnrScale, "worst", func(i int) string { return dbText(values[i]) + " dB" })
}

// drawChannels draws one value per channel, and above them that of the channel
// under the mouse or the cursor, else of the worst.
func (a *app) drawChannels(r rect, values []float64, sc scale, worst string, tell func(i int) string) {
	n := len(values)
	if r.h < 2 || n == 0 {
		return
	}
	s := a.screen
	head, row := r.cutTop(1)
	first, end, cursor := 0, n, -1
	if x, _, ok := a.over(row); ok {
		first, end = stripChannels(row.w, n, x)
		cursor = x
	} else if a.channel > 0 {
		a.channel = min(a.channel, n)
		first, end = a.channel-1, a.channel
		cursor = stripColumn(row.w, n, first)
	}
	x := s.text(head, head.x, head.y, fg(colDim), "channels  ")
	at := worstOf(values[first:end], sc)
	switch {
	case at >= 0 && cursor >= 0:
		s.text(head, x, head.y, style{}, cutEnd(fmt.Sprintf("channel %d: %s", first+at, tell(first+at)), head.x+head.w-x))
	case at >= 0:
		s.text(head, x, head.y, fg(colDim), cutEnd(fmt.Sprintf("%s: %d, %s · %d in all", worst, at, tell(at), n), head.x+head.w-x))
	case first < end:
		s.text(head, x, head.y, fg(colDim), cutEnd("not in the sample yet", head.x+head.w-x))
	}
	paintStrip(s, row, values, sc, cursor)
}

// cosineText returns a cosine, "–" where errors are infinite and there is none.
func cosineText(c float64) string {
	if math.IsNaN(c) {
		return "–"
	}
	return fmt.Sprintf("%.5f", c)
}
