package net

import "slices"

// Fold makes batch normalizations part of the convolutions before them: w·f,
// (b − mean)·f + bias. Where something else reads the convolution, or it has
// none before it, a normalization stays a node. The graph's weights are
// replaced, not changed.
func (g *Graph) Fold() *Graph {
	readers := map[string]int{g.Output: 1}
	for _, n := range g.Nodes {
		for _, in := range n.Inputs {
			readers[in]++
		}
	}
	out := &Graph{Input: g.Input, Output: g.Output, Weight: map[string]*Weight{}}
	for name, w := range g.Weight {
		out.Weight[name] = w
	}
	made := map[string]int{} // node of out by its output
	for _, n := range g.Nodes {
		if i, ok := made[n.Inputs[0]]; ok && n.Op == batchNorm.name && readers[n.Inputs[0]] == 1 && out.Nodes[i].Op == conv.name {
			if before := &out.Nodes[i]; readers[before.Inputs[1]] == 1 && (len(before.Inputs) < 3 || readers[before.Inputs[2]] == 1) && out.fold(before, &n) {
				before.Output = n.Output
				made[n.Output] = i
				continue
			}
		}
		n.Inputs = slices.Clone(n.Inputs)
		made[n.Output] = len(out.Nodes)
		out.Nodes = append(out.Nodes, n)
	}
	used := map[string]bool{}
	for _, n := range out.Nodes {
		for _, in := range n.Inputs {
			used[in] = true
		}
	}
	for name := range out.Weight {
		if !used[name] {
			delete(out.Weight, name)
		}
	}
	return out
}

// fold makes the batch normalization n part of the convolution c, and reports
// whether their weights are constants of fitting lengths.
func (g *Graph) fold(c, n *Node) bool {
	if len(n.Inputs) != 5 || len(c.Inputs) < 2 {
		return false
	}
	w := g.Weight[c.Inputs[1]]
	if w == nil || len(w.Shape) == 0 || w.Shape[0] == 0 {
		return false
	}
	channels := w.Shape[0]
	var stats [4][]float32
	for i, name := range n.Inputs[1:] {
		s := g.Weight[name]
		if s == nil || len(s.Data) != channels {
			return false
		}
		stats[i] = s.Data
	}
	bias := make([]float32, channels)
	if len(c.Inputs) == 3 {
		b := g.Weight[c.Inputs[2]]
		if b == nil || len(b.Data) != channels {
			return false
		}
		copy(bias, b.Data)
	} else if name := c.Name + ".bias"; g.Weight[name] != nil {
		return false
	} else {
		c.Inputs = append(c.Inputs, name)
	}
	data := slices.Clone(w.Data)
	per := len(data) / channels
	for ch := range channels {
		factor, shift := normalization(n, stats[0][ch], stats[1][ch], stats[2][ch], stats[3][ch])
		for i := range data[ch*per : (ch+1)*per] {
			data[ch*per+i] *= factor
		}
		bias[ch] = bias[ch]*factor + shift
	}
	g.Weight[c.Inputs[1]] = &Weight{w.Shape, data}
	g.Weight[c.Inputs[2]] = &Weight{[]int{channels}, bias}
	return true
}
