package quant

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/names"
)

// Pair is the same weights in two models. Where one of them has the experts of a
// layer in one tensor and the other has a tensor for each, one of the sides has
// many; otherwise both have one.
type Pair struct {
	A, B []*model.Tensor
	Rule string // why they are taken for the same: "name", "llama.cpp's name, rows of heads reordered"

	transposed bool
	shift      float32       // that is added to b's weights
	row        func(int) int // b's row for a's; nil if it is the same
}

// Len returns the number of weights of one side.
func (p *Pair) Len() int { return lenOf(p.A) }

func lenOf(list []*model.Tensor) (n int) {
	for _, t := range list {
		n += t.Len()
	}
	return n
}

// BytesA and BytesB return what each side takes.
func (p *Pair) BytesA() int64 { return bytesOf(p.A) }

// BytesB is BytesA for the other side.
func (p *Pair) BytesB() int64 { return bytesOf(p.B) }

func bytesOf(list []*model.Tensor) (n int64) {
	for _, t := range list {
		n += t.Bytes()
	}
	return n
}

// Lone is a tensor that has no partner.
type Lone struct {
	*model.Tensor
	Why string
}

// Pairs finds for each tensor of a the one of b that holds the same weights. The
// rules, in this order: the same name; one has llama.cpp's names and the other those
// of transformers, by the table of package names, with what converting does to the
// weights; the same name but for case, separators and what wraps a network
// ("model.", "module."), if only one is called so. Shapes must agree, but for axes
// of length 1. Order is that of a.
func Pairs(a, b *model.Model) (pairs []Pair, onlyA, onlyB []Lone) {
	m := &matcher{a: a, b: b, byName: map[string]*model.Tensor{}, why: map[*model.Tensor]string{}, taken: map[*model.Tensor]bool{}}
	for _, t := range b.Tensors {
		m.byName[t.Name] = t
	}
	m.sameNames()
	m.convertedNames()
	m.similarNames()
	order := make(map[*model.Tensor]int, len(a.Tensors))
	for i, t := range a.Tensors {
		order[t] = i
	}
	slices.SortStableFunc(m.pairs, func(x, y Pair) int { return order[x.A[0]] - order[y.A[0]] })
	return m.pairs, m.lone(a), m.lone(b)
}

// matcher is the search for pairs.
type matcher struct {
	a, b   *model.Model
	byName map[string]*model.Tensor // of b
	pairs  []Pair
	taken  map[*model.Tensor]bool
	why    map[*model.Tensor]string // why a tensor whose partner was found is not paired
}

func (m *matcher) add(p Pair) {
	m.pairs = append(m.pairs, p)
	for _, t := range append(slices.Clone(p.A), p.B...) {
		m.taken[t] = true
		delete(m.why, t)
	}
}

func (m *matcher) lone(of *model.Model) (list []Lone) {
	for _, t := range of.Tensors {
		if !m.taken[t] {
			why := m.why[t]
			if why == "" {
				why = "no tensor of the other model has its name"
			}
			list = append(list, Lone{t, why})
		}
	}
	return list
}

// refuse notes why two tensors whose names agree are no pair.
func (m *matcher) refuse(a, b *model.Tensor, format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	m.why[a], m.why[b] = why, why
}

func (m *matcher) sameNames() {
	for _, t := range m.a.Tensors {
		other := m.byName[t.Name]
		switch {
		case other == nil || m.taken[t] || m.taken[other]:
		case sameShape(t.Shape, other.Shape):
			m.add(Pair{A: []*model.Tensor{t}, B: []*model.Tensor{other}, Rule: "name"})
		default:
			m.refuse(t, other, "the shapes differ: %v and %v", t.Shape, other.Shape)
		}
	}
}

// sameShape reports whether shapes are equal but for axes of length 1.
func sameShape(a, b []int) bool { return slices.Equal(squeezed(a), squeezed(b)) }

func squeezed(shape []int) []int {
	return slices.DeleteFunc(slices.Clone(shape), func(d int) bool { return d == 1 })
}

// convertedNames pairs llama.cpp's names with those of transformers.
func (m *matcher) convertedNames() {
	fromA := hasLlamaNames(m.a)
	if fromA == hasLlamaNames(m.b) {
		return
	}
	gguf, hf := m.a, m.b
	if !fromA {
		gguf, hf = m.b, m.a
	}
	bare := make(map[string]*model.Tensor, len(hf.Tensors))
	for _, t := range hf.Tensors {
		bare[names.Bare(t.Name)] = t
	}
	facts := headsOf(gguf)
	for _, t := range gguf.Tensors {
		if m.taken[t] {
			continue
		}
		for _, n := range names.HF(facts.architecture, t.Name) {
			if parts := partners(bare, n); parts != nil && !slices.ContainsFunc(parts, func(t *model.Tensor) bool { return m.taken[t] }) {
				m.convert(t, parts, n, facts, fromA)
				break
			}
		}
	}
}

