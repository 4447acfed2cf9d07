package main

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

const sweepKeys = "tensor scheme n bytes bpw mse sse sqnr_db max_abs_err cosine clipped zeros nonfinite energy energy_after exact sqnr_lo sqnr_hi importance weighted_sse weighted_energy weighted_sqnr_db weighted_sqnr_lo weighted_sqnr_hi digest kernels"

// sortedLines are those of some files, joined.
func sortedLines(t testing.TB, paths ...string) []string {
	t.Helper()
	var all []byte
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	lines := strings.Split(strings.TrimSuffix(string(all), "\n"), "\n")
	slices.Sort(lines)
	return lines
}

// TestASweepSaysWhatMeasureSays compares the figures of both, which are exact.
func TestASweepSaysWhatMeasureSays(t *testing.T) {
	args := []string{"sample:animals", "-s", "int4:g32", "-s", "int8:channel", "--json"}
	lines := done(t, "", append([]string{"sweep", "--exact"}, args...)...)
	measured := map[[2]any]object{}
	for _, row := range objects(t, done(t, "", append([]string{"measure"}, args...)...)) {
		measured[[2]any{row["tensor"], row["scheme"]}] = row
	}
	for i, row := range objects(t, lines) {
		if got := keys(t, lines[i]); got != sweepKeys {
			t.Fatalf("keys %s, want %s", got, sweepKeys)
		}
		want := measured[[2]any{row["tensor"], row["scheme"]}]
		for _, key := range strings.Fields(rowKeys) {
			if row[key] != want[key] {
				t.Errorf("%v as %v: %s is %v, measure has %v", row["tensor"], row["scheme"], key, row[key], want[key])
			}
		}
		if row["exact"] != true || row["weighted_sse"] != nil {
			t.Errorf("%s", lines[i])
		}
	}
	if len(lines) != 2*5 {
		t.Errorf("%d lines", len(lines))
	}
}

