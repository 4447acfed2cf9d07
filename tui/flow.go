package tui

import (
	"context"
	"fmt"
	"math"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/net"
)

// flowSeen is what flows into a layer, ready to be drawn.
type flowSeen struct {
	captured *net.Captured
	flow     *net.Flow
	original quant.Histogram
	channels []float64 // the largest magnitude of each, as a multiple of the median channel's
}

// rangeMark is the range that one way of calibration fixes.
type rangeMark struct {
	label  string
	scheme quant.Activation
	lo, hi float64
}

func doCalibrate(ctx context.Context, _ errand, g given, progress func(float64)) (any, error) {
	return g.task.Calibrate(ctx, progress)
}

// doSeeFlow captures what flows into a layer.
func doSeeFlow(ctx context.Context, e errand, g given, progress func(float64)) (any, error) {
	f := &flowSeen{flow: g.cal.Flow(e.tensor.Name)}
	var err error
	if f.captured, err = net.Capture(ctx, g.task.Network.Graph, g.task.Train, g.cal.N, e.tensor.Name, progress); err != nil {
		return nil, err
	}
	f.original = quant.HistogramOf(f.flow.Distribution, f.flow.Lo, f.flow.Hi)
	for _, c := range f.flow.Channels {
		f.channels = append(f.channels, float64(max(-c.Lo, c.Hi)))
	}
	sorted := slices.Sorted(slices.Values(f.channels))
	median := sorted[len(sorted)/2]
	if median == 0 { // more than half of them are silent
		median = sorted[len(sorted)-1]
	}
	for i := range f.channels {
		if f.channels[i] /= median; median == 0 {
			f.channels[i] = 0
		}
	}
	return f, nil
}

// doMarkRanges finds the ranges that calibration fixes in its several ways.
func doMarkRanges(_ context.Context, e errand, g given, _ func(float64)) (any, error) {
	flow := g.cal.Flow(e.tensor.Name)
	var marks []rangeMark
	for _, o := range e.flow.Calibrated() {
		lo, hi := flow.Map(o.Scheme).Range()
		marks = append(marks, rangeMark{o.Label, o.Scheme, float64(lo), float64(hi)})
	}
	return marks, nil
}

func doMeasureFlow(ctx context.Context, e errand, g given, _ func(float64)) (any, error) {
	return g.seen.captured.Measure(ctx, e.flow, g.cal.Flow(e.tensor.Name))
}

// flowErrands are what the plots of the layer's flow need, each what the next
// one needs before it.
func (a *app) flowErrands(t *model.Tensor) []errand {
	f := a.activation(t.Name)
	list := []errand{
		{kind: calibrate},
		{kind: lookAtFlow, tensor: t},
		{kind: measureFlow, tensor: t, flow: f},
		{kind: markRanges, tensor: t, flow: f.Calibrated()[0].Scheme},
	}
	if f.Keep() {
		list = slices.Delete(list, 2, 3)
	}
	return list
}

// nextFlow returns what the plots of the selected layer's flow still need.
func (a *app) nextFlow() (errand, bool) {
	t, _ := a.selected()
	if t == nil || a.run.inputs[t.Name] == nil {
		return errand{}, false
	}
	if e, ok := a.run.firstUnknown(a.flowErrands(t)...); ok {
		return e, true
	}
	for row := range a.layers.rows { // figures for the list
		i, ok := a.layers.at(a.layers.top + row)
		if !ok || !math.IsNaN(a.flowSQNR(i)) {
			continue
		}
		t := a.model.Tensors[i]
		if e, ok := a.run.firstUnknown(errand{kind: lookAtFlow, tensor: t}, errand{kind: measureFlow, tensor: t, flow: a.activation(t.Name)}); ok {
			return e, true
		}
	}
	return errand{}, false
}

// flowSQNR returns the SQNR of what flows into tensor i, in dB: NaN while it is
// not known, +Inf in float, −Inf where nothing flows or nothing can be known.
func (a *app) flowSQNR(i int) float64 {
	t := a.model.Tensors[i]
	f := a.activation(t.Name)
	e := errand{kind: measureFlow, tensor: t, flow: f}
	switch {
	case a.run.inputs[t.Name] == nil, a.run.failed[e] != nil:
		return math.Inf(-1)
	case f.Keep():
		return math.Inf(1)
	}
	if db, ok := a.run.flowDB[e]; ok {
		return db
	}
	return math.NaN()
}

