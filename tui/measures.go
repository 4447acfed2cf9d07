package tui

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant/net"
)

// measures is the side of the sensitivity page that runs the model: layers ×
// measures of what each does to the answers.
type measures struct {
	column  int  // under the cursor, an index into measureColumns
	stopped bool // nothing is run until the user says so
	cell    int  // columns that a value takes
	values  []float64
}

// measureColumn is one measure of a layer's harm.
type measureColumn struct {
	group, unit string
	about       string
	kind        errandKind
	// change returns the measure from the score of the errand and the one that
	// it is held against: of the float network, or of the plan.
	change func(s, base *net.Score) float64
	sign   float64 // of a change that is harm by this layer
	bad    float64 // harm from here on has the worst colour, unless a layer does more
	text   func(float64) string
}

func lossChange(s, base *net.Score) float64 { return s.MeanLoss() - base.MeanLoss() }

func pointsChange(s, base *net.Score) float64 { return 100 * (s.Accuracy() - base.Accuracy()) }

// measureColumns is the table of measures.
var measureColumns = []measureColumn{
	{"forecast", "loss", "Forecast: ½·Σ g²·Δw², the squared gradients of the float network's loss times the squared errors of the weights. One backward pass serves every scheme; of what flows in it knows nothing.", forecast, nil, 1, 0.02, lossText},
	{"alone", "loss", "Alone: how the loss changes, in nats, if this layer is quantized and all else stays in float.", scoreAlone, lossChange, 1, 0.02, lossText},
	{"alone", "KLD", "Alone: how far the answers move from the float network's, in nats, if this layer is quantized and all else stays in float. It needs fewer inputs than loss and accuracy to tell layers apart.", scoreAlone, func(s, _ *net.Score) float64 { return s.MeanKLD() }, 1, 0.02, lossText},
	{"alone", "points", "Alone: how the share of right answers changes, in percentage points, if this layer is quantized and all else stays in float.", scoreAlone, pointsChange, -1, 2, pointsText},
	{"spared", "loss", "Spared: how the loss changes, in nats, if of all that the plan quantizes this layer alone goes back to float.", scoreAllBut, lossChange, -1, 0.02, lossText},
	{"spared", "points", "Spared: how the share of right answers changes, in percentage points, if of all that the plan quantizes this layer alone goes back to float.", scoreAllBut, pointsChange, 1, 2, pointsText},
}

// The columns that forecasts are held against by default, and their own.
const (
	columnForecast = iota
	columnAlone
)

func lossText(v float64) string {
	switch a := math.Abs(v); {
	case a < 0.00005:
		return "0"
	case a < 10:
		return fmt.Sprintf("%+.4f", v)
	}
	return fmt.Sprintf("%+.1f", v)
}

func pointsText(v float64) string {
	if math.Abs(v) < 0.05 {
		return "0"
	}
	return fmt.Sprintf("%+.1f", v)
}

func (a *app) moveMeasure(steps int) tea.Cmd {
	a.measures.column = clamp(a.measures.column+steps, 0, len(measureColumns)-1)
	return nil
}

// stopMeasures stops the runs, or goes on with them.
func (a *app) stopMeasures() tea.Cmd {
	a.measures.stopped = !a.measures.stopped
	return nil
}

// sortByMeasure sorts the layers by the measure under the cursor, the most
// harmful first.
func (a *app) sortByMeasure() tea.Cmd {
	l := &a.layers
	at := l.selected()
	l.sort, l.down = -1, false
	harm := func(i int) float64 {
		if h := a.harm(i, a.measures.column); !math.IsNaN(h) {
			return h
		}
		return math.Inf(-1)
	}
	slices.SortStableFunc(l.order, func(i, j int) int { return cmp.Compare(harm(j), harm(i)) })
	l.cursor = max(0, slices.Index(l.order, at))
	a.notice = "sorted by " + measureColumns[a.measures.column].name()
	return nil
}

func (m *measureColumn) name() string { return m.group + ": " + m.unit }

// measured reports whether the plan does anything to tensor i of the network.
func (a *app) measured(i int) bool {
	t := a.model.Tensors[i]
	if a.run.bench == nil || a.run.bench.task.Network.Weight[t.Name] == nil {
		return false
	}
	return !a.planned.schemes[i].Keep() || a.run.inputs[t.Name] != nil && !a.activation(t.Name).Keep()
}

// measureErrand returns what a measure of tensor i takes. Its fields are what
// the answer depends on, so that it is kept while those stay the same.
func (a *app) measureErrand(i int, kind errandKind) errand {
	t, s := a.model.Tensors[i], a.planned.schemes[i]
	switch kind {
	case forecast:
		return errand{kind: kind, tensor: t, scheme: s}
	case scoreAllBut:
		return errand{kind: kind, tensor: t, plan: a.planSum()}
	}
	return errand{kind: kind, tensor: t, scheme: s, flow: a.activation(t.Name), plan: a.history.Plan().Remedies.String()}
}

