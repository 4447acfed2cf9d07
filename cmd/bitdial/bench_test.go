package main

import (
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

func TestBenchSaysWhatThereIs(t *testing.T) {
	if r := bitdial(t, "", "bench", "--op", "fly"); r.code != exitUsage || !strings.Contains(r.stderr, "roundtrip") {
		t.Errorf("an unknown operation: exit %d, %q", r.code, r.stderr)
	}
	if r := bitdial(t, "", "bench", "--format", "int99"); r.code != exitFailed || !strings.Contains(r.stderr, "no kernel matches") {
		t.Errorf("an unknown format: exit %d, %q", r.code, r.stderr)
	}
}
