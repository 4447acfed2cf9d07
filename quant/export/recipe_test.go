package export

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/names"
)

var update = flag.Bool("update", false, "write testdata and RECIPES.md")

// empty returns a tensor without data, with rows of 256 weights unless it is a norm.
func empty(t testing.TB, name string, d *model.DType, shape ...int) *model.Tensor {
	t.Helper()
	if shape == nil {
		shape = []int{4, 256}
		if strings.Contains(name, "norm") || strings.HasSuffix(name, "bias") {
			shape = []int{256}
		}
	}
	tensor, err := model.NewComputed(name, d, shape, model.NewFile("m", nil), 0, func([]byte, int) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return tensor
}

// llama returns the names of a GGUF model of so many layers.
func llama(t testing.TB, layers int) *model.Model {
	t.Helper()
	m := &model.Model{Name: "toy", Path: "toy.gguf", Format: "gguf", Metadata: []model.KeyValue{
		{Key: "general.architecture", Value: "llama"},
		{Key: "llama.block_count", Value: strconv.Itoa(layers)},
		{Key: "llama.attention.head_count", Value: "4"},
		{Key: "llama.attention.head_count_kv", Value: "2"},
	}}
	add := func(name string) { m.Tensors = append(m.Tensors, empty(t, name, model.F16)) }
	add("token_embd.weight")
	add("output_norm.weight")
	add("output.weight")
	for i := range layers {
		for _, part := range strings.Fields("attn_norm attn_q attn_k attn_v attn_output ffn_norm ffn_gate ffn_up ffn_down") {
			add(fmt.Sprintf("blk.%d.%s.weight", i, part))
		}
	}
	return m
}

// hugging returns the same by the names of Hugging Face.
func hugging(t testing.TB, layers int) *model.Model {
	t.Helper()
	m := &model.Model{Name: "toy", Path: "toy.safetensors", Format: "safetensors"}
	for _, was := range llama(t, layers).Tensors {
		m.Tensors = append(m.Tensors, empty(t, names.HF("llama", was.Name)[0].Name, model.F16))
	}
	return m
}

// graph returns weights that an ONNX graph uses.
func graph(t testing.TB) *model.Model {
	t.Helper()
	m := &model.Model{Name: "net", Path: "net.onnx", Format: "onnx"}
	add := func(name, op string, axis int, shape ...int) {
		tensor := empty(t, name, model.F32, shape...)
		tensor.Uses = []model.Use{{Node: "node_" + name, Op: op, Input: 1, Axis: axis}}
		m.Tensors = append(m.Tensors, tensor)
	}
	add("conv1.weight", "Conv", 0, 8, 3, 3, 3)
	add("conv2.weight", "Conv", 0, 8, 8, 3, 3)
	add("proj", "MatMul", 1, 64, 32)
	add("up", "MatMul", 1, 64, 32)
	add("fc.weight", "Gemm", 0, 10, 64)
	return m
}

func scheme(t testing.TB, text string) quant.Scheme {
	t.Helper()
	s, err := quant.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// planned returns the plan of rules GLOB=SCHEME, the first word being the default.
func planned(t testing.TB, rules string) quant.Plan {
	t.Helper()
	var p quant.Plan
	for rule := range strings.FieldsSeq(rules) {
		if s, err := quant.Parse(rule); err == nil {
			p.Default.Scheme = s
			continue
		}
		glob, text, _ := strings.Cut(rule, "=")
		p = p.With(glob, quant.Choice{Scheme: scheme(t, text)})
	}
	return p
}

// toys are plans that the recipes can be told.
var toys = map[string]struct {
	rules string
	model func(testing.TB) *model.Model
}{
	"llama-quantize":     {"q4_K output.weight=q6_K token_embd.weight=q8_0 blk.[01].attn_v.weight=q6_K *ffn_down.weight=q5_K blk.[0127].ffn_down.weight=q6_K blk.11.ffn_up.weight=keep", twelve},
	"ik_llama":           {"q4_K output.weight=q6_K blk.[01].attn_v.weight=q6_K *ffn_down.weight=q5_K", twelve},
	"onnxruntime":        {"int8:channel conv1.weight=keep up=int4:g32 proj=int8:channel:asym fc.weight=int8", graph0},
	"compressed-tensors": {"int4:g128 *embed_tokens*=keep lm_head.weight=int8:channel model.layers.[01].mlp.down_proj.weight=nvfp4 model.layers.11.*=keep", hugging12},
	"torchao":            {"int4:g32 *embed_tokens*=int8:channel lm_head.weight=keep *v_proj.weight=int8 model.layers.[0-3].mlp.down_proj.weight=int6:g64:asym *up_proj.weight=fp8_e4m3:channel", hugging12},
	"modelopt":           {"int4:g128 *embed_tokens*=keep lm_head.weight=fp8_e4m3 *down_proj.weight=nvfp4", two},
	"gptqmodel":          {"int4:g128 *embed_tokens*=keep lm_head.weight=keep model.layers.[01].mlp.down_proj.weight=int8:g32 model.layers.11.*=keep", hugging12},
	"mlx":                {"int4:g64:asym *embed_tokens*=int6:g64:asym lm_head.weight=keep *down_proj.weight=mxfp4", two},
	"coremltools":        {"int4:g32 *embed_tokens*=keep lm_head.weight=kmeans4 *down_proj.weight=int8:channel:asym", two},
}

func twelve(t testing.TB) *model.Model    { return llama(t, 12) }
func graph0(t testing.TB) *model.Model    { return graph(t) }
func hugging12(t testing.TB) *model.Model { return hugging(t, 12) }
func two(t testing.TB) *model.Model       { return hugging(t, 2) }

func TestRecipesOfToys(t *testing.T) {
	folder := t.TempDir()
	for _, r := range Recipes {
		toy, ok := toys[r.Name]
		if !ok {
			t.Errorf("%s has no toy", r.Name)
			continue
		}
		w, err := r.Write(toy.model(t), planned(t, toy.rules), Paths{})
		if err != nil {
			t.Error(err)
			continue
		}
		text := w.Text
		if r.Ext == ".json" && !json.Valid([]byte(text)) {
			t.Errorf("%s: not JSON", r.Name)
		}
		if err := os.WriteFile(filepath.Join(folder, r.Name+r.Ext), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", "recipes", r.Name+".txt")
		got := w.String()
		if *update {
			if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s has changed; run with -update and look:\n%s", r.Name, got)
		}
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3: the syntax of Python's recipes is not looked at")
	}
	scripts, err := filepath.Glob(filepath.Join(folder, "*.py"))
	if err != nil || len(scripts) == 0 {
		t.Fatal(err, scripts)
	}
	if out, err := exec.CommandContext(t.Context(), python, append([]string{"-m", "py_compile"}, scripts...)...).CombinedOutput(); err != nil {
		t.Errorf("%s", out)
	}
}

// Whatever layers there are, the alternatives match them and no other number.
func TestAlternativesMatchTheirNumbersAlone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		numbers := rapid.SliceOfNDistinct(rapid.IntRange(0, 1300), 1, 60, rapid.ID[int]).Draw(rt, "numbers")
		re := regexp.MustCompile("^" + alternatives(numbers) + "$")
		for n := range 1400 {
			if got := re.MatchString(strconv.Itoa(n)); got != slices.Contains(numbers, n) {
				rt.Fatalf("%s for %v: %d is %t", re, numbers, n, got)
			}
		}
	})
}

