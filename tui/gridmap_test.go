package tui

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// blockModel returns a model of n layers of four kinds, an embedding before them and
// norms that no map shows. The down projection of layer 2 has an outlier, which
// costs it its accuracy.
func blockModel(t testing.TB, n int) *model.Model {
	weights := gaussian(2 * 64 * 64)
	weights[64*64+7] = 30
	shapes := map[string][]int{"token_embd.weight": {64, 64}, "output_norm.weight": {64}}
	names := []string{"token_embd.weight"}
	for i := range n {
		for _, kind := range []string{"attn_q", "attn_k", "ffn_up", "ffn_down"} {
			name := fmt.Sprintf("blk.%d.%s.weight", i, kind)
			names, shapes[name] = append(names, name), []int{64, 64}
		}
	}
	m := modelOf(t, weights, shapes, append(names, "output_norm.weight")...)
	const worst = 1 + 4*2 + 3
	var err error
	if m.Tensors[worst], err = model.NewTensor(names[worst], model.F32, []int{64, 64}, m.Files[0], 4*64*64); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTheWholeModelIsAMapOfLayersAndKinds(t *testing.T) {
	s := sit(t, blockModel(t, 6), 120, 34)
	s.press("s") // a model of layers begins with the map of all of them
	s.shows("SQNR dB as planned", "attn_q", "ffn_down", "blk.5", "token_embd.weight")
	s.hides("output_norm")
	s.press("down") // from the embedding to the first layer
	for range 3 {
		s.press("right")
	}
	for range 2 {
		s.press("down")
	}
	if m, _ := s.selected(); m.Name != "blk.2.ffn_down.weight" {
		t.Fatalf("the cursor is on %s", m.Name)
	}
	s.shows("the lowest of its kind")
	s.press("e")
	s.shows("share of relative error %")
	s.press("space")
	row := strings.Split(s.screen.plain(), "\n")
	if !strings.Contains(row[4], "▸blk.2") {
		t.Errorf("sorted, the first layer is not the worst:\n%s", s.screen.plain())
	}
	s.press("]")
	s.shows("if all were f16")
	s.press("[")
	s.shows("as planned")
	s.press("enter")
	s.shows("clipping range")
	if s.page != pageLayers {
		t.Errorf("enter leads to page %d", s.page)
	}
	if m, _ := s.selected(); m.Name != "blk.2.ffn_down.weight" {
		t.Errorf("enter leads to %s", m.Name)
	}
}

func TestTheMapOfTheModelFollowsFilterAndMouse(t *testing.T) {
	s := sit(t, blockModel(t, 6), 80, 24)
	s.press("s")
	x, y := s.find("blk.4")
	kx, _ := s.find("ffn_up")
	s.click(kx+1, y)
	if m, _ := s.selected(); m.Name != "blk.4.ffn_up.weight" {
		t.Fatalf("a click on the cell selects %s", m.Name)
	}
	s.wheel(x, y, 1)
	if m, _ := s.selected(); m.Name != "blk.5.ffn_up.weight" {
		t.Errorf("the wheel moves to %s", m.Name)
	}
	s.press("/")
	s.write("attn")
	s.press("enter")
	s.shows("attn_q")
	s.hides("ffn_up", "token_embd")
}

func TestFillingTheMapPausesAndGoesOn(t *testing.T) {
	s := sit(t, blockModel(t, 6), 80, 24)
	s.press("x") // on another page it says nothing
	s.page, s.paused = pageGrid, true
	s.press("]")
	s.shows("0/25, paused")
	s.press("x")
	s.hides("paused", "/25")
	s.page = pageCurves
	s.press("right")
	s.shows("SQNR dB against bits per weight", "int4", "bpw")
}

func TestPaceTellsTheTimeLeft(t *testing.T) {
	var p pace
	at := time.Unix(0, 0)
	if text := p.left(10, 100, at); text != "" {
		t.Errorf("at once: %q", text)
	}
	if text := p.left(40, 100, at.Add(60*time.Second)); text != " · 2:00 left" {
		t.Errorf("after 30 of 90 in a minute: %q", text)
	}
}

// BenchmarkGrid is a frame of the map of 3,000 cells at 200×60.
func BenchmarkGrid(b *testing.B) {
	s := sit(b, blockModel(b, 750), 200, 60)
	s.page = pageGrid
	s.press("down")
	b.ReportAllocs()
	for b.Loop() {
		s.View()
	}
}

// BenchmarkGridOfManyTensors is a frame of the map of 300,000 tensors, and finding
// what is missing in it, when all is known.
func BenchmarkGridOfManyTensors(b *testing.B) {
	m := manyTensors(b, 300_000)
	noState(b)
	s := &sitting{b, newApp(context.Background(), Options{Model: m, Plan: DefaultPlan()})}
	s.screen.resize(200, 60)
	f := &quant.Figures{Exact: true}
	f.N, f.E2, f.X2 = 1024, 1, 100
	for i, t := range m.Tensors {
		s.work.figures[fact{t, s.planned.schemes[i]}] = f
	}
	s.turnTo(pageGrid)
	s.View()
	b.Run("view", func(b *testing.B) {
		for b.Loop() {
			s.View()
		}
	})
	b.Run("next", func(b *testing.B) {
		for b.Loop() {
			s.missingInGrid()
		}
	})
}

// The next set of formats may be smaller than the one before.
func TestTheMapOfAFormatTurnsToTheNextSet(t *testing.T) {
	s := sit(t, blockModel(t, 6), 80, 24)
	s.press("s")
	for range heatSets {
		for range 40 {
			s.press("]")
		}
		s.shows("if all were")
		s.press("f")
		s.shows("if all were", heatSets[s.heat.set].formats[0].Name)
	}
}
