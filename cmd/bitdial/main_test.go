package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
	ggml "github.com/bitdial/bitdial/quant/model/gguf"
)

// binaryPath is the built command. The tests run it as people do: as a process.
var binaryPath string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "bitdial-test")
	if err != nil {
		panic(err)
	}
	binaryPath = filepath.Join(dir, "bitdial")
	if runtime.GOOS == "windows" {
		binaryPath += ".exe"
	}
	build := exec.Command("go", "build", "-o", binaryPath, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	_ = os.RemoveAll(dir) // a folder for temporary files
	os.Exit(code)
}

// result is what a run of the command left.
type result struct {
	stdout, stderr string
	code           int
}

// bitdial runs the command in dir, in pipes.
func bitdial(t testing.TB, dir string, args ...string) result {
	t.Helper()
	c := exec.Command(binaryPath, args...)
	c.Dir = dir
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), c.ProcessState.ExitCode()}
}

// done runs the command, which must succeed in silence, and returns its lines.
func done(t testing.TB, dir string, args ...string) []string {
	t.Helper()
	r := bitdial(t, dir, args...)
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("bitdial %s: exit %d, stderr %q", strings.Join(args, " "), r.code, r.stderr)
	}
	return strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
}

// object is a line of JSON.
type object map[string]any

func objects(t testing.TB, lines []string) []object {
	t.Helper()
	list := make([]object, len(lines))
	for i, line := range lines {
		if err := json.Unmarshal([]byte(line), &list[i]); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
	}
	return list
}

// keys returns the keys of a line of JSON in their order.
func keys(t testing.TB, line string) string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(line))
	var list []string
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, key.(string))
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(list, " ")
}

// safetensors writes a file of F32 tensors named a, b, … of zeros but for what
// begins the first one. Where the system allows, zeros take no space.
func safetensors(t testing.TB, path string, first []float32, shapes ...[]int) {
	t.Helper()
	type entry struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets []int  `json:"data_offsets"`
	}
	header := map[string]entry{}
	end := 0
	for i, shape := range shapes {
		size := 4
		for _, d := range shape {
			size *= d
		}
		header[string(rune('a'+i))] = entry{"F32", shape, []int{end, end + size}}
		end += size
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	data := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	data = append(data, text...)
	whole := int64(len(data) + end)
	if data, err = binary.Append(data, binary.LittleEndian, first); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, whole); err != nil {
		t.Fatal(err)
	}
}