func TestAlternativesAreShort(t *testing.T) {
	for want, numbers := range map[string][2]int{"[0-9]": {0, 10}, "[12]?[0-9]": {0, 30}, "([0-9]|1[0-5])": {0, 16}, "[3-7]": {3, 8}, "3[12]": {31, 33}} {
		var list []int
		for n := numbers[0]; n < numbers[1]; n++ {
			list = append(list, n)
		}
		if got := alternatives(list); got != want {
			t.Errorf("%v: %s, want %s", numbers, got, want)
		}
	}
}

// emulator returns what type llama-quantize --pure gives a tensor: std::regex_search
// with patterns in lower case, of lines as PATTERN=TYPE.
func emulator(base string, lines []string) func(p *model.Tensor) string {
	var patterns []*regexp.Regexp
	var types []string
	for _, l := range lines {
		p, v, _ := strings.Cut(l, "=")
		patterns, types = append(patterns, regexp.MustCompile(strings.ToLower(p))), append(types, v)
	}
	return func(p *model.Tensor) string {
		if !llamaQuantizes(p.Name, p.Shape) {
			return typeName(p.DType)
		}
		if i := slices.IndexFunc(patterns, func(re *regexp.Regexp) bool { return re.MatchString(p.Name) }); i >= 0 {
			return types[i]
		}
		return base
	}
}

