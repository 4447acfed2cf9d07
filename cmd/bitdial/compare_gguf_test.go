package main

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
	ggml "github.com/bitdial/bitdial/quant/model/gguf"
	tensors "github.com/bitdial/bitdial/quant/model/safetensors"
)

// TestCompareKnowsWhatConvertingDoes compares a llama in transformers' names with its
// GGUF, whose rows of q and k stand in another order.
func TestCompareKnowsWhatConvertingDoes(t *testing.T) {
	const rows, columns = 8, 32 // two heads of four rows
	weight := func(r, c int) float32 { return float32(r) + float32(c)/columns }
	put := func(w io.Writer, row func(int) int) error {
		for r := range rows {
			for c := range columns {
				if err := binary.Write(w, binary.LittleEndian, weight(row(r), c)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	same := func(r int) int { return r }
	permuted := func(r int) int { return []int{0, 2, 1, 3, 4, 6, 5, 7}[r] }
	dir := t.TempDir()
	shape := []int{rows, columns}
	err := model.WriteFile(filepath.Join(dir, "hf.safetensors"), false, func(w io.Writer) error {
		return tensors.Write(w, nil, []tensors.Entry{
			{Name: "model.layers.0.self_attn.q_proj.weight", DType: model.F32, Shape: shape},
			{Name: "model.layers.0.self_attn.v_proj.weight", DType: model.F32, Shape: shape},
			{Name: "lm_head.weight", DType: model.F32, Shape: shape},
		}, func(_ int, w io.Writer) error { return put(w, same) })
	})
	if err != nil {
		t.Fatal(err)
	}
	metadata := new(ggml.Metadata)
	metadata.SetString("general.architecture", "llama")
	metadata.SetUint32("llama.attention.head_count", 2)
	err = model.WriteFile(filepath.Join(dir, "made.gguf"), false, func(w io.Writer) error {
		return ggml.Write(w, metadata, []ggml.Entry{
			{Name: "blk.0.attn_q.weight", DType: model.F32, Shape: shape},
			{Name: "blk.0.attn_v.weight", DType: model.F32, Shape: shape},
			{Name: "rope_freqs.weight", DType: model.F32, Shape: shape},
		}, func(i int, w io.Writer) error {
			if i == 0 {
				return put(w, permuted)
			}
			return put(w, same)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	done(t, dir, "quantize", "made.gguf", "-s", "q8_0", "-o", "small.gguf")
	for _, args := range [][]string{{"hf.safetensors", "small.gguf"}, {"small.gguf", "hf.safetensors"}} {
		lines := done(t, dir, append([]string{"compare", "--json"}, args...)...)
		text := strings.Join(lines, "\n")
		total := objects(t, lines)[len(lines)-1]
		if db, _ := total["sqnr_db"].(float64); db < 40 || total["pairs"] != 2.0 || total["only_a"] != 1.0 || total["only_b"] != 1.0 {
			t.Errorf("%v", total)
		}
		if !strings.Contains(text, "llama.cpp's name, rows of heads reordered") {
			t.Errorf("nothing says how the names were matched: %s", text)
		}
	}
}

func TestReportWritesAPage(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.html", "a.md"} {
		lines := done(t, dir, "report", "sample:animals", "-s", "int4:g32", "-s", "conv1.*=int8:channel", "-o", name)
		if len(lines) != 1 || !strings.HasPrefix(lines[0], name+": 10 tensors, ") {
			t.Errorf("%q", lines)
		}
		page := read(t, filepath.Join(dir, name))
		if !strings.Contains(page, "bitdial report sample:animals -s int4:g32 -s 'conv1.*=int8:channel' -o "+name) && name == "a.md" {
			t.Errorf("the command is missing from %s", name)
		}
		if r := bitdial(t, dir, "report", "sample:animals", "-s", "int4:g32", "-o", name); r.code != 1 || read(t, filepath.Join(dir, name)) != page {
			t.Errorf("a page was overwritten: exit %d", r.code)
		}
	}
	for _, args := range [][]string{{"-s", "int4"}, {"-o", "x.html"}, {"-s", "int4", "-o", "x.pdf"}} {
		if r := bitdial(t, dir, append([]string{"report", "sample:animals"}, args...)...); r.code != 2 {
			t.Errorf("%q: exit %d", args, r.code)
		}
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