// madeGGUF writes a GGUF file of F32 tensors: two of 4×256 weights and one of 256.
func madeGGUF(t testing.TB, path string) {
	t.Helper()
	entries := []ggml.Entry{
		{Name: "blk.0.attn_v.weight", DType: model.F32, Shape: []int{4, 256}},
		{Name: "output.weight", DType: model.F32, Shape: []int{4, 256}},
		{Name: "output_norm.weight", DType: model.F32, Shape: []int{256}},
	}
	metadata := new(ggml.Metadata)
	metadata.SetString("general.architecture", "llama")
	metadata.SetUint32("llama.block_count", 1)
	metadata.SetUint32("llama.attention.head_count", 4)
	err := model.WriteFile(path, true, func(w io.Writer) error {
		return ggml.Write(w, metadata, entries, func(i int, w io.Writer) error {
			n, _ := model.Count(entries[i].Shape)
			for j := range n {
				if err := binary.Write(w, binary.LittleEndian, float32(j%37)/37-0.5); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWrongUsageExitsWithTwoAndFailureWithOneBothInOneLine(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bad.toml"), []byte("default = 3.7.1"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args string // between spaces
		code int
		says string
	}{
		{"", 2, "measure MODEL"},
		{"sample:animals", 2, "inspect MODEL"},
		{"mesure", 2, "bitdial measure"},
		{"--nope", 2, "--nope"},
		{"inspect", 2, "MODEL is missing"},
		{"inspect a b", 2, `"b"`},
		{"inspect sample:animals --nope", 2, "--nope"},
		{"inspect sample:animals --tensors [", 2, "glob"},
		{"inspect sample:animals --tensors zz*", 1, `"zz*"`},
		{"inspect sample:animals --tree --json", 2, "--tree"},
		{"inspect sample:animals --tree --metadata", 2, "--metadata"},
		{"inspect sample:animals --tensors * --metadata", 2, "--metadata"},
		{"inspect nope.safetensors", 1, "nope.safetensors: "},
		{"inspect sample:nope", 1, "animals"},
		{"measure sample:animals", 2, "-s SCHEME"},
		{"measure sample:animals -s", 2, "-s"},
		{"measure sample:animals -s int44", 2, "valid:"},
		{"measure sample:animals -s *.bias=int44", 2, `"int44"`},
		{"measure sample:animals -s int4:round=foo", 2, `"round=foo" is not a rounding`},
		{"measure sample:animals -s [=int4", 2, "not a glob"},
		{"measure sample:animals -s zz*=int4", 1, `"zz*"`},
		{"measure sample:animals -p nope.toml", 1, "nope.toml"},
		{"measure sample:animals -p bad.toml", 1, "bad.toml"},
		{"measure nope -s int4", 1, "nope: "},
		{"explain", 2, "NUMBER is missing"},
		{"explain 1", 2, "-s SCHEME"},
		{"explain x -s int8", 2, `"x"`},
		{"explain nan -s int8", 2, `"nan"`},
		{"explain -inf -s int8", 2, `"-inf"`},
		{"explain 1e39 -s int8", 2, "float32"},
		{"explain -1x -s int8", 2, `"-1x"`},
		{"explain 1 2 -s int8", 2, `"2"`},
		{"explain 1 -s int8 --max -1", 2, "--max"},
		{"explain 1 -s int8 --max x", 2, "--max"},
		{"explain 1 -s int8 --max inf", 2, "--max"},
		{"explain 1 -s int8 --min 2 --max 1", 2, "--min"},
		{"explain 1 -s int99", 2, "valid:"},
		{"quantize sample:animals -s int4 -o o.safetensors", 1, "--dequantize"},
		{"quantize sample:animals -s int4 --dequantize", 2, "-o OUT"},
		{"quantize sample:animals -o o.safetensors --dequantize", 2, "-s SCHEME"},
		{"quantize sample:animals -s int4 -s int8 -o o.safetensors --dequantize", 2, "measure compares"},
		{"quantize sample:animals -s int4 -o no/o.safetensors --dequantize", 1, "no/o.safetensors"},
		{"quantize sample:animals -s q8_0 -o o", 2, "OUT.gguf"},
		{"quantize sample:animals -s q8_0 -o o.gguf --dequantize", 2, "safetensors"},
		{"quantize sample:animals -s q8_0 --dry-run --verify", 2, "--verify"},
		{"quantize sample:animals -s f16 -o o.gguf --json", 2, "--dry-run"},
		{"quantize sample:animals -s f16 -o o.gguf --split-max-size 2k", 2, "500M"},
		{"quantize sample:animals -s int4:g32 -o o.gguf", 1, "conv1.weight: GGUF cannot hold int4:g32"},
		{"quantize sample:animals -p Q4_K_M -o o.gguf", 1, "architectures llama"},
		{"quantize sample:animals -p Q9_K -o o.gguf", 1, "Q9_K"},
		{"quantize sample:animals -s q4_K --imatrix i -o o --dequantize", 2, "--imatrix"},
		{"sweep", 2, "MODEL is missing"},
		{"sweep sample:animals -s keep", 2, "keep"},
		{"sweep sample:animals -s int44", 2, "valid:"},
		{"sweep sample:animals --for nothing", 2, "torchao"},
		{"sweep sample:animals --shard 0/2", 2, `"0/2"`},
		{"sweep sample:animals --shard 3/2", 2, `"3/2"`},
		{"sweep sample:animals --shard 3", 2, `"3"`},
		{"sweep sample:animals --shard 1/2x", 2, `"1/2x"`},
		{"sweep sample:animals --json -o o", 2, "--json"},
		{"sweep sample:animals --tensors *.bias", 1, "no tensor is to be measured"},
		{"sweep sample:animals --imatrix nope", 1, "nope"},
		{"sweep sample:animals -o bad.toml", 1, "bad.toml: none of its lines is a result of a sweep"},
		{"sweep sample:animals -o no/o", 1, "no/o"},
		{"inspect sample:animals --imatrix i --tree", 2, "--tree"},
		{"schemes x", 2, `"x"`},
		{"version x", 2, `"x"`},
		{"inspect a\x1b[31m\nb", 1, `\x1b`},
		{"inspect --\x1b[31m\nb", 2, `\x1b`},
	} {
		args := strings.Split(test.args, " ")
		if test.args == "" {
			args = nil
		}
		r := bitdial(t, dir, args...)
		line, ended := strings.CutSuffix(r.stderr, "\n")
		if r.code != test.code || r.stdout != "" || !ended || strings.ContainsAny(line, "\n\r\x1b") ||
			!strings.HasPrefix(line, "bitdial: ") || !strings.Contains(line, test.says) {
			t.Errorf("bitdial %q: exit %d, want %d with %q; stdout %q, stderr %q", test.args, r.code, test.code, test.says, r.stdout, r.stderr)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "o*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestHostileFilesFailInOneLine(t *testing.T) {
	root := os.Getenv("BITDIAL_SHARED")
	if root == "" {
		t.Skip("BITDIAL_SHARED is not set")
	}
	var paths []string
	for _, kind := range []string{"*.safetensors", "*.gguf"} {
		found, err := filepath.Glob(filepath.Join(root, "corpus", "hostile", kind))
		if err != nil || len(found) == 0 {
			t.Fatalf("no hostile files, %v", err)
		}
		paths = append(paths, found...)
	}
	for _, path := range paths {
		for _, args := range [][]string{
			{"inspect", path},
			{"measure", path, "-s", "int4"},
			{"compare", path, path},
			{"check", path, "-s", "int4", "--min-sqnr", "1"},
			{"report", path, "-s", "int4", "-o", filepath.Join(t.TempDir(), "o.html")},
			{"quantize", path, "-s", "int4", "-o", filepath.Join(t.TempDir(), "o"), "--dequantize"},
			{"quantize", path, "-s", "q8_0", "-o", filepath.Join(t.TempDir(), "o.gguf")},
		} {
			r := bitdial(t, "", args...)
			if r.code != 1 || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || strings.ContainsRune(r.stderr, '\x1b') {
				t.Errorf("%q: exit %d, stdout %q, stderr %q", args, r.code, r.stdout, r.stderr)
			}
		}
	}
}

func TestEveryVerbHasHelpWhoseExamplesRun(t *testing.T) {
	var failed error
	root := command(&failed)
	for _, c := range append(slices.Clone(root.Commands()), root) {
		args := strings.Fields(c.CommandPath())[1:]
		help := strings.Join(done(t, "", append(args, "--help")...), "\n")
		for _, want := range []string{"USAGE", "EXAMPLES", strings.Fields(c.Long)[0]} {
			if !strings.Contains(help, want) {
				t.Errorf("the help of %q has no %q:\n%s", c.CommandPath(), want, help)
			}
		}
		if c.Short == "" || c.Example == "" {
			t.Errorf("%q is not described", c.CommandPath())
		}
		if c == root { // the explorer needs a terminal
			continue
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "mine.toml"), []byte("default = 'int4:g64'\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		madeGGUF(t, filepath.Join(dir, "model.gguf"))
		done(t, dir, "quantize", "model.gguf", "-s", "q8_0", "-o", "model-Q8_0.gguf")
		for line := range strings.Lines(c.Example) {
			done(t, dir, words(t, quickly(line))[1:]...)
		}
	}
}

// quickly makes a training of minutes one of seconds.
func quickly(line string) string { return strings.ReplaceAll(line, "--minutes 2", "--minutes 0.02") }

// words splits a command line as a shell does, single quotes understood.
func words(t testing.TB, line string) []string {
	t.Helper()
	var list []string
	for i, part := range strings.Split(strings.TrimSpace(line), "'") {
		if i%2 == 1 {
			list = append(list, part)
		} else {
			list = append(list, strings.Fields(part)...)
		}
	}
	return list
}

func TestEveryCommandOfTheReadmeRuns(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	fenced := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		line, _, _ = strings.Cut(line, " #")
		line, _, _ = strings.Cut(line, " | ")
		if !fenced || !strings.HasPrefix(line+" ", "bitdial ") {
			continue
		}
		args := words(t, quickly(line))[1:]
		for i, a := range args { // a file that the reader is to have
			path := filepath.Join(dir, a)
			if _, err := os.Stat(path); err == nil || args[max(0, i-1)] == "-o" {
				continue
			}
			switch filepath.Ext(a) {
			case ".safetensors":
				safetensors(t, path, []float32{1, -2, 3}, []int{4, 8})
			case ".gguf":
				madeGGUF(t, path)
			}
		}
		r := bitdial(t, dir, args...)
		if explorer := r.code == 2 && strings.Contains(r.stderr, "needs a terminal"); r.code != 0 && !explorer {
			t.Errorf("%s: exit %d: %s", line, r.code, r.stderr)
		}
	}
}

func TestVersionNamesTheBuild(t *testing.T) {
	lines := done(t, "", "version")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "bitdial ") || !strings.HasPrefix(lines[1], "commit ") || !strings.Contains(lines[2], runtime.Version()) {
		t.Errorf("%q", lines)
	}
}

func TestCompletionOffersSamplesFormatsAndDials(t *testing.T) {
	for _, test := range []struct {
		args string
		want string
		not  string
	}{
		{"__complete inspect ", "sample:animals\t", ""},
		{"__complete measure ", "sample:animals\t", ""},
		{"__complete measure m -s ", "int4\t", ""},
		{"__complete measure m -s *.bias=", "*.bias=f16\t", ""},
		{"__complete quantize m -s int4:", "int4:g32\t", ""},
		{"__complete explain 1 -s int4:g32:r", "int4:g32:round=trunc\t", "int4:g32:g64"},
		{"__complete explain 1 -s f16:", ":6", "f16:g32"},
		{"completion bash", "bitdial", ""},
	} {
		r := bitdial(t, "", strings.Split(test.args, " ")...)
		if r.code != 0 || !strings.Contains(r.stdout, test.want) || test.not != "" && strings.Contains(r.stdout, test.not) {
			t.Errorf("bitdial %s: exit %d, want %q, not %q:\n%s", test.args, r.code, test.want, test.not, r.stdout)
		}
	}
}
