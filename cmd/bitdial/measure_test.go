package main

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/samples"
)

const (
	rowKeys   = "tensor scheme n bytes bpw mse sse sqnr_db max_abs_err cosine clipped zeros nonfinite"
	totalKeys = "total model scheme tensors n now bytes ratio bpw mse sse sqnr_db max_abs_err clipped zeros nonfinite"
)

// TestMeasureTellsWhatQuantMeasures compares every figure of every tensor.
func TestMeasureTellsWhatQuantMeasures(t *testing.T) {
	m, err := samples.Open("animals")
	if err != nil {
		t.Fatal(err)
	}
	s, err := quant.Parse("int3:g32:asym:range=p99")
	if err != nil {
		t.Fatal(err)
	}
	lines := done(t, "", "measure", "sample:animals", "-s", s.String(), "--json")
	rows := objects(t, lines)
	plan, sse, n := quant.Everywhere(quant.Choice{Scheme: s}), 0.0, 0.0
	for i, tensor := range m.Tensors {
		if got := keys(t, lines[i]); got != rowKeys {
			t.Fatalf("keys %s, want %s", got, rowKeys)
		}
		row := rows[i]
		want := object{"tensor": tensor.Name, "scheme": "keep", "n": float64(tensor.Len()), "bytes": float64(tensor.Bytes()), "mse": 0.0, "sqnr_db": nil, "cosine": 1.0, "clipped": 0.0, "max_abs_err": 0.0, "bpw": 32.0}
		if s := plan.For(tensor); !s.Keep() {
			sum, err := quant.Summarize(context.Background(), tensor, nil)
			if err != nil {
				t.Fatal(err)
			}
			f, err := quant.Measure(context.Background(), tensor, sum, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			want = object{
				"tensor": tensor.Name, "scheme": s.String(), "n": float64(tensor.Len()), "bytes": float64(f.Bytes), "bpw": f.BPW(),
				"mse": f.MSE(), "sse": f.E2, "sqnr_db": f.SQNR(), "max_abs_err": f.MaxAbs, "cosine": f.Cosine(),
				"clipped": float64(f.Clipped), "zeros": float64(f.Zeros), "nonfinite": 0.0,
			}
		}
		for key, value := range want {
			if row[key] != value {
				t.Errorf("%s: %s is %v, want %v", tensor.Name, key, row[key], value)
			}
		}
		sse += row["sse"].(float64)
		n += row["n"].(float64)
	}
	last := lines[len(lines)-1]
	if got := keys(t, last); len(lines) != len(m.Tensors)+1 || got != totalKeys {
		t.Fatalf("%d lines, the last with the keys %s, want %s", len(lines), got, totalKeys)
	}
	total := rows[len(rows)-1]
	if total["total"] != true || total["n"] != n || math.Abs(total["sse"].(float64)-sse) > 1e-12*sse || total["now"] != float64(m.Bytes()) {
		t.Errorf("total %v; the rows have n %v, sse %v", total, n, sse)
	}
}

func TestMeasureComparesSchemes(t *testing.T) {
	rows := objects(t, done(t, "", "measure", "sample:animals", "-s", "int8", "-s", "int4", "-s", "fc.*=bf16", "--json"))
	count := map[string]int{}
	var totals []object
	for _, row := range rows {
		if row["total"] == true {
			totals = append(totals, row)
			continue
		}
		count[row["tensor"].(string)+" "+row["scheme"].(string)]++
	}
	for what, n := range map[string]int{"conv1.weight int8": 1, "conv1.weight int4": 1, "conv1.bias keep": 1, "fc.weight bf16": 1, "fc.bias bf16": 1, "fc.weight int8": 0} {
		if count[what] != n {
			t.Errorf("%s is listed %d times, want %d", what, count[what], n)
		}
	}
	if len(totals) != 2 || totals[0]["scheme"] != "int8" || totals[1]["scheme"] != "int4" || totals[0]["n"] != totals[1]["n"] {
		t.Fatalf("totals %v", totals)
	}
	if a, b := totals[0]["sqnr_db"].(float64), totals[1]["sqnr_db"].(float64); a-b < 15 {
		t.Errorf("int8 has %v dB, int4 %v: want 24 dB between them, roughly", a, b)
	}
}

func TestRulesOfTheCommandLineFollowThoseOfThePlan(t *testing.T) {
	plan := filepath.Join(t.TempDir(), "plan.toml")
	if err := os.WriteFile(plan, []byte("default = 'int8'\n[[rule]]\nmatch = 'conv*.weight'\nscheme = 'int4'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, row := range objects(t, done(t, "", "measure", "sample:animals", "-p", plan, "-s", "conv2.*=int4:g32:round=trunc", "--tensors", "*.weight", "--json")) {
		if name, ok := row["tensor"].(string); ok {
			got[name] = row["scheme"].(string)
		}
	}
	want := map[string]string{"conv1.weight": "int4", "conv2.weight": "int4:g32:round=trunc", "conv3.weight": "int4", "conv4.weight": "int4", "fc.weight": "int8"}
	for name, scheme := range want {
		if got[name] != scheme || len(got) != len(want) {
			t.Errorf("%s is measured as %q, want %q; all: %v", name, got[name], scheme, got)
		}
	}
}

func TestMeasureInAPipeIsRowsBetweenTabs(t *testing.T) {
	lines := done(t, "", "measure", "sample:animals", "-s", "int4:g32")
	if want := strings.ReplaceAll(rowKeys, " ", "\t"); lines[0] != want {
		t.Errorf("head %q, want %q", lines[0], want)
	}
	for _, line := range lines[1:] {
		fields := strings.Split(line, "\t")
		if len(fields) != 13 {
			t.Fatalf("%d fields in %q", len(fields), line)
		}
		for i, f := range fields[2:] {
			if _, err := strconv.ParseFloat(f, 64); err != nil && fields[0] != "total" {
				t.Errorf("%s: field %d is %q", fields[0], i+2, f)
			}
		}
	}
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "total\tint4:g32\t61292\t35160\t") {
		t.Errorf("last line %q", last)
	}
}

func TestNaNAndInfinityAreCountedAndLeaveTheJSONWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	inf := float32(math.Inf(1))
	safetensors(t, path, []float32{1, -1, float32(math.NaN()), inf, -inf, 0.5}, []int{2, 16}, []int{0, 4}, []int{})
	rows := objects(t, done(t, "", "measure", path, "-s", "int4", "-s", "c=f16", "--json"))
	if a := rows[0]; a["nonfinite"] != 3.0 || a["n"] != 32.0 || !(a["max_abs_err"].(float64) < 0.1) {
		t.Errorf("a: %v", a)
	}
	if b := rows[1]; b["scheme"] != "keep" || b["n"] != 0.0 || b["bpw"] != 0.0 {
		t.Errorf("b, of no weights: %v", b)
	}
	if c := rows[2]; c["scheme"] != "f16" || c["sqnr_db"] != nil {
		t.Errorf("c, a scalar of zero: %v", c)
	}
}
