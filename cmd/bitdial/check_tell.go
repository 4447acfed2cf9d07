package main

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant/model"
)

var breachColumns = []column{
	{key: "bound", title: "bound", width: -15},
	{key: "tensor", title: "tensor", width: -40},
	{key: "value", title: "value", width: 12},
	{key: "limit", title: "limit", width: 12},
}

// tell writes what breaks, or the totals, and returns an error if anything does.
func (f *checking) tell(c *cobra.Command, m *model.Model, other string) error {
	s := newSheet(f.asJSON, breachColumns)
	for _, b := range f.broken {
		var tensor any
		if b.tensor != "" {
			tensor = b.tensor
		}
		if err := s.row(b.bound, tensor, whole(b.value), whole(b.limit)); err != nil {
			return err
		}
	}
	t := &f.totals
	var err error
	switch {
	case f.asJSON:
		var otherModel, worst, drop, kld any
		if other != "" {
			otherModel = other
		}
		if f.worst != "" {
			worst = f.worst
		}
		if d, ran := f.answered["max-drop"]; ran {
			drop, kld = d, f.answered["max-kld"]
		}
		err = s.object(
			[]string{"total", "model", "other", "passed", "broken", "tensors", "n", "bytes", "bpw", "sqnr_db", "worst", "worst_sqnr_db", "drop", "kld", "exact"},
			[]any{true, m.Path, otherModel, len(f.broken) == 0, len(f.broken), f.tensors, t.Params, t.Then, t.BPW(), t.SQNR(), worst, f.worstDB, drop, kld, t.Exact()})
	case len(f.broken) == 0:
		err = s.line(oneLine(m.Name) + ": " + f.summary() + ": " + counted(len(f.limits), "bound holds", "bounds hold"))
	}
	if err == nil {
		err = s.flush()
	}
	if err != nil || len(f.broken) == 0 {
		return err
	}
	names := map[string]bool{}
	for _, b := range f.broken {
		names[b.bound] = true
	}
	return fmt.Errorf("%s: %s: %s", m.Name, f.summary(), counted(len(names), "bound does not hold", "bounds do not hold"))
}

// whole returns a number of bytes or weights as an integer, which is written in full.
func whole(x float64) any {
	if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
		return int64(x)
	}
	return x
}

// summary says in a line what was found.
func (f *checking) summary() string {
	t := &f.totals
	about := ""
	if !t.Exact() {
		about = "≈ "
	}
	text := fmt.Sprintf("%s, %.2f bpw, SQNR %s%s dB", humanize.IBytes(uint64(t.Then)), t.BPW(), about, decibels(t.SQNR()))
	if f.worst != "" {
		text += fmt.Sprintf(", least %s dB (%s)", decibels(f.worstDB), f.worst)
	}
	if d, ran := f.answered["max-drop"]; ran {
		text += fmt.Sprintf(", drop %.2f points, KLD %.3g", d, f.answered["max-kld"])
	}
	return text
}

func decibels(db float64) string {
	switch {
	case math.IsInf(db, 1):
		return "∞"
	case math.IsInf(db, -1):
		return "-∞"
	}
	return fmt.Sprintf("%.2f", db)
}
