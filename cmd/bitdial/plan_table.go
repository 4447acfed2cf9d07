package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// tell writes the plan and what it amounts to.
func (p *planning) tell(c *cobra.Command) error {
	schemes := p.plan.Schemes(p.Tensors)
	t := p.totals(schemes)
	if p.out != "" {
		if err := quant.SavePlan(p.out, p.plan, p.replace); err != nil {
			return err
		}
	}
	switch {
	case p.asJSON:
		return p.tellJSON(&t)
	case p.asked:
		if err := p.reasons(); err != nil {
			return err
		}
	case p.out != "":
		if err := p.places(schemes); err != nil {
			return err
		}
	default:
		if _, err := p.plan.WriteTo(c.OutOrStdout()); err != nil {
			return err
		}
	}
	c.PrintErrln(p.summary(&t))
	return nil
}

// summary says what the plan amounts to, in a line.
func (p *planning) summary(t *quant.Totals) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d bytes, %.4g bpw, SQNR %.2f dB", p.Name, t.Then, t.BPW(), t.SQNR())
	if p.file != nil {
		fmt.Fprintf(&b, "; the file %d bytes", p.file.Size)
	}
	fmt.Fprintf(&b, "; %s", counted(len(p.plan.Rules), "rule", "rules"))
	if p.sol.Optimal() {
		b.WriteString("; no choice is better")
	} else {
		fmt.Fprintf(&b, "; the best choice may be better by %.2g %%", 100*p.sol.Gap())
	}
	if p.out != "" {
		fmt.Fprintf(&b, "; written to %s", oneLine(p.out))
	}
	return b.String()
}

// places writes a row for the tensors that have one place in all layers.
func (p *planning) places(schemes []quant.Scheme) error {
	of := make(map[*model.Tensor]quant.Scheme, len(schemes))
	for i, t := range p.Tensors {
		of[t] = schemes[i]
	}
	type place struct {
		name string
		quant.Place
	}
	var list []place
	width := len("tensors")
	for _, stack := range quant.Outline(p.Tensors) {
		for _, pl := range stack.Places {
			name := pl.Name
			if stack.Name != "" {
				name = stack.Name + "." + name
			}
			width = max(width, len(name))
			list = append(list, place{name, pl})
		}
	}
	s := newSheet(false, []column{
		{key: "tensors", title: "tensors", width: -width},
		{key: "count", title: "count", width: 5},
		{key: "n", title: "weights", width: 13, show: showCount},
		{key: "bytes", title: "size", width: 8, show: showBytes},
		{key: "bpw", title: "bpw", width: 6, show: showFixed(2)},
		{key: "sqnr_db", title: "SQNR dB", width: 7, show: showDecibel},
		{key: "schemes", title: "schemes"},
	})
	for _, pl := range list {
		var sum quant.Totals
		for _, t := range pl.Tensors {
			sum.Add(t, of[t], p.known(t, of[t]))
		}
		if err := s.row(pl.name, len(pl.Tensors), sum.Params, sum.Then, sum.BPW(), sum.SQNR(), runsOf(pl.Tensors, of)); err != nil {
			return err
		}
	}
	return s.flush()
}

// runsOf returns the schemes of tensors with how many have each, in the order in
// which they first occur.
func runsOf(tensors []*model.Tensor, of map[*model.Tensor]quant.Scheme) string {
	count := map[quant.Scheme]int{}
	var order []quant.Scheme
	for _, t := range tensors {
		if count[of[t]]++; count[of[t]] == 1 {
			order = append(order, of[t])
		}
	}
	var parts []string
	for _, s := range order {
		if len(order) == 1 {
			return s.String()
		}
		parts = append(parts, fmt.Sprintf("%s×%d", s, count[s]))
	}
	return strings.Join(parts, " ")
}

// reasons writes a row for every row of the space, with what decided on it.
func (p *planning) reasons() error {
	s := newSheet(false, []column{
		nameColumn(p.Tensors),
		{key: "scheme", title: "scheme", width: -14},
		{key: "bytes", title: "size", width: 8, show: showBytes},
		{key: "why", title: "why"},
	})
	for i, r := range p.space.Rows {
		w := p.space.Why(p.sol, i)
		why := w.String()
		if n := len(r.Tensors) - 1; n > 0 {
			why += fmt.Sprintf(" (with %d tied to it)", n)
		}
		if err := s.row(r.Tensors[0].Name, w.Pick.Scheme.String(), w.Pick.Bytes, why); err != nil {
			return err
		}
	}
	return s.flush()
}

// otherJSON is a candidate that was not taken.
type otherJSON struct {
	Scheme string   `json:"scheme"`
	Bytes  int64    `json:"bytes"`
	SQNR   *float64 `json:"sqnr_db"`
	Price  *float64 `json:"price"`
}

type ruleJSON struct {
	Match  string `json:"match"`
	Scheme string `json:"scheme"`
}

// tellJSON writes a line for each tensor and one for all.
func (p *planning) tellJSON(t *quant.Totals) error {
	s := newSheet(true, []column{
		{key: "tensor"}, {key: "scheme"}, {key: "n"}, {key: "bytes"}, {key: "bpw"}, {key: "sse"}, {key: "sqnr_db"}, {key: "better"}, {key: "worse"},
	})
	row := map[*model.Tensor]int{}
	for i, r := range p.space.Rows {
		for _, t := range r.Tensors {
			row[t] = i
		}
	}
	for _, t := range p.Tensors {
		i, chosen := row[t]
		if !chosen {
			if err := s.row(t.Name, "keep", t.Len(), t.Bytes(), 8*float64(t.Bytes())/float64(max(1, t.Len())), 0.0, nil, nil, nil); err != nil {
				return err
			}
			continue
		}
		w := p.space.Why(p.sol, i)
		var sum quant.Totals
		sum.Add(t, w.Pick.Scheme, p.known(t, w.Pick.Scheme))
		if err := s.row(t.Name, w.Pick.Scheme.String(), t.Len(), sum.Then, sum.BPW(), sum.SSE, sum.SQNR(), p.otherJSON(w.Better), p.otherJSON(w.Worse)); err != nil {
			return err
		}
	}
	rules := []ruleJSON{}
	for _, r := range p.plan.Rules {
		rules = append(rules, ruleJSON{r.Glob, r.String()})
	}
	var room, file any
	if p.room > 0 {
		room = p.room
	}
	if p.file != nil {
		file = p.file.Size
	}
	err := s.object(
		[]string{"total", "model", "n", "bytes", "bpw", "sse", "sqnr_db", "budget", "objective", "gap", "price", "default", "rules", "file"},
		[]any{true, p.Path, t.Params, t.Then, t.BPW(), t.SSE, t.SQNR(), room, p.objective.Name, p.sol.Gap(), p.sol.Price, p.plan.Default.String(), rules, file},
	)
	if err != nil {
		return err
	}
	return s.flush()
}

func (p *planning) otherJSON(o *quant.Other) any {
	if o == nil {
		return nil
	}
	j := otherJSON{Scheme: o.Scheme.String(), Bytes: o.Bytes}
	if !math.IsInf(o.DB, 0) {
		j.SQNR = &o.DB
	}
	if p.sol.Price > 0 {
		price := o.Rate / p.sol.Price
		j.Price = &price
	}
	return &j
}
