package quant

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bitdial/bitdial/kernels"
)

// aResult is one of a tensor that n stands for.
func aResult(t testing.TB, n byte, scheme string, exact bool) *Result {
	r := &Result{Tensor: fmt.Sprintf("blk.%d.\"q\"", n), Scheme: mustParse(t, scheme)}
	r.Subject.Tensor[0] = n
	r.Figures = Figures{Bytes: 4160, Exact: exact}
	r.N, r.NonFinite, r.E2, r.X2, r.Y2, r.MaxAbs = 8190, 2, 0.1+float64(n), 1e3, 999, 0.125
	r.XY, r.Clipped, r.Zeros = 999.4, 3, 40
	r.SQNRLo, r.SQNRHi = r.SQNR(), r.SQNR()
	if !exact {
		r.SQNRLo, r.SQNRHi = r.SQNRLo-0.5, r.SQNRHi+0.25
	}
	r.Weighted = Weighted{r.E2, r.X2, r.SQNRLo, r.SQNRHi}
	return r
}

func lineOf(r *Result) string { return string(r.AppendJSON(nil)) }

// file writes text to a file and returns its path.
func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sweep.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestALineHoldsItsResult reads back what was written, of every kind of figure.
func TestALineHoldsItsResult(t *testing.T) {
	weighted := aResult(t, 3, "q4_K", false)
	weighted.Importance[5] = 7
	weighted.Weighted = Weighted{12.5, 800, 17, 19}
	none := aResult(t, 4, "int8:g32", true) // without error
	none.E2, none.Y2, none.XY, none.MaxAbs = 0, none.X2, none.X2, 0
	none.SQNRLo, none.SQNRHi = math.Inf(1), math.Inf(1)
	none.Weighted = Weighted{0, none.X2, math.Inf(1), math.Inf(1)}
	endless := aResult(t, 5, "int4:g32:range=p99.5", false)
	endless.SQNRLo, endless.SQNRHi = math.Inf(-1), math.Inf(1)
	endless.Weighted.SQNRLo, endless.Weighted.SQNRHi = math.Inf(-1), math.Inf(1)
	for _, want := range []*Result{aResult(t, 1, "int4:g32:asym:round=stochastic:seed=3", true), aResult(t, 2, "nf4:g64", false), weighted, none, endless} {
		line := lineOf(want)
		if !json.Valid([]byte(line)) || strings.Count(line, "\n") != 1 {
			t.Fatalf("no line of JSON: %q", line)
		}
		r, skipped, err := LoadResults(file(t, line))
		if err != nil || len(skipped) > 0 {
			t.Fatal(err, skipped)
		}
		got := r.of(want.Subject, want.Scheme)
		if got == nil {
			t.Fatalf("%s is not found", line)
		}
		if math.Abs(got.XY-want.XY) > 1e-12*want.XY {
			t.Errorf("Σx·y %g, want %g", got.XY, want.XY)
		}
		got.XY = want.XY
		if diff := cmp.Diff(&want.Figures, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestEachLineIsTakenByItsRule joins, tears and spoils files.
func TestEachLineIsTakenByItsRule(t *testing.T) {
	a, b, about := lineOf(aResult(t, 1, "q4_K", true)), lineOf(aResult(t, 2, "q4_K", true)), lineOf(aResult(t, 1, "q4_K", false))
	other := strings.Replace(b, fmt.Sprintf(`"kernels":%d`, kernels.Version), `"kernels":12345`, 1)
	wrong := strings.Replace(a, `"sse":1.1`, `"sse":1.2`, 1)
	late := strings.Replace(a, `"sse":1.1`, `"sse":1.1000000000000003`, 1) // fused elsewhere
	for _, c := range []struct {
		name, text string
		results    int
		skipped    string // of the only reason
		err        string
	}{
		{"nothing", "", 0, "", ""},
		{"two", a + b, 2, "", ""},
		{"duplicates", a + b + a + a, 2, "", ""},
		{"an estimate after", a + about, 1, "", ""},
		{"an estimate before", about + a, 1, "", ""},
		{"the last bit of another processor", a + late, 1, "", ""},
		{"torn", a + b[:len(b)/2], 1, "line 2 is skipped: the last line is torn", ""},
		{"torn at once", a[:7], 0, "line 1 is skipped: the last line is torn", ""},
		{"without a newline", a + strings.TrimSuffix(b, "\n"), 2, "", ""},
		{"torn and joined", a[:99] + b + a, 1, "line 1 is skipped: it is no object of JSON", ""},
		{"empty lines and Windows's", "\n" + a[:len(a)-1] + "\r\n\n" + b, 2, "", ""},
		{"another version", a + other + other, 1, "2 lines are skipped, the first is line 2: it is of version 12345 of the arithmetic, this is version", ""},
		{"another version alone", other, 0, "line 1 is skipped: it is of version 12345", ""},
		{"a scheme of the future", a + strings.Replace(b, "q4_K", "q9_Z", 1), 1, `line 2 is skipped: "q9_Z" is no scheme`, ""},
		{"a long line", a + `{"tensor":"` + strings.Repeat("x", 1<<17) + `"}` + "\n" + b, 2, "line 2 is skipped: it has more than 65536 bytes", ""},
		{"negative", a + strings.Replace(b, `"bytes":`, `"bytes":-`, 1), 1, `line 2 is skipped: its "bytes" is "-4160", not a whole number`, ""},
		{"too large", a + strings.Replace(b, `"sse":`, `"sse":9e999,"x":`, 1), 1, `line 2 is skipped: its "sse" is "9e999", not a number`, ""},
		{"infinite", a + strings.Replace(b, `"sse":`, `"sse":null,"x":`, 1), 1, `line 2 is skipped: its "sse" is "null", not a number`, ""},
		{"weighted by nothing", a + strings.Replace(b, `"importance":null`, `"importance":"0123456789abcdef0123456789abcdef"`, 1), 1, "line 2 is skipped: it has an importance, and no weighted_sse", ""},
		{"twice", a + strings.Replace(b, `"mse":`, `"n":4,"mse":`, 1), 1, `line 2 is skipped: it says "n" twice`, ""},
		{"more zeros than weights", a + strings.Replace(b, `"zeros":`, `"zeros":9999,"y":`, 1), 1, "line 2 is skipped: it counts more weights than there are", ""},
		{"without a digest", a + strings.Replace(b, `"digest":`, `"digest":null,"y":`, 1), 1, "line 2 is skipped: it has no digest", ""},
		{"other keys, other order", a + `{"note":{"a":[1,"}"]},` + b[1:], 2, "", ""},
		{"spaces", a + strings.ReplaceAll(b, `,"`, ` , "`), 2, "", ""},
		{"a contradiction", a + b + wrong, 0, "", "line 3 contradicts line 1: the same tensor, scheme and importance, other figures"},
		{"a contradiction of estimates", about + strings.Replace(about, `"bytes":4160`, `"bytes":4161`, 1), 0, "", "line 2 contradicts line 1"},
		{"something else", `{"a":1}` + "\n", 0, "", "none of its lines is a result of a sweep"},
		{"something else on one line", `{"a":1}`, 0, "", "none of its lines is a result of a sweep"},
		{"a model", "GGUF\x03\x00\x00", 0, "", "none of its lines is a result of a sweep"},
	} {
		path := file(t, c.text)
		r, skipped, err := LoadResults(path)
		if c.err != "" || err != nil {
			if err == nil || c.err == "" || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", c.name, err, c.err)
			}
			continue
		}
		if r.Len() != c.results {
			t.Errorf("%s: %d results, want %d", c.name, r.Len(), c.results)
		}
		if c.skipped == "" && len(skipped) > 0 || c.skipped != "" && (len(skipped) != 1 || !strings.HasPrefix(skipped[0].String(), path+": "+c.skipped)) {
			t.Errorf("%s: skipped %v, want %q", c.name, skipped, c.skipped)
		}
	}
	if r, _, err := LoadResults(file(t, about+a)); err != nil || !r.of(aResult(t, 1, "q4_K", true).Subject, mustParse(t, "q4_K")).Exact {
		t.Errorf("an estimate hides what is exact (%v)", err)
	}
	first := file(t, a)
	if _, _, err := LoadResults(first, file(t, wrong)); err == nil || !strings.Contains(err.Error(), "line 1 contradicts line 1 of "+first) {
		t.Errorf("contradicting files: %v", err)
	}
	if _, _, err := LoadResults(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestAFileIsResumed tears a file between two processes.
func TestAFileIsResumed(t *testing.T) {
	a, b := aResult(t, 1, "q4_K", true), aResult(t, 2, "q4_K", true)
	for cut := range len(lineOf(b)) + 1 {
		path := file(t, lineOf(a)+lineOf(b)[:cut])
		f, err := OpenResults(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenResults(path); !errors.Is(err, errLocked) || !strings.Contains(err.Error(), path) {
			t.Fatalf("a second process: %v", err)
		}
		known := f.Results.Len()
		if err := f.Append(aResult(t, 3, "q4_K", true)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		r, skipped, err := LoadResults(path)
		if err != nil || len(skipped) > 0 || r.Len() != known+1 {
			t.Fatalf("cut at %d: %d results after %d, %v, %v", cut, r.Len(), known, skipped, err)
		}
	}
}

func TestWhatIsNoFileOfResultsStays(t *testing.T) {
	for _, text := range []string{"GGUF\x03\x00", `{"a":1}`, "{\n\"a\": 1\n}\n"} {
		path := file(t, text)
		if _, err := OpenResults(path); err == nil {
			t.Errorf("%q is resumed", text)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("%q became %q (%v)", text, b, err)
		}
	}
	if _, err := OpenResults(t.TempDir()); err == nil {
		t.Error("a folder is appended to")
	}
}

// FuzzResults holds the reader to errors, whatever the bytes: what it takes is
// JSON and says what encoding/json reads, and what is written of it is read alike.
func FuzzResults(f *testing.F) {
	line := lineOf(aResult(f, 1, "q4_K", false))
	f.Add([]byte(" "))
	f.Add([]byte(line + line[:50]))
	f.Add([]byte(strings.ReplaceAll(line, `,"`, " ,\t\"")))
	f.Add([]byte(`{"digest":"01","scheme":"int4:g\u0033\u0032","x":[{"a":[]},null],"sse":1e-3,"n":12.0}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := reading{results: NewResults(), paths: []string{"fuzz"}}
		whole, err := r.file(bytes.NewReader(data))
		if whole > int64(len(data)) || err == nil && r.results.Len() > bytes.Count(data, []byte("\n"))+1 {
			t.Fatalf("%d bytes and %d results of %d bytes", whole, r.results.Len(), len(data))
		}
		for _, line := range bytes.Split(data, []byte("\n")) {
			var l resultLine
			var x Result
			if l.read(line, &x) != nil || l.version != kernels.Version {
				continue
			}
			var want struct {
				Digest string
				SSE    *float64
				Bytes  float64
				Exact  bool
			}
			keys := map[string]json.RawMessage{}
			if err := json.Unmarshal(line, &keys); err != nil {
				t.Fatalf("%q is taken: %v", line, err)
			}
			for key, to := range map[string]any{"digest": &want.Digest, "sse": &want.SSE, "bytes": &want.Bytes, "exact": &want.Exact} {
				if err := json.Unmarshal(keys[key], to); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
			}
			if !strings.EqualFold(want.Digest, x.Subject.Tensor.String()) || want.SSE != nil && *want.SSE != x.E2 || want.Bytes != float64(x.Bytes) || want.Exact != x.Exact {
				t.Fatalf("%q is read as %+v", line, x)
			}
			var again Result
			if err := l.read(bytes.TrimSuffix(x.AppendJSON(nil), []byte("\n")), &again); err != nil || !again.agrees(&x.Figures) {
				t.Fatalf("%q becomes %s: %v", line, x.AppendJSON(nil), err)
			}
		}
	})
}
