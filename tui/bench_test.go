package tui

import (
	"context"
	"runtime"
	"slices"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/net"
	"github.com/bitdial/bitdial/samples"
)

// turn turns the dial in focus, takes the estimate that follows and draws the
// frame, as the event loop would.
func (s *sitting) turnOnce(steps int) {
	s.turn(s.dial, steps)
	s.takeNext()
	s.View()
}

// takeNext does the most urgent request.
func (s *sitting) takeNext() {
	request, ok := s.next()
	if !ok {
		s.t.Fatal("nothing to do")
	}
	s.work.job = &job{request: request, cancel: func() {}}
	if request.errand.kind != noErrand {
		s.take(s.work.job.runErrand(context.Background(), s.given(request.errand)).(resultMsg))
		return
	}
	if request.sweep != 0 {
		s.take(s.work.job.runBatch(context.Background(), s.nextBatch()))
		return
	}
	summary, _ := s.work.summaries.get(request.tensor)
	s.take(s.work.job.run(context.Background(), summary).(resultMsg))
}

// BenchmarkTurnOfADial is the time from a key to the frame with its estimate,
// on a layer of 2^26 weights.
func BenchmarkTurnOfADial(b *testing.B) {
	m := oneTensor(b, 1<<13, 1<<13)
	for _, scheme := range []string{"int8", "int8:channel", "int4:g32", "int4:g32:range=mse", "int4:range=mse", "int4:channel:range=mse", "int4:range=p99.9", "q4_K", "iq3_s", "iq1_m", "nf4:g64", "fp8_e4m3:channel:range=mse", "kmeans4:channel", "mxfp4", "int4:g32:search=optimal"} {
		b.Run(scheme, func(b *testing.B) {
			parsed, err := quant.Parse(scheme)
			if err != nil {
				b.Fatal(err)
			}
			noState(b)
			s := &sitting{b, newApp(context.Background(), Options{Model: m, Plan: quant.Everywhere(quant.Choice{Scheme: parsed})})}
			s.screen.resize(200, 60)
			s.takeNext()
			var times []float64
			for steps := 1; b.Loop(); steps = -steps {
				s.work.pictures = newRecent[fact, *quant.Measurement](128) // no turn has been seen before
				start := b.Elapsed()
				s.turnOnce(steps)
				times = append(times, (b.Elapsed()-start).Seconds()*1e3)
			}
			slices.Sort(times)
			b.ReportMetric(times[len(times)*95/100], "p95-ms")
		})
	}
}

// BenchmarkView is the cost of a frame of each page at 200×60.
func BenchmarkView(b *testing.B) {
	for page, p := range pages {
		b.Run(p.name, func(b *testing.B) {
			s := sitWithSample(b, 200, 60)
			s.send(keyPress("4"))
			if s.page = page; page == pagePlan {
				s.page = pageLayers
				s.press(p.key) // it begins to measure what plans are chosen from
			}
			s.send(tea.FocusMsg{})
			b.ReportAllocs()
			for b.Loop() {
				s.View()
			}
		})
	}
}

// BenchmarkRunPages is the cost of a frame of the pages that run a network, and
// the time from a key to the frame with the first answer.
func BenchmarkRunPages(b *testing.B) {
	m, task, err := samples.OpenTask("animals", "")
	if err != nil {
		b.Fatal(err)
	}
	noState(b)
	s := &sitting{b, newApp(context.Background(), Options{Model: m, Plan: DefaultPlan(), Task: task})}
	s.send(tea.WindowSizeMsg{Width: 200, Height: 60})
	s.press("r")
	b.Run("view", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.View()
		}
	})
	b.Run("turn", func(b *testing.B) {
		for steps := 1; b.Loop(); steps = -steps {
			float, _ := s.run.known(0, "")
			s.run.scores = newRecent[errand, *net.Score](64) // no turn has been seen before
			s.run.scores.put(s.run.score(0, "", true), float)
			s.turnOnce(steps)
		}
	})
	s.press("3 t")
	s.training.state = paused
	b.Run("view of a training", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.View()
		}
	})
}

// BenchmarkManyTensors is the cost of a key in a model of 300,000 tensors.
func BenchmarkManyTensors(b *testing.B) {
	m := manyTensors(b, 300_000)
	noState(b)
	s := &sitting{b, newApp(context.Background(), Options{Model: m, Plan: DefaultPlan()})}
	s.screen.resize(200, 60)
	s.View()
	b.Run("scroll", func(b *testing.B) {
		for b.Loop() {
			s.moveLayer(61)
			if s.layers.cursor == len(m.Tensors)-1 {
				s.layers.cursor = 0
			}
			s.next()
			s.View()
		}
	})
	b.Run("turn", func(b *testing.B) {
		for steps := 1; b.Loop(); steps = -steps {
			s.turn(dialFormat, steps)
			s.next()
			s.View()
		}
	})
	b.Run("filter", func(b *testing.B) {
		for b.Loop() {
			s.filter("experts.17.down")
			s.filter("")
		}
	})
	b.Run("sort", func(b *testing.B) {
		for b.Loop() {
			s.sortBy(6)
			s.next()
			s.View()
		}
	})
	b.Run("apply to", func(b *testing.B) {
		s.askApply()
		for b.Loop() {
			s.next()
			s.View()
		}
	})
}

func TestTenThousandFramesDoNotGrowTheMemory(t *testing.T) {
	s := sitWithSample(t, 200, 60)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for range 100 {
		s.View()
	}
	before := heap()
	for range 10_000 {
		s.View()
	}
	if after := heap(); after > before+256<<10 {
		t.Errorf("from %d to %d KiB", before>>10, after>>10)
	}
}

// BenchmarkViewOfRuns is the cost of a frame of what a run has found out.
func BenchmarkViewOfRuns(b *testing.B) {
	for name, keys := range map[string]string{"inputs": "i right right", "measures": "s v"} {
		b.Run(name, func(b *testing.B) {
			s := sitWithTask(b, 200, 60)
			s.press(keys)
			b.ReportAllocs()
			for b.Loop() {
				s.View()
			}
		})
	}
}
