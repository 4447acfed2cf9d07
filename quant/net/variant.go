package net

import (
	"context"
	"fmt"
	"maps"
	"unsafe"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// Network is a model that runs.
type Network struct {
	*Graph
	tensors   map[string]*model.Tensor
	summaries map[string]*quant.Summary
	learned   *Learned           // what training has left beside the weights, or nil
	cached    map[string]rounded // what came back last, by weight

	remedied    map[quant.Remedies]*Network
	calibration *Calibration
}

// rounded is a weight as it came back from a scheme.
type rounded struct {
	scheme quant.Scheme
	weight *Weight
	maps   []kernels.Affine // of integers, by unit
}

// New makes the model runnable, its batch normalizations folded. The error is
// [ErrNoGraph] where it says nothing of a graph.
func New(m *model.Model) (*Network, error) {
	g, err := Load(m)
	if err != nil {
		return nil, err
	}
	n := newNetwork(g.Fold())
	for _, t := range m.Tensors {
		if n.Weight[t.Name] == g.Weight[t.Name] { // not folded
			n.tensors[t.Name] = t
		}
	}
	for name, w := range n.Weight {
		if n.tensors[name] == nil {
			n.tensors[name] = tensorOf(name, w)
		}
	}
	n.learned, err = loadLearned(m)
	return n, err
}

// Of returns the network of a graph in memory.
func Of(g *Graph) (*Network, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	n := newNetwork(g)
	for name, w := range g.Weight {
		n.tensors[name] = tensorOf(name, w)
	}
	return n, nil
}

func newNetwork(g *Graph) *Network {
	return &Network{Graph: g, tensors: map[string]*model.Tensor{}, summaries: map[string]*quant.Summary{}, cached: map[string]rounded{}, remedied: map[quant.Remedies]*Network{}}
}

// with returns the network with other weights in place of some.
func (n *Network) with(weights map[string]*Weight) *Network {
	g := *n.Graph
	g.Weight = maps.Clone(g.Weight)
	out := newNetwork(&g)
	maps.Copy(out.tensors, n.tensors)
	for name, w := range weights {
		g.Weight[name] = w
		out.tensors[name] = tensorOf(name, w)
	}
	return out
}

// tensorOf returns w as a model's tensor, in its own memory.
func tensorOf(name string, w *Weight) *model.Tensor {
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w.Data))), 4*len(w.Data))
	t, err := model.NewTensor(name, model.F32, w.Shape, model.NewFile(name, bytes), 0)
	if err != nil {
		panic(err) // it was one before
	}
	return t
}

// Variant is a network under a plan: its weights as they come back, and what
// acts on its activations.
type Variant struct {
	Graph  *Graph
	Plan   quant.Plan
	inputs map[string]input            // by site
	maps   map[string][]kernels.Affine // of integers, by weight and unit
}

// input is what acts at a site.
type input struct {
	scheme quant.Activation
	static kernels.Map
}

// Float returns the network as it is.
func (n *Network) Float() *Variant { return &Variant{Graph: n.Graph} }

// Quantize returns the network under plan. Static activations need cal, which
// may be nil without them. Weights whose scheme did not change since the last
// call are not quantized again. Not safe for concurrent use.
func (n *Network) Quantize(ctx context.Context, plan quant.Plan, cal *Calibration) (*Variant, error) {
	g := *n.Graph
	g.Weight = maps.Clone(g.Weight)
	v := &Variant{Graph: &g, Plan: plan, inputs: map[string]input{}, maps: map[string][]kernels.Affine{}}
	for name, t := range n.tensors {
		s := plan.For(t)
		if s.Keep() || n.Weight[name] == nil {
			continue
		}
		w, err := n.round(ctx, t, s)
		if err != nil {
			return nil, err
		}
		g.Weight[name] = w.weight
		v.maps[name] = w.maps
	}
	for _, site := range g.Sites() {
		a := plan.Activation(site.Name)
		if a.Keep() {
			continue
		}
		in := input{scheme: a}
		if a.Static {
			if m := n.learned.activation(site.Name, a); m != nil {
				in.static = m
			} else if cal == nil || cal.Flow(site.Name) == nil {
				return nil, fmt.Errorf("%s: the activation %s needs calibration", site.Name, a)
			} else {
				in.static = cal.Flow(site.Name).Map(a)
			}
		}
		v.inputs[site.Name] = in
	}
	v.roundBiases()
	return v, nil
}

// round takes a weight through s.
func (n *Network) round(ctx context.Context, t *model.Tensor, s quant.Scheme) (rounded, error) {
	if c := n.cached[t.Name]; c.scheme == s && c.weight != nil {
		return c, nil
	}
	sum := n.summaries[t.Name]
	if sum == nil {
		var err error
		if sum, err = quant.Summarize(ctx, t, nil); err != nil {
			return rounded{}, err
		}
		n.summaries[t.Name] = sum
	}
	r := rounded{scheme: s, weight: &Weight{t.Shape, make([]float32, 0, t.Len())}}
	if !s.Format.Integer() {
		err := quant.Dequantize(ctx, t, sum, s, nil, func(y []float32) error {
			r.weight.Data = append(r.weight.Data, y...)
			return nil
		})
		n.cached[t.Name] = r
		return r, err
	}
	r.maps = n.learned.weight(t.Name, s)
	if r.maps == nil {
		var err error
		if r.maps, err = quant.AffineMaps(ctx, t, sum, s); err != nil {
			return rounded{}, err
		}
	}
	fake, err := quant.NewFake(s, t.Shape)
	if err != nil {
		return rounded{}, err
	}
	fake.Fix(r.maps)
	r.weight.Data = r.weight.Data[:t.Len()]
	fake.RoundTrip(r.weight.Data, n.Weight[t.Name].Data)
	n.cached[t.Name] = r
	return r, nil
}

// Use makes p, of a graph with the same nodes, run v.
func (p *Program) Use(v *Variant) error {
	for name, w := range v.Graph.Weight {
		value := p.values[name]
		if value == nil || len(value.data) != len(w.Data) {
			return fmt.Errorf("the weight %q is not one of this network", name)
		}
		value.data = w.Data
	}
	for _, c := range p.calls {
		c.integer = nil
		if !takesSchemes(c.node) {
			continue
		}
		in := v.inputs[p.Graph.siteName(c.node)]
		if c.input != nil && c.input.scheme == in.scheme && !in.scheme.Keep() {
			c.input.static = in.static
			continue
		}
		if err := p.setActivation(p.Graph.siteName(c.node), in.scheme, in.static); err != nil {
			return err
		}
	}
	return nil
}
