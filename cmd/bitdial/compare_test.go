package main

import (
	"path/filepath"
	"strings"
	"testing"
)

const (
	pairKeys   = "tensor other dtype other_dtype n bytes other_bytes bpw other_bpw sse sqnr_db rel_err max_abs_err cosine lost match"
	aloneKeys  = "tensor alone dtype n bytes why"
	planRow    = "tensor scheme other n bytes other_bytes sqnr_db other_sqnr_db exact"
	checkKeys  = "total model other passed broken tensors n bytes bpw sqnr_db worst worst_sqnr_db drop kld exact"
	breachKeys = "bound tensor value limit"
)

func TestCompareTellsAReleaseFromItsModel(t *testing.T) {
	dir := t.TempDir()
	done(t, dir, "quantize", "sample:austen", "-s", "int4:g32", "-o", "four.safetensors", "--dequantize")
	lines := done(t, dir, "compare", "sample:austen", "four.safetensors", "--json")
	rows := objects(t, lines)
	measured := map[string]object{}
	for _, o := range objects(t, done(t, dir, "measure", "sample:austen", "-s", "int4:g32", "--json")) {
		if name, ok := o["tensor"].(string); ok {
			measured[name] = o
		}
	}
	before := -1.0
	for i, row := range rows[:len(rows)-1] {
		if got := keys(t, lines[i]); got != pairKeys {
			t.Fatalf("keys %s, want %s", got, pairKeys)
		}
		want := measured[row["tensor"].(string)]
		if row["match"] != "name" || row["n"] != want["n"] {
			t.Errorf("%v", row)
		}
		if a, b := row["max_abs_err"], want["max_abs_err"]; a != b {
			t.Errorf("%s: max |e| %v, measure says %v", row["tensor"], a, b)
		}
		if rel := row["rel_err"].(float64); i > 0 && rel > before {
			t.Errorf("%s is worse than the one before", row["tensor"])
		} else {
			before = rel
		}
	}
	if last := rows[len(rows)-1]; last["total"] != true || last["pairs"] != float64(len(measured)) || last["only_a"] != 0.0 {
		t.Errorf("%v", last)
	}
}

