package quant

import (
	"fmt"
	"math"
)

// Why is what decided on the candidate of a row: what the next ones would have
// cost, against the price at the margin.
type Why struct {
	Pick   Candidate
	Better *Other  // what saves most error for a byte more; nil if nothing errs less
	Worse  *Other  // what costs least error for a byte fewer; nil if nothing is smaller
	Price  float64 // error that a byte more saves where the budget ends, see [Solution]
}

// Other is a candidate that was not taken, against the one that was.
type Other struct {
	Candidate
	Bytes int64   // more than the pick has; negative if fewer
	DB    float64 // by which its SQNR is higher; negative if lower, ±Inf where one has no error
	Rate  float64 // error for a byte: that it saves if better, that it costs if worse
}

// Why returns what decided on a row of a solution.
func (s *Space) Why(sol Solution, row int) Why {
	r := &s.Rows[row]
	return r.Why(r.Candidates[sol.Picks[row]], sol.Price)
}

// Why returns what the row's candidates would change where pick, which need not be
// one of them, has been taken at a price.
func (r *Row) Why(pick Candidate, price float64) Why {
	w := Why{Pick: pick, Price: price}
	for _, c := range r.Candidates {
		o := &Other{c, c.Bytes - w.Pick.Bytes, -10 * math.Log10(c.Error/w.Pick.Error), (w.Pick.Error - c.Error) / float64(c.Bytes-w.Pick.Bytes)}
		if c.Error == w.Pick.Error { // also where both have none
			o.DB, o.Rate = 0, 0
		}
		switch {
		case o.Bytes > 0 && o.Rate >= 0 && (w.Better == nil || o.Rate > w.Better.Rate):
			w.Better = o
		case o.Bytes < 0 && (w.Worse == nil || o.Rate < w.Worse.Rate):
			w.Worse = o
		}
	}
	return w
}

// String says it in a sentence or two.
func (w Why) String() string {
	if w.Better == nil && w.Worse == nil {
		return "there is nothing else to choose"
	}
	text := ""
	if o := w.Better; o != nil {
		text = fmt.Sprintf("%s would add %s for %s, %s a byte", o.Scheme, decibels(o.DB), sizeText(o.Bytes), w.price(o.Rate))
	} else {
		text = "nothing errs less"
	}
	if o := w.Worse; o != nil {
		return text + fmt.Sprintf("; %s would cost %s and save %s, %s a byte", o.Scheme, decibels(0-o.DB), sizeText(-o.Bytes), w.price(o.Rate))
	}
	return text + "; nothing is smaller"
}

// price returns a rate in units of the price at the margin, where there is one.
func (w Why) price(rate float64) string {
	if w.Price == 0 {
		return fmt.Sprintf("%.3g", rate)
	}
	return fmt.Sprintf("%.2f× the price", rate/w.Price)
}

// decibels returns a difference of SQNR.
func decibels(db float64) string {
	if math.IsInf(db, 0) {
		return "∞ dB"
	}
	return fmt.Sprintf("%.1f dB", db)
}
