package quant

// Objective is what a plan makes small: a number per tensor that adds up over a
// model.
type Objective struct {
	Name  string // as the command line and files have it
	About string // what it says, in a sentence

	// Error returns it of a tensor's figures.
	Error func(f *Figures) float64
}

// Objectives is the table of objectives; the first is the default.
var Objectives = []*Objective{
	{"sqnr", "error relative to the tensor's energy, each weight counting alike: the plan's SQNR", func(f *Figures) float64 { return float64(f.N) * ratio(f.E2, f.X2) }},
	{"sse", "squared error: large weights count more", func(f *Figures) float64 { return f.E2 }},
}

// ObjectiveOf returns the objective called name, nil if there is none.
func ObjectiveOf(name string) *Objective {
	for _, o := range Objectives {
		if o.Name == name {
			return o
		}
	}
	return nil
}
