package net

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bitdial/bitdial/quant"
)

// learnt returns the small network after a short training on inputs whose
// answers another network gives, and those inputs.
func learnt(t *testing.T, draw *rand.Rand) (*Network, *drawn) {
	t.Helper()
	scaled := func() *Graph { // what comes out of a layer is as large as what goes in
		g := small(draw)
		for _, w := range g.Weight {
			for i := range w.Data {
				w.Data[i] *= float32(math.Sqrt(2 * float64(w.Shape[0]) / float64(len(w.Data))))
			}
		}
		return g
	}
	teacher := scaled()
	size, _ := numbers(teacher.Input.Shape)
	data := draws(200, size, 3, draw)
	for i, x := range data.x {
		y := forward(t, teacher, 1, x)
		data.labels[i] = largest(y)
	}
	trainer, err := NewTrainer(context.Background(), network(t, scaled()), data, quant.Plan{}, nil, Training{Batch: 20, Steps: 150, Rate: 3e-3})
	if err != nil {
		t.Fatal(err)
	}
	if err := trainer.Run(context.Background(), func(Progress) error { return nil }); err != nil {
		t.Fatal(err)
	}
	return trainer.Result(), data
}

func TestOneLayerIsTriedAloneAndSpared(t *testing.T) {
	n, data := learnt(t, rand.New(rand.NewPCG(21, 22)))
	task := &Task{Network: n, Train: data, Validation: data}
	cal, err := task.Calibrate(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	trial, err := NewTrial(n, data)
	if err != nil {
		t.Fatal(err)
	}
	p := plan(t, "int3", "int4:static")
	score := func(p quant.Plan) *Score {
		v, err := n.Quantize(t.Context(), p, cal)
		if err != nil {
			t.Fatal(err)
		}
		s, err := trial.Score(t.Context(), v, 100, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	float, all := score(quant.Plan{}), score(p)
	for _, name := range []string{"a.weight", "d.weight"} {
		alone, err := task.Alone(t.Context(), trial, p, name, 100, nil)
		if err != nil {
			t.Fatal(err)
		}
		hand := quant.Plan{}.With(name, p.Default).WithActivation(name, p.DefaultActivation)
		if want := score(hand); alone.Loss != want.Loss || alone.KLD == 0 {
			t.Errorf("%s alone: loss %v, and under a plan of its own %v", name, alone.Loss, want.Loss)
		}
		spared, err := task.AllBut(t.Context(), trial, p, name, 100, nil)
		if err != nil {
			t.Fatal(err)
		}
		if spared.Loss == all.Loss || spared.Loss == float.Loss {
			t.Errorf("without %s the loss is %v, with it %v, in float %v", name, spared.Loss, all.Loss, float.Loss)
		}
	}
	if _, err := task.Alone(t.Context(), trial, p, "nobody", 100, nil); err == nil {
		t.Error("a layer that does not exist was tried")
	}
}

// TestCurvatureIsTheMeanOfSquaredGradients compares with gradients taken input
// by input.
func TestCurvatureIsTheMeanOfSquaredGradients(t *testing.T) {
	n, data := learnt(t, rand.New(rand.NewPCG(23, 24)))
	c, err := MeasureCurvature(t.Context(), n.Graph, data, 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(n.Graph, 1, true)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float64, len(n.Weight["d.weight"].Data))
	for i := range 7 {
		copy(p.Input(), data.x[i])
		p.Forward()
		p.crossEntropy(data.labels[i : i+1])
		p.Backward()
		for k, g := range p.Gradient("d.weight") {
			want[k] += float64(g) * float64(g) / 7
		}
	}
	for k, got := range c.squares["d.weight"] {
		if math.Abs(float64(got)-want[k]) > 1e-4*want[k]+1e-12 {
			t.Fatalf("weight %d: %v, want %v", k, got, want[k])
		}
	}
}

// TestTheForecastOrdersFormatsAndLayersAsTheLossDoes holds the forecast to what
// it is for.
func TestTheForecastOrdersFormatsAndLayersAsTheLossDoes(t *testing.T) {
	n, data := learnt(t, rand.New(rand.NewPCG(25, 26)))
	c, err := MeasureCurvature(t.Context(), n.Graph, data, 200, nil)
	if err != nil {
		t.Fatal(err)
	}
	trial, err := NewTrial(n, data)
	if err != nil {
		t.Fatal(err)
	}
	task := &Task{Network: n, Train: data, Validation: data}
	var forecasts, changes []float64
	for _, name := range []string{"a.weight", "b.weight", "c.weight", "d.weight", "e.weight"} {
		for _, format := range []string{"int3", "int4", "int6"} {
			p := plan(t, format, "keep")
			forecast, err := n.Forecast(t.Context(), c, name, p.Default.Scheme)
			if err != nil {
				t.Fatal(err)
			}
			s, err := task.Alone(t.Context(), trial, p, name, 200, nil)
			if err != nil {
				t.Fatal(err)
			}
			forecasts, changes = append(forecasts, forecast), append(changes, s.KLD)
		}
	}
	if rho := RankCorrelation(forecasts, changes); rho < 0.8 {
		t.Errorf("the forecasts %.3g and the changes %.3g correlate by %.2f", forecasts, changes, rho)
	}
	if zero, err := n.Forecast(t.Context(), c, "a.weight", quant.Scheme{}); zero != 0 || err != nil {
		t.Errorf("what is kept costs %v, %v", zero, err)
	}
}

func TestRankCorrelation(t *testing.T) {
	for _, test := range []struct {
		x, y []float64
		want float64
	}{
		{[]float64{1, 2, 3}, []float64{10, 20, 300}, 1},
		{[]float64{1, 2, 3}, []float64{3, 2, 1}, -1},
		{[]float64{1, 2, 2, 4}, []float64{1, 3, 3, 4}, 1},
		{[]float64{1, 2, 3, 4, 5}, []float64{5, 6, 7, 8, 7}, 0.8207826816681233}, // scipy.stats.spearmanr
	} {
		if got := RankCorrelation(test.x, test.y); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("%v and %v: %v, want %v", test.x, test.y, got, test.want)
		}
	}
	if got := RankCorrelation([]float64{1, 1}, []float64{1, 2}); !math.IsNaN(got) {
		t.Errorf("what orders nothing correlates by %v", got)
	}
}

// TestMeasuringWhatWasCapturedIsWhatTheNetworkDoes compares with what acts in a
// running network.
func TestMeasuringWhatWasCapturedIsWhatTheNetworkDoes(t *testing.T) {
	n, data := learnt(t, rand.New(rand.NewPCG(27, 28)))
	cal, err := Calibrate(t.Context(), n.Graph, data, 20, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, site := range []string{"a.weight", "c.weight", "e.weight"} {
		c, err := Capture(t.Context(), n.Graph, data, 20, site, nil)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := n.Entries()
		if err != nil || !slices.Equal(entries[site], c.Shape) || c.N != 20 {
			t.Errorf("%s: %d inputs of %v, and %v", site, c.N, c.Shape, entries[site])
		}
		for _, scheme := range []string{"int4:static", "int5:asym:static:range=average", "int6:range=p99:static", "fp8_e4m3:static", "int4:asym", "int4:token", "int8:g8", "bf16"} {
			a, err := quant.ParseActivation(scheme)
			if err != nil {
				t.Fatal(err)
			}
			m, err := c.Measure(t.Context(), a, cal.Flow(site))
			if err != nil {
				t.Fatal(err)
			}
			v, err := n.Quantize(t.Context(), quant.Plan{}.WithActivation(site, a), cal)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Compile(n.Graph, 1, false)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Use(v); err != nil {
				t.Fatal(err)
			}
			var e2 float64
			for i := range c.N {
				copy(p.Input(), data.x[i])
				p.after = func(call *call) {
					if takesSchemes(call.node) && n.siteName(call.node) == site {
						for k, y := range call.input.data {
							d := float64(y - c.Values[i*len(call.input.data)+k])
							e2 += d * d
						}
					}
				}
				p.Forward()
			}
			if math.Abs(m.E2-e2) > 1e-5*e2 || m.N != len(c.Values) {
				t.Errorf("%s, %s: the squared error is %v, and in the network %v", site, scheme, m.E2, e2)
			}
			var counted int64
			for _, k := range m.Quantized.Bins {
				counted += k
			}
			if counted != int64(m.N) {
				t.Errorf("%s, %s: the histogram holds %d of %d", site, scheme, counted, m.N)
			}
			if ranged := m.ClipHi > m.ClipLo; ranged != (a.Granularity == quant.PerTensor && a.Format.Cast == nil) {
				t.Errorf("%s, %s: the range is %v to %v", site, scheme, m.ClipLo, m.ClipHi)
			}
		}
	}
}

func TestASchemeThatDoesNotFitWhatWasCapturedSaysWhy(t *testing.T) {
	n, data := learnt(t, rand.New(rand.NewPCG(29, 30)))
	cal, err := Calibrate(t.Context(), n.Graph, data, 5, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Capture(t.Context(), n.Graph, data, 5, "e.weight", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := quant.ParseActivation("q8_0")
	if _, err := c.Measure(t.Context(), a, cal.Flow("e.weight")); err == nil || a.WhyNot(c.Shape) == "" {
		t.Error("blocks of 32 are taken for rows of 7")
	}
}
