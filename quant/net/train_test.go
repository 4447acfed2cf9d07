package net

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/bitdial/bitdial/quant"
)

// rings are points of the plane, the answer whether they lie within a ring.
func rings(n int, seed uint64) *drawn {
	draw := rand.New(rand.NewPCG(seed, 1))
	d := new(drawn)
	for range n {
		x := []float32{float32(draw.Float64()*4 - 2), float32(draw.Float64()*4 - 2)}
		label := 0
		if r := math.Hypot(float64(x[0]), float64(x[1])); r > 0.7 && r < 1.5 {
			label = 1
		}
		d.x, d.labels = append(d.x, x), append(d.labels, label)
	}
	return d
}

// mlp is a network of two hidden layers for rings.
func mlp() *Graph {
	draw := rand.New(rand.NewPCG(3, 1))
	g := newGraph([]int{2}, []Node{
		{Op: "Gemm", Inputs: []string{"x", "a.weight", "a.bias"}, Output: "a", Attrs: Attributes{"transB": {1}}},
		{Op: "Relu", Inputs: []string{"a"}, Output: "ra"},
		{Op: "Gemm", Inputs: []string{"ra", "b.weight", "b.bias"}, Output: "b", Attrs: Attributes{"transB": {1}}},
		{Op: "Relu", Inputs: []string{"b"}, Output: "rb"},
		{Op: "Gemm", Inputs: []string{"rb", "c.weight", "c.bias"}, Attrs: Attributes{"transB": {1}}},
	}, map[string][]int{"a.weight": {24, 2}, "a.bias": {24}, "b.weight": {24, 24}, "b.bias": {24}, "c.weight": {2, 24}, "c.bias": {2}}, draw)
	for _, w := range g.Weight {
		for i := range w.Data {
			if len(w.Shape) == 2 {
				w.Data[i] *= float32(math.Sqrt(2 / float64(w.Shape[1])))
			} else {
				w.Data[i] = 0
			}
		}
	}
	return g
}

// rounding is a plan that leaves the points themselves as they are.
func rounding(t *testing.T, weights, activations string) quant.Plan {
	return plan(t, weights, activations).WithActivation("a.weight", quant.Activation{})
}

func train(t *testing.T, n *Network, weights, activations string, cal *Calibration, o Training) *Trainer {
	t.Helper()
	tr, err := NewTrainer(context.Background(), n, rings(4000, 1), rounding(t, weights, activations), cal, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Run(context.Background(), func(Progress) error { return nil }); err != nil {
		t.Fatal(err)
	}
	return tr
}

func accuracy(t *testing.T, n *Network, v *Variant) float64 {
	t.Helper()
	trial, err := NewTrial(n, rings(1000, 2))
	if err != nil {
		t.Fatal(err)
	}
	s, err := trial.Score(context.Background(), v, 1000, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.Accuracy()
}

func TestTrainingUnderAPlanWinsBackWhatRoundingLost(t *testing.T) {
	ctx := context.Background()
	float := train(t, network(t, mlp()), "keep", "keep", nil, Training{Batch: 64, Steps: 600, Rate: 0.01}).Result()
	before := accuracy(t, float, float.Float())
	if before < 0.97 {
		t.Fatalf("in float the network learned to answer %.1f %%", 100*before)
	}
	cal, err := Calibrate(ctx, float.Graph, rings(200, 3), 200, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		weights, activations string
		o                    Training
	}{
		{"int2:channel", "keep", Training{Batch: 64, Steps: 400, Rate: 0.005}},
		{"int3:channel", "int3:asym:static", Training{Batch: 64, Steps: 400, Rate: 0.005}},
		{"fp4_e2m1:channel", "fp6_e3m2:token", Training{Batch: 64, Steps: 400, Rate: 0.005}},
		{"int2:channel", "keep", Training{Batch: 64, Steps: 400, Rate: 0.005, FixedSteps: true}},
		{"int3:channel:range=mse", "keep", Training{Batch: 64, Steps: 400, Rate: 0.02, SGD: true}},
	} {
		p := rounding(t, test.weights, test.activations)
		v, err := float.Quantize(ctx, p, cal)
		if err != nil {
			t.Fatal(err)
		}
		rounded := accuracy(t, float, v)
		tr := train(t, float, test.weights, test.activations, cal, test.o)
		trained := accuracy(t, float, tr.Variant())
		t.Logf("%s %s: float %.3f, rounded %.3f, trained %.3f", test.weights, test.activations, before, rounded, trained)
		if lost, left := before-rounded, before-trained; left > lost/2+0.005 {
			t.Errorf("%s %s lost %.3f of accuracy, and %.3f after training", test.weights, test.activations, lost, left)
		}
		// What is kept of it is the same network, float weights that the plan
		// leaves as they are.
		result := tr.Result()
		again, err := result.Quantize(ctx, p, cal)
		if err != nil {
			t.Fatal(err)
		}
		if got := accuracy(t, float, again); got != trained {
			t.Errorf("%s %s: trained %.3f, its result %.3f", test.weights, test.activations, trained, got)
		}
		for name, w := range again.Graph.Weight {
			if !slices.Equal(w.Data, result.Weight[name].Data) {
				t.Errorf("%s %s: the plan changes %s of the result", test.weights, test.activations, name)
			}
		}
	}
}

func TestTrainingIsReproducible(t *testing.T) {
	a := train(t, network(t, mlp()), "int4", "int8", nil, Training{Batch: 32, Steps: 50, Rate: 0.01, Seed: 5}).Result()
	b := train(t, network(t, mlp()), "int4", "int8", nil, Training{Batch: 32, Steps: 50, Rate: 0.01, Seed: 5}).Result()
	for name, w := range a.Weight {
		if !slices.Equal(w.Data, b.Weight[name].Data) {
			t.Errorf("%s is another one the second time", name)
		}
	}
}

func TestATrainingThatDivergesSaysSo(t *testing.T) {
	tr, err := NewTrainer(context.Background(), network(t, mlp()), rings(100, 1), plan(t, "keep", "keep"), nil, Training{Batch: 10, Steps: 100, Rate: 1e6, SGD: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Run(context.Background(), func(Progress) error { return nil }); err == nil {
		t.Error("there is no error")
	}
}

func TestACancelledTrainingStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	tr, err := NewTrainer(ctx, network(t, mlp()), rings(100, 1), plan(t, "keep", "keep"), nil, Training{Batch: 10, Steps: 1000, Rate: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	err = tr.Run(ctx, func(p Progress) error {
		if p.Step == 3 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || tr.Step != 3 {
		t.Errorf("it stopped at step %d with %v", tr.Step, err)
	}
}

func TestATrainingEndsInItsTime(t *testing.T) {
	begun := time.Now()
	tr := train(t, network(t, mlp()), "keep", "keep", nil, Training{Batch: 16, Within: 300 * time.Millisecond, Rate: 0.01})
	if took := time.Since(begun); took < 300*time.Millisecond || took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if tr.Step < 10 || tr.Steps != tr.Step {
		t.Errorf("%d steps of %d", tr.Step, tr.Steps)
	}
}
