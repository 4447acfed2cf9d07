package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/export"
)

func TestARecipeGoesToItsFileAndTheCommandToStderr(t *testing.T) {
	dir := t.TempDir()
	madeGGUF(t, filepath.Join(dir, "m.gguf"))
	args := []string{"quantize", "m.gguf", "-s", "q4_K", "-s", "output.*=q6_K", "--recipe", "llama-quantize"}
	const lines, run = "^output\\.weight$=q6_K\n", "--pure --tensor-type-file "
	r := bitdial(t, dir, args...)
	if r.code != 0 || r.stdout != lines || !strings.Contains(r.stderr, run+"recipe.txt") {
		t.Errorf("exit %d, %q, %q", r.code, r.stdout, r.stderr)
	}
	args = append(args, "-o", "types.txt")
	r = bitdial(t, dir, args...)
	if text, err := os.ReadFile(filepath.Join(dir, "types.txt")); err != nil || r.code != 0 || r.stderr != "" || string(text) != lines ||
		!strings.Contains(r.stdout, run+"types.txt m.gguf m-Q4_K_M.gguf Q4_K_M") {
		t.Errorf("exit %d, %v: %q, %q, %q", r.code, err, text, r.stdout, r.stderr)
	}
	if r = bitdial(t, dir, args...); r.code != 1 || !strings.Contains(r.stderr, "--force") {
		t.Errorf("exit %d, %q", r.code, r.stderr)
	}
	done(t, dir, append(args, "--force")...)
}

func TestRecipesRefuse(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"-s int8 --recipe ollama", 2, `--recipe "ollama": there are llama-quantize`},
		{"-s int8 --recipe mlx --dry-run", 2, "none of --dequantize"},
		{"-s int8 --recipe mlx --imatrix m.gguf", 2, "mlx has no such file"},
		{"--recipe mlx", 2, "a scheme is missing"},
		{"-s int4:g32 --recipe mlx", 1, "mlx cannot be told of "},
		{"-s int8 --recipe onnxruntime", 1, "it quantizes ONNX graphs, this is safetensors"},
	} {
		r := bitdial(t, t.TempDir(), append([]string{"quantize", "sample:austen"}, strings.Fields(c.args)...)...)
		if r.code != c.code || r.stdout != "" || !strings.Contains(r.stderr, c.want) {
			t.Errorf("%s: exit %d, %q, %q", c.args, r.code, r.stdout, r.stderr)
		}
	}
}

func TestSchemesListsWhatRecipesCanSay(t *testing.T) {
	rows := objects(t, done(t, t.TempDir(), "schemes", "--recipes", "--json"))
	seen := map[string]bool{}
	for _, row := range rows {
		seen[row["tool"].(string)] = true
		if says := row["says"].([]any); len(says) == 0 == (row["why"] == nil) {
			t.Errorf("%v says neither what nor why not, or both", row)
		}
	}
	for _, r := range export.Recipes {
		if !seen[r.Name] {
			t.Errorf("%s is not listed", r.Name)
		}
	}
}