// drawFlow draws what flows into the layer of t: figures of what its scheme
// does, a histogram, the ranges that calibration could fix, the channels.
func (a *app) drawFlow(r rect, t *model.Tensor) {
	s := a.screen
	title, r := r.cutTop(1)
	_, title = title.cutLeft(1)
	shape := "into it flow " + shapeText(a.run.inputs[t.Name])
	if a.run.inputs[t.Name] == nil {
		shape = ""
	}
	x := s.text(title, title.x, title.y, style{}.with(bold), cutMiddle(t.Name, max(8, title.w-textWidth(shape)-2)))
	s.text(title, x+1, title.y, fg(colDim), cutEnd(shape, title.x+title.w-x-1))
	if why := a.whyNoInputs(t); why != "" {
		a.paragraphs(r.inset(1), fg(colDim), why)
		return
	}
	seen, ok := a.run.seen.get(t)
	if !ok {
		a.paragraphs(r.inset(1), fg(colDim), a.flowWaits(t))
		return
	}
	facts, r := r.cutTop(2)
	m := a.flowMeasurement(t)
	used := a.writeFigures(facts, flowFigures(seen, m))
	r.y, r.h = r.y-(2-used), r.h+2-used
	a.drawFlowPlots(r, t, seen, m)
}

// flowWaits says what the plots wait for.
func (a *app) flowWaits(t *model.Tensor) string {
	for _, e := range a.flowErrands(t) {
		if err := a.run.failed[e]; err != nil {
			return err.Error()
		}
	}
	text := fmt.Sprintf("running the network over %d inputs to see what flows …", min(net.CalibrationInputs, a.run.bench.task.Train.Len()))
	if j := a.work.job; j != nil && j.errand.kind != noErrand {
		text += fmt.Sprintf(" %.0f %%", 100*j.done())
	}
	return text
}

// flowMeasurement returns what the present scheme does to the layer's flow, or,
// until that is known, what the one before did; nil in float.
func (a *app) flowMeasurement(t *model.Tensor) *net.FlowMeasurement {
	f := a.activation(t.Name)
	if f.Keep() {
		return nil
	}
	if m, ok := a.run.flows.get(errand{kind: measureFlow, tensor: t, flow: f}); ok {
		a.run.shown, a.run.of = m, t
		return m
	}
	if a.run.of == t {
		return a.run.shown
	}
	return nil
}

func flowFigures(seen *flowSeen, m *net.FlowMeasurement) []figure {
	f := seen.flow
	facts := []figure{
		{"from", valueText(float64(f.Lo)) + " to " + valueText(float64(f.Hi))},
		{"on average", valueText(float64(f.MeanLo)) + " to " + valueText(float64(f.MeanHi))},
		{"inputs", fmt.Sprint(seen.captured.N)},
	}
	if m == nil {
		return facts
	}
	return append([]figure{
		{"SQNR", dbText(m.SQNR()) + " dB"},
		{"clipped", shareText(m.ClippedShare())},
		{"to zero", shareText(m.ZeroShare())},
		{"max |e|", valueText(m.MaxAbs)},
	}, facts...)
}

// markLabel is how wide the names of the ranges are, left of the plot.
const markLabel = 13

// drawFlowPlots draws the histogram over the ruler of ranges, which share an
// axis, and the strip of channels.
func (a *app) drawFlowPlots(r rect, t *model.Tensor, seen *flowSeen, m *net.FlowMeasurement) {
	s := a.screen
	_, r = r.cutLeft(1)
	strip, r := r.cutBottom(2)
	f := a.activation(t.Name)
	marks, _ := a.run.marks.get(errand{kind: markRanges, tensor: t, flow: f.Calibrated()[0].Scheme})
	view := histogramView{axis: axis{lo: seen.original.Lo, hi: seen.original.Hi}, original: seen.original.Bins, log: a.log}
	if m != nil {
		view.quantized, view.clipLo, view.clipHi = m.Quantized.Bins, m.ClipLo, m.ClipHi
	}
	legend, r := r.cutTop(1)
	var ruler rect
	switch {
	case r.h >= len(marks)+6:
		ruler, r = r.cutBottom(len(marks) + 1) // and a gap
		_, ruler = ruler.cutTop(1)
	case r.h >= 5:
		ruler, r = r.cutBottom(1)
	}
	_, plot := r.cutLeft(markLabel)
	a.drawFlowLegend(legend, f, m, plot, &view)
	if m != nil && len(m.Levels) > 0 && plot.h >= 8 {
		var levels rect
		levels, plot = plot.cutBottom(1)
		paintLevels(s, levels, view.axis, m.Levels)
	}
	paintHistogram(s, plot, &view)
	if x, _, ok := a.over(plot); ok {
		paintColumnCursor(s, plot, x)
	}
	switch {
	case ruler.h >= len(marks):
		a.drawRuler(ruler, view.axis, marks, f)
	case ruler.h > 0:
		a.drawShortRuler(ruler, view.axis, marks, f)
	}
	a.drawChannels(strip, seen.channels, channelScale, "largest", func(i int) string {
		c := seen.flow.Channels[i]
		return fmt.Sprintf("%s to %s, %s× the median", valueText(float64(c.Lo)), valueText(float64(c.Hi)), valueDigits(seen.channels[i], 2))
	})
}

