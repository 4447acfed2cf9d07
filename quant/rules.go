package quant

import (
	"cmp"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// Compress returns a plan of few rules that gives each of tensors its scheme. What
// is most common is its default; tensors that have one place in all layers are a
// rule, those of some layers another one after it, by classes of digits:
//
//	blk.*.ffn_down.weight = q5_K
//	blk.[0-3].ffn_down.weight = q6_K
//
// and rules that differ in one part are joined where that touches nothing else. A
// scheme must fit its tensor, and what is not a float keeps.
func Compress(tensors []*model.Tensor, schemes []Scheme) Plan {
	c := compression{tensors: tensors, schemes: schemes}
	c.plan.Default.Scheme = c.commonest()
	of := make(map[*model.Tensor]Scheme, len(tensors))
	for i, t := range tensors {
		of[t] = schemes[i]
	}
	for _, stack := range Outline(tensors) {
		for _, place := range stack.Places {
			c.place(stack.Name, place, of)
		}
	}
	c.join()
	c.mend()
	return c.plan
}

// compression is a plan on its way.
type compression struct {
	tensors []*model.Tensor
	schemes []Scheme
	plan    Plan
	hits    [][]bool // by rule, which of the tensors its glob matches, while rules are joined
	matches int      // of names by globs that were tried for joining
}

// commonest returns the scheme that most weights, as tensors, have.
func (c *compression) commonest() Scheme {
	count := map[Scheme]int{}
	var best Scheme
	for i, t := range c.tensors {
		if !IsWeight(t) {
			continue
		}
		s := c.schemes[i]
		if count[s]++; count[s] > count[best] {
			best = s
		}
	}
	return best
}

func (c *compression) add(glob string, s Scheme) {
	c.plan.Rules = append(c.plan.Rules, Rule{glob, Choice{Scheme: s}})
}

// place adds the rules of the tensors that have one place in a stack's layers.
func (c *compression) place(stack string, p Place, of map[*model.Tensor]Scheme) {
	if stack == "" {
		t := p.Tensors[0]
		if c.plan.Wish(t).Scheme != of[t] {
			c.add(Literal(t.Name), of[t])
		}
		return
	}
	layers := map[Scheme][]string{} // numbers by scheme
	number := map[string]Scheme{}
	var numbers []string
	for _, t := range p.Tensors {
		_, n, _ := numbered(t.Name)
		if !Quantizable(t) {
			continue
		}
		s, known := number[n]
		switch {
		case !known:
			number[n] = of[t]
			numbers = append(numbers, n)
			layers[of[t]] = append(layers[of[t]], n)
		case s != of[t]: // experts that do not agree
			c.members(stack, p, of)
			return
		}
	}
	if len(numbers) == 0 {
		return
	}
	rest := ""
	if p.Name != "" {
		rest = "." + p.Name
	}
	plain := Scheme{} // what they have without a rule
	if IsWeight(p.Tensors[0]) {
		plain = c.plan.Default.Scheme
	}
	// The scheme of the place is the one that leaves the fewest rules.
	var best []Rule
	for i, base := range byCount(layers) {
		var rules []Rule
		if base != plain {
			rules = append(rules, Rule{strings.TrimSuffix(stack, "*") + "*" + rest, Choice{Scheme: base}})
		}
		painted := slices.Clone(layers[base]) // what later rules must leave alone
		others := slices.DeleteFunc(byCount(layers), func(s Scheme) bool { return s == base })
		for _, s := range others {
			for _, glob := range coverNumbers(layers[s], painted) {
				rules = append(rules, Rule{strings.TrimSuffix(stack, "*") + glob + rest, Choice{Scheme: s}})
			}
			painted = append(painted, layers[s]...)
		}
		if i == 0 || len(rules) < len(best) {
			best = rules
		}
	}
	c.plan.Rules = append(c.plan.Rules, best...)
}

// members is place where the tensors of one layer do not agree: a place for each
// name after the layer's number.
func (c *compression) members(stack string, p Place, of map[*model.Tensor]Scheme) {
	var places []Place
	at := map[string]int{}
	for _, t := range p.Tensors {
		_, _, after := numbered(t.Name)
		i, known := at[after]
		if !known {
			i = len(places)
			at[after] = i
			places = append(places, Place{Name: Literal(after)})
		}
		places[i].Tensors = append(places[i].Tensors, t)
	}
	for _, p := range places {
		c.place(stack, p, of)
	}
}

// byCount returns the schemes of a map, those of most layers first.
func byCount(layers map[Scheme][]string) []Scheme {
	var list []Scheme
	for s := range layers {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Scheme) int {
		return cmp.Or(cmp.Compare(len(layers[b]), len(layers[a])), cmp.Compare(a.String(), b.String()))
	})
	return list
}

// mend adds a rule for each tensor whose scheme the rules so far do not give: a
// star of another tensor's rule may have reached it.
func (c *compression) mend() {
	for i, s := range c.plan.Schemes(c.tensors) {
		if s != c.schemes[i] && Quantizable(c.tensors[i]) {
			c.add(Literal(c.tensors[i].Name), c.schemes[i])
		}
	}
}
