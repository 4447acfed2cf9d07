package net

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// Training says how a network is trained.
type Training struct {
	Batch int // inputs of a step
	Steps int // in all
	// Within, if it is not 0, is the time to train for, in place of Steps: as
	// many as this machine takes in it.
	Within time.Duration
	Rate   float64 // the greatest learning rate: it rises over the first twentieth of the steps and falls to 0 along a cosine
	Decay  float64 // of weights with two axes or more
	SGD    bool    // stochastic gradient descent with momentum instead of AdamW
	Seed   uint64  // of the order of inputs
	// FixedSteps keeps the scales of integer schemes as their range chooses them
	// at every step, instead of learning them.
	FixedSteps bool
}

// Trainer trains a network under a plan: quantization-aware training. Forward,
// weights and activations go through their schemes; backward, gradients go
// straight through to the float weights, which are what is moved. With an empty
// plan it trains the float network.
type Trainer struct {
	Training
	Step int // done

	network *Network // its weights are those that move
	plan    quant.Plan
	data    Data
	p       *Program
	weights []*trainee
	steps   []*step // of activations
	labels  []int
	order   order
}

// trainee is a weight in training.
type trainee struct {
	name   string
	shape  []int
	x      []float32 // the float weights
	value  *value    // what the forward pass sees
	scheme quant.Scheme
	fake   *quant.Fake // nil: kept in float
	opt    optimizer
	steps  *steps // learned, or nil
}

// steps are the scales of a weight's units, learned by their logarithms.
type steps struct {
	maps      []kernels.Affine
	log, grad []float32
	opt       optimizer
}

// step is the scale of an activation.
type step struct {
	call      *call
	log, grad [1]float32
	opt       optimizer
}

