package tui

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// column is one of the list's columns.
type column struct {
	name  string
	right bool              // aligned to the right
	room  int               // the list is at least this wide before the column shows
	when  func(a *app) bool // it shows at all; nil: always
	width func(a *app, list int) int
	text  func(a *app, i int) string
	less  func(a *app, i, j int) int
}

// shows reports whether the column has anything to show now.
func (c *column) shows(a *app) bool { return c.when == nil || c.when(a) }

// columns is the table of columns.
var columns = []column{
	{
		"layer", false, 0, nil, nil,
		func(a *app, i int) string { return a.model.Tensors[i].Name },
		func(a *app, i, j int) int { return strings.Compare(a.model.Tensors[i].Name, a.model.Tensors[j].Name) },
	},
	{
		"shape", false, 58, nil, func(*app, int) int { return 14 },
		func(a *app, i int) string { return shapeText(a.model.Tensors[i].Shape) },
		func(a *app, i, j int) int { return cmp.Compare(a.model.Tensors[j].Len(), a.model.Tensors[i].Len()) },
	},
	{
		"stored", false, 50, func(a *app) bool { return a.layers.stored > 0 && !a.onInputs() }, func(a *app, _ int) int { return a.layers.stored },
		func(a *app, i int) string { return dtypeText(a.model.Tensors[i].DType) },
		func(a *app, i, j int) int {
			return cmp.Compare(a.model.Tensors[j].DType.Bits(), a.model.Tensors[i].DType.Bits())
		},
	},
	{
		"scheme", false, 0, func(a *app) bool { return !a.onInputs() }, func(a *app, list int) int { return clamp(a.layers.scheme, 8, max(12, list/4)) },
		func(a *app, i int) string { return schemeText(a.model.Tensors[i], a.planned.schemes[i]) },
		func(a *app, i, j int) int {
			return strings.Compare(a.planned.schemes[i].String(), a.planned.schemes[j].String())
		},
	},
	{
		"input", false, 0, func(a *app) bool { return a.onInputs() }, flowWidth, (*app).flowText, (*app).compareFlows,
	},
	{
		"input", false, 80, func(a *app) bool { return a.run.bench != nil && !a.onInputs() }, flowWidth, (*app).flowText, (*app).compareFlows,
	},
	{
		"bpw", true, 36, func(a *app) bool { return !a.onInputs() }, func(*app, int) int { return 6 },
		func(a *app, i int) string { return fmt.Sprintf("%.2f", a.bpw(i)) },
		func(a *app, i, j int) int { return cmp.Compare(a.bpw(j), a.bpw(i)) },
	},
	{
		"SQNR", true, 0, nil, func(*app, int) int { return 6 },
		func(a *app, i int) string { return a.sqnrText(i) },
		func(a *app, i, j int) int { return cmp.Compare(a.sqnr(i), a.sqnr(j)) },
	},
	{
		"weighted", true, 50, func(a *app) bool { return a.weighted() && !a.onInputs() }, func(*app, int) int { return 8 },
		(*app).weightedText,
		func(a *app, i, j int) int { return cmp.Compare(a.weightedSQNR(i), a.weightedSQNR(j)) },
	},
	{
		"", false, 44, func(a *app) bool { return !a.weighted() || a.screen.w >= wideScreen }, func(*app, int) int { return sqnrBar },
		nil, func(a *app, i, j int) int { return cmp.Compare(a.sqnr(i), a.sqnr(j)) },
	},
}

// flowText names the scheme of what flows into tensor i, "" where nothing does.
func (a *app) flowText(i int) string {
	name := a.model.Tensors[i].Name
	if a.run.inputs[name] == nil {
		return ""
	}
	if f := a.activation(name); !f.Keep() {
		return f.String()
	}
	return "float"
}

func (a *app) compareFlows(i, j int) int { return strings.Compare(a.flowText(i), a.flowText(j)) }

func flowWidth(a *app, list int) int { return clamp(a.layers.flow, 8, max(12, list/3)) }

// sqnrBar is how wide the small bar is; a full one is fullSQNR dB.
const (
	sqnrBar  = 5
	fullSQNR = 60

	wideScreen = 150 // has room for the bar beside what importance adds
)

func (a *app) bpw(i int) float64 {
	t := a.model.Tensors[i]
	if t.Len() == 0 {
		return 0
	}
	return 8 * float64(a.planned.schemes[i].Bytes(t.Shape, t.Bytes())) / float64(t.Len())
}

// sqnr returns the SQNR of tensor i in dB, or of what flows into it; what is not
// known sorts last.
func (a *app) sqnr(i int) float64 {
	if a.onInputs() {
		switch db := a.flowSQNR(i); {
		case math.IsInf(db, 1):
			return 1e6
		case math.IsNaN(db), math.IsInf(db, -1):
			return 2e6
		default:
			return db
		}
	}
	if a.planned.schemes[i].Keep() {
		return 1e6
	}
	if f := a.work.figures[fact{a.model.Tensors[i], a.planned.schemes[i]}]; f != nil {
		return f.SQNR()
	}
	return 2e6
}

func (a *app) sqnrText(i int) string {
	t, s := a.model.Tensors[i], a.planned.schemes[i]
	f := a.work.figures[fact{t, s}]
	if a.onInputs() {
		switch db := a.flowSQNR(i); {
		case math.IsNaN(db):
			return "…"
		case math.IsInf(db, -1):
			return ""
		default:
			return dbText(db)
		}
	}
	switch {
	case a.work.failed[t] != nil:
		return "error"
	case s.Keep():
		return "∞"
	case f == nil:
		return "…"
	case f.Exact:
		return dbText(f.SQNR())
	}
	return "≈" + dbText(f.SQNR())
}

// schemeText names a scheme on the screen: what is kept shows as what it is.
func schemeText(t *model.Tensor, s quant.Scheme) string {
	if s.Keep() {
		return dtypeText(t.DType)
	}
	return s.String()
}

// dtypeText names how weights are stored as schemes name formats: "f32",
// "q4_K".
func dtypeText(d *model.DType) string {
	if d.Packing != nil {
		return d.Packing.Name
	}
	return strings.ToLower(d.Name)
}

// storedWidth returns how wide the column of stored types is: where a tensor is
// quantized already it shows, elsewhere the list does without.
func storedWidth(tensors []*model.Tensor) int {
	widest, quantized := 0, false
	for _, t := range tensors {
		widest = max(widest, textWidth(dtypeText(t.DType)))
		quantized = quantized || t.DType.Quantized()
	}
	if !quantized {
		return 0
	}
	return widest
}

func shapeText(shape []int) string {
	if len(shape) == 0 {
		return "scalar"
	}
	part := make([]string, len(shape))
	for i, d := range shape {
		part[i] = fmt.Sprint(d)
	}
	return strings.Join(part, "×")
}