// TestAKilledSweepGoesOn kills one without warning, again and again.
func TestAKilledSweepGoesOn(t *testing.T) {
	dir := t.TempDir()
	args := []string{"sweep", "sample:austen", "--exact", "-s", "int4:g32:range=entropy", "-s", "int4:g64:range=mse", "-s", "f16", "-o"}
	path := filepath.Join(dir, "killed")
	size := func() int64 {
		info, err := os.Stat(path)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	for range 2 {
		before := size()
		c := exec.Command(binaryPath, append(args, "killed")...)
		c.Dir = dir
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(20 * time.Second); size() < before+2000 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // it was killed
	}
	if err := os.Truncate(path, size()-10); err != nil { // as if the power had failed
		t.Fatal(err)
	}
	r := bitdial(t, dir, append(args, "killed")...)
	if r.code != 0 || !strings.Contains(r.stderr, "the last line is torn") || !strings.Contains(r.stdout, " results, ") {
		t.Fatalf("exit %d, stdout %q, stderr %q", r.code, r.stdout, r.stderr)
	}
	single := done(t, dir, append(args, "single")...)
	if again := done(t, dir, append(args, "killed")...); len(again) != 1 || !strings.HasSuffix(again[0], " 0 measured now") {
		t.Errorf("%q, after %q", again, single)
	}
	if !slices.Equal(sortedLines(t, path), sortedLines(t, filepath.Join(dir, "single"))) {
		t.Error("what was killed and went on has other results")
	}
}

// TestSharesJoinToTheWhole sweeps by parts into files of their own.
func TestSharesJoinToTheWhole(t *testing.T) {
	dir := t.TempDir()
	var parts []string
	for _, part := range []string{"1/3", "2/3", "3/3"} {
		path := filepath.Join(dir, part[:1])
		done(t, dir, "sweep", "sample:animals", "--shard", part, "-o", path)
		parts = append(parts, path)
	}
	done(t, dir, "sweep", "sample:animals", "-o", "whole")
	if !slices.Equal(sortedLines(t, parts...), sortedLines(t, filepath.Join(dir, "whole"))) {
		t.Error("the shares are not the whole")
	}
}

// TestASweepForATarget measures its candidates and what else is asked for.
func TestASweepForATarget(t *testing.T) {
	got := map[any]bool{}
	for _, row := range objects(t, done(t, "", "sweep", "sample:animals", "--for", "onnxruntime", "-s", "int3:g32", "-s", "f16", "--json")) {
		got[row["scheme"]] = true
	}
	for _, s := range append(quant.TargetOf("onnxruntime").Candidates(), quant.Scheme{Format: kernels.FormatOf("f16")}) {
		if !got[s.String()] {
			t.Errorf("%s is not measured", s)
		}
	}
	if !got["int3:g32"] || len(got) != len(quant.TargetOf("onnxruntime").Candidates())+1 {
		t.Errorf("%v are measured", got)
	}
}

func TestASweepNamesWhatItLeavesAlone(t *testing.T) {
	dir := t.TempDir()
	done(t, dir, "sweep", "sample:animals", "-s", "int4", "-o", "f")
	r := bitdial(t, dir, "sweep", "sample:fashion", "-s", "int4", "-o", "f")
	if r.code != 0 || !strings.Contains(r.stderr, "f: 5 results are of other tensors or another importance: left alone") {
		t.Errorf("exit %d, stderr %q", r.code, r.stderr)
	}
	b, err := os.ReadFile(filepath.Join(dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, bytes.Replace(b[:bytes.IndexByte(b, '\n')+1], []byte(`"sse":`), []byte(`"sse":1`), 1)...)
	if err := os.WriteFile(filepath.Join(dir, "f"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := bitdial(t, dir, "sweep", "sample:animals", "-s", "int4", "-o", "f"); r.code != 1 || !strings.Contains(r.stderr, "contradicts line 1") {
		t.Errorf("exit %d, stderr %q", r.code, r.stderr)
	}
}

// TestAnImportanceMatrixWeighs sweeps, measures and inspects with one.
func TestAnImportanceMatrixWeighs(t *testing.T) {
	dir := t.TempDir()
	madeGGUF(t, filepath.Join(dir, "m.gguf"))
	u32 := binary.LittleEndian.AppendUint32
	const name = "output.weight"
	b := append(u32(u32(nil, 1), uint32(len(name))), name...)
	b = u32(u32(b, 1), 256)
	for i := range 256 {
		b = u32(b, math.Float32bits(float32(i%2*4)))
	}
	if err := os.WriteFile(filepath.Join(dir, "i"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	r := bitdial(t, dir, "sweep", "m.gguf", "-s", "q4_K", "-s", "int4:g32", "--imatrix", "i", "--json")
	if r.code != 0 || !strings.Contains(r.stderr, "no importance in i for 1 tensor") {
		t.Fatalf("exit %d, stderr %q", r.code, r.stderr)
	}
	swept := objects(t, strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n"))
	plain := objects(t, done(t, dir, "sweep", "m.gguf", "-s", "q4_K", "-s", "int4:g32", "--json"))
	measured := objects(t, done(t, dir, "measure", "m.gguf", "-s", "q4_K", "-s", "int4:g32", "--imatrix", "i", "--json"))
	find := func(list []object, tensor, scheme string) object {
		i := slices.IndexFunc(list, func(o object) bool { return o["tensor"] == tensor && o["scheme"] == scheme })
		if i < 0 {
			t.Fatalf("no %s as %s", tensor, scheme)
		}
		return list[i]
	}
	for _, scheme := range []string{"q4_K", "int4:g32"} {
		got, without, m := find(swept, name, scheme), find(plain, name, scheme), find(measured, name, scheme)
		if got["weighted_sse"] == nil || got["weighted_sse"] != m["weighted_sse"] || got["weighted_sqnr_db"] != m["weighted_sqnr_db"] || got["sse"] != m["sse"] {
			t.Errorf("%s: sweep has %v of %v, measure %v of %v", scheme, got["weighted_sse"], got["sse"], m["weighted_sse"], m["sse"])
		}
		if same := got["sse"] == without["sse"]; same != (scheme == "int4:g32") {
			t.Errorf("%s: error %v with importance, %v without", scheme, got["sse"], without["sse"])
		}
		if other := find(swept, "blk.0.attn_v.weight", scheme); other["importance"] != nil || other["sse"] != find(plain, "blk.0.attn_v.weight", scheme)["sse"] {
			t.Errorf("%s: %v of a tensor without importance", scheme, other)
		}
	}
	for _, row := range objects(t, done(t, dir, "inspect", "m.gguf", "--imatrix", "i", "--json", "--tensors", "*.weight"))[:3] {
		want := object{"importance": nil, "importance_share": nil, "importance_entropy": nil, "importance_zd": nil}
		if row["tensor"] == name { // half of its columns matter, all alike
			want = object{"importance": 2.0, "importance_share": 1.0, "importance_entropy": 0.875, "importance_zd": 0.0}
		}
		for key, value := range want {
			if row[key] != value {
				t.Errorf("%s: %s is %v, want %v", row["tensor"], key, row[key], value)
			}
		}
	}
}
