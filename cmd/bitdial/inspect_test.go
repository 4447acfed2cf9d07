package main

import (
	"slices"
	"strings"
	"testing"
)

func TestInspectListsTensorsAndTheirTotal(t *testing.T) {
	lines := done(t, "", "inspect", "sample:animals")
	want := map[int]string{
		0:              "tensor\tdtype\tshape\tparams\tbytes",
		1:              "conv1.weight\tF32\t[16,3,3,3]\t432\t1728",
		len(lines) - 1: "total\t\t\t61292\t245168",
	}
	if len(lines) != 12 {
		t.Fatalf("%d lines, want a head, ten tensors, a total", len(lines))
	}
	for i, line := range want {
		if lines[i] != line {
			t.Errorf("line %d is %q, want %q", i, lines[i], line)
		}
	}
}

func TestInspectAsJSON(t *testing.T) {
	lines := done(t, "", "inspect", "sample:animals", "--json")
	for i, line := range lines {
		want := "tensor dtype shape params bytes"
		if i == len(lines)-1 {
			want = "model format tensors params bytes"
		}
		if got := keys(t, line); got != want {
			t.Errorf("line %d has the keys %s, want %s", i, got, want)
		}
	}
	if total := objects(t, lines)[10]; total["tensors"] != 10.0 || total["params"] != 61292.0 || total["model"] != "sample:animals" {
		t.Errorf("total %v", total)
	}
}

func TestInspectOnlyWhatAGlobMatches(t *testing.T) {
	lines := done(t, "", "inspect", "sample:animals", "--tensors", "*.bias")
	if len(lines) != 7 || slices.ContainsFunc(lines[1:6], func(l string) bool { return !strings.Contains(l, ".bias\t") }) {
		t.Errorf("%q", lines)
	}
}
