package main

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/kernels"
)

func TestBenchTimesEveryImplementation(t *testing.T) {
	lines := done(t, "", "bench", "--op", "decode", "--format", "f16", "--json")
	if want := len(kernels.Backends()); len(lines) != want {
		t.Fatalf("%d lines, want %d: %q", len(lines), want, lines)
	}
	for i, o := range objects(t, lines) {
		if got := keys(t, lines[i]); got != "op format impl threads mweights_s gb_s share vs_go" {
			t.Errorf("keys %s", got)
		}
		speed, bytes, ratio := o["mweights_s"].(float64), o["gb_s"].(float64), o["vs_go"].(float64)
		if speed <= 0 || bytes < 5.9e-3*speed || bytes > 6.1e-3*speed || i == 0 && ratio != 1 || ratio <= 0 {
			t.Errorf("%v", o)
		}
	}
}

func TestBenchTimesTheFormatsThatAGlobTakes(t *testing.T) {
	lines := done(t, "", "bench", "--op", "roundtrip", "--format", "fp6*")
	if want := "op\tformat\timpl\tthreads\tmweights_s\tgb_s\tshare\tvs_go"; lines[0] != want {
		t.Errorf("names %q, want %q", lines[0], want)
	}
	count := map[string]int{}
	for _, line := range lines[1:] {
		count[strings.Join(strings.Split(line, "\t")[:2], " ")]++
	}
	n := len(kernels.Backends())
	if want := map[string]int{"roundtrip fp6_e3m2": n, "roundtrip fp6_e2m3": n}; !maps.Equal(count, want) {
		t.Errorf("rows %v, want %v", count, want)
	}
}

func TestBenchMeasuresOnOneCoreAndOnAll(t *testing.T) {
	cores := runtime.GOMAXPROCS(0)
	var threads []int
	for _, o := range objects(t, done(t, "", "bench", "--op", "measure exactly", "--format", "q4_K", "--json")) {
		threads = append(threads, int(o["threads"].(float64)))
		if o["share"] != nil || o["vs_go"] != nil || o["mweights_s"].(float64) <= 0 {
			t.Errorf("%v", o)
		}
	}
	if want := slices.Compact([]int{1, cores}); !slices.Equal(threads, want) {
		t.Errorf("on %v cores, want %v", threads, want)
	}
}

func TestBenchSaysWhatThereIs(t *testing.T) {
	if r := bitdial(t, "", "bench", "--threads", "100000"); r.code != exitUsage || !strings.Contains(r.stderr, "--threads takes 1 to") {
		t.Errorf("too many threads: exit %d, %q", r.code, r.stderr)
	}
	if r := bitdial(t, "", "bench", "--op", "fly"); r.code != exitUsage || !strings.Contains(r.stderr, "roundtrip") {
		t.Errorf("an unknown operation: exit %d, %q", r.code, r.stderr)
	}
	if r := bitdial(t, "", "bench", "--format", "int99"); r.code != exitFailed || !strings.Contains(r.stderr, "no kernel matches") {
		t.Errorf("an unknown format: exit %d, %q", r.code, r.stderr)
	}
}