// NewTrainer prepares the network for training on data under plan. Its weights
// are copied. Static activations need cal, which may be nil without them.
func NewTrainer(ctx context.Context, n *Network, data Data, plan quant.Plan, cal *Calibration, o Training) (*Trainer, error) {
	if data.Len() == 0 {
		return nil, errors.New("there are no inputs to train on")
	}
	if o.Within > 0 {
		o.Steps = math.MaxInt32 // until there is something to go by
	}
	weights := map[string]*Weight{}
	for name, w := range n.Weight {
		weights[name] = &Weight{w.Shape, slices.Clone(w.Data)}
	}
	t := &Trainer{Training: o, network: n.with(weights), plan: plan, data: data, order: order{seed: o.Seed, n: data.Len()}}
	var err error
	if t.p, err = Compile(t.network.Graph, o.Batch, true); err != nil {
		return nil, err
	}
	v, err := t.network.Quantize(ctx, plan, cal)
	if err != nil {
		return nil, err
	}
	for _, site := range t.network.Sites() {
		in := v.inputs[site.Name]
		if err := t.p.setActivation(site.Name, in.scheme, in.static); err != nil {
			return nil, err
		}
		if a, ok := in.static.(kernels.Affine); ok && !o.FixedSteps && a.Scale > 0 {
			c := t.p.callAt(site.Name)
			c.input.learned = true
			s := &step{call: c, opt: o.optimizer()}
			s.log[0] = float32(math.Log(float64(a.Scale)))
			t.steps = append(t.steps, s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		if err := t.addWeight(name, v); err != nil {
			return nil, err
		}
	}
	t.labels = make([]int, o.Batch*data.Labels())
	return t, nil
}

func (o Training) optimizer() optimizer {
	if o.SGD {
		return new(momentum)
	}
	return new(adam)
}

func (t *Trainer) addWeight(name string, v *Variant) error {
	w := t.network.Weight[name]
	tr := &trainee{name: name, shape: w.Shape, x: w.Data, value: t.p.values[name], opt: t.optimizer(), scheme: t.plan.For(t.network.tensors[name])}
	t.weights = append(t.weights, tr)
	if tr.scheme.Keep() {
		return nil
	}
	var err error
	if tr.fake, err = quant.NewFake(tr.scheme, w.Shape); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	tr.value.data = make([]float32, len(w.Data))
	if m := v.maps[name]; m != nil && !t.FixedSteps {
		tr.steps = &steps{maps: slices.Clone(m), log: make([]float32, len(m)), grad: make([]float32, len(m)), opt: t.optimizer()}
		for i, a := range m {
			tr.steps.log[i] = float32(math.Log(math.Max(1e-12, float64(a.Scale))))
		}
		tr.fake.Fix(tr.steps.maps)
	}
	return nil
}

// quantize takes the float weights through their scheme.
func (t *Trainer) quantize() {
	for _, w := range t.weights {
		if w.fake != nil {
			w.fake.RoundTrip(w.value.data, w.x)
		}
	}
}

// Next takes one step and returns the mean loss of its batch. The error of a
// loss that is no number, or far beyond that of guessing, says at which step.
func (t *Trainer) Next() (loss float64, err error) {
	t.quantize()
	size, per := len(t.p.Input())/t.Batch, t.data.Labels()
	for k := range t.Batch {
		i := t.order.at(t.Step*t.Batch + k)
		t.data.Read(i, t.p.Input()[k*size:(k+1)*size], t.labels[k*per:(k+1)*per])
	}
	classes := t.p.classes()
	if i := slices.IndexFunc(t.labels, func(l int) bool { return l >= classes }); i >= 0 {
		return 0, fmt.Errorf("a training input has the label %d, and the network %d classes", t.labels[i], classes)
	}
	t.p.Forward()
	if len(t.labels)*classes != len(t.p.Output()) {
		return 0, fmt.Errorf("the network gives %d answers for a batch, and the data have %d", len(t.p.Output())/classes, len(t.labels))
	}
	loss = t.p.crossEntropy(t.labels)
	if !(loss < 100*math.Log(float64(classes)+1)) {
		return loss, fmt.Errorf("the training diverged at step %d: the loss is %.3g; a smaller learning rate or more bits may help", t.Step, loss)
	}
	t.p.Backward()
	t.Step++
	t.move(t.rate())
	return loss, nil
}

// rate returns the learning rate of the present step.
func (t *Trainer) rate() float64 {
	warm := max(1, t.Steps/20)
	if t.Step <= warm {
		return t.Rate * float64(t.Step) / float64(warm)
	}
	return t.Rate * 0.5 * (1 + math.Cos(math.Pi*float64(t.Step-warm)/float64(max(1, t.Steps-warm))))
}

// stepRate is by how much faster logarithms of scales move than weights.
const stepRate = 3

func (t *Trainer) move(rate float64) {
	var norm float64
	for _, w := range t.weights {
		if w.fake != nil {
			w.straightThrough()
		}
		for _, g := range w.value.grad {
			norm += float64(g) * float64(g)
		}
	}
	const most = 1 // of the gradient's norm
	if norm = math.Sqrt(norm); norm > most {
		for _, w := range t.weights {
			for i := range w.value.grad {
				w.value.grad[i] *= float32(most / norm)
			}
		}
	}
	all().do(len(t.weights), func(_, i int) {
		w := t.weights[i]
		decay := t.Decay
		if len(w.shape) < 2 {
			decay = 0
		}
		w.opt.update(w.x, w.value.grad, rate, decay, t.Step)
		if s := w.steps; s != nil {
			s.opt.update(s.log, s.grad, rate*stepRate, 0, t.Step)
			for u := range s.maps {
				if s.maps[u].Scale > 0 {
					s.maps[u].Scale = exp(s.log[u])
				}
			}
		}
	})
	for _, s := range t.steps {
		a := s.call.input.static.(kernels.Affine)
		n := float64(len(s.call.x[0].data)) / float64(t.Batch)
		s.grad[0] = float32(s.call.input.stepGrad * float64(a.Scale) / math.Sqrt(n*float64(a.Max)))
		s.opt.update(s.log[:], s.grad[:], rate*stepRate, 0, t.Step)
		a.Scale = exp(s.log[0])
		s.call.input.static = a
	}
}

// straightThrough makes the gradient of the quantized weights that of the float
// ones, 0 where they were clipped, and finds the gradients of the steps.
func (w *trainee) straightThrough() {
	s := w.steps
	if s == nil {
		return
	}
	clear(s.grad)
	g := w.value.grad
	for i := 0; i < len(g); {
		u := w.fake.Unit(i)
		a := s.maps[u]
		lo, hi := a.Range()
		var sum float64
		for ; i < len(g) && w.fake.Unit(i) == u; i++ {
			inside := w.x[i] >= lo && w.x[i] <= hi
			sum += float64(g[i]) * stepSlope(a, w.x[i], w.value.data[i], inside)
			if !inside {
				g[i] = 0
			}
		}
		s.grad[u] = float32(sum * float64(a.Scale))
	}
}

// crossEntropy sets the gradient of the output to that of its mean cross
// entropy against labels, and returns that mean in nats.
func (p *Program) crossEntropy(labels []int) float64 {
	return crossEntropy(p.output.data, labels, p.classes(), p.output.grad)
}

// Variant returns the network as it is now, under the plan. It is valid until
// the next step.
func (t *Trainer) Variant() *Variant {
	t.quantize()
	g := *t.network.Graph
	g.Weight = maps.Clone(g.Weight)
	v := &Variant{Graph: &g, Plan: t.plan, inputs: map[string]input{}, maps: map[string][]kernels.Affine{}}
	for _, w := range t.weights {
		g.Weight[w.name] = &Weight{w.shape, w.value.data}
		if w.steps != nil {
			v.maps[w.name] = w.steps.maps
		}
	}
	for _, site := range g.Sites() {
		if q := t.p.callAt(site.Name).input; q != nil {
			v.inputs[site.Name] = input{q.scheme, q.static}
		}
	}
	v.roundBiases()
	return v
}

// Result returns a copy of the network as it is now: weights that its plan no
// longer changes, and the steps that were learned.
func (t *Trainer) Result() *Network {
	v := t.Variant()
	weights := map[string]*Weight{}
	l := &Learned{Weights: map[string]Steps{}, Activations: map[string]Steps{}}
	for _, w := range t.weights {
		weights[w.name] = &Weight{w.shape, slices.Clone(v.Graph.Weight[w.name].Data)}
		if w.steps != nil {
			l.Weights[w.name] = stepsOf(w.scheme.String(), w.steps.maps)
		}
	}
	for _, s := range t.steps {
		l.Activations[t.network.siteName(s.call.node)] = stepsOf(s.call.input.scheme.String(), []kernels.Affine{s.call.input.static.(kernels.Affine)})
	}
	out := t.network.with(weights)
	if len(l.Weights)+len(l.Activations) > 0 {
		out.learned = l
	}
	return out
}

// order is the order in which inputs are learned from: every epoch shuffled
// anew. Data too many to shuffle are taken as they come.
type order struct {
	seed  uint64
	n     int
	epoch int
	list  []int32
}

// maxShuffled bounds what is shuffled.
const maxShuffled = 1 << 22

func (o *order) at(i int) int {
	if o.n > maxShuffled {
		return i % o.n
	}
	if epoch := i / o.n; o.list == nil || o.epoch != epoch {
		o.epoch = epoch
		o.list = o.list[:0]
		for k := range o.n {
			o.list = append(o.list, int32(k))
		}
		r := rand.New(rand.NewPCG(o.seed, uint64(epoch)))
		r.Shuffle(o.n, func(a, b int) { o.list[a], o.list[b] = o.list[b], o.list[a] })
	}
	return int(o.list[i%o.n])
}

// fit sets the number of steps by how many were done in the time spent.
func (t *Trainer) fit(spent time.Duration) {
	switch share := float64(spent) / float64(t.Within); {
	case t.Within == 0:
	case share >= 1:
		t.Steps = t.Step
	default:
		t.Steps = max(t.Step+1, int(float64(t.Step)/share))
	}
}

// Progress is how far a training has come.
type Progress struct {
	Step, Steps int
	Loss        float64 // of the last steps' batches, their mean
	Took        time.Duration
	Left        time.Duration
}

// Run takes steps until all are done, the training diverges or ctx is done,
// and reports after every step. An error of report ends it too.
func (t *Trainer) Run(ctx context.Context, report func(Progress) error) error {
	begun, from := time.Now(), t.Step
	var mean float64
	for t.Step < t.Steps {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		loss, err := t.Next()
		if err != nil {
			return err
		}
		if mean == 0 {
			mean = loss
		}
		mean += (loss - mean) / 20
		took := time.Since(begun)
		t.fit(took)
		left := time.Duration(float64(took) / float64(t.Step-from) * float64(t.Steps-t.Step))
		if err := report(Progress{t.Step, t.Steps, mean, took, left}); err != nil {
			return err
		}
	}
	return nil
}
