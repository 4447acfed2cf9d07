package quant

import (
	"fmt"
	"slices"

	"github.com/bitdial/bitdial/quant/model"
)

// Terms are what every plan of a space keeps to, besides its budget.
type Terms struct {
	Pins   []Rule   // the scheme that tensors have, whatever it costs; the last that matches decides
	Ties   []string // globs of tensors that get one scheme, see [Tie]
	Floors []Floor
}

// Floor is how many bits the weights have at least of tensors that match a glob,
// every scale counted.
type Floor struct {
	Glob string
	BPW  float64
}

// Tie returns which of the tensors a glob ties, as lists of their indices. It ties
// those that it matches within a layer, which is what their names have in common
// up to the first part between dots that is a number, and those outside of layers:
// "blk.*.attn_[qkv].weight" makes the three of each layer agree. Where it matches
// no two tensors of any layer, it ties the layers: "blk.*.ffn_down.weight" gives
// all of them one scheme.
func Tie(glob string, tensors []*model.Tensor) [][]int {
	at := map[string]int{}
	var layers [][]int
	var all []int
	several := false
	for i, t := range tensors {
		if !IsWeight(t) || !Match(glob, t.Name) {
			continue
		}
		all = append(all, i)
		before, number, _ := numbered(t.Name)
		layer := before + number
		if number == "" {
			layer = ""
		}
		n, known := at[layer]
		if !known {
			n = len(layers)
			at[layer] = n
			layers = append(layers, nil)
		}
		layers[n] = append(layers[n], i)
		several = several || known
	}
	if !several && all != nil {
		return [][]int{all}
	}
	return layers
}

// groups returns the tensors that get one scheme, as lists of their indices in
// order: by the ties, and because they have the same storage.
func (c Terms) groups(tensors []*model.Tensor) [][]int {
	first := make([]int, len(tensors)) // a smaller one of the same group, or itself
	for i := range first {
		first[i] = i
	}
	root := func(i int) int {
		for first[i] != i {
			first[i] = first[first[i]]
			i = first[i]
		}
		return i
	}
	join := func(a, b int) {
		a, b = root(a), root(b)
		first[max(a, b)] = min(a, b)
	}
	for _, glob := range c.Ties {
		for _, tied := range Tie(glob, tensors) {
			for _, i := range tied {
				join(tied[0], i)
			}
		}
	}
	stored := map[model.Storage]int{}
	for i, t := range tensors {
		if place, ok := t.Storage(); ok && IsWeight(t) {
			if j, twice := stored[place]; twice {
				join(i, j)
			} else {
				stored[place] = i
			}
		}
	}
	groups := make([][]int, 0, len(tensors))
	at := make([]int, len(tensors))
	for i := range tensors {
		if r := root(i); r == i {
			at[i] = len(groups)
			groups = append(groups, []int{i})
		} else {
			groups[at[r]] = append(groups[at[r]], i)
		}
	}
	return groups
}

// pin returns the scheme that t is pinned to, if it is.
func (c Terms) pin(t *model.Tensor) (Scheme, bool) {
	for _, r := range slices.Backward(c.Pins) {
		if Match(r.Glob, t.Name) {
			return r.on(t.Shape), Quantizable(t)
		}
	}
	return Scheme{}, false
}

// whyNot returns why a plan must not give t the scheme s, "" if it may.
func (c Terms) whyNot(t *model.Tensor, s Scheme) string {
	if why := s.WhyNot(t.Shape); why != "" {
		return why
	}
	for _, f := range c.Floors {
		if bits := bpw(s.Bytes(t.Shape, t.Bytes()), t.Len()); Match(f.Glob, t.Name) && bits < f.BPW {
			return fmt.Sprintf("%s has %.4g bits per weight, and %s is to have %.4g at least", s, bits, f.Glob, f.BPW)
		}
	}
	return ""
}

// Check returns an error if a glob of c matches none of the tensors, or if pins
// tear a tie apart or go below a floor, or if no scheme is left for a tensor that
// has a floor.
func (c Terms) Check(tensors []*model.Tensor, schemes []Scheme) error {
	matches := func(glob string) bool {
		return slices.ContainsFunc(tensors, func(t *model.Tensor) bool { return Match(glob, t.Name) })
	}
	for _, r := range c.Pins {
		if !matches(r.Glob) {
			return fmt.Errorf("no tensor matches %q", r.Glob)
		}
	}
	for _, glob := range c.Ties {
		if !matches(glob) {
			return fmt.Errorf("no tensor matches %q, which is to be tied", glob)
		}
	}
	for _, f := range c.Floors {
		if !matches(f.Glob) {
			return fmt.Errorf("no tensor matches %q, which is to have %.4g bits at least", f.Glob, f.BPW)
		}
	}
	for _, group := range c.groups(tensors) {
		if err := c.checkGroup(tensors, group, schemes); err != nil {
			return err
		}
	}
	return nil
}

