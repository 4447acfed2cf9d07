package tui

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/imatrix"
)

// importance is how much weights matter: a matrix of llama.cpp, and what it says of
// the model's tensors. Without a matrix all weights count alike.
type importance struct {
	matrix     *imatrix.Matrix
	statistics map[string]imatrix.Statistics // by the name of a tensor that it has
	columns    recent[*model.Tensor, []float64]
}

// openImportance opens the matrix at path for the tensors of m.
func openImportance(path string, m *model.Model) (*importance, error) {
	matrix, err := imatrix.Open(path)
	if err != nil {
		return nil, err
	}
	w := &importance{matrix: matrix, statistics: map[string]imatrix.Statistics{}, columns: newRecent[*model.Tensor, []float64](8)}
	list, err := matrix.StatisticsOf(m.Tensors)
	for i, x := range list {
		if x.N > 0 {
			w.statistics[m.Tensors[i].Name] = x
		}
	}
	if err == nil && len(w.statistics) == 0 {
		err = fmt.Errorf("%s: an importance matrix of another model: it has none of the tensors of %s by name, which bitdial inspect lists", path, m.Name)
	}
	if err != nil {
		return nil, errors.Join(err, matrix.Close())
	}
	return w, nil
}

// weighted reports whether importance is in use.
func (a *app) weighted() bool { return a.importance.matrix != nil }

// weighs reports whether the matrix has the importance of t.
func (a *app) weighs(t *model.Tensor) bool { return a.importance.statistics[t.Name].N > 0 }

// weighedBy ends the title of what shows weighted error, "" where none is.
func (a *app) weighedBy() string {
	if !a.weighted() {
		return ""
	}
	return " weighted by " + a.matrixName()
}

func (a *app) matrixName() string { return cutMiddle(filepath.Base(a.importance.matrix.Path), 24) }

// db returns the SQNR of f in dB: weighted, where importance is in use.
func (a *app) db(f *quant.Figures) float64 {
	if a.weighted() {
		return f.Weighted.SQNR()
	}
	return f.SQNR()
}

// matrixMsg is a matrix that was opened for the tensors of a model.
type matrixMsg struct {
	of *model.Model
	*importance
}

// attach weighs error by a matrix from now on. The one before is closed when its
// last read is over.
func (a *app) attach(msg matrixMsg) tea.Cmd {
	if msg.of != a.model { // that was closed, or trained, in the meantime
		return closeMatrix(msg.matrix)
	}
	a.budget.objective = slices.IndexFunc(quant.Objectives, func(o *quant.Objective) bool { return o.Weighted() })
	a.grid.measure = slices.IndexFunc(gridMeasures, func(m gridMeasure) bool { return m.weighted })
	cmd := a.weigh(*msg.importance)
	a.notice = "error is weighted by " + a.matrixName() + ": " + a.matrixText()
	return cmd
}

// detach has all weights count alike again.
func (a *app) detach() tea.Cmd {
	a.notice = a.matrixName() + " is off: all weights count alike"
	a.budget.objective, a.grid.measure = 0, 0
	return a.weigh(importance{})
}

// weigh puts w in the place of the importance before.
func (a *app) weigh(w importance) tea.Cmd {
	before := a.importance.matrix
	a.importance = w
	a.forgetFigures()
	if before == nil {
		return nil
	}
	return closeMatrix(before)
}

func closeMatrix(m *imatrix.Matrix) tea.Cmd {
	return func() tea.Msg {
		if err := m.Close(); err != nil {
			return failedMsg{err}
		}
		return nil
	}
}

// matrixText says what the matrix covers.
func (a *app) matrixText() string {
	weights := 0
	for _, t := range a.model.Tensors {
		if quant.IsWeight(t) {
			weights++
		}
	}
	text := fmt.Sprintf("it has %d of %d weights of two axes or more", len(a.importance.statistics), weights)
	if n := a.importance.matrix.Chunks; n > 0 {
		text += fmt.Sprintf(", from %s chunks of text", countText(int64(n)))
	}
	return text
}

// forgetFigures drops all that is known under another importance. The job under way
// ends, and is not listened to.
func (a *app) forgetFigures() {
	a.work.stop()
	a.work.forget()
	for i := range a.planned.stale {
		a.planned.stale[i] = true
	}
	a.micro.reset()
	a.budget.choice, a.budget.of = planSpace{}, [3]int{}
	a.against.forget()
	if a.page == pagePlan {
		a.beginSweep()
	}
}

