package net

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bitdial/bitdial/quant"
)

// letters is a network that gives each token's successor, of eight, its own
// odds, whatever stands before.
func letters() *Graph {
	return newGraph([]int{6}, []Node{
		{Op: "Gather", Inputs: []string{"table.weight", "x"}, Output: "e"},
		{Op: "MatMul", Inputs: []string{"e", "out.weight"}},
	}, map[string][]int{"table.weight": {8, 16}, "out.weight": {16, 8}}, rand.New(rand.NewPCG(5, 1)))
}

func TestTheSameDrawsContinueATextAlike(t *testing.T) {
	n := network(t, letters())
	c, err := NewContinuation(n.Graph)
	if err != nil {
		t.Fatal(err)
	}
	extend := func(v *Variant, text []int, count int) []int {
		t.Helper()
		out, err := c.Extend(context.Background(), v, text, count)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	float := n.Float()
	likeliest := extend(float, []int{1, 2}, 20) // beyond what the network reads at once
	if len(likeliest) != 22 || !slices.Equal(likeliest[:2], []int{1, 2}) {
		t.Fatalf("continued as %v", likeliest)
	}
	c.Temperature, c.Seed = 1.5, 3
	drawn := extend(float, []int{1, 2}, 20)
	if slices.Equal(drawn, likeliest) {
		t.Error("drawn by lot, it is the likeliest text")
	}
	if pieces := extend(float, extend(float, []int{1, 2}, 9), 11); !slices.Equal(pieces, drawn) {
		t.Errorf("in pieces %v, at once %v", pieces, drawn)
	}
	fine, err := n.Quantize(context.Background(), plan(t, "int16", "keep"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if again := extend(fine, []int{1, 2}, 20); !slices.Equal(again, drawn) {
		t.Errorf("16 bits say %v, float %v", again, drawn)
	}
	c.Seed = 4
	if slices.Equal(extend(float, []int{1, 2}, 20), drawn) {
		t.Error("another seed draws the same")
	}
}

func TestANetworkOfPicturesContinuesNoText(t *testing.T) {
	if _, err := NewContinuation(small(rand.New(rand.NewPCG(1, 1)))); err == nil {
		t.Error("it does")
	}
	c, err := NewContinuation(letters())
	if err != nil {
		t.Fatal(err)
	}
	n := network(t, letters())
	for _, text := range [][]int{nil, {1, 8}} {
		if _, err := c.Extend(context.Background(), n.Float(), text, 1); err == nil {
			t.Errorf("%v is continued", text)
		}
	}
}

func TestLayersThatRunInIntegersAreTimed(t *testing.T) {
	draw := rand.New(rand.NewPCG(7, 1))
	g := small(draw)
	n := network(t, g)
	size, _ := numbers(g.Input.Shape)
	data := draws(4, size, 3, draw)
	for text, integers := range map[string]bool{"keep": false, "int8:dynamic": true} {
		v, err := n.Quantize(context.Background(), plan(t, "int8:channel", text), nil)
		if err != nil {
			t.Fatal(err)
		}
		took, err := Time(context.Background(), n, v, data)
		if err != nil {
			t.Fatal(err)
		}
		if took.Batch != 4 || took.Float <= 0 || (took.Integer > 0) != integers {
			t.Errorf("with activations %s it took %+v", text, took)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Time(ctx, n, n.Float(), data); err == nil {
		t.Error("a timing that is cancelled goes on")
	}
}

func TestWeightsInTrainingAreSeenOnTheirGrid(t *testing.T) {
	n := network(t, mlp())
	tr, err := NewTrainer(context.Background(), n, rings(100, 1), rounding(t, "int2", "keep"), nil, Training{Batch: 8, Steps: 4, Rate: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Next(); err != nil {
		t.Fatal(err)
	}
	original, quantized, err := tr.Histograms("b.weight", -2, 2)
	if err != nil {
		t.Fatal(err)
	}
	occupied := func(h quant.Histogram) (bins int, all int64) {
		for _, n := range h.Bins {
			if n > 0 {
				bins++
			}
			all += n
		}
		return bins, all
	}
	if bins, all := occupied(quantized); bins != 3 || all != 24*24 {
		t.Errorf("%d weights in %d bins", all, bins)
	}
	if bins, _ := occupied(original); bins < 100 {
		t.Errorf("the float weights are in %d bins", bins)
	}
	if _, _, err := tr.Histograms("no such", -1, 1); err == nil {
		t.Error("a weight that does not exist is shown")
	}
}

func TestTheFirstInputsAreThoseOfTheData(t *testing.T) {
	data := draws(9, 4, 3, rand.New(rand.NewPCG(2, 2)))
	few := First(data, 5, 4)
	if few.Len() != 5 || few.Labels() != 1 || First(data, 50, 4).Len() != 9 {
		t.Fatalf("%d inputs of %d labels", few.Len(), few.Labels())
	}
	x, label := make([]float32, 4), make([]int, 1)
	for i := range 5 {
		few.Read(i, x, label)
		if !slices.Equal(x, data.x[i]) || label[0] != data.labels[i] {
			t.Errorf("input %d is %v, %d", i, x, label[0])
		}
	}
}