func (c Terms) checkGroup(tensors []*model.Tensor, group []int, schemes []Scheme) error {
	pinned, s := c.pinned(tensors, group)
	if pinned != nil {
		for _, i := range group {
			o, is := c.pin(tensors[i])
			if is && o != s {
				return fmt.Errorf("%s is pinned to %s and %s to %s, but they are tied", pinned.Name, s, tensors[i].Name, o)
			}
			why := c.whyNot(tensors[i], s)
			switch {
			case why != "" && is:
				return fmt.Errorf("%s is pinned to %s: %s", tensors[i].Name, s, why)
			case why != "":
				return fmt.Errorf("%s is tied to %s: %s", tensors[i].Name, pinned.Name, why)
			}
		}
		return nil
	}
	floored := func(i int) bool {
		return IsWeight(tensors[i]) && slices.ContainsFunc(c.Floors, func(f Floor) bool { return Match(f.Glob, tensors[i].Name) })
	}
	if !slices.ContainsFunc(group, floored) {
		return nil
	}
	var t *model.Tensor // the last that a scheme was refused for, and why
	why := ""
	for _, s := range schemes {
		fits := true
		for _, i := range group {
			if not := c.whyNot(tensors[i], s); not != "" {
				fits, t, why = false, tensors[i], not
				break
			}
		}
		if fits {
			return nil
		}
	}
	return fmt.Errorf("%s: no scheme is left: %s", t.Name, why)
}

// pinned returns the first tensor of a group that is pinned, and its scheme; nil
// if none is.
func (c Terms) pinned(tensors []*model.Tensor, group []int) (*model.Tensor, Scheme) {
	for _, i := range group {
		if s, is := c.pin(tensors[i]); is {
			return tensors[i], s
		}
	}
	return nil, Scheme{}
}

// Wanted returns the schemes of each of tensors whose figures [Terms.Space] asks
// for: those to choose from that fit, or the one that it is pinned to, itself or by
// a tie.
func (c Terms) Wanted(tensors []*model.Tensor, schemes []Scheme) [][]Scheme {
	wanted := make([][]Scheme, len(tensors))
	for _, group := range c.groups(tensors) {
		pinned, s := c.pinned(tensors, group)
		for _, i := range group {
			from := schemes
			if pinned != nil {
				from = []Scheme{s}
			} else if !IsWeight(tensors[i]) {
				continue
			}
			for _, s := range from {
				if !s.Keep() && s.WhyNot(tensors[i].Shape) == "" {
					wanted[i] = append(wanted[i], s)
				}
			}
		}
	}
	return wanted
}

// Space is [NewSpace] under terms. A tensor that is pinned is a row of one
// candidate; where its figures are not known, its error counts as none.
func (c Terms) Space(tensors []*model.Tensor, schemes []Scheme, o *Objective, known func(*model.Tensor, Scheme) *Figures) *Space {
	space := &Space{}
	for _, group := range c.groups(tensors) {
		var row Row
		for _, i := range group {
			row.Tensors = append(row.Tensors, tensors[i])
		}
		if pinned, s := c.pinned(tensors, group); pinned != nil {
			if sum, ok := row.under(s, Terms{}, o, known); ok {
				row.Candidates = []Candidate{sum}
			} else if !s.Keep() {
				row.Candidates = []Candidate{row.unknown(s)}
			}
		} else if IsWeight(row.Tensors[0]) {
			for _, s := range schemes {
				if sum, ok := row.under(s, c, o, known); ok {
					row.Candidates = append(row.Candidates, sum)
				}
			}
			row.Candidates = undominated(row.Candidates)
		}
		if len(row.Candidates) == 0 || len(row.Candidates) == 1 && row.Candidates[0].Scheme.Keep() {
			for _, t := range row.Tensors {
				space.Kept = append(space.Kept, t)
				space.Fixed += t.Bytes()
			}
			continue
		}
		space.Rows = append(space.Rows, row)
	}
	return space
}

// under returns the row under s, if it may have it under terms and its figures are
// known.
func (r *Row) under(s Scheme, terms Terms, o *Objective, known func(*model.Tensor, Scheme) *Figures) (Candidate, bool) {
	sum := Candidate{Scheme: s}
	for _, t := range r.Tensors {
		if terms.whyNot(t, s) != "" {
			return sum, false
		}
		if s.Keep() {
			sum.Bytes += t.Bytes()
			continue
		}
		f := known(t, s)
		if f == nil {
			return sum, false
		}
		sum.Bytes += s.Bytes(t.Shape, t.Bytes()) // whatever a file of results says
		sum.Error += o.Error(f)
	}
	return sum, true
}

// unknown returns the row under s where nobody knows how much it errs.
func (r *Row) unknown(s Scheme) Candidate {
	sum := Candidate{Scheme: s}
	for _, t := range r.Tensors {
		sum.Bytes += s.Bytes(t.Shape, t.Bytes())
	}
	return sum
}
