package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/samples"
)

func TestAPlanIsWithinItsBudgetAndMeasuresWhatItSays(t *testing.T) {
	dir := t.TempDir()
	rows := objects(t, done(t, dir, "plan", "sample:austen", "--budget", "4.75bpw", "--tie", "*.self_attn.[qkv]_proj.weight", "--min", "lm_head.*=6", "-s", "*.0.mlp.up_proj.*=int3:g32", "-s", "*.2.self_attn.q_proj.*=int4:channel", "-o", "p.toml", "--json"))
	total := rows[len(rows)-1]
	bytes, tied := 0.0, map[string]any{}
	for _, row := range rows[:len(rows)-1] {
		bytes += row["bytes"].(float64)
		name := row["tensor"].(string)
		layer, proj, attention := strings.Cut(name, ".self_attn.")
		switch {
		case attention && proj != "o_proj.weight" && tied[layer] == nil:
			tied[layer] = row["scheme"]
		case attention && proj != "o_proj.weight" && tied[layer] != row["scheme"]:
			t.Errorf("%s is %v, it is tied to %v", name, row["scheme"], tied[layer])
		case name == "lm_head.weight" && row["bpw"].(float64) < 6:
			t.Errorf("%s has %v bits", name, row["bpw"])
		case name == "model.layers.0.mlp.up_proj.weight" && row["scheme"] != "int3:g32":
			t.Errorf("%s is %v", name, row["scheme"])
		}
	}
	if want := math.Floor(4.75 * 820352 / 8); total["budget"] != want || bytes != total["bytes"] || bytes > want || bytes < 0.99*want || total["gap"].(float64) > 1e-3 {
		t.Errorf("%v bytes: %v", bytes, total)
	}
	lines := done(t, dir, "measure", "sample:austen", "-p", "p.toml", "--json")
	measured := objects(t, lines[len(lines)-1:])[0]
	for _, key := range []string{"bytes", "bpw", "sse", "sqnr_db"} {
		if a, b := measured[key].(float64), total[key].(float64); math.Abs(a-b) > 0.01*a {
			t.Errorf("%s: measured %v, the plan said %v", key, a, b)
		}
	}
}

func TestAPlanForAFileCountsItsHeader(t *testing.T) {
	dir := t.TempDir()
	madeGGUF(t, filepath.Join(dir, "m.gguf"))
	for budget := 2112; budget < 9568; budget += 700 {
		rows := objects(t, done(t, dir, "plan", "m.gguf", "--budget", fmt.Sprint(budget, "B"), "--of", "file", "-o", "p.toml", "--force", "--json"))
		done(t, dir, "quantize", "m.gguf", "-p", "p.toml", "-o", "o.gguf", "--force")
		info, err := os.Stat(filepath.Join(dir, "o.gguf"))
		if err != nil || info.Size() > int64(budget) || float64(info.Size()) != rows[len(rows)-1]["file"] {
			t.Errorf("budget %d: a file of %v, the plan said %v", budget, info.Size(), rows[len(rows)-1]["file"])
		}
	}
	for _, of := range []string{"weights", "file"} { // a device has room for all of it, and more
		rows := objects(t, done(t, dir, "plan", "m.gguf", "--device", "8 GB GPU", "--of", of, "--json"))
		total := rows[len(rows)-1]
		if total["sse"] != 0.0 && of == "weights" || total["budget"].(float64) < 6<<30 {
			t.Errorf("of %s: %v", of, total)
		}
	}
}

func TestTheSmallestPlanKeepsItsSQNR(t *testing.T) {
	dir := t.TempDir()
	done(t, dir, "plan", "sample:animals", "--error", "25dB", "-o", "p.toml")
	lines := done(t, dir, "measure", "sample:animals", "-p", "p.toml", "--json")
	if got := objects(t, lines[len(lines)-1:])[0]["sqnr_db"].(float64); got < 25 || got > 26 {
		t.Errorf("%v dB", got)
	}
	// NaN has no error, and hides none.
	values := make([]float32, 2*4*256)
	for i := range values {
		values[i] = float32(math.Sin(float64(i * i)))
		if i < 4*256 {
			values[i] = float32(math.NaN())
		}
	}
	safetensors(t, filepath.Join(dir, "nan.safetensors"), values, []int{4, 256}, []int{4, 256})
	for _, db := range []float64{18, 20, 22, 24} {
		lines = done(t, dir, "plan", "nan.safetensors", "--error", fmt.Sprint(db), "--json")
		if got := objects(t, lines[2:])[0]["sqnr_db"].(float64); got < db {
			t.Errorf("%v dB, want %v", got, db)
		}
	}
}