func TestCompareListsWhatHasNoPartner(t *testing.T) {
	dir := t.TempDir()
	safetensors(t, filepath.Join(dir, "a.safetensors"), []float32{1}, []int{2, 2}, []int{3})
	safetensors(t, filepath.Join(dir, "b.safetensors"), []float32{1}, []int{2, 2}, []int{4}, []int{5})
	lines := done(t, dir, "compare", "a.safetensors", "b.safetensors", "--json")
	if len(lines) != 5 || keys(t, lines[1]) != aloneKeys {
		t.Fatalf("%q", lines)
	}
	text := strings.Join(lines, "\n")
	for _, part := range []string{`"alone":"A"`, `"alone":"B"`, `the shapes differ: [3] and [4]`, `"only_a":1,"only_b":2`} {
		if !strings.Contains(text, part) {
			t.Errorf("nothing says %s: %s", part, text)
		}
	}
	safetensors(t, filepath.Join(dir, "c.safetensors"), nil, []int{7})
	if r := bitdial(t, dir, "compare", "a.safetensors", "c.safetensors"); r.code != 1 || !strings.Contains(r.stderr, "no tensor of one has a partner") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

func TestCompareTellsPlansApart(t *testing.T) {
	lines := done(t, "", "compare", "sample:animals", "-s", "int4:g32", "-s", "int4:channel", "-s", "fc.*=int8", "--json")
	rows := objects(t, lines)
	for i, row := range rows[:len(rows)-1] {
		if got := keys(t, lines[i]); got != planRow {
			t.Fatalf("keys %s, want %s", got, planRow)
		}
		if row["scheme"] != "int4:g32" || row["other"] != "int4:channel" {
			t.Errorf("%v does not differ", row)
		}
	}
	one := objects(t, done(t, "", "measure", "sample:animals", "-s", "int4:channel", "-s", "fc.*=int8", "--json"))
	last, want := rows[len(rows)-1], one[len(one)-1]
	if last["other_sqnr_db"] != want["sqnr_db"] || last["other_bytes"] != want["bytes"] || last["differ"] != float64(len(rows)-1) {
		t.Errorf("%v, measure says %v", last, want)
	}
}

func TestCompareRefusesWhatItCannotMean(t *testing.T) {
	for _, args := range [][]string{
		{"compare", "sample:animals"},
		{"compare", "sample:animals", "-s", "int4"},
		{"compare", "sample:animals", "-s", "int4", "-s", "int8", "-s", "int3"},
		{"compare", "sample:animals", "sample:austen", "-s", "int4"},
		{"compare", "sample:animals", "sample:austen", "--estimate"},
		{"check", "sample:animals", "-s", "int4"},
		{"check", "sample:animals", "--min-sqnr", "3"},
		{"check", "sample:animals", "-s", "int4", "--min-sqnr", "much"},
		{"check", "sample:animals", "-s", "int4", "--max-size", "6 apples"},
		{"check", "sample:animals", "sample:animals", "--max-drop", "1"},
		{"check", "sample:animals", "-s", "int4", "--min-sqnr", "3", "--inputs", "10"},
		{"check", "sample:animals", "-s", "int4", "--min-sqnr", "3", "--weights", "trained.safetensors"},
		{"check", "model.gguf", "-p", "Q4_K_M", "--max-drop", "3"},
		{"check", "sample:animals", "sample:animals", "-s", "int4", "--min-sqnr", "3"},
	} {
		if r := bitdial(t, "", args...); r.code != 2 || r.stdout != "" {
			t.Errorf("%q: exit %d, stdout %q", args, r.code, r.stdout)
		}
	}
}

func TestCheckFailsWhereABoundBreaks(t *testing.T) {
	r := bitdial(t, "", "check", "sample:animals", "-s", "int4:channel", "--min-tensor-sqnr", "17", "--max-size", "30KiB", "--max-bpw", "5", "--json")
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	if r.code != 1 || len(lines) != 4 {
		t.Fatalf("exit %d: %s", r.code, r.stdout)
	}
	want := []string{"min-tensor-sqnr", "min-tensor-sqnr", "max-size", ""}
	for i, o := range objects(t, lines) {
		if i < 3 && (o["bound"] != want[i] || keys(t, lines[i]) != breachKeys) {
			t.Errorf("%s, want %s", lines[i], want[i])
		}
		if i == 3 && (keys(t, lines[i]) != checkKeys || o["passed"] != false || o["broken"] != 3.0 || o["worst"] != "conv4.weight") {
			t.Errorf("%s", lines[i])
		}
	}
	ok := done(t, "", "check", "sample:animals", "-s", "int4:channel", "--min-tensor-sqnr", "16", "--max-size", "40KiB", "--estimate")
	if len(ok) != 1 || !strings.Contains(ok[0], "2 bounds hold") {
		t.Errorf("%q", ok)
	}
}

func TestCheckRunsTheNetwork(t *testing.T) {
	r := bitdial(t, "", "check", "sample:animals", "-s", "int2:channel", "--max-drop", "1", "--max-kld", "100", "--inputs", "100")
	if r.code != 1 || !strings.Contains(r.stdout, "max-drop\t\t") || strings.Contains(r.stdout, "max-kld") {
		t.Errorf("exit %d: %s", r.code, r.stdout)
	}
	done(t, "", "check", "sample:animals", "-s", "int8:channel", "--max-drop", "1", "--max-kld", "0.1", "--inputs", "100")
}

func TestCheckHoldsAReleaseToItsModel(t *testing.T) {
	dir := t.TempDir()
	safetensors(t, filepath.Join(dir, "a.safetensors"), []float32{1, 2}, []int{2, 2})
	safetensors(t, filepath.Join(dir, "b.safetensors"), []float32{1, 1.9}, []int{2, 2})
	done(t, dir, "check", "a.safetensors", "b.safetensors", "--min-sqnr", "26.9") // 10·log10(5/0.01) is 26.99
	if r := bitdial(t, dir, "check", "a.safetensors", "b.safetensors", "--min-sqnr", "27.1"); r.code != 1 {
		t.Errorf("exit %d: %s", r.code, r.stdout)
	}
	safetensors(t, filepath.Join(dir, "z.safetensors"), nil, []int{2, 2})
	if r := bitdial(t, dir, "check", "z.safetensors", "a.safetensors", "--min-sqnr", "1"); r.stdout != "bound\ttensor\tvalue\tlimit\nmin-sqnr\t\t-inf\t1\n" || !strings.Contains(r.stderr, "SQNR -∞ dB") {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	// A release is as large as all that it holds, and bytes are told to the last.
	safetensors(t, filepath.Join(dir, "c.safetensors"), []float32{1, 2}, []int{2, 2}, []int{1000, 1000})
	r := bitdial(t, dir, "check", "a.safetensors", "c.safetensors", "--max-size", "4000015B")
	if r.code != 1 || !strings.Contains(r.stdout, "max-size\t\t4000016\t4000015\n") || !strings.Contains(r.stderr, "without partner") {
		t.Errorf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
}
