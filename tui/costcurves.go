package tui

import (
	"cmp"
	"math"
	"slices"

	"github.com/bitdial/bitdial/quant"
)

// costPoint is a format of a layer: what it weighs and how well it does.
type costPoint struct {
	column  int
	bpw, db float64
}

// costPoints appends what is known of tensor i under the formats of the set, by
// ascending bits.
func (a *app) costPoints(points []costPoint, i int) []costPoint {
	t := a.model.Tensors[i]
	for c := range a.heat.formats() {
		f := a.work.figures[fact{t, a.heatScheme(i, c)}]
		if f == nil {
			continue
		}
		if db := a.db(f); !math.IsNaN(db) && !math.IsInf(db, 0) {
			points = append(points, costPoint{c, f.BPW(), db})
		}
	}
	slices.SortFunc(points, func(p, q costPoint) int {
		return cmp.Or(cmp.Compare(p.bpw, q.bpw), cmp.Compare(p.db, q.db))
	})
	return points
}

// curvesTitle says what the curves are.
func (a *app) curvesTitle() string {
	return "SQNR dB" + a.weighedBy() + " against bits per weight · " + heatSets[a.heat.set].name
}

// drawCurves draws SQNR against bits for every layer in the list, the one under
// the cursor in front.
func (a *app) drawCurves(r rect) {
	s := a.screen
	in := r.inset(1)
	_, in = in.cutLeft(1)
	foot, in := in.cutBottom(2)
	top, body := in.cutTop(1)
	a.heat.first, a.heat.shown = 0, len(a.heat.formats())
	names, plot := body.cutLeft(clamp(body.w/4, 12, 32))
	_, plot = plot.cutLeft(2)
	a.layers.scroll(names.h)
	title := a.curvesTitle()
	title += a.progressText(a.heatProgress())
	s.text(top, top.x, top.y, fg(colDim), cutEnd(title, top.w))
	a.drawNames(names)
	a.paintCurves(plot)
	a.explainCell(foot)
}

// drawNames draws the list as names alone.
func (a *app) drawNames(r rect) {
	s := a.screen
	a.hots = append(a.hots, hot{area: r, click: (*app).clickRow, wheel: (*app).wheelList})
	for row := range r.h {
		i, ok := a.layers.at(a.layers.top + row)
		if !ok {
			break
		}
		st := style{}
		if !quant.Quantizable(a.model.Tensors[i]) {
			st = fg(colFaint)
		}
		if a.layers.top+row == a.layers.cursor {
			s.put(r.x-1, r.y+row, '▸', fg(colAccent).with(bold))
			st = st.with(bold)
		}
		s.text(r, r.x, r.y+row, st, a.layers.names.short(a.model.Tensors[i].Name, r.w))
	}
	a.drawScrollbar(r)
}

// paintCurves draws the curves of the layers in the list with their axes.
func (a *app) paintCurves(r rect) {
	s := a.screen
	if r.h < 5 || r.w < 20 {
		return
	}
	most, lo, hi := 4.0, 0.0, 30.0
	var points []costPoint
	for row := range a.layers.rows {
		if i, ok := a.heatRow(row); ok {
			points = a.costPoints(points[:0], i)
			for _, p := range points {
				most, lo, hi = max(most, p.bpw), min(lo, p.db), max(hi, p.db)
			}
		}
	}
	most, lo, hi = math.Ceil(most), 10*math.Floor(lo/10), 10*math.Ceil(hi/10)
	axisX, plot := r.cutBottom(2)
	axisY, plot := plot.cutLeft(5)
	for y := range plot.h {
		s.put(axisY.x+4, plot.y+y, '│', fg(colFaint))
	}
	for x := range plot.w {
		s.put(plot.x+x, axisX.y, '─', fg(colFaint))
	}
	s.put(axisY.x+4, axisX.y, '└', fg(colFaint))
	for _, db := range ticks(lo, hi, max(2, plot.h/4)) {
		y := plot.y + plot.h - 1 - int((db-lo)/(hi-lo)*float64(plot.h-1)+0.5)
		s.textRight(rect{axisY.x, y, 4, 1}, y, fg(colDim), valueText(db))
		s.put(axisY.x+4, y, '┤', fg(colFaint))
	}
	l := labels{s: s, r: rect{plot.x, axisX.y + 1, plot.w, 1}}
	l.put(plot.w-1, -1, "bpw", fg(colDim))
	for _, b := range ticks(0, most, min(7, plot.w/8)) {
		x := int(b / most * float64(plot.w-1))
		if l.put(x, 0, valueText(b), fg(colDim)) {
			s.put(plot.x+x, axisX.y, '┬', fg(colFaint))
		}
	}
	chosen := a.layers.selected()
	d := dotted{s: s, r: plot, x1: most, y0: lo, y1: hi}
	for row := range a.layers.rows {
		if i, ok := a.heatRow(row); ok && i != chosen {
			points = a.costPoints(points[:0], i)
			for k := 1; k < len(points); k++ {
				d.line(points[k-1].bpw, points[k-1].db, points[k].bpw, points[k].db, fg(colFaint))
			}
		}
	}
	if chosen < 0 {
		return
	}
	points = a.costPoints(points[:0], chosen)
	for k := 1; k < len(points); k++ {
		d.line(points[k-1].bpw, points[k-1].db, points[k].bpw, points[k].db, fg(colQuantized))
	}
	for _, p := range points {
		x, y := d.cell(p.bpw, p.db)
		st := fg(colQuantized)
		if p.column == a.heat.column {
			st = fg(colAccent).with(bold)
		}
		s.put(x, y, '●', st)
		name := a.heat.formats()[p.column].Name
		if at := (rect{x - textWidth(name) - 1, y, textWidth(name), 1}); at.x > plot.x && (p.column == a.heat.column || a.blank(at)) {
			s.text(plot, at.x, y, st, name)
		} else if at.x = x + 2; at.x+at.w < plot.x+plot.w && a.blank(at) {
			s.text(plot, at.x, y, st, name)
		}
	}
}

// blank reports whether nothing but faint curves is drawn in r.
func (a *app) blank(r rect) bool {
	for x := r.x; x < r.x+r.w; x++ {
		if a.screen.glyphAt(x, r.y) != ' ' && a.screen.styleAt(x, r.y).fg != colFaint {
			return false
		}
	}
	return true
}

// ticks returns at most n+1 round numbers from lo to hi, at equal distances of
// 1, 2 or 5 times a power of ten.
func ticks(lo, hi float64, n int) []float64 {
	if n < 1 || !(hi > lo) {
		return nil
	}
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/float64(n))))
	for _, m := range [...]float64{1, 2, 5, 10} {
		if (hi-lo)/(m*step) <= float64(n) {
			step *= m
			break
		}
	}
	var list []float64
	for v := math.Ceil(lo/step) * step; v <= hi+step/1e6; v += step {
		list = append(list, v)
	}
	return list
}
