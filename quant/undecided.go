package quant

import (
	"slices"

	"github.com/bitdial/bitdial/quant/model"
)

// Undecided returns the schemes of t, chosen among them, that have to be measured
// exactly before it is certain that chosen is the best at a price, in error per
// byte: those whose error is an estimate and could, at the end of its interval,
// cost less than chosen does at the end of its own. It is nil if no measurement
// can change the choice.
func Undecided(t *model.Tensor, schemes []Scheme, chosen Scheme, price float64, o *Objective, known func(*model.Tensor, Scheme) *Figures) []Scheme {
	now := known(t, chosen)
	if now == nil {
		return nil
	}
	cost := func(f *Figures, e float64) float64 { return e + price*float64(f.Bytes) }
	_, most := o.Interval(now)
	limit := cost(now, most)
	var rivals []Scheme
	for _, s := range schemes {
		f := known(t, s)
		if s == chosen || f == nil {
			continue
		}
		if least, _ := o.Interval(f); cost(f, least) < limit {
			rivals = append(rivals, s)
		}
	}
	if len(rivals) == 0 {
		return nil
	}
	return slices.DeleteFunc(append(rivals, chosen), func(s Scheme) bool { return known(t, s).Exact })
}
