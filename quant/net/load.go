package net

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bitdial/bitdial/quant/model"
)

// graphKey is the metadata under which a model file holds the graph of its
// network, as JSON.
const graphKey = "bitdial.graph"

// ErrNoGraph says that a model is weights alone: it cannot be run.
var ErrNoGraph = errors.New("the model has no graph: its weights can be looked at, but it cannot be run")

// maxWeights bounds what a network may hold in memory.
const maxWeights = 1 << 28

// Load reads the graph of m and its weights into memory. The error is
// [ErrNoGraph] where there is none.
func Load(m *model.Model) (*Graph, error) {
	text, ok := metadata(m, graphKey)
	if !ok {
		return nil, ErrNoGraph
	}
	g, err := parseGraph(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Path, err)
	}
	if m.Params() > maxWeights {
		return nil, fmt.Errorf("%s: a network of %d weights is too large to run here", m.Path, m.Params())
	}
	g.Weight = map[string]*Weight{}
	for _, t := range m.Tensors {
		w := &Weight{Shape: t.Shape, Data: make([]float32, t.Len())}
		if err := t.Read(w.Data, 0); err != nil {
			return nil, err
		}
		g.Weight[t.Name] = w
	}
	return g, g.check()
}

func metadata(m *model.Model, key string) (string, bool) {
	for _, kv := range m.Metadata {
		if kv.Key == key {
			return kv.Value, true
		}
	}
	return "", false
}

// HasGraph reports whether the model says that it has a graph; [Load] says
// whether it can be run.
func HasGraph(m *model.Model) bool {
	_, ok := metadata(m, graphKey)
	return ok
}

// Metadata returns what a model file must say of itself so that [Load] finds g.
func (g *Graph) Metadata() model.KeyValue {
	text, err := json.Marshal(g)
	if err != nil {
		panic(err) // numbers and strings
	}
	return model.KeyValue{Key: graphKey, Value: string(text)}
}
