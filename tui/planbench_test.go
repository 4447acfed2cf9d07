package tui

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/bitdial/bitdial/quant/model"
)

// sitWithPlan returns the page of a model of n layers of four weights, with all figures.
func sitWithPlan(t testing.TB, n, w, h int) *sitting {
	s := sit(t, apart(t, blockModel(t, n)), w, h)
	s.press("p")
	return s
}

// apart returns m with weights of its own for each tensor: those of two tensors that
// have the same are planned as one.
func apart(t testing.TB, m *model.Model) *model.Model {
	weights := gaussian(2 * 64 * 64)
	data := make([]byte, 4*64*64*len(m.Tensors))
	for n := range m.Tensors {
		wide := 1 + float32(n%7)
		for i := range 64 * 64 {
			x := weights[(i+37*n)%len(weights)]
			if i%97 == 0 {
				x *= wide
			}
			binary.LittleEndian.PutUint32(data[4*(64*64*n+i):], math.Float32bits(x))
		}
	}
	file := model.NewFile("memory", data)
	for n, tensor := range m.Tensors {
		var err error
		if m.Tensors[n], err = model.NewTensor(tensor.Name, model.F32, tensor.Shape, file, int64(4*64*64*n)); err != nil {
			t.Fatal(err)
		}
	}
	m.Files = []*model.File{file}
	return m
}

// BenchmarkBudget is the time of a step of the slider, from the key to the frame, with
// a thousand tensors and twelve schemes; and of a frame.
func BenchmarkBudget(b *testing.B) {
	s := sitWithPlan(b, 250, 200, 60)
	s.press("f f f") // twelve schemes
	if n := len(s.budget.sweep.schemes); n != 12 {
		b.Fatalf("%d schemes", n)
	}
	s.takeBudget("3.5")
	b.Run("step", func(b *testing.B) {
		worst := time.Duration(0)
		for n := 0; b.Loop(); n++ {
			start := time.Now()
			s.stepBudget(1 - 2*(n/40%2))
			s.next()
			s.View()
			worst = max(worst, time.Since(start))
		}
		b.ReportMetric(worst.Seconds()*1e3, "worst-ms")
	})
	b.Run("frame", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.View()
		}
	})
	b.Run("frame under the mouse", func(b *testing.B) {
		s.mouse.x, s.mouse.y = s.budget.view.plot.x+20, s.budget.view.plot.y+20
		for b.Loop() {
			s.View()
		}
	})
	b.Run("choice", func(b *testing.B) {
		for b.Loop() {
			s.budget.stale = true
			s.choose()
		}
	})
}

// BenchmarkSweep is the time until all figures of 300 tensors under twelve schemes are
// there.
func BenchmarkSweep(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s := sit(b, apart(b, blockModel(b, 75)), 200, 60)
		s.page = pagePlan
		s.budget.set = 3
		s.beginSweep()
		b.StartTimer()
		for s.sweeping() {
			s.takeNext()
		}
	}
}
