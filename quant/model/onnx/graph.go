package onnx

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/bitdial/bitdial/quant/model"
)

// network is what the walk through a file finds.
type network struct {
	scanner
	graph     message
	found     []*description
	names     map[string]struct{}
	metadata  []model.KeyValue
	uses      int
	operators map[string]string // one copy of each
	listed    int               // numbers of Constants that hold them one by one
}

// read walks the ModelProto b. Of b it keeps nothing.
func (w *network) read(b []byte) error {
	keys := map[string]bool{}
	graphs := 0
	err := w.fields(message{b: b}, func(f field) error {
		switch f.number {
		case 7:
			w.graph = f.bytes
			if graphs++; graphs > 1 {
				return w.fail(f.at, ruleGraph, "there are several")
			}
			return w.want(f, protowire.BytesType)
		case 14:
			key, value, err := w.pair(f)
			if err != nil {
				return err
			}
			if len(keys) == maxMetadata {
				return w.fail(f.at, ruleMetadata, "at most %d entries", maxMetadata)
			}
			if keys[key] {
				return w.fail(f.at, ruleDuplicate, "%.80q", key)
			}
			keys[key] = true
			w.metadata = append(w.metadata, model.KeyValue{Key: key, Value: value})
			return model.CheckName(w.file, f.at, key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if graphs == 0 {
		return w.fail(0, ruleGraph, "there is none")
	}
	err = w.walk(w.graph, "", scope{}, 0)
	w.graph = message{}
	return err
}

// scope finds the tensors that nodes name: those of their graph, and of the
// graphs around it.
type scope struct {
	own   map[string]value
	outer *scope
}

// value is what a name stands for: a tensor, or the weights that a node made of
// its integers.
type value struct {
	*description
	made bool
}

func (s *scope) find(name []byte) value {
	for ; s != nil; s = s.outer {
		if v, ok := s.own[string(name)]; ok {
			return v
		}
	}
	return value{}
}

// walk finds the tensors of the graph m, called path, and what its nodes do with
// them and with those of outer.
func (w *network) walk(m message, path string, outer scope, depth int) error {
	if depth == maxDepth {
		return w.fail(m.at, ruleDepth, "at most %d", maxDepth)
	}
	here := scope{own: map[string]value{}, outer: &outer}
	var n node
	err := w.fields(m, func(f field) error { // nodes may come before the initializers that they name
		switch f.number {
		case 1:
			if err := w.node(f, &n); err != nil || !n.constant() {
				return err
			}
			d, err := w.constant(&n)
			if err != nil {
				return err
			}
			return w.add(d, string(n.outputs[0]), path, here)
		case 5, 15:
			if err := w.want(f, protowire.BytesType); err != nil {
				return err
			}
			read := w.tensor
			if f.number == 15 {
				read = w.sparse
			}
			d, err := read(f.bytes)
			if err != nil {
				return err
			}
			return w.add(d, "", path, here)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.fields(m, func(f field) error {
		if f.number != 1 {
			return nil
		}
		if err := w.node(f, &n); err != nil {
			return err
		}
		if err := w.use(&n, here); err != nil {
			return err
		}
		name := string(n.name)
		for _, inner := range append([]subgraph(nil), n.graphs...) { // n is used again below
			if err := w.walk(inner.message, path+name+"/"+string(inner.name)+"/", here, depth+1); err != nil {
				return err
			}
		}
		return nil
	})
}

// add adds the tensor d, which a graph called path names; a Constant's tensor
// has the name of its output instead of its own.
func (w *network) add(d *description, name, path string, here scope) error {
	if len(w.found) == maxTensors {
		return w.fail(d.at, ruleMany, "at most %d", maxTensors)
	}
	if name != "" {
		d.name = name
	}
	if d.kind.dtype == nil { // text and complex numbers are no weights
		return nil
	}
	if _, twice := here.own[d.name]; twice {
		return w.fail(d.at, ruleTwice, "%.80q", d.name)
	}
	here.own[d.name] = value{d, false}
	if _, taken := w.names[d.name]; taken { // by a graph beside this one
		d.name = path + d.name
		if _, taken := w.names[d.name]; taken {
			return w.fail(d.at, ruleTwice, "%.80q", d.name)
		}
	}
	w.names[d.name] = struct{}{}
	w.found = append(w.found, d)
	return model.CheckName(w.file, d.at, d.name)
}
