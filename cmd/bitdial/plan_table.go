package main

import (
	"fmt"
	"io"
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
		if err := model.WriteFile(p.out, p.replace, func(w io.Writer) error { return p.write(w, &t) }); err != nil {
			return err
		}
	}
	switch {
	case p.asJSON:
		return p.tellJSON(&t)
	case p.asked:
		return p.reasons(&t)
	case p.out != "":
		return p.places(schemes, &t)
	}
	return p.write(c.OutOrStdout(), &t)
}

// write writes the plan under a comment that says what it amounts to.
func (p *planning) write(w io.Writer, t *quant.Totals) error {
	if _, err := fmt.Fprintf(w, "# %s: %d bytes, %.4g bpw, SQNR %s dB; %s\n", oneLine(p.Name), t.Then, t.BPW(), decibels(t.SQNR()), p.verdict()); err != nil {
		return err
	}
	_, err := p.plan.WriteTo(w)
	return err
}

// verdict says how good the plan is, and what else there is to know of it.
func (p *planning) verdict() string {
	text := counted(len(p.plan.Rules), "rule", "rules")
	if p.objective.Weighted() {
		text = "weighted " + p.decibels(p.sol.Error) + " dB; " + text
	}
	if p.file != nil {
		text = fmt.Sprintf("a file of %d bytes; ", p.file.Size) + text
	}
	if p.sol.Optimal() {
		text += "; no choice is better"
	} else {
		text += fmt.Sprintf("; the best choice may be better by %.2g %%", 100*p.sol.Gap())
	}
	if p.assumed != "" {
		text += "; " + oneLine(p.assumed)
	}
	return text
}

// places writes a row for the tensors that have one place in all layers.
func (p *planning) places(schemes []quant.Scheme, total *quant.Totals) error {
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
	if err := s.row("total", len(p.Tensors), total.Params, total.Then, total.BPW(), total.SQNR(), p.verdict()); err != nil {
		return err
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
func (p *planning) reasons(total *quant.Totals) error {
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
	if err := s.row("total", nil, total.Then, p.verdict()); err != nil {
		return err
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
			if err := s.row(t.Name, "keep", t.Len(), t.Bytes(), bitsPer(t.Bytes(), t.Len()), 0.0, nil, nil, nil); err != nil {
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
	var weighted, room, file, assumed any
	if p.objective.Weighted() {
		weighted = p.objective.SQNR(p.sol.Error, p.finite())
	}
	if p.assumed != "" {
		assumed = p.assumed
	}
	if p.room > 0 {
		room = p.room
	}
	if p.file != nil {
		file = p.file.Size
	}
	err := s.object(
		[]string{"total", "model", "n", "bytes", "bpw", "sse", "sqnr_db", "weighted_sqnr_db", "budget", "objective", "gap", "price", "default", "rules", "file", "assumed"},
		[]any{true, p.Path, t.Params, t.Then, t.BPW(), t.SSE, t.SQNR(), weighted, room, p.objective.Name, p.sol.Gap(), p.sol.Price, p.plan.Default.String(), rules, file, assumed},
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