func hasLlamaNames(m *model.Model) bool {
	return slices.ContainsFunc(m.Tensors, func(t *model.Tensor) bool { return names.LlamaCPP(t.Name) })
}

// partners returns the tensors that n names, nil if one is missing.
func partners(bare map[string]*model.Tensor, n names.Name) []*model.Tensor {
	if !n.Stacked() {
		if t := bare[names.Bare(n.Name)]; t != nil {
			return []*model.Tensor{t}
		}
		return nil
	}
	var parts []*model.Tensor
	for {
		t := bare[names.Bare(n.Expert(strconv.Itoa(len(parts))))]
		if t == nil {
			return parts
		}
		parts = append(parts, t)
	}
}

// convert pairs the GGUF's tensor with parts, if the shapes are those of converting.
func (m *matcher) convert(gguf *model.Tensor, parts []*model.Tensor, n names.Name, facts heads, fromA bool) {
	p := Pair{A: []*model.Tensor{gguf}, B: parts, Rule: "llama.cpp's name"}
	shape := slices.Clone(parts[0].Shape)
	if n.Stacked() {
		p.Rule += fmt.Sprintf(", %d experts in one", len(parts))
		for _, t := range parts {
			if !slices.Equal(t.Shape, parts[0].Shape) {
				m.refuse(gguf, t, "the shapes of the experts differ: %v and %v", parts[0].Shape, t.Shape)
				return
			}
		}
		shape = append([]int{len(parts)}, shape...)
	}
	if n.Transposed {
		p.Rule += ", transposed"
		slices.Reverse(shape)
		p.transposed = true
	}
	exact := n.Transposed || n.Heads != names.NoHeads // rows are counted
	if !sameShape(gguf.Shape, shape) || exact && (len(shape) == 0 || !slices.Equal(gguf.Shape, shape)) || n.Transposed && len(shape) != 2 {
		m.refuse(gguf, parts[0], "the shapes differ: %v and %v", gguf.Shape, shape)
		return
	}
	if n.PlusOne {
		p.Rule += ", 1 added"
		p.shift = 1 // to the transformers' weights
	}
	if n.Heads != names.NoHeads {
		p.Rule += ", rows of heads reordered"
		count := facts.query
		if n.Heads == names.KeyHeads {
			count = facts.key
		}
		rows := gguf.Shape[0]
		if count < 1 || rows%(2*count) != 0 {
			m.refuse(gguf, parts[0], "its rows stand in another order, by heads, and the metadata do not say how many heads %d rows are", rows)
			return
		}
		row := names.Row
		if !fromA {
			row = names.Back
		}
		p.row = func(r int) int { return row(r, rows/count) }
	}
	if !fromA {
		p.A, p.B = p.B, p.A
		p.shift = -p.shift
	}
	m.add(p)
}

// heads is what reordering the rows of a GGUF depends on.
type heads struct {
	architecture string
	query, key   int // 0 if unknown, or not the same in all layers
}

func headsOf(m *model.Model) (h heads) {
	values := map[string]string{}
	for _, kv := range m.Metadata {
		values[kv.Key] = kv.Value
	}
	h.architecture = values["general.architecture"]
	number := func(key string) int {
		n, _ := strconv.Atoi(values[h.architecture+".attention."+key])
		return n
	}
	h.query = number("head_count")
	if h.key = h.query; values[h.architecture+".attention.head_count_kv"] != "" {
		h.key = number("head_count_kv")
	}
	return h
}

// similarNames pairs what is called alike and has one shape.
func (m *matcher) similarNames() {
	rest := func(of *model.Model) map[string][]*model.Tensor {
		list := map[string][]*model.Tensor{}
		for _, t := range of.Tensors {
			if !m.taken[t] {
				list[loosely(t.Name)] = append(list[loosely(t.Name)], t)
			}
		}
		return list
	}
	inA, inB := rest(m.a), rest(m.b)
	for _, t := range m.a.Tensors {
		name := loosely(t.Name)
		a, b := inA[name], inB[name]
		if m.taken[t] || len(b) == 0 {
			continue
		}
		switch {
		case len(a) > 1 || len(b) > 1:
			m.refuse(t, b[0], "several tensors have a name like it")
		case sameShape(t.Shape, b[0].Shape):
			m.add(Pair{A: []*model.Tensor{t}, B: []*model.Tensor{b[0]}, Rule: "like name"})
		case len(t.Shape) == 2 && len(b[0].Shape) == 2 && t.Shape[0] == b[0].Shape[1] && t.Shape[1] == b[0].Shape[0]:
			m.add(Pair{A: []*model.Tensor{t}, B: []*model.Tensor{b[0]}, Rule: "like name, transposed", transposed: true})
		default:
			m.refuse(t, b[0], "the shapes differ: %v and %v", t.Shape, b[0].Shape)
		}
	}
}

// loosely returns name without what tools write differently.
func loosely(name string) string { return separators.Replace(strings.ToLower(names.Bare(name))) }

var separators = strings.NewReplacer("/", ".", ":", ".", "_", ".")