// askImportance asks for a matrix, or what to do with the one in use.
func (a *app) askImportance() tea.Cmd {
	if !a.weighted() {
		return a.pickMatrix()
	}
	a.dialog = &question{
		"Importance of weights",
		fmt.Sprintf("Error is weighted by %s: %s.", a.importance.matrix.Path, a.matrixText()),
		[]choice{
			{"x", "take it off", (*app).detach},
			{"o", "another one", (*app).pickMatrix},
			{"esc", "stay", nil},
		},
	}
	return nil
}

// weightedText is the weighted SQNR of tensor i as the list shows it.
func (a *app) weightedText(i int) string {
	t, s := a.model.Tensors[i], a.planned.schemes[i]
	f := a.work.figures[fact{t, s}]
	switch {
	case !a.weighs(t) || s.Keep() || a.work.failed[t] != nil:
		return ""
	case f == nil:
		return "…"
	case f.Exact:
		return dbText(f.Weighted.SQNR())
	}
	return "≈" + dbText(f.Weighted.SQNR())
}

// weightedSQNR is the same as a number to sort by: what is not known comes last.
func (a *app) weightedSQNR(i int) float64 {
	t, s := a.model.Tensors[i], a.planned.schemes[i]
	if f := a.work.figures[fact{t, s}]; f != nil && a.weighs(t) && !s.Keep() {
		return f.Weighted.SQNR()
	}
	return math.Inf(1)
}

// importanceFigures are what the matrix says of t, as inspect --imatrix does.
func (a *app) importanceFigures(t *model.Tensor) []figure {
	x, ok := a.importance.statistics[t.Name]
	if !ok {
		return []figure{{"importance", "unknown: weights count alike"}}
	}
	return []figure{
		{"importance", valueText(x.Mean)},
		{"share", shareText(x.Share)},
		{"CV", valueText(x.Variation)},
		{"entropy", shareText(x.Entropy)},
	}
}

// importanceColumns returns the importance of the columns of t over their mean, as
// a power of ten; of experts the mean of all. It is nil where there is none.
//
//nolint:nilerr // whoever measures t meets the error too, and says it
func (a *app) importanceColumns(t *model.Tensor) []float64 {
	w := &a.importance
	if !a.weighs(t) {
		return nil
	}
	if list, ok := w.columns.get(t); ok {
		return list
	}
	var list []float64
	if values, err := w.matrix.Importance(t.Name); err == nil {
		list = make([]float64, t.Shape[len(t.Shape)-1])
		mean := 0.0
		for i, v := range values {
			list[i%len(list)] += float64(v)
			mean += float64(v) / float64(len(list))
		}
		for i := range list {
			if list[i] = math.Log10(list[i] / mean); mean == 0 { // nothing ever came in
				list[i] = 0
			}
		}
	}
	w.columns.put(t, list)
	return list
}

// columnScale colours importance: from a tenth of the mean to a hundred times it.
var columnScale = scale{good: -1, bad: 2}

// drawColumns draws how much the columns of t matter, with the value under the
// mouse, else of what matters most.
func (a *app) drawColumns(r rect, t *model.Tensor) {
	values := a.importanceColumns(t)
	if r.h < 2 || values == nil {
		return
	}
	s := a.screen
	head, row := r.cutTop(1)
	tell := func(i int) string {
		return fmt.Sprintf("column %d: %s × the mean", i, valueDigits(math.Pow(10, values[i]), 2))
	}
	x := s.text(head, head.x, head.y, fg(colDim), "importance  ")
	cursor := -1
	at := worstOf(values, columnScale)
	text, st := fmt.Sprintf("most: %s · %d in all", tell(at), len(values)), fg(colDim)
	if over, _, ok := a.over(row); ok {
		cursor = over
		if first, end := stripChannels(row.w, len(values), over); first < end {
			text, st = tell(first+worstOf(values[first:end], columnScale)), style{}
		}
	}
	s.text(head, x, head.y, st, cutEnd(text, head.x+head.w-x))
	paintStrip(s, row, values, columnScale, cursor)
}
