package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// Curve is what the best plans from some schemes weigh and lose, and where other
// plans stand.
type Curve struct {
	Points []Point
	Marks  []Mark // well-known plans, the report's last

	schemes []quant.Scheme
	others  []other
	figures map[subject]*quant.Figures
	weights float64 // that an SQNR of the model counts
}

// Point is a plan by size and SQNR.
type Point struct {
	Bytes int64
	SQNR  float64
}

// Mark is a point with a name.
type Mark struct {
	Name string
	Point
	This, Exact bool // the report's own plan; no estimate
}

// subject is what an estimate is of.
type subject struct {
	*model.Tensor
	quant.Scheme
}

// other is a well-known plan.
type other struct {
	name    string
	schemes map[*model.Tensor]quant.Scheme
}

// families are the plans that people know: of files that llama.cpp runs, and of all
// others.
var families = map[bool]struct{ everywhere, mixes []string }{
	true:  {[]string{"q4_0", "q8_0", "q4_K,q8_0"}, []string{"Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K"}},
	false: {[]string{"int8:channel", "int4:channel", "int4:g32", "int3:g32", "int8:g32"}, nil},
}

// choose settles which schemes and plans are looked at. Plans that suit less than 99
// of 100 weights of the model are left out, and so are mixes that are not known for
// its architecture.
func (c *Curve) choose(m *model.Model, planned []quant.Scheme) {
	c.figures = map[subject]*quant.Figures{}
	packed := m.Format == "gguf" || slices.ContainsFunc(planned, func(s quant.Scheme) bool { return !s.Keep() && s.Format.Packing != nil })
	family := families[packed]
	for _, text := range family.everywhere {
		c.offer(m, "all "+text, quant.Everywhere(parsed(text)))
	}
	for _, name := range family.mixes {
		if plan, err := quant.MixOf(name).Plan(m, false); err == nil { // else its architecture has none
			c.offer(m, name, plan)
		}
	}
	// The curve chooses from all that stands beside it too, so that nothing is above it.
	candidates := quant.Candidates()
	if packed {
		candidates = quant.TargetOf("llama.cpp").Candidates()
	}
	most := 2 * len(candidates)
	for _, s := range candidates {
		if s.Format.Bits < 16 { // floats are far to the right, and lose next to nothing
			c.add(s)
		}
	}
	for _, s := range planned {
		if len(c.schemes) < most {
			c.add(s)
		}
	}
	for _, o := range c.others {
		for _, t := range m.Tensors {
			c.add(o.schemes[t])
		}
	}
}

func (c *Curve) add(s quant.Scheme) {
	if !s.Keep() && !slices.Contains(c.schemes, s) {
		c.schemes = append(c.schemes, s)
	}
}

// parsed reads a line of the table above.
func parsed(text string) quant.Choice {
	choice, err := quant.ParseChoice(text)
	if err != nil {
		panic(err)
	}
	return choice
}

func (c *Curve) offer(m *model.Model, name string, plan quant.Plan) {
	o := other{name, make(map[*model.Tensor]quant.Scheme, len(m.Tensors))}
	suited, all := 0, 0
	schemes := plan.Schemes(m.Tensors)
	for i, t := range m.Tensors {
		o.schemes[t] = schemes[i]
		if quant.IsWeight(t) {
			all += t.Len()
			if !schemes[i].Keep() {
				suited += t.Len()
			}
		}
	}
	if all > 0 && float64(suited) >= 0.99*float64(all) {
		c.others = append(c.others, o)
	}
}

// wanted returns the schemes whose figures the curve needs of t.
func (c *Curve) wanted(t *model.Tensor) []quant.Scheme {
	var list []quant.Scheme
	add := func(s quant.Scheme) {
		if !s.Keep() && s.WhyNot(t.Shape) == "" && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	if quant.IsWeight(t) {
		for _, s := range c.schemes {
			add(s)
		}
	}
	for _, o := range c.others {
		add(o.schemes[t])
	}
	return list
}

// draw finds the points once everything is measured.
func (c *Curve) draw(m *model.Model, r *Report) {
	for _, t := range m.Tensors {
		if quant.Quantizable(t) {
			c.weights += float64(t.Len())
		}
	}
	known := func(t *model.Tensor, s quant.Scheme) *quant.Figures { return c.figures[subject{t, s}] }
	space := quant.NewSpace(m.Tensors, c.schemes, quant.ObjectiveOf("sqnr"), known)
	for _, p := range space.Frontier() {
		c.Points = append(c.Points, Point{p.Bytes, c.sqnr(p.Error)})
	}
	this := "this plan"
	for _, o := range c.others {
		if !slices.ContainsFunc(r.Tensors, func(t Tensor) bool { return o.schemes[t.Tensor] != t.Scheme }) {
			this += " = " + o.name
			continue
		}
		var totals quant.Totals
		for _, t := range m.Tensors {
			totals.Add(t, o.schemes[t], known(t, o.schemes[t]))
		}
		c.Marks = append(c.Marks, Mark{Name: o.name, Point: Point{totals.Then, totals.SQNR()}, Exact: totals.Exact()})
	}
	slices.SortStableFunc(c.Marks, func(a, b Mark) int { return cmp.Compare(a.Bytes, b.Bytes) })
	c.Marks = append(c.Marks, Mark{Name: this, Point: Point{r.Totals.Then, r.Totals.SQNR()}, This: true, Exact: r.Totals.Exact()})
}

// sqnr returns the SQNR of an error that is relative to energy.
func (c *Curve) sqnr(relative float64) float64 {
	if !(relative > 0) {
		return math.Inf(1)
	}
	return -10 * math.Log10(relative/c.weights)
}

// at returns the largest plan of the curve of no more than so many bytes.
func (c *Curve) at(bytes int64) (best Point, ok bool) {
	for _, p := range c.Points {
		if p.Bytes <= bytes {
			best, ok = p, true
		}
	}
	return best, ok
}

// reaching returns the smallest plan of the curve that has an SQNR.
func (c *Curve) reaching(db float64) (best Point, ok bool) {
	for _, p := range c.Points {
		if p.SQNR >= db {
			return p, true
		}
	}
	return best, false
}