// Whatever the plan, llama-quantize reads the lines back as the plan's types, and so
// does ik_llama.cpp.
func TestLlamaQuantizeGivesThePlansTypes(t *testing.T) {
	types := []string{"keep", "q4_K", "q5_K", "q6_K", "q8_0", "iq4_xs", "bf16", "mxfp4_ggml"}
	rapid.Check(t, func(rt *rapid.T) {
		layers := rapid.IntRange(1, 24).Draw(rt, "layers")
		m := llama(t, layers)
		m.Tensors = append(m.Tensors, empty(t, "v.blk.0.attn_q.weight", model.F16), empty(t, "blk.0.ffn_down_exps.weight", model.F16, 2, 4, 256))
		var plan quant.Plan
		for _, tensor := range m.Tensors {
			if len(tensor.Shape) < 2 {
				continue
			}
			text := types[1]
			if rapid.IntRange(0, 3).Draw(rt, "exception") == 0 {
				text = rapid.SampledFrom(types).Draw(rt, "type")
			}
			plan = plan.With(quant.Literal(tensor.Name), quant.Choice{Scheme: scheme(t, text)})
		}
		w, err := llamaRecipe.Write(m, plan, Paths{})
		if err != nil {
			rt.Fatal(err)
		}
		fields := strings.Fields(w.Command)
		base := fields[len(fields)-1]
		for name, b := range bases {
			if b == base {
				base = name
			}
		}
		llama := emulator(base, strings.Fields(w.Text))
		ik, err := ikRecipe.Write(m, plan, Paths{})
		if err != nil {
			rt.Fatal(err)
		}
		pairs := emulator("nothing", strings.Split(strings.Split(ik.Text, "'")[1], ","))
		for _, tensor := range m.Tensors {
			want := part{Tensor: tensor, Scheme: plan.For(tensor)}.ggml()
			if got := llama(tensor); got != want {
				rt.Fatalf("%s is %s, not %s, by\n%s%s", tensor.Name, got, want, w.Text, w.Command)
			}
			if got := pairs(tensor); got != want {
				rt.Fatalf("%s is %s, not %s, by %s", tensor.Name, got, want, ik.Text)
			}
		}
	})
}

// What is a mix needs no lines, and what only one tensor differs in does.
func TestAMixIsItsName(t *testing.T) {
	m := llama(t, 16)
	for _, guided := range []string{"", "imatrix.gguf"} {
		plan, err := quant.MixOf("Q4_K_M").Plan(m, guided != "")
		if err != nil {
			t.Fatal(err)
		}
		w, err := llamaRecipe.Write(m, plan, Paths{Imatrix: guided})
		if err != nil {
			t.Fatal(err)
		}
		if w.Text != "" || !strings.HasSuffix(w.Command, " Q4_K_M") || strings.Contains(w.Command, "--pure") {
			t.Errorf("%q with %q", w.Command, w.Text)
		}
		w, err = llamaRecipe.Write(m, plan.With("blk.9.attn_k.weight", quant.Choice{Scheme: scheme(t, "q5_K")}), Paths{Imatrix: guided})
		if err != nil || !strings.Contains(w.Text, `blk\.9\.attn_k\.weight=q5_K`) || !strings.Contains(w.Command, "--pure") {
			t.Errorf("%v: %q with %q", err, w.Command, w.Text)
		}
	}
}

