package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// gguf writes a GGUF file: a little metadata, one F32 tensor and in each of two
// layers one of Q4_0, of ones.
func gguf(t testing.TB, path string) {
	t.Helper()
	u32, u64 := binary.LittleEndian.AppendUint32, binary.LittleEndian.AppendUint64
	b := u64(u64(u32([]byte("GGUF"), 3), 3), 4)
	text := func(s string) { b = append(u64(b, uint64(len(s))), s...) }
	for _, kv := range [][2]string{{"general.architecture", "llama"}, {"general.name", "one\ntwo"}} {
		text(kv[0])
		b = u32(b, 8)
		text(kv[1])
	}
	text("llama.context_length")
	b = u32(u32(b, 4), 4096)
	text("tokenizer.ggml.tokens")
	b = u64(u32(u32(b, 9), 8), 100)
	for i := range 100 {
		text(fmt.Sprint("t", i))
	}
	for i, name := range []string{"output.weight", "blk.0.attn_q.weight", "blk.1.attn_q.weight"} {
		text(name)
		b = u64(u64(u32(b, 2), 64), 4) // 4 rows of 64
		b = u64(u32(b, uint32(min(i, 1)*2)), uint64([]int{0, 1024, 1184}[i]))
	}
	for len(b)%32 != 0 {
		b = append(b, 0)
	}
	b = append(b, make([]byte, 1024)...)
	for range 2 * 160 / 18 {
		b = append(b, 0, 0x3c)
		b = append(b, slices.Repeat([]byte{0x99}, 16)...)
	}
	b = append(b, make([]byte, 64)...)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestInspectOfAGGUFFile(t *testing.T) {
	dir := t.TempDir()
	gguf(t, filepath.Join(dir, "m.gguf"))
	lines := done(t, dir, "inspect", "m.gguf", "--json")
	rows := objects(t, lines)
	for i, line := range lines {
		want := "tensor dtype shape params bytes"
		switch {
		case i < 4:
			want = "key type items value"
		case i == len(lines)-1:
			want = "model format tensors params bytes"
		}
		if got := keys(t, line); got != want {
			t.Errorf("line %d has the keys %s, want %s", i, got, want)
		}
	}
	if rows[1]["value"] != "one\ntwo" || rows[2]["value"] != 4096.0 || rows[3]["items"] != 100.0 || rows[5]["dtype"] != "Q4_0" || rows[5]["bytes"] != 144.0 {
		t.Errorf("%v", rows)
	}
	if only := done(t, dir, "inspect", "m.gguf", "--json", "--tensors", "blk.*"); len(only) != 3 {
		t.Errorf("%q", only)
	}
	if plain := done(t, dir, "inspect", "m.gguf"); len(plain) != 5 || plain[2] != "blk.0.attn_q.weight\tQ4_0\t[4,64]\t256\t144" {
		t.Errorf("%q", plain)
	}
	metadata := done(t, dir, "inspect", "m.gguf", "--metadata")
	if len(metadata) != 5 || metadata[0] != "key\ttype\titems\tvalue" || metadata[2] != "general.name\tstr\t\tone; two" || metadata[3] != "llama.context_length\tu32\t\t4096" {
		t.Errorf("%q", metadata)
	}
}

func TestATreeGroupsLayers(t *testing.T) {
	dir := t.TempDir()
	gguf(t, filepath.Join(dir, "m.gguf"))
	tree := done(t, dir, "inspect", "m.gguf", "--tree")
	for i := range tree {
		tree[i] = strings.Join(strings.Fields(tree[i]), " ")
	}
	want := []string{
		"name one; two",
		"architecture llama",
		"context 4096",
		"tokens 100",
		"metadata 4 entries, --metadata lists them",
		"",
		"m 3 tensors 768 1.3 KiB 13.67 gguf",
		"├─ output.weight 4×64 256 1.0 KiB 32.00 F32",
		"└─ blk.* 2 layers 512 288 B 4.50 Q4_0",
		"└─ attn_q.weight 2 4×64 512 288 B 4.50 Q4_0",
		"",
		"F32 1 tensor 256 1.0 KiB 32.00",
		"Q4_0 2 tensors 512 288 B 4.50",
	}
	if !slices.Equal(tree, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(tree, "\n"), strings.Join(want, "\n"))
	}
}

func TestQuantizeTellsThatBlocksBecomeFloats(t *testing.T) {
	dir := t.TempDir()
	gguf(t, filepath.Join(dir, "m.gguf"))
	lines := done(t, dir, "quantize", "m.gguf", "-s", "blk.0.*=int8", "-o", "o.safetensors", "--dequantize")
	if want := "o.safetensors: 3 tensors, 3424 bytes; 2 that were quantized, or narrower than a byte, are now floats"; lines[0] != want {
		t.Errorf("got %q, want %q", lines[0], want)
	}
	out := done(t, dir, "inspect", "o.safetensors")
	if !strings.Contains(strings.Join(out, "\n"), "blk.1.attn_q.weight\tF32\t[4,64]\t256\t1024") {
		t.Errorf("%q", out)
	}
	total := objects(t, done(t, dir, "measure", "m.gguf", "-s", "q4_0", "--json"))
	if got := total[len(total)-1]; got["now"] != 1312.0 || got["bytes"] != 432.0 {
		t.Errorf("%v", got)
	}
}

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
		switch i {
		case 0, 1: // the graph, and the title
			want = "key type items value"
		case len(lines) - 1:
			want = "model format tensors params bytes"
		}
		if got := keys(t, line); got != want {
			t.Errorf("line %d has the keys %s, want %s", i, got, want)
		}
	}
	if total := objects(t, lines)[12]; total["tensors"] != 10.0 || total["params"] != 61292.0 || total["model"] != "sample:animals" {
		t.Errorf("total %v", total)
	}
}

func TestInspectOnlyWhatAGlobMatches(t *testing.T) {
	lines := done(t, "", "inspect", "sample:animals", "--tensors", "*.bias")
	if len(lines) != 7 || slices.ContainsFunc(lines[1:6], func(l string) bool { return !strings.Contains(l, ".bias\t") }) {
		t.Errorf("%q", lines)
	}
}
