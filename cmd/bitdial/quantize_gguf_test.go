package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestADryRunSaysWhatThenIsWritten(t *testing.T) {
	dir := t.TempDir()
	madeGGUF(t, filepath.Join(dir, "m.gguf"))
	plan := []string{"-s", "q4_K", "-s", "output.*=f16", "-s", "*_norm.*=q6_K"}
	rows := done(t, dir, slices.Concat([]string{"quantize", "m.gguf", "--dry-run"}, plan)...)
	want := []string{
		"tensor\tdtype\tshape\tscheme\tas\tbytes",
		"blk.0.attn_v.weight\tF32\t[4,256]\tq4_K\tQ4_K\t576",
		"output.weight\tF32\t[4,256]\tf16\tF16\t2048",
		"output_norm.weight\tF32\t[256]\tq6_K\tQ6_K\t210",
	}
	if !slices.Equal(rows[:4], want) || len(rows) != 5 {
		t.Fatalf("%q", rows)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%v is left, %v", left, err)
	}
	said := done(t, dir, slices.Concat([]string{"quantize", "m.gguf", "-o", "o.gguf"}, plan)...)
	info, err := os.Stat(filepath.Join(dir, "o.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("file\t\t\t\t\t%d", info.Size()); rows[4] != got {
		t.Errorf("%q was foretold, the file is %q", rows[4], got)
	}
	if got := fmt.Sprintf("o.gguf: 3 tensors, %d bytes", info.Size()); len(said) != 1 || said[0] != got {
		t.Errorf("%q, want %q", said, got)
	}
	inspected := done(t, dir, "inspect", "o.gguf")
	for i, row := range []string{"blk.0.attn_v.weight\tQ4_K\t[4,256]\t1024\t576", "output.weight\tF16\t[4,256]\t1024\t2048", "output_norm.weight\tQ6_K\t[256]\t256\t210"} {
		if inspected[i+1] != row {
			t.Errorf("%q, want %q", inspected[i+1], row)
		}
	}
}

func TestQuantizeSaysWhatAFileLoses(t *testing.T) {
	dir := t.TempDir()
	madeGGUF(t, filepath.Join(dir, "m.gguf"))
	done(t, dir, "quantize", "m.gguf", "-s", "q8_0", "-o", "o.gguf")
	for _, test := range []struct{ args, says string }{
		{"quantize o.gguf -s q4_K -o p.gguf", "2 tensors are quantized a second time, as blk.0.attn_v.weight from Q8_0 to Q4_K"},
		{"quantize m.gguf -s iq2_xxs --dry-run", "2 tensors, as blk.0.attn_v.weight: iq2_xxs wants to know which weights matter"},
		{"quantize sample:animals -s q8_0,f16 -o a.gguf", "conv1.weight: f16 instead of q8_0"},
		{"quantize sample:animals -s q8_0 --dry-run", "general.architecture"},
	} {
		if r := bitdial(t, dir, strings.Fields(test.args)...); r.code != 0 || !strings.Contains(r.stderr, test.says) {
			t.Errorf("bitdial %s: exit %d, stderr %q, want %q", test.args, r.code, r.stderr, test.says)
		}
	}
	done(t, dir, "quantize", "o.gguf", "-s", "q8_0", "-o", "q.gguf") // nothing to do again
}

func TestGGUFOverwritesOnlyWithForce(t *testing.T) {
	dir := t.TempDir()
	madeGGUF(t, filepath.Join(dir, "m.gguf"))
	if r := bitdial(t, dir, "quantize", "m.gguf", "-s", "q4_K", "-o", "m.gguf"); r.code != 1 || !strings.Contains(r.stderr, "--force") {
		t.Errorf("exit %d, stderr %q", r.code, r.stderr)
	}
	done(t, dir, "quantize", "m.gguf", "-s", "q4_K", "-o", "m.gguf", "--force") // the model itself
	if row := done(t, dir, "inspect", "m.gguf")[1]; row != "blk.0.attn_v.weight\tQ4_K\t[4,256]\t1024\t576" {
		t.Errorf("%q", row)
	}
}

func TestQuantizeFollowsAnImportanceMatrix(t *testing.T) {
	dir := t.TempDir()
	madeGGUF(t, filepath.Join(dir, "m.gguf"))
	u32 := binary.LittleEndian.AppendUint32
	const name = "output.weight"
	b := append(u32(u32(nil, 1), uint32(len(name))), name...)
	b = u32(u32(b, 1), 256)
	for i := range 256 {
		b = u32(b, math.Float32bits(float32(i*i%89)))
	}
	if err := os.WriteFile(filepath.Join(dir, "imatrix.dat"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	done(t, dir, "quantize", "m.gguf", "-s", "iq2_xxs,keep", "-s", "blk.*=q8_0", "--imatrix", "imatrix.dat", "-o", "o.gguf")
	if r := bitdial(t, dir, "quantize", "m.gguf", "-s", "q4_K", "--imatrix", "imatrix.dat", "--dry-run"); r.code != 0 || !strings.Contains(r.stderr, "no importance in imatrix.dat for 1 tensor") {
		t.Errorf("exit %d, stderr %q", r.code, r.stderr)
	}
	if r := bitdial(t, dir, "quantize", "m.gguf", "-s", "q4_K", "--imatrix", "m.gguf", "--dry-run"); r.code != 1 || !strings.Contains(r.stderr, "m.gguf: an importance matrix must have") {
		t.Errorf("exit %d, stderr %q", r.code, r.stderr)
	}
	plain := filepath.Join(dir, "p.gguf")
	if r := bitdial(t, dir, "quantize", "m.gguf", "-s", "iq2_xxs", "-s", "blk.*=q8_0", "-o", plain); r.code != 0 {
		t.Fatal(r.stderr)
	}
	guided, err := os.ReadFile(filepath.Join(dir, "o.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	alike, err := os.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	const tail = 4*66 + 1024 // output.weight and what comes after it
	if bytes.Equal(guided[len(guided)-tail:], alike[len(alike)-tail:]) {
		t.Error("importance changes nothing")
	}
}

func TestAMixIsNamedInTheFile(t *testing.T) {
	dir := t.TempDir()
	madeGGUF(t, filepath.Join(dir, "m.gguf"))
	done(t, dir, "quantize", "m.gguf", "-p", "q4_k_s", "-s", "blk.0.attn_v.weight=q8_0", "-o", "o.gguf")
	if rows := done(t, dir, "inspect", "o.gguf"); rows[1] != "blk.0.attn_v.weight\tQ8_0\t[4,256]\t1024\t1088" || rows[2] != "output.weight\tQ6_K\t[4,256]\t1024\t840" {
		t.Errorf("%q", rows)
	}
	if rows := done(t, dir, "inspect", "o.gguf", "--metadata"); !slices.Contains(rows, "general.file_type\tu32\t\t14") {
		t.Errorf("%q", rows)
	}
}

// TestADryRunAsJSONForetellsEveryFile compares each path and size with what is then
// written, in both formats, whole and in parts.
func TestADryRunAsJSONForetellsEveryFile(t *testing.T) {
	dir := t.TempDir()
	safetensors(t, filepath.Join(dir, "m.safetensors"), nil, []int{64, 4096}, []int{300, 4096}, []int{5})
	for _, args := range []string{
		"-s q8_0,keep -o a.gguf", "-s f16 -o b.gguf --split-max-size 1M",
		"-s fp8_e4m3:unscaled -o c.safetensors", "-s bf16 -o d.safetensors --split-max-size 1M", "-s int4:g32 -o e.safetensors --dequantize --split-max-size 0",
	} {
		with := append([]string{"quantize", "m.safetensors"}, strings.Fields(args)...)
		r := bitdial(t, dir, append(with, "--dry-run", "--json")...) // which warns of GGUF
		lines := objects(t, strings.Split(strings.TrimSpace(r.stdout), "\n"))
		total := lines[len(lines)-1]
		if len(lines) != 4 || total["total"] != true || total["tensors"] != 3.0 || lines[0]["tensor"] == nil {
			t.Fatalf("%s: %v", args, lines)
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Fatalf("a dry run wrote %v", left)
		}
		if r := bitdial(t, dir, append(with, "--verify")...); r.code != 0 || !strings.Contains(r.stdout, "all checksums are right") {
			t.Fatalf("%s: exit %d, %q, %q", args, r.code, r.stdout, r.stderr)
		}
		sum := 0.0
		for _, f := range total["files"].([]any) {
			file := f.(map[string]any)
			info, err := os.Stat(filepath.Join(dir, file["path"].(string)))
			if err != nil || float64(info.Size()) != file["bytes"] {
				t.Errorf("%s: %v foretold, %v, %v", args, file, info, err)
			}
			sum += file["bytes"].(float64)
			_ = os.Remove(filepath.Join(dir, file["path"].(string))) // found above
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 || sum != total["bytes"] {
			t.Errorf("%s: %v is left; %v bytes, all of them %v", args, left, sum, total["bytes"])
		}
	}
}

// TestMeasureFollowsAMixAsQuantizeDoes compares the schemes of both.
func TestMeasureFollowsAMixAsQuantizeDoes(t *testing.T) {
	dir := t.TempDir()
	madeGGUF(t, filepath.Join(dir, "m.gguf"))
	rule := []string{"m.gguf", "-p", "Q4_K_M", "-s", "blk.0.attn_v.weight=q8_0"}
	measured := objects(t, done(t, dir, append([]string{"measure", "--json"}, rule...)...))
	listed := objects(t, done(t, dir, append([]string{"quantize", "--dry-run", "--json"}, rule...)...))
	for i, row := range listed[:len(listed)-1] {
		if measured[i]["tensor"] != row["tensor"] || measured[i]["scheme"] != row["scheme"] || measured[i]["bytes"] != row["bytes"] {
			t.Errorf("%v is measured, %v is written", measured[i], row)
		}
	}
	if listed[1]["scheme"] != "q6_K" {
		t.Errorf("the last layer is %v", listed[1])
	}
	if r := bitdial(t, dir, "eval", "sample:animals", "-p", "Q4_K_M"); r.code != 1 {
		t.Errorf("eval of a mix: exit %d", r.code)
	}
}
