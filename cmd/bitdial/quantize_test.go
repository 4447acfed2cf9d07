package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestQuantizeWritesWhatComesBack(t *testing.T) {
	dir := t.TempDir()
	done(t, dir, "quantize", "sample:animals", "-s", "int4:g32", "-s", "fc.weight=int8", "-o", "o.safetensors", "--dequantize")
	if a, b := done(t, dir, "inspect", "sample:animals"), done(t, dir, "inspect", "o.safetensors"); len(a) != len(b) || a[1] != b[1] || a[11] != b[11] {
		t.Errorf("%q became %q", a, b)
	}
	// What is on the grid already stays there.
	rows := objects(t, done(t, dir, "measure", "o.safetensors", "-s", "int4:g32", "--tensors", "conv2.weight", "--json"))
	if mse := rows[0]["mse"].(float64); mse > 1e-9 {
		t.Errorf("a second time costs an error of %v", mse)
	}
}

func TestQuantizeOverwritesOnlyWithForce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.safetensors")
	safetensors(t, path, []float32{0.3, -0.7, 1, 0.1}, []int{4, 8})
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := bitdial(t, dir, "quantize", path, "-s", "int2", "-o", path, "--dequantize")
	if after, err := os.ReadFile(path); r.code != 1 || err != nil || !bytes.Equal(before, after) {
		t.Errorf("exit %d, %v, %s; the file changed: %v", r.code, err, r.stderr, !bytes.Equal(before, after))
	}
	done(t, dir, "quantize", path, "-s", "int2", "-o", path, "--dequantize", "--force") // the model itself
	after, err := os.ReadFile(path)
	if err != nil || bytes.Equal(before, after) {
		t.Errorf("%v; the file did not change", err)
	}
	if rows := objects(t, done(t, dir, "measure", path, "-s", "int2", "--json")); rows[0]["sse"] != 0.0 {
		t.Errorf("the file does not hold what comes back: %v", rows[0])
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestWritingSaysThatActivationsAreNotWritten(t *testing.T) {
	dir := t.TempDir()
	plan := filepath.Join(dir, "p.toml")
	if err := os.WriteFile(plan, []byte("default = 'int8'\nactivation = 'int8:static'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := bitdial(t, dir, "quantize", "sample:animals", "-p", plan, "-o", filepath.Join(dir, "o.safetensors"), "--dequantize")
	if r.code != 0 || !strings.Contains(r.stderr, "activations and remedies are for running") {
		t.Errorf("exit %d, stderr %q", r.code, r.stderr)
	}
}