// Patterns of modules are disjoint where a tool has no order of them: each module
// is matched once, by its own.
func TestPatternsOfModulesAreDisjoint(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var names, values []string
		for _, p := range hugging(t, rapid.IntRange(1, 30).Draw(rt, "layers")).Tensors {
			names = append(names, strings.TrimSuffix(p.Name, weightSuffix))
			values = append(values, rapid.SampledFrom([]string{"", "a", "b", "b", "b"}).Draw(rt, "value"))
		}
		list := selectors(names, values, "", false, true)
		patterns := make([]*regexp.Regexp, len(list))
		for i, s := range list {
			patterns[i] = regexp.MustCompile(s.pattern)
		}
		for i, name := range names {
			var got []string
			for i, re := range patterns {
				if re.MatchString(name) {
					got = append(got, list[i].value)
				}
			}
			if want := []string{values[i]}; values[i] == "" && got != nil || values[i] != "" && !slices.Equal(got, want) {
				rt.Fatalf("%s has %v, not %q, by %v", name, got, values[i], list)
			}
		}
	})
}

// Names need not be those of layers, nor fit for a regular expression.
func TestSelectorsMatchWhateverNamesThereAre(t *testing.T) {
	words := []string{"a", "b", "0", "1", "2", "10", "007", "00", "1048576", "-1", "1a", "a+", "[0-9]+", "(a|b)", "^", "$", "a.", "", `\`}
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.Custom(func(rt *rapid.T) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 1, 4).Draw(rt, "words"), ".")
		})
		names := rapid.SliceOfNDistinct(name, 1, 30, rapid.ID[string]).Draw(rt, "names")
		values := make([]string, len(names))
		for i := range values {
			values[i] = rapid.SampledFrom([]string{"", "a", "b", "b"}).Draw(rt, "value")
		}
		for _, ordered := range []bool{false, true} {
			list := selectors(names, values, "", ordered, true)
			for i, name := range names {
				var got []string
				for _, s := range list {
					if regexp.MustCompile(s.pattern).MatchString(name) {
						got = append(got, s.value)
					}
				}
				if ordered && len(got) > 1 {
					got = got[:1]
				}
				if want := []string{values[i]}; values[i] == "" && got != nil || values[i] != "" && !slices.Equal(got, want) {
					rt.Fatalf("%s has %v, not %q, by %v", name, got, values[i], list)
				}
			}
		}
	})
}

// A scheme that a recipe refuses is an error that counts and names tensors.
func TestWhatAToolCannotBeToldIsRefusedByName(t *testing.T) {
	for _, c := range []struct{ recipe, rules, want string }{
		{"llama-quantize", "q4_K blk.*.attn_q.weight=int4:g32", "12 of 111 tensors: blk.0.attn_q.weight blk.1.attn_q.weight blk.2.attn_q.weight and 9 more"},
		{"llama-quantize", "q4_K *attn_norm.weight=f16 output_norm.weight=q4_K", "1 of 111 tensors: output_norm.weight: llama-quantize leaves it"},
		{"llama-quantize", "q4_0:search=optimal", "search of its own"},
		{"onnxruntime", "int3:channel", "5 of 5 tensors: conv1.weight conv2.weight proj and 2 more"},
		{"onnxruntime", "q8_0", "3 of 5 tensors: proj up fc.weight: onnxruntime has no q8_0"},
		{"onnxruntime", "int4:g32", "groups are for MatMul alone"},
		{"onnxruntime", "int8:range=mse", "not by mse"},
		{"onnxruntime", "int8:round=floor", "rounds to nearest"},
		{"compressed-tensors", "int4:g128", "model.embed_tokens.weight: the tool quantizes no embedding"},
		{"compressed-tensors", "int4:g128 *norm.weight=int8", "it is not the weight of a module"},
		{"torchao", "int4:g48", "groups of 48 do not divide its rows of 256"},
		{"mlx", "int4:g64", "near it can be told int4:g64:asym int4:g32:asym"},
		{"gptqmodel", "int5:g64", "has no int5:g64"},
		{"coremltools", "nf4:g64", "coreml has no nf4"},
	} {
		_, err := RecipeOf(c.recipe).Write(toys[c.recipe].model(t), planned(t, c.rules), Paths{})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "GLOB=keep") {
			t.Errorf("%s of %s: %v\nwant %s", c.recipe, c.rules, err, c.want)
		}
	}
}

// Core ML's names are of fewer characters: two of torch must not become one.
func TestNamesOfCoreMLAreItsOwn(t *testing.T) {
	m := hugging(t, 1)
	m.Tensors = append(m.Tensors, empty(t, "0.weight", model.F16))
	w, err := coreMLRecipe.Write(m, planned(t, "int8"), Paths{})
	if err != nil || !strings.Contains(w.Text, `"_0_weight"`) {
		t.Errorf("%v: %v", err, w)
	}
	m.Tensors = append(m.Tensors, empty(t, "lm.head.weight", model.F16))
	if _, err = coreMLRecipe.Write(m, planned(t, "int8"), Paths{}); err == nil || !strings.Contains(err.Error(), "lm_head.weight and lm.head.weight") {
		t.Error(err)
	}
}

func TestNamesAreTranslated(t *testing.T) {
	w, err := torchaoRecipe.Write(llama(t, 2), planned(t, "int8:channel"), Paths{})
	if err != nil || !strings.Contains(w.Text, `model\.layers\.[0-9]+\.(mlp\.`) {
		t.Errorf("%v: %v", err, w)
	}
	w, err = llamaRecipe.Write(hugging(t, 2), planned(t, "q4_K *down_proj.weight=q6_K"), Paths{})
	if err != nil || w.Text != "blk\\.[0-9]+\\.ffn_down\\.weight=q6_K\n" {
		t.Errorf("%v: %v", err, w)
	}
	other := llama(t, 2)
	other.Metadata[0].Value = "rwkv7"
	if _, err := mlxRecipe.Write(other, planned(t, "int4:g64:asym"), Paths{}); err == nil || !strings.Contains(err.Error(), `"rwkv7"`) {
		t.Error(err)
	}
	if _, err := onnxRecipe.Write(hugging(t, 2), planned(t, "int8"), Paths{}); err == nil || !strings.Contains(err.Error(), "ONNX") {
		t.Error(err)
	}
}

// recipesPage lists what each recipe can say of each format.
func recipesPage() string {
	var b strings.Builder
	b.WriteString("# Recipes\n\nMade from the tables of recipes and of targets by `go test ./quant/export -run Page -update`. Roundings other than to nearest, and ranges other than the extremes, are refused by all but where it is said.\n")
	for _, r := range Recipes {
		fmt.Fprintf(&b, "\n## %s\n\n%s. `bitdial quantize MODEL -p PLAN --recipe %s -o FILE%s`\n\n| format | |\n|---|---|\n", r.Name, r.About, r.Name, r.Ext)
		says := map[*kernels.Format][]string{}
		for _, s := range r.Says() {
			says[s.Format] = append(says[s.Format], "`"+s.String()+"`")
		}
		refused := map[string][]string{}
		var order []string
		for _, f := range kernels.Formats {
			if says[f] != nil {
				fmt.Fprintf(&b, "| %s | %s |\n", f.Name, strings.Join(says[f], " "))
				continue
			}
			if refused[f.Family] == nil {
				order = append(order, f.Family)
			}
			refused[f.Family] = append(refused[f.Family], f.Name)
		}
		b.WriteString("\nRefused:")
		for _, family := range order {
			b.WriteString(" " + strings.Join(refused[family], " "))
		}
		b.WriteString(".\n")
	}
	return b.String()
}

func TestThePageOfRecipesIsTheTable(t *testing.T) {
	if *update {
		if err := os.WriteFile("RECIPES.md", []byte(recipesPage()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile("RECIPES.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != recipesPage() {
		t.Error("RECIPES.md is out of date; run with -update")
	}
}
