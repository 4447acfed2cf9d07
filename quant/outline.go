package quant

import (
	"cmp"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// Stack is a stretch of a model's outline: layers that repeat, such as
// "blk.*", or a single tensor outside of any.
type Stack struct {
	Name   string // the numbered part as a glob: "blk.*"; empty outside of layers
	Layers int    // how many different numbers there are
	Places []Place
}

// Place is the tensors that have one place in a network, one in each layer.
type Place struct {
	Name    string // what follows the stack's name, as a glob where it is part of a stack
	Tensors []*model.Tensor
}

// Outline groups tensors by layers: names that are equal up to the first part
// between dots that is a number are a stack, and in it those are a place that are
// equal but for such parts. Everything stands in the order in which it first
// occurs.
func Outline(tensors []*model.Tensor) []Stack {
	var stacks []Stack
	at := map[string]int{}         // stack by name
	layers := map[[2]string]bool{} // numbers of each stack
	places := map[[2]string]int{}  // place by stack and name
	for _, t := range tensors {
		before, number, after := numbered(t.Name)
		if number == "" {
			stacks = append(stacks, Stack{Places: []Place{{t.Name, []*model.Tensor{t}}}})
			continue
		}
		name := Literal(before) + "*"
		i, known := at[name]
		if !known {
			i = len(stacks)
			at[name] = i
			stacks = append(stacks, Stack{Name: name})
		}
		s := &stacks[i]
		if layer := [2]string{name, number}; !layers[layer] {
			layers[layer] = true
			s.Layers++
		}
		place := [2]string{name, starred(after)}
		p, known := places[place]
		if !known {
			p = len(s.Places)
			places[place] = p
			s.Places = append(s.Places, Place{Name: place[1]})
		}
		s.Places[p].Tensors = append(s.Places[p].Tensors, t)
	}
	return stacks
}

// numbered cuts name around its first part between dots that is a number:
// "blk.", "12" and "attn_q.weight". The number is empty if there is none.
func numbered(name string) (before, number, after string) {
	for at := 0; at <= len(name); {
		part, rest, _ := strings.Cut(name[at:], ".")
		if isNumber(part) {
			return name[:at], part, rest
		}
		at += len(part) + 1
	}
	return name, "", ""
}

// starred returns name as a glob in which parts that are numbers are stars.
// Unlike [Kind] it tells w1 from w2, which are not the same in two layers.
func starred(name string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		if isNumber(part) {
			parts[i] = "*"
		} else {
			parts[i] = Literal(part)
		}
	}
	return strings.Join(parts, ".")
}

func isNumber(part string) bool { return part != "" && strings.Trim(part, "0123456789") == "" }

// Stored is what the tensors of one type amount to.
type Stored struct {
	DType   *model.DType
	Tensors int
	Params  int
	Bytes   int64
}

// BPW returns bits per weight.
func (s *Stored) BPW() float64 { return bpw(s.Bytes, s.Params) }

// StoredAs adds up tensors by how they are stored, the most bytes first.
func StoredAs(tensors []*model.Tensor) []Stored {
	var list []Stored
	for _, t := range tensors {
		i := slices.IndexFunc(list, func(s Stored) bool { return s.DType == t.DType })
		if i < 0 {
			i = len(list)
			list = append(list, Stored{DType: t.DType})
		}
		s := &list[i]
		s.Tensors++
		s.Params += t.Len()
		s.Bytes += t.Bytes()
	}
	slices.SortStableFunc(list, func(a, b Stored) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return list
}
