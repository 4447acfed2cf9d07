package net

import (
	"io"
	"maps"
	"slices"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/safetensors"
)

// Save writes the network to a safetensors file at path, whole or not at all:
// float32 weights, and as metadata the graph and the steps that training has
// learned, so that [New] finds all of it again. Without force an existing file
// is not replaced.
func (n *Network) Save(path string, force bool, about ...model.KeyValue) error {
	return model.WriteFile(path, force, func(w io.Writer) error { return n.write(w, about) })
}

func (n *Network) write(w io.Writer, about []model.KeyValue) error {
	metadata := append([]model.KeyValue{n.Metadata()}, about...)
	if n.learned != nil {
		metadata = append(metadata, n.learned.metadata())
	}
	names := slices.Sorted(maps.Keys(n.Weight))
	order := map[string]int{} // by first use: as the network runs
	for i, node := range n.Nodes {
		for k, in := range node.Inputs {
			if _, seen := order[in]; !seen {
				order[in] = i*64 + k
			}
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return order[a] - order[b] })
	var entries []safetensors.Entry
	for _, name := range names {
		entries = append(entries, safetensors.Entry{Name: name, DType: model.F32, Shape: n.Weight[name].Shape})
	}
	return safetensors.Write(w, metadata, entries, func(i int, w io.Writer) error {
		x := n.Weight[entries[i].Name].Data
		b := make([]byte, 4*len(x))
		model.F32.Encode(b, x)
		_, err := w.Write(b)
		return err
	})
}
