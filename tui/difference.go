package tui

import (
	"fmt"
	"math"
	"strings"
)

// remark is a sentence of the page.
type remark struct {
	style
	text string
	long bool // only where there is room
}

// explainDifference says in words what is under the cursor.
func (a *app) explainDifference(r rect) {
	k, ok := a.against.at(a.against.cursor)
	if !ok {
		return
	}
	var list []remark
	switch l, alone := a.against.alone(k); {
	case alone:
		list = a.remarksOnLone(l)
	case a.against.plan != nil:
		list = a.remarksOnPlans(k)
	default:
		list = a.remarksOnPair(k)
	}
	y := r.y
	for _, line := range list {
		if line.long && r.h < 10 {
			continue
		}
		y += a.paragraphs(rect{r.x, y, r.w, max(0, r.y+r.h-y)}, line.style, line.text)
		if r.h >= 20 {
			y++
		}
	}
}

func (a *app) remarksOnPlans(k int) []remark {
	t := a.model.Tensors[k]
	from, to := a.sideBytes(k, 0), a.sideBytes(k, 1)
	list := []remark{
		{style: style{}.with(bold), text: t.Name},
		{style: fg(colDim), text: fmt.Sprintf("%s · %s weights", shapeText(t.Shape), countText(int64(t.Len()))), long: true},
		{style: fg(colQuantized).with(bold), text: fmt.Sprintf("%s → %s: %s → %s, %s", a.sideType(k, 0), a.sideType(k, 1), sizeText(from), sizeText(to), percentMore(from, to))},
	}
	if err := a.work.failed[t]; err != nil {
		return append(list, remark{style: fg(colFail), text: err.Error()})
	}
	was, now := a.sideSQNR(k, 0), a.sideSQNR(k, 1)
	if math.IsNaN(was) || math.IsNaN(now) {
		return append(list, remark{style: fg(colDim), text: "The error is not known yet."})
	}
	kind := ""
	if a.weighted() && a.weighs(t) {
		kind = "weighted "
	}
	verb, change := "B costs", clampDB(now)-clampDB(was)
	if change > 0 {
		verb = "B gains"
	}
	text := fmt.Sprintf("%s %s dB: %sSQNR %s → %s.", verb, dbText(math.Abs(change)), kind, dbText(was), dbText(now))
	switch {
	case change == 0:
		text = fmt.Sprintf("The error is the same: %sSQNR %s dB.", kind, dbText(was))
	case math.IsInf(was, 1):
		text = fmt.Sprintf("B makes an error where there is none now: %sSQNR %s dB.", kind, dbText(now))
	case math.IsInf(now, 1):
		text = fmt.Sprintf("B makes no error; now %sSQNR is %s dB.", kind, dbText(was))
	}
	return append(
		list,
		remark{text: text + a.perByteText(change, to-from, math.IsInf(was, 1) || math.IsInf(now, 1))},
		remark{style: fg(colDim), text: fmt.Sprintf("The %serror goes from %s to %s of the weights, root mean square.", kind, errorShare(was), errorShare(now)), long: true},
		remark{style: fg(colDim), text: "space take B's scheme · T take all of B · ⏎ to its dials", long: true},
	)
}

// errorShare returns the error's share of the signal's amplitude.
func errorShare(db float64) string {
	if math.IsInf(db, 1) {
		return "nothing"
	}
	return valueDigits(100*math.Pow(10, -db/20), 2) + " %"
}

// perByteText says what a change of so many dB is for so many bytes. Where one side is
// lossless decibels a byte mean nothing.
func (a *app) perByteText(db float64, bytes int64, lossless bool) string {
	unit, per := 1<<20, "MiB"
	if a.planned.totals.Now < 256<<20 {
		unit, per = 1<<10, "KiB"
	}
	rate := valueDigits(math.Abs(db)*float64(unit)/math.Abs(float64(bytes)), 2)
	switch {
	case bytes == 0:
		return " The bytes are the same."
	case db >= 0 && bytes < 0:
		return fmt.Sprintf(" And it saves %s.", sizeText(-bytes))
	case db <= 0 && bytes > 0:
		return fmt.Sprintf(" And it takes %s more.", sizeText(bytes))
	case lossless && bytes < 0:
		return fmt.Sprintf(" It saves %s.", sizeText(-bytes))
	case lossless:
		return fmt.Sprintf(" It takes %s more.", sizeText(bytes))
	case bytes < 0:
		return fmt.Sprintf(" It saves %s, at %s dB per %s.", sizeText(-bytes), rate, per)
	}
	return fmt.Sprintf(" It takes %s more: %s dB per %s.", sizeText(bytes), rate, per)
}

func (a *app) remarksOnPair(k int) []remark {
	g := &a.against
	p := &g.pairs[k]
	from, to := p.BytesA(), p.BytesB()
	by, undone, _ := strings.Cut(p.Rule, ", ")
	match := "B: " + a.sideName(k, 1) + " — the same by its " + matchText(by)
	if by == "name" {
		match = "B has a tensor of this name"
	}
	if undone != "" {
		match += "; undone: " + undone
	}
	list := []remark{
		{style: style{}.with(bold), text: a.sideName(k, 0)},
		{style: fg(colDim), text: fmt.Sprintf("%s · %s weights", shapeText(p.A[0].Shape), countText(int64(p.Len()))), long: true},
		{style: fg(colQuantized).with(bold), text: fmt.Sprintf("%s → %s: %s → %s, %s", a.sideType(k, 0), a.sideType(k, 1), sizeText(from), sizeText(to), percentMore(from, to))},
	}
	c := g.found[k]
	switch {
	case g.failed[k] != nil:
		list = append(list, remark{style: fg(colFail), text: g.failed[k].Error()})
	case c == nil:
		list = append(list, remark{style: fg(colDim), text: "Not compared yet."})
	case c.E2 == 0 && c.Lost == 0:
		list = append(list, remark{text: "The weights are the same."})
	default:
		text := fmt.Sprintf("SQNR %s dB: %s; the largest %s.", dbText(c.SQNR()), qualityText("", c.SQNR()), valueText(c.MaxAbs))
		if c.Lost > 0 {
			text += fmt.Sprintf(" %s finite in A and not in B.", plural(c.Lost, "weight is", "weights are"))
		}
		list = append(list, remark{text: text})
	}
	return append(
		list,
		remark{style: fg(colDim), text: match + ".", long: p.Rule == "name"},
		remark{style: fg(colDim), text: "space plan A as B is stored · T all of it · ⏎ to its dials", long: true},
	)
}

// matchText says what a rule of pairs goes by.
func matchText(rule string) string {
	switch rule {
	case "like name":
		return "name, but for case and separators"
	case "llama.cpp's name":
		return "name in llama.cpp"
	}
	return rule
}

func (a *app) remarksOnLone(l lone) []remark {
	return []remark{
		{style: style{}.with(bold), text: l.Name},
		{style: fg(colDim), text: fmt.Sprintf("%s · %s, %s", shapeText(l.Shape), dtypeText(l.DType), sizeText(l.Bytes()))},
		{style: fg(colWarn), text: fmt.Sprintf("Only in %s: %s.", sideLetters[l.side], l.Why)},
	}
}
