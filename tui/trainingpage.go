package tui

import (
	"fmt"
	"math"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant/net"
)

// drawTraining draws the page: curves on the left, the weights of the layer
// under the cursor on the right.
func (a *app) drawTraining(r rect) {
	in := r.inset(1)
	_, in = in.cutLeft(1)
	_, in = in.cutRight(1)
	t := a.training
	if t == nil {
		text := a.whyNoRun()
		if text == "" {
			text = "Nothing is being trained. t trains the network under the present plan, from the weights that it has: quantization-aware training."
		}
		a.paragraphs(in.inset(1), fg(colDim), text)
		return
	}
	head, in := in.cutTop(1)
	a.drawTrainingHead(head)
	rule, in := in.cutTop(1)
	if t.state == failed {
		line, rest := in.cutTop(2)
		a.paragraphs(line, fg(colFail), t.err.Error())
		in = rest
	}
	s := a.screen
	s.hrule(r, rule.y, fg(colFaint), "")
	left, right := in.cutLeft(in.w * 6 / 11)
	if in.w < 60 {
		left, right = in, rect{}
	}
	if right.w > 0 {
		s.vrule(rect{r.x, rule.y, r.w, r.y + r.h - rule.y}, right.x, fg(colFaint))
		left.w--
		_, right = right.cutLeft(2)
	}
	for x := range clamp((r.w-2)*t.step/max(1, t.steps), 0, r.w) { // how far it is
		s.put(r.x+1+x, rule.y, '━', fg(colAccent))
	}
	upper, lower := left.cutTop(left.h / 2)
	a.drawLoss(upper)
	a.drawValidation(lower)
	a.drawTrainedWeights(right)
}

// drawTrainingHead says how far the training is, and what can be done.
func (a *app) drawTrainingHead(r rect) {
	t, s := a.training, a.screen
	state := [...]string{
		preparing: "preparing …", learning: "", paused: "paused", finished: "done: ⏎ keeps it, d drops it",
		failed: "stopped: d drops it, and then t begins again",
	}[t.state]
	if t.state == learning {
		state = fmt.Sprintf("%s left", t.left().Round(time.Second))
	}
	x := s.text(r, r.x, r.y, fg(colDim), "training under ")
	x = s.text(r, x, r.y, fg(colQuantized).with(bold), t.name)
	x = s.text(r, x, r.y, fg(colDim), fmt.Sprintf("  step %s of %s  ", countText(int64(t.step)), countText(int64(t.steps))))
	st := style{}.with(bold)
	if t.state == failed {
		st = fg(colFail).with(bold)
	}
	s.text(r, x, r.y, st, cutEnd(state, r.x+r.w-x))
}

// drawLoss draws the loss of the batches.
func (a *app) drawLoss(r rect) {
	t := a.training
	head, plot := r.cutTop(1)
	x := a.screen.text(head, head.x, head.y, fg(colError), "loss ")
	if t.loss.n > 0 {
		x = a.screen.text(head, x, head.y, style{}.with(bold), valueText(t.loss.last()))
		a.screen.text(head, x, head.y, fg(colDim), cutEnd(" nats, mean of the last batches", head.x+head.w-x))
	}
	lo, hi := t.loss.span(0)
	a.drawCurve(plot, &t.loss, lo, hi, math.NaN(), fg(colError), valueText)
}

// drawValidation draws how well the network answers data that it does not learn
// from, and how well the float network does.
func (a *app) drawValidation(r rect) {
	t := a.training
	head, plot := r.cutTop(1)
	name, show := "right answers ", percentText
	if a.run.task().Classes == nil {
		name, show = "bits per byte ", valueText
	}
	x := a.screen.text(head, head.x, head.y, fg(colQuantized), name)
	if t.accuracy.n == 0 {
		a.screen.text(head, x, head.y, fg(colDim), "…")
		return
	}
	x = a.screen.text(head, x, head.y, style{}.with(bold), show(t.accuracy.y[0])+" → "+show(t.accuracy.y[t.accuracy.n-1]))
	a.screen.text(head, x+2, head.y, fg(colOriginal), cutEnd("┈ float "+show(t.float), head.x+head.w-x-2))
	lo, hi := t.accuracy.span(t.float)
	pad := 0.04 * (hi - lo)
	lo, hi = max(0, lo-pad), hi+pad
	if a.run.task().Classes != nil {
		hi = min(1, hi)
	}
	a.drawCurve(plot, &t.accuracy, lo, hi, t.float, fg(colQuantized), show)
}

