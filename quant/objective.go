package quant

import "math"

// Objective is what a plan makes small: a number per tensor that adds up over a
// model.
type Objective struct {
	Name  string // as the command line and files have it
	About string // what it says, in a sentence

	// Error returns it of a tensor's figures.
	Error func(f *Figures) float64

	weighted bool // it grows with Weighted.E2, not with E2
}

// Interval returns the ends of what the exact error may be; both are [Objective.Error]
// where the figures are exact.
func (o *Objective) Interval(f *Figures) (least, most float64) {
	e := o.Error(f)
	if f.Exact || e == 0 {
		return e, e
	}
	db, lo, hi := f.SQNR(), f.SQNRLo, f.SQNRHi
	if o.weighted {
		db, lo, hi = f.Weighted.SQNR(), f.Weighted.SQNRLo, f.Weighted.SQNRHi
	}
	return e * math.Pow(10, (db-hi)/10), e * math.Pow(10, (db-lo)/10)
}

// Objectives is the table of objectives; the first is the default.
var Objectives = []*Objective{
	{"sqnr", "error relative to the tensor's energy, each weight counting alike: the plan's SQNR", func(f *Figures) float64 { return float64(f.N) * ratio(f.E2, f.X2) }, false},
	{"sse", "squared error: large weights count more", func(f *Figures) float64 { return f.E2 }, false},
	{"imatrix", "error relative to the tensor's energy, each weight counting for its importance; where the matrix knows nothing, as sqnr", func(f *Figures) float64 { return float64(f.N) * ratio(f.Weighted.E2, f.Weighted.X2) }, true},
}

// Weighted reports whether o needs the importance of weights.
func (o *Objective) Weighted() bool { return o.weighted }

// ObjectiveOf returns the objective called name, nil if there is none.
func ObjectiveOf(name string) *Objective {
	return lookup(Objectives, name, func(o *Objective) string { return o.Name })
}