// baseErrand returns what a measure needs first: for a score that which it is
// held against.
func (a *app) baseErrand(kind errandKind) errand {
	switch kind {
	case forecast:
		return errand{kind: measureCurve}
	case scoreAllBut:
		return errand{kind: scorePlan, plan: a.planSum()}
	}
	return errand{kind: scoreFloat}
}

// measure returns a measure of tensor i: NaN while it is not known, −∞ where
// there is none.
func (a *app) measure(i, column int) float64 {
	c := &measureColumns[column]
	if !a.measured(i) || c.kind == forecast && a.planned.schemes[i].Keep() {
		return math.Inf(-1)
	}
	e := a.measureErrand(i, c.kind)
	if a.run.failed[e] != nil || a.run.failed[a.baseErrand(c.kind)] != nil {
		return math.Inf(-1)
	}
	if c.kind == forecast {
		return a.run.cost(e)
	}
	s, base := a.run.harms[e], a.run.harms[a.baseErrand(c.kind)]
	if s == nil || base == nil {
		return math.NaN()
	}
	return c.change(s, base)
}

// harm returns a measure so that more is worse; NaN where it is not known.
func (a *app) harm(i, column int) float64 {
	if v := a.measure(i, column); !math.IsInf(v, -1) {
		return v * measureColumns[column].sign
	}
	return math.NaN()
}

// measureKinds returns the kinds of errands in the order of their urgency: the
// cheap forecasts, then what the cursor is on.
func (a *app) measureKinds() []errandKind {
	if measureColumns[a.measures.column].kind == scoreAllBut {
		return []errandKind{forecast, scoreAllBut, scoreAlone}
	}
	return []errandKind{forecast, scoreAlone, scoreAllBut}
}

// nextMeasure returns the next errand of the table: kind by kind, the layers on
// the screen first.
func (a *app) nextMeasure() (errand, bool) {
	first := []errand{{kind: scoreFloat}}
	if a.history.Plan().NeedsCalibration() {
		first = slices.Insert(first, 0, errand{kind: calibrate})
	}
	if e, ok := a.run.firstUnknown(first...); ok {
		return e, true
	}
	for _, kind := range a.measureKinds() {
		for row := range len(a.layers.order) {
			i, _ := a.layers.at((a.layers.top + row) % len(a.layers.order))
			if !a.measured(i) || kind == forecast && a.planned.schemes[i].Keep() {
				continue
			}
			if e, ok := a.run.firstUnknown(a.baseErrand(kind), a.measureErrand(i, kind)); ok {
				return e, true
			}
		}
	}
	return errand{}, false
}

// measureProgress returns how many of the table's errands are done, and how
// long the others should take.
func (a *app) measureProgress() (known, all int, left time.Duration) {
	for _, i := range a.layers.order {
		if !a.measured(i) {
			continue
		}
		for _, kind := range a.measureKinds() {
			all++
			e := a.measureErrand(i, kind)
			if a.run.settled(e) || a.run.failed[a.baseErrand(kind)] != nil || kind == forecast && a.planned.schemes[i].Keep() {
				known++
				continue
			}
			took := a.run.took[kind]
			if took == 0 && kind != forecast { // the first of its kind: it runs the network as the float one ran
				took = a.run.took[scoreFloat]
			}
			left += took
		}
	}
	return known, all, left
}

// comparedColumn is the measure that forecasts are held against: the one under
// the cursor.
func (a *app) comparedColumn() int {
	if a.measures.column == columnForecast {
		return columnAlone
	}
	return a.measures.column
}

// pairs returns the forecasts of the layers of which that and the compared
// measure are known, and the latter's harm.
func (a *app) pairs() (forecasts, harms []float64, layers []int) {
	for _, i := range a.layers.order {
		x, y := a.harm(i, columnForecast), a.harm(i, a.comparedColumn())
		if !math.IsNaN(x) && !math.IsNaN(y) {
			forecasts, harms, layers = append(forecasts, x), append(harms, y), append(layers, i)
		}
	}
	return forecasts, harms, layers
}

// correlationText says how good the forecast is, "" while there is too little to
// say so.
func (a *app) correlationText() string {
	x, y, _ := a.pairs()
	if len(x) < 3 {
		return ""
	}
	rho := net.RankCorrelation(x, y)
	if math.IsNaN(rho) {
		return ""
	}
	m := &measureColumns[a.comparedColumn()]
	return fmt.Sprintf("The forecast puts %d layers in the order of “%s” with a rank correlation of %.2f.", len(x), m.name(), rho)
}
