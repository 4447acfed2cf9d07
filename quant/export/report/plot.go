package report

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// plot is the curve, drawn: bits per weight to the right, SQNR upwards.
type plot struct {
	W, H                     float64
	Left, Right, Top, Bottom float64 // of the frame
	Line                     string  // a path
	X, Y                     []label // ticks
	Marks                    []dot
}

// dot is a plan on the plot.
type dot struct {
	X, Y  float64
	This  bool
	Label label
	End   bool // the label ends at its place
}

func (r *Report) plot() plot {
	p := plot{W: 900, H: 400, Left: 56, Right: 880, Top: 18, Bottom: 352}
	var all []Point
	for _, m := range r.Curve.Marks {
		all = append(all, m.Point)
	}
	all = append(all, r.Curve.Points...)
	lo, hi, low, high := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, a := range all {
		if math.IsInf(a.SQNR, 0) { // nothing is lost, or everything: it stands at the frame
			continue
		}
		x := r.BPW(a.Bytes)
		lo, hi = min(lo, x), max(hi, x)
		low, high = min(low, a.SQNR), max(high, a.SQNR)
	}
	if lo > hi { // nothing is lost anywhere
		lo, hi, low, high = 0, max(1, r.Totals.BPW()), 0, 10
	}
	xs, ys := nice(lo, hi), nice(low, high)
	x := func(bpw float64) float64 { return scaled(bpw, xs, p.Left, p.Right) }
	y := func(db float64) float64 { return scaled(db, ys, p.Bottom, p.Top) }
	for _, v := range xs.ticks() {
		p.X = append(p.X, label{X: x(v), Y: p.Bottom + 18, Text: fmt.Sprintf("%g", v)})
	}
	for _, v := range ys.ticks() {
		p.Y = append(p.Y, label{X: p.Left - 8, Y: y(v) + 4, Text: strings.Replace(fmt.Sprintf("%g", v), "-", "−", 1)})
	}
	var line strings.Builder
	var drawn [][2]float64
	for i, a := range thinned(r.Curve.Points) {
		if math.IsInf(a.SQNR, 0) {
			break // to keep everything is no point of the plot
		}
		at := [2]float64{x(r.BPW(a.Bytes)), y(a.SQNR)}
		drawn = append(drawn, at)
		fmt.Fprintf(&line, "%c%.1f %.1f", "ML"[min(i, 1)], at[0], at[1])
	}
	p.Line = line.String()
	var on []box
	for i := range len(drawn) - 1 {
		a, b := drawn[i], drawn[i+1]
		n := int(math.Hypot(b[0]-a[0], b[1]-a[1])/8) + 1
		for k := range n {
			at := float64(k) / float64(n)
			on = append(on, box{a[0] + at*(b[0]-a[0]) - 1, a[1] + at*(b[1]-a[1]) - 1, 2, 2})
		}
	}
	for _, m := range r.Curve.Marks {
		p.Marks = append(p.Marks, dot{X: x(r.BPW(m.Bytes)), Y: y(m.SQNR), This: m.This, Label: label{
			Text:  m.Name,
			Title: fmt.Sprintf("%s: %s, %.2f bpw, %s%s dB", m.Name, size(m.Bytes), r.BPW(m.Bytes), about(m.Exact), decibels(m.SQNR)),
		}})
	}
	p.place(on)
	return p
}

// thinned returns at most a few hundred of the points, both ends among them.
func thinned(points []Point) []Point {
	const most = 300
	if len(points) <= most {
		return points
	}
	list := make([]Point, most)
	for i := range list {
		list[i] = points[i*(len(points)-1)/(most-1)]
	}
	return list
}

// box is a rectangle that labels keep off.
type box struct{ x, y, w, h float64 }

func (a box) apart(b box) bool {
	return a.x+a.w <= b.x || b.x+b.w <= a.x || a.y+a.h <= b.y || b.y+b.h <= a.y
}

// place puts a label to each mark, this plan's first, where it covers nothing: no
// other label, no mark, and not the curve that it keeps off.
func (p *plot) place(curve []box) {
	var taken []box
	for _, d := range p.Marks {
		taken = append(taken, box{d.X - 6, d.Y - 6, 12, 12})
	}
	for i := len(p.Marks) - 1; i >= 0; i-- {
		d := &p.Marks[i]
		w := float64(utf8.RuneCountInString(d.Label.Text))*6.8 + 4
		best := -1
		// Below the curve there is room: to the right, then lower and lower.
		for try, at := range [][2]float64{{10, 4}, {8, 18}, {8, -10}, {-w - 10, -6}, {-w - 10, 4}, {10, 32}, {-w - 10, -20}, {10, 46}, {-w - 10, 18}} {
			b := box{d.X + at[0], d.Y + at[1] - 11, w, 14}
			free := b.x >= p.Left && b.x+b.w <= p.Right+16 && b.y >= p.Top-12 && b.y+b.h <= p.Bottom
			for j, t := range taken {
				free = free && (j == i || b.apart(t))
			}
			for _, c := range curve {
				free = free && b.apart(c)
			}
			if free || best < 0 {
				best = try
				d.Label.X, d.Label.Y = d.X+at[0], d.Y+at[1]
			}
			if free {
				taken = append(taken, b)
				break
			}
		}
	}
}

// span is an axis with a step between ticks.
type span struct{ lo, hi, step float64 }

// nice returns an axis that holds lo to hi, on round numbers.
func nice(lo, hi float64) span {
	width := max(hi-lo, 1e-3)
	step := math.Pow(10, math.Floor(math.Log10(width/4)))
	for _, m := range []float64{2, 5, 10} {
		if width/step <= 9 {
			break
		}
		step = math.Pow(10, math.Floor(math.Log10(width/4))) * m
	}
	pad := 0.03 * width
	return span{math.Floor((lo-pad)/step) * step, math.Ceil((hi+pad)/step) * step, step}
}

func (s span) ticks() (list []float64) {
	for i := 0; ; i++ {
		v := s.lo + float64(i)*s.step
		if v > s.hi+s.step/2 {
			return list
		}
		list = append(list, math.Round(v/s.step)*s.step)
	}
}

// scaled returns where v is on an axis that is drawn from one place to another;
// what is infinite stands at its end.
func scaled(v float64, s span, from, to float64) float64 {
	return from + (to-from)*max(0, min(1, (v-s.lo)/(s.hi-s.lo)))
}