// What a sweep has measured is not measured again, and gives the same plan.
func TestAPlanBeginsWithASweep(t *testing.T) {
	dir := t.TempDir()
	schemes := []string{"-s", "int3:g32", "-s", "int4:g32", "-s", "int8:g32"}
	args := append([]string{"plan", "sample:austen", "--budget", "5bpw", "--exact"}, schemes...)
	want := done(t, dir, args...)
	done(t, dir, append([]string{"sweep", "sample:austen", "--exact", "-o", "s.jsonl"}, schemes...)...)
	if got := done(t, dir, append(args, "--sweep", "s.jsonl")...); !slices.Equal(got, want) {
		t.Errorf("%q, without the sweep %q", got, want)
	}
	text, err := os.ReadFile(filepath.Join(dir, "s.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lying := regexp.MustCompile(`"bytes":[^,]*(.*)"sse":[^,]*`).ReplaceAll(text, []byte(`"bytes":9223372036854775807${1}"sse":0.5`)) // bytes follow from the scheme
	if err := os.WriteFile(filepath.Join(dir, "s.jsonl"), lying, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := bitdial(t, dir, append(args, "--sweep", "s.jsonl")...); !strings.Contains(r.stderr, "the largest 363008") { // all err alike: the smallest has it
		t.Errorf("the results of the file were not used: %q", r.stderr)
	}
}

// An importance matrix changes what a byte is worth.
func TestAPlanListensToImportance(t *testing.T) {
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
	run := func(args ...string) []object {
		r := bitdial(t, dir, append([]string{"plan", "m.gguf", "--budget", "20%", "--json"}, args...)...)
		lines := strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
		if r.code != 0 {
			t.Fatalf("%q: exit %d, stderr %q", args, r.code, r.stderr)
		}
		return objects(t, lines)
	}
	alike, guided := run(), run("--imatrix", "i")
	if alike[3]["objective"] != "sqnr" || guided[3]["objective"] != "imatrix" {
		t.Errorf("%v, with importance %v", alike[3], guided[3])
	}
	if alike[3]["weighted_sqnr_db"] != nil || guided[3]["weighted_sqnr_db"] == guided[3]["sqnr_db"] {
		t.Errorf("%v, with importance %v", alike[3], guided[3])
	}
	// What --error asks for is of the weighted error, and so is what is said of its ends.
	only := bitdial(t, dir, "plan", "m.gguf", "--imatrix", "i", "-s", "q4_0", "--error", "1", "--json")
	db := objects(t, strings.Split(strings.TrimSpace(only.stdout), "\n"))[3]["weighted_sqnr_db"].(float64)
	for off, code := range map[float64]int{-0.01: 0, 0.01: 1} {
		r := bitdial(t, dir, "plan", "m.gguf", "--imatrix", "i", "-s", "q4_0", "--error", fmt.Sprint(db+off))
		if want := fmt.Sprintf("%.2f dB", db); r.code != code || !strings.Contains(r.stdout+r.stderr, want) {
			t.Errorf("%+.2f dB: exit %d, %s%s, want %s", off, r.code, r.stdout, r.stderr, want)
		}
	}
	worth := func(rows []object) any { return rows[1]["better"].(map[string]any)["price"] }
	if alike[1]["tensor"] != name || worth(alike) == worth(guided) {
		t.Errorf("%v, with importance %v", alike[1], guided[1])
	}
}

func TestPlansThatCannotBeAreRefused(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"", 2, "--budget 4.5bpw"},
		{"--budget 4bpw --error 20", 2, "give one"},
		{"--budget 4", 2, "6GiB"},
		{"--budget 1bpw", 1, "the smallest has 19884, 2.595 bpw, and the largest 245168, 32 bpw"},
		{"--budget 33bpw", 1, "the smallest has"},
		{"--error 200 -s int4:g32", 1, "and the largest"},
		{"--error x", 2, "SQNR in dB"},
		{"--budget 50% --for x", 2, "llama.cpp onnxruntime"},
		{"--budget 50% --for onnxruntime -s q4_0", 2, "onnxruntime has no q4_0; it runs"},
		{"--budget 50% --for onnxruntime -s *.bias=q4_0", 2, "onnxruntime has no q4_0"},
		{"--budget 50% --objective x", 2, "sqnr, sse"},
		{"--budget 50% --objective imatrix", 2, "--imatrix FILE"},
		{"--budget 50% --imatrix nope", 1, "nope"},
		{"--budget 50% --sweep nope", 1, "nope"},
		{"--budget 50% --of disk", 2, "of the weights or of the file"},
		{"--budget 50% --of file --for mlx", 2, "GGUF"},
		{"--budget 50% --tie x*", 1, `no tensor matches "x*"`},
		{"--budget 50% --min x*=4", 1, `no tensor matches "x*"`},
		{"--budget 50% -s x*=f16", 1, `no tensor matches "x*"`},
		{"--budget 50% --min *=65", 2, "not a number of bits"},
		{"--device toaster", 2, "8 GB phone"},
		{"--budget 50% --context 100", 2, "--context is for --device"},
		{"--budget 50% -s *=int4 --min *.weight=5", 1, "is pinned to int4: int4 has"},
		{"--budget 50% -o no/p.toml", 1, "no/p.toml"},
	} {
		r := bitdial(t, dir, append([]string{"plan", "sample:animals"}, strings.Fields(test.args)...)...)
		if r.code != test.code || r.stdout != "" || !strings.Contains(r.stderr, test.says) {
			t.Errorf("plan %s: exit %d, stdout %q, stderr %q, want %q", test.args, r.code, r.stdout, r.stderr, test.says)
		}
		if test.code == 2 && !strings.Contains(test.args, "--for onnx") && !strings.Contains(test.args, "--for mlx") { // no model is read for it
			if r := bitdial(t, dir, append([]string{"plan", "nope"}, strings.Fields(test.args)...)...); r.code != 2 {
				t.Errorf("plan nope %s: exit %d, stderr %q", test.args, r.code, r.stderr)
			}
		}
	}
}

// llamaNames are the names of a Hugging Face checkpoint's tensors in a GGUF.
var llamaNames = strings.NewReplacer("model.embed_tokens", "token_embd", "lm_head", "output", "model.norm", "output_norm", "model.layers.", "blk.",
	"input_layernorm", "attn_norm", "post_attention_layernorm", "ffn_norm", "self_attn.q_proj", "attn_q", "self_attn.k_proj", "attn_k", "self_attn.v_proj", "attn_v",
	"self_attn.o_proj", "attn_output", "mlp.gate_proj", "ffn_gate", "mlp.up_proj", "ffn_up", "mlp.down_proj", "ffn_down")

// At the bytes of llama-quantize's mixes, which on rows this short take what fits
// instead of k-quants, plans of the same types err less in what they are asked to
// make small.
func TestPlansErrLessThanMixesOfTheirSize(t *testing.T) {
	sample, err := samples.Open("austen")
	if err != nil {
		t.Fatal(err)
	}
	m := &model.Model{Name: "austen", Metadata: []model.KeyValue{
		{Key: "general.architecture", Value: "llama"}, {Key: "llama.block_count", Value: "4"}, {Key: "llama.attention.head_count", Value: "4"},
	}}
	for _, of := range sample.Tensors {
		renamed, err := model.NewComputed(llamaNames.Replace(of.Name), of.DType, of.Shape, model.NewFile("austen", nil), 0, func(dst []byte, from int) error { return of.ReadRaw(dst, int64(4*from)) })
		if err != nil {
			t.Fatal(err)
		}
		m.Tensors = append(m.Tensors, renamed)
	}
	type subject struct {
		*model.Tensor
		quant.Scheme
	}
	known := map[subject]*quant.Figures{}
	schemes := quant.TargetOf("llama.cpp").Candidates()
	figures := func(tensor *model.Tensor, s quant.Scheme) *quant.Figures {
		key := subject{tensor, s}
		if known[key] == nil {
			sum, err := quant.Summarize(t.Context(), tensor, nil)
			if err != nil {
				t.Fatal(err)
			}
			measured, err := quant.Measure(t.Context(), tensor, sum, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			known[key] = &measured.Figures
		}
		return known[key]
	}
	for _, test := range []struct {
		mix, objective string
		most           float64 // of the mix's error
	}{{"Q3_K_M", "sqnr", 0.75}, {"Q3_K_M", "sse", 0.25}, {"Q4_K_M", "sqnr", 0.95}, {"Q4_K_M", "sse", 0.35}} {
		mix, err := quant.MixOf(test.mix).Plan(m, false)
		if err != nil {
			t.Fatal(err)
		}
		o := quant.ObjectiveOf(test.objective)
		bytes, mixed := int64(0), 0.0
		for i, s := range mix.Schemes(m.Tensors) {
			bytes += s.Bytes(m.Tensors[i].Shape, m.Tensors[i].Bytes())
			if !s.Keep() {
				mixed += o.Error(figures(m.Tensors[i], s))
			}
		}
		sol, err := quant.NewSpace(m.Tensors, schemes, o, figures).Solve(bytes)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s, %d bytes, %s: %.1f %% of the mix's", test.mix, bytes, test.objective, 100*sol.Error/mixed)
		if sol.Bytes > bytes || sol.Error > test.most*mixed {
			t.Errorf("%s, %d bytes, %s: %d bytes, %.3g of the mix's error", test.mix, bytes, test.objective, sol.Bytes, sol.Error/mixed)
		}
	}
}
