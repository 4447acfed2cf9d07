package tui

import (
	"fmt"
	"math"
	"strings"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// differenceColumn is a column of the comparison.
type differenceColumn struct {
	name  string
	right bool
	room  int                         // the list is at least this wide before the column shows
	less  int                         // and less wide than this, if it is not 0
	when  func(g *against) bool       // it shows at all; nil: always
	width int                         // 0: what its texts take, 6 to 16
	text  func(a *app, k int) string  // nil: a bar
	key   func(a *app, k int) float64 // what comes first has the least; NaN is not known
	paint func(a *app, r rect, k int) // draws instead of text
}

// sideLetters are what the sides are called.
var sideLetters = [...]string{"A", "B"}

func ofPlans(g *against) bool  { return g.plan != nil }
func ofModels(g *against) bool { return g.model != nil }

// wideList is how wide the list is where sizes of both sides have room.
const wideList = 92

// differences is the table of columns.
var differences []differenceColumn

// differenceWorst is the column that sorts first: what loses most.
const differenceWorst = 9

func init() {
	differences = []differenceColumn{
		{name: "layer", text: func(a *app, k int) string { return a.sideName(k, 0) }, key: func(_ *app, k int) float64 { return float64(k) }},
		{name: "A", text: func(a *app, k int) string { return a.sideType(k, 0) }, key: func(a *app, k int) float64 { return a.sideBits(k, 0) }},
		{name: "B", text: func(a *app, k int) string { return a.sideType(k, 1) }, key: func(a *app, k int) float64 { return a.sideBits(k, 1) }},
		{name: "size A", right: true, room: wideList, width: 8, text: func(a *app, k int) string { return a.sideSize(k, 0) }, key: func(a *app, k int) float64 { return -float64(a.sideBytes(k, 0)) }},
		{name: "size B", right: true, room: wideList, width: 8, text: func(a *app, k int) string { return a.sideSize(k, 1) }, key: func(a *app, k int) float64 { return -float64(a.sideBytes(k, 1)) }},
		{name: "B − A", right: true, less: wideList, width: 9, text: (*app).changeOfSize, key: func(a *app, k int) float64 { return float64(a.sideBytes(k, 1) - a.sideBytes(k, 0)) }},
		{name: "SQNR A", right: true, width: 6, when: ofPlans, text: func(a *app, k int) string { return a.sideText(k, 0) }, key: func(a *app, k int) float64 { return a.sideSQNR(k, 0) }},
		{name: "SQNR B", right: true, width: 6, when: ofPlans, text: func(a *app, k int) string { return a.sideText(k, 1) }, key: func(a *app, k int) float64 { return a.sideSQNR(k, 1) }},
		{name: "SQNR B", right: true, width: 6, when: ofModels, text: func(a *app, k int) string { return a.sideText(k, 1) }, key: func(a *app, k int) float64 { return a.sideSQNR(k, 1) }},
		{name: "change", width: 9, key: (*app).changeOfDB, paint: (*app).paintChange},
	}
}

// tensorsOf returns the weights of k on a side, none if that has no such.
func (a *app) tensorsOf(k, side int) []*model.Tensor {
	g := &a.against
	switch l, alone := g.alone(k); {
	case alone && l.side == side:
		return []*model.Tensor{l.Tensor}
	case alone:
		return nil
	case g.plan != nil:
		return a.model.Tensors[k : k+1]
	case side == 0:
		return g.pairs[k].A
	default:
		return g.pairs[k].B
	}
}

// schemeOf returns the scheme of tensor i in the plan of a side.
func (a *app) schemeOf(i, side int) quant.Scheme {
	if side == 0 {
		return a.planned.schemes[i]
	}
	return a.against.under.schemes[i]
}

// sideName returns what k is called on a side: of many tensors the first, and how
// many there are more.
func (a *app) sideName(k, side int) string {
	list := a.tensorsOf(k, side)
	if len(list) == 0 {
		list = a.tensorsOf(k, 1-side)
	}
	if len(list) == 1 {
		return list[0].Name
	}
	return fmt.Sprintf("%s +%d", list[0].Name, len(list)-1)
}

// sideType names the scheme of k on a side, or how it is stored.
func (a *app) sideType(k, side int) string {
	list := a.tensorsOf(k, side)
	if a.against.plan != nil {
		return schemeText(list[0], a.schemeOf(k, side))
	}
	var types []string
	for _, s := range quant.StoredAs(list) {
		types = append(types, dtypeText(s.DType))
	}
	return strings.Join(types, "+")
}

// sideBytes returns what k takes on a side.
func (a *app) sideBytes(k, side int) (bytes int64) {
	list := a.tensorsOf(k, side)
	if a.against.plan != nil {
		return a.schemeOf(k, side).Bytes(list[0].Shape, list[0].Bytes())
	}
	for _, t := range list {
		bytes += t.Bytes()
	}
	return bytes
}

// sideBits returns the bits per weight of k on a side, NaN if that has no such.
func (a *app) sideBits(k, side int) float64 {
	n := 0
	for _, t := range a.tensorsOf(k, side) {
		n += t.Len()
	}
	return 8 * float64(a.sideBytes(k, side)) / float64(n)
}

func (a *app) sideSize(k, side int) string {
	if a.tensorsOf(k, side) == nil {
		return ""
	}
	return sizeText(a.sideBytes(k, side))
}

// sideFigures returns what is known of k on a side, nil if nothing is.
func (a *app) sideFigures(k, side int) *quant.Figures {
	g := &a.against
	switch _, alone := g.alone(k); {
	case alone:
		return nil
	case g.plan != nil:
		return a.work.figures[fact{a.model.Tensors[k], a.schemeOf(k, side)}]
	case side == 1 && g.found[k] != nil:
		return &g.found[k].Figures
	}
	return nil
}

// sideSQNR returns the SQNR of k on a side in dB, of plans weighted where importance
// is in use; NaN while it is not known. Of models A is what B is held against.
func (a *app) sideSQNR(k, side int) float64 {
	f := a.sideFigures(k, side)
	switch {
	case a.against.plan != nil && a.schemeOf(k, side).Keep():
		return math.Inf(1)
	case f == nil:
		return math.NaN()
	case a.against.plan != nil:
		return a.db(f)
	}
	return f.SQNR()
}

func (a *app) sideText(k, side int) string {
	g := &a.against
	if _, alone := g.alone(k); alone {
		return ""
	}
	f := a.sideFigures(k, side)
	switch {
	case g.plan != nil && a.work.failed[a.model.Tensors[k]] != nil || g.plan == nil && g.failed[k] != nil:
		return "error"
	case f == nil && math.IsNaN(a.sideSQNR(k, side)):
		return "…"
	case f != nil && !f.Exact:
		return "≈" + dbText(a.sideSQNR(k, side))
	}
	return dbText(a.sideSQNR(k, side))
}

// losslessDB stands for no error at all where decibels are subtracted: about what
// float32 has.
const losslessDB = 150

// changeOfDB returns by how many dB the other plan is better, or how near the other
// model is: NaN while that is not known.
func (a *app) changeOfDB(k int) float64 {
	b := a.sideSQNR(k, 1)
	if a.against.plan == nil {
		return b
	}
	return clampDB(b) - clampDB(a.sideSQNR(k, 0))
}

func clampDB(db float64) float64 { return max(-losslessDB, min(losslessDB, db)) }

// changeOfSize returns by how many bytes B is larger.
func (a *app) changeOfSize(k int) string {
	if a.tensorsOf(k, 0) == nil || a.tensorsOf(k, 1) == nil {
		return ""
	}
	return moreText(a.sideBytes(k, 1) - a.sideBytes(k, 0))
}

// moreText returns a number of bytes with its sign.
func moreText(n int64) string {
	switch {
	case n < 0:
		return "−" + sizeText(-n)
	case n > 0:
		return "+" + sizeText(n)
	}
	return "0"
}

// fullChange is the change in dB that fills a half of the bar.
const fullChange = 16

// paintChange draws the change as a bar, to the left where B is worse; of models the
// SQNR.
func (a *app) paintChange(r rect, k int) {
	s, v := a.screen, a.changeOfDB(k)
	if l, alone := a.against.alone(k); alone {
		s.text(r, r.x, r.y, fg(colWarn), "only in "+sideLetters[l.side])
		return
	}
	if math.IsNaN(v) {
		return
	}
	if a.against.plan == nil {
		if v < losslessDB {
			s.text(r, r.x, r.y, sqnrScale.style(v), bar(v/fullSQNR, r.w))
		}
		return
	}
	half := r.w / 2
	middle := r.x + half
	s.put(middle, r.y, '│', fg(colFaint))
	n := clamp(int(math.Round(2*float64(half)*math.Abs(v)/fullChange)), 0, 2*half)
	if v != 0 {
		n = max(1, n)
	}
	ink, step, end := fg(colGood), 1, '▌'
	if v < 0 {
		ink, step, end = fg(colFail), -1, '▐'
	}
	for x := 1; x <= n/2; x++ {
		s.put(middle+step*x, r.y, '█', ink)
	}
	if n%2 == 1 {
		s.put(middle+step*(n/2+1), r.y, end, ink)
	}
}