// channelScale colours channels by their reach: one scale for all of them is
// wasted on most if one reaches eight times as far.
var channelScale = scale{good: 1, bad: 8}

// drawFlowLegend names the histograms, or what the mouse is over.
func (a *app) drawFlowLegend(r rect, f quant.Activation, m *net.FlowMeasurement, plot rect, view *histogramView) {
	s := a.screen
	if x, _, ok := a.over(plot); ok {
		lo, hi, before, after := view.column(plot, x)
		text := fmt.Sprintf("%s to %s: %s values", valueText(lo), valueText(hi), countText(before))
		if m != nil {
			text += ", then " + countText(after)
		}
		s.text(r, r.x, r.y, style{}, cutEnd(text, r.w))
		return
	}
	original := "■ "
	if s.mono {
		original = string(shadeOf(8)) + " "
	}
	x := s.text(r, r.x, r.y, fg(colOriginal), original)
	x = s.text(r, x, r.y, fg(colDim), "float  ")
	axis := "linear"
	if a.log {
		axis = "log"
	}
	at := r.x + r.w - len(axis)
	if m != nil {
		x = s.text(r, x, r.y, fg(colQuantized), "■ ")
		x = s.text(r, x, r.y, fg(colDim), f.String()+"  ")
		text := ""
		switch {
		case m.ClipHi > m.ClipLo && f.Static:
			text = "fixed range"
		case m.ClipHi > m.ClipLo:
			text = "average input"
		}
		if text != "" && x+4 < at {
			x = s.text(r, x, r.y, fg(colClip), "┊ ")
			x = s.text(r, x, r.y, fg(colDim), cutEnd(text, at-x-1))
		}
	}
	if at > x {
		s.text(r, at, r.y, fg(colFaint), axis)
		a.hots = append(a.hots, hot{area: rect{at, r.y, len(axis), 1}, click: func(a *app, _ int) tea.Cmd { a.log = !a.log; return nil }})
	}
}

// drawRuler draws each range as a line under the axis of the plot. A click on
// one chooses it.
func (a *app) drawRuler(r rect, ax axis, marks []rangeMark, now quant.Activation) {
	s := a.screen
	_, plot := r.cutLeft(markLabel)
	for i, m := range marks {
		row := rect{r.x, r.y + i, r.w, 1}
		label, line := fg(colDim), fg(colFaint)
		mark := " "
		if m.scheme == now {
			label, line, mark = fg(colClip).with(bold), fg(colClip), "›"
		}
		if _, _, ok := a.over(row); ok {
			label = label.on(colHoverBg)
		}
		s.text(row, row.x, row.y, label, mark+m.label)
		a.chooseMark(row, m)
		from, to := ax.column(plot, m.lo), ax.column(plot, m.hi)
		left, right := '├', '┤'
		if from < 0 {
			from, left = 0, '◂'
		}
		if to < 0 {
			to, right = plot.w-1, '▸'
		}
		for x := from; x <= to; x++ {
			s.put(plot.x+x, row.y, '─', line)
		}
		s.put(plot.x+from, row.y, left, line)
		s.put(plot.x+to, row.y, right, line)
		text := valueText(m.lo) + " to " + valueText(m.hi)
		if m.lo == -m.hi {
			text = "±" + valueText(m.hi)
		}
		switch w := textWidth(text); {
		case to+2+w <= plot.w:
			s.text(plot, plot.x+to+2, row.y, label, text)
		case to-from > w+4:
			s.text(plot, plot.x+to-w-2, row.y, label, " "+text+" ")
		}
	}
}

// drawShortRuler names the ranges in one row, at their upper ends.
func (a *app) drawShortRuler(r rect, ax axis, marks []rangeMark, now quant.Activation) {
	_, plot := r.cutLeft(markLabel)
	l := labels{s: a.screen, r: plot}
	for _, present := range []bool{true, false} { // the present one has room in any case
		for _, m := range marks {
			if (m.scheme == now) != present {
				continue
			}
			st := fg(colDim)
			if present {
				st = fg(colClip).with(bold)
			}
			at := ax.column(plot, m.hi)
			if at < 0 {
				at = plot.w - 1
			}
			l.put(at, 0, m.label, st)
		}
	}
	a.screen.text(r, r.x, r.y, fg(colDim), "ranges to")
}

// chooseMark makes r a place to click for the range of m.
func (a *app) chooseMark(r rect, m rangeMark) {
	a.hots = append(a.hots, hot{area: r, click: func(a *app, _ int) tea.Cmd { return a.setActivation(m.scheme) }})
}
