package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestExplainTellsTheWayOfANumber(t *testing.T) {
	for _, test := range []struct {
		args string
		says []string
	}{
		{"0.789654321 -s int8 --max 1.27", []string{
			"scale       0.01", "÷ scale     78.96543", "rounded     nearest even     79", "toward zero      78  → code 78 → 0.78",
			"code bits   01001111", "× scale     79 × 0.01 = 0.79", "comes back  0.79\n", "bits        0 01111110 10010100010011011001001",
			"neighbours  0.77  0.78  0.79  0.8",
		}},
		{"0.789654321 -s int8:round=trunc --max 1.27", []string{"rounded     toward zero      78", "comes back  0.78\n"}},
		{"0.789654321 -s int8 --max 1", []string{"100 × 0.007874016", "comes back  0.7874"}},
		{"0.789654321 -s f16", []string{"0.78955", "0 01110 1001010001"}},
		{"-0.789654321 -s int8 --max 1.27", []string{"comes back  -0.79\n", "code bits   10110001"}},
		{"-s int8 --max 1.27 -- -0.789654321", []string{"comes back  -0.79\n"}},
		{"-s int8 -.5 --max=1.27", []string{"comes back  -0.5\n"}},
		{"-5 -s int4 --max 1", []string{"-35  → code -7, clamped → -1", "comes back  -1\n"}},
		{"-0.5 -s int4:asym --min -1 --max 0.5", []string{"zero point  2", "(-3 − 2) × 0.1", "comes back  -0.5\n"}},
		{"0 -s int4", []string{"every weight becomes 0", "comes back  0\n"}},
		{"-1e-3 -s int4", []string{"comes back  -0.001\n"}},
		{"70000 -s f16", []string{"65504, clipped"}},
		{"0.1 -s keep", []string{"comes back  0.1\n", "error       0\n"}},
	} {
		out := strings.Join(done(t, "", append([]string{"explain"}, strings.Fields(test.args)...)...), "\n") + "\n"
		for _, want := range test.says {
			if !strings.Contains(out, want) {
				t.Errorf("explain %s: no %q in\n%s", test.args, want, out)
			}
		}
	}
}

func TestExplainAsJSON(t *testing.T) {
	const want = "number float32 sign exponent mantissa scheme scale zero_point code_min code_max scaled rounded code clipped code_bits value error modes grid"
	for _, scheme := range []string{"int8", "int4:asym", "f16", "keep"} {
		lines := done(t, "", "explain", "-0.789654321", "-s", scheme, "--max", "1.27", "--json")
		if got := keys(t, lines[0]); len(lines) != 1 || got != want {
			t.Errorf("%s: keys %s, want %s", scheme, got, want)
		}
	}
	o := objects(t, done(t, "", "explain", "0.789654321", "-s", "int8", "--max", "1.27", "--json"))[0]
	if o["code"] != 79.0 || o["clipped"] != false || o["code_bits"] != "01001111" || fmt.Sprintf("%.6f", o["value"]) != "0.790000" {
		t.Errorf("%v", o)
	}
	if modes := o["modes"].([]any); len(modes) != 6 || modes[2].(map[string]any)["code"] != 78.0 {
		t.Errorf("modes %v", modes)
	}
}

func TestNegativeNumbersAreNotTakenForFlags(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"explain -0.5 -s int4", "explain -s int4 -- -0.5"},
		{"explain --min -1 -0.5 -s int4", "explain --min -1 -s int4 -- -0.5"},
		{"explain --min=-1 0.5", "explain --min=-1 0.5"},
		{"explain -s int4 -- -1", "explain -s int4 -- -1"},
		{"explain -h", "explain -h"},
		{"measure -1 -s int4", "measure -1 -s int4"},
	} {
		if got := numbersLast(strings.Fields(test.args)); !slices.Equal(got, strings.Fields(test.want)) {
			t.Errorf("%s becomes %q, want %s", test.args, got, test.want)
		}
	}
}