// scaleWidth is that of the numbers beside both plots, which stand one above
// the other.
const scaleWidth = 9

// drawCurve draws c with its scale on the left, and a level to compare with.
func (a *app) drawCurve(r rect, c *curve, lo, hi, level float64, st style, show func(float64) string) {
	s := a.screen
	r, foot := rect{r.x, r.y, r.w, max(0, r.h-1)}, rect{r.x, r.y + r.h - 1, r.w, min(1, r.h)}
	if r.h < 2 || c.n == 0 {
		return
	}
	scale, plot := r.cutLeft(scaleWidth)
	scale.w--
	s.textRight(scale, scale.y, fg(colDim), show(hi))
	s.textRight(scale, scale.y+scale.h-1, fg(colDim), show(lo))
	for y := range plot.h {
		s.put(plot.x, plot.y+y, '┤', fg(colFaint))
	}
	_, plot = plot.cutLeft(1)
	if level >= lo && level <= hi {
		y := plot.y + clamp(int((hi-level)/(hi-lo)*float64(plot.h)), 0, plot.h-1)
		for x := range plot.w {
			s.put(plot.x+x, y, '┈', fg(colOriginal))
		}
	}
	paintCurve(s, plot, c, float64(a.training.steps), lo, hi, st)
	s.text(foot, plot.x, foot.y, fg(colDim), "0")
	s.textRight(foot, foot.y, fg(colDim), countText(int64(a.training.steps))+" steps")
}

// drawTrainedWeights draws how the selected layer's weights are spread now, and
// where their grid has its points.
func (a *app) drawTrainedWeights(r rect) {
	t, s := a.training, a.screen
	if r.w < 12 || r.h < 4 {
		return
	}
	tensor, _ := a.selected()
	if tensor == nil {
		return
	}
	scheme := t.plan.For(tensor)
	head, r := r.cutTop(1)
	x := s.text(head, head.x, head.y, style{}.with(bold), cutMiddle(tensor.Name, max(0, head.w-14)))
	s.text(head, x+1, head.y, fg(colQuantized), schemeText(tensor, scheme))
	w := &t.weights
	if w.tensor != tensor || len(w.original.Bins) == 0 {
		s.text(r, r.x, r.y, fg(colDim), "…")
		return
	}
	legend, r := r.cutTop(1)
	x = s.text(legend, legend.x, legend.y, fg(colOriginal), "■ ")
	x = s.text(legend, x, legend.y, fg(colDim), "float weights now  ")
	x = s.text(legend, x, legend.y, fg(colQuantized), "■ ")
	s.text(legend, x, legend.y, fg(colDim), cutEnd("as they run", legend.x+legend.w-x))
	paintHistogram(s, r, &histogramView{
		axis:     axis{lo: w.original.Lo, hi: w.original.Hi},
		original: w.original.Bins, quantized: w.quantized.Bins, log: a.log,
	})
}

// keepTraining puts the trained weights into the network's place.
func (a *app) keepTraining() tea.Cmd {
	t := a.training
	if t == nil || t.trainer == nil || t.state == failed || t.step == 0 {
		a.notice = "there is nothing to keep yet"
		return nil
	}
	t.state = finished
	t.after = func(*app) tea.Cmd {
		t.under = true
		return func() tea.Msg { return keptMsg{t, t.trainer.Result()} }
	}
	return nil
}

// keptMsg is a network that was trained and is to stay.
type keptMsg struct {
	of      *training
	network *net.Network
}
