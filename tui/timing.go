package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bitdial/bitdial/quant/net"
)

// timing is how fast the network runs, and which of its layers in integers.
type timing struct {
	net.Timing
	integers, layers int
	why              string // the others do not
}

func doTiming(ctx context.Context, e errand, g given, _ func(float64)) (any, error) {
	v, err := g.variant(ctx, e, nil)
	if err != nil {
		return nil, err
	}
	t := timing{}
	if t.Timing, err = net.Time(ctx, g.task.Network, v, g.task.Tests[e.set]); err != nil {
		return nil, err
	}
	sites, why := v.Integers()
	t.integers, t.layers, t.why = len(sites), len(sites)+len(why), reasons(why)
	return t, nil
}

// reasons returns why layers run in float, each reason once with the layers
// that it holds for: "conv1.weight runs in float: its weight …" for one.
func reasons(why []string) string {
	var order []string
	layers := map[string][]string{}
	for _, w := range why {
		layer, reason, _ := strings.Cut(w, " runs in float: ")
		if layers[reason] == nil {
			order = append(order, reason)
		}
		layers[reason] = append(layers[reason], layer)
	}
	slices.SortStableFunc(order, func(a, b string) int { return len(layers[b]) - len(layers[a]) })
	var parts []string
	for _, reason := range order {
		who := strings.Join(layers[reason], ", ")
		switch n := len(layers[reason]); {
		case n == len(why):
			who = "the others"
		case n > 2:
			who = fmt.Sprintf("%d layers", n)
		}
		parts = append(parts, who+": "+reason)
	}
	return strings.Join(parts, "; ")
}

// durationText returns a time per input with three digits.
func durationText(d time.Duration) string {
	switch ms := d.Seconds() * 1e3; {
	case ms < 1:
		return digits(1e3*ms, 3) + " µs"
	case ms < 1000:
		return digits(ms, 3) + " ms"
	default:
		return digits(ms/1e3, 3) + " s"
	}
}
