package quant

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bitdial/bitdial/kernels"
)

// anyScheme walks the dials at random from a random format: every valid
// scheme can be reached that way, but for typed sizes and percentiles.
func anyScheme(t *rapid.T) Scheme {
	var s Scheme
	for range 12 {
		d := rapid.SampledFrom(Dials).Draw(t, "dial")
		s = d.Turn(s, rapid.IntRange(-20, 20).Draw(t, "steps"))
	}
	return s
}

func TestParseAndStringAreInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyScheme(t)
		back, err := Parse(s.String())
		if err != nil || back != s {
			t.Fatalf("%q came back as %q, %v", s, back, err)
		}
	})
}

func TestEveryFormatIsAScheme(t *testing.T) {
	for _, f := range kernels.Formats {
		if s := mustParse(t, f.Name); s.Format != f || s.String() != f.Name {
			t.Errorf("%s parses to %s", f.Name, s)
		}
	}
}

func TestPartsOfASchemeComeInAnyOrder(t *testing.T) {
	want := mustParse(t, "int4:g32:asym:round=stochastic:range=mse:scale=bf16:seed=7")
	if got := mustParse(t, "int4:seed=7:range=mse:asym:scale=bf16:g32:round=stochastic"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := mustParse(t, "int4:sym:tensor:range=minmax:round=even:scale=f32:seed=0").String(); got != "int4" {
		t.Errorf("what is default is written: %s", got)
	}
	for text, want := range map[string]string{"int8:range=p99.90": "int8:range=p99.9", "int4:g32:scale=f16": "int4:g32", "int4:g13": "int4:g13"} {
		if got := mustParse(t, text).String(); got != want {
			t.Errorf("%s is written %s, want %s", text, got, want)
		}
	}
}

func TestAnInvalidSchemeSaysWhatIsWrongAndWhatIsRight(t *testing.T) {
	for text, want := range map[string][]string{
		"":                            {"not a format", "int4"},
		"int17":                       {"int17", "not a format", "int16"},
		"int1:sym":                    {"sym", "asym"},
		"f16:g32":                     {"g32", "f16 has not", "cast"},
		"q4_K:g32":                    {"g32", "q4_K has not", "each block of 256"},
		"mxfp4:range=mse":             {"range", "each block of 32"},
		"nf4:asym":                    {"zero point", "only integers"},
		"nf4:round=trunc":             {"rounding", "nearest of its values"},
		"ternary:range=mse":           {"range", "mean magnitude"},
		"kmeans4:range=mse":           {"range", "fitted"},
		"int4:unscaled":               {"unscaled", "only small floats"},
		"fp8_e4m3:unscaled:range=mse": {"unscaled format has no range"},
		"int4:search=optimal":         {"search=optimal", "groups"},
		"int4:g32:search=best":        {"search=optimal"},
		"nf4:range=full":              {"range estimator"},
		"int4:g7":                     {"g7", "group size", "g8"},
		"int4:g032":                   {"g032", "group size"},
		"int4:g":                      {"group size"},
		"int4:g-8":                    {"group size"},
		"int4:32":                     {"32", "not a dial", "gN"},
		"int4:round=up":               {"round=up", "stochastic", "ceil"},
		"int4:range=p":                {"range estimator", "mse"},
		"int4:range=p101":             {"p50", "p100"},
		"int4:range=p99.999":          {"two decimals"},
		"int4:range=pNaN":             {"p50"},
		"int4:scale=f64":              {"scale=f64", "bf16"},
		"int4:g32:g64":                {"g64", "g32", "one of the two"},
		"int4:sym:asym":               {"asym", "sym"},
		"int4:asym:range=full":        {"needs sym"},
		"int4:seed=3":                 {"round=stochastic:seed=3"},
		"int4:seed=x":                 {"seed=0"},
		"int4:":                       {"not a dial"},
		"keep:g32":                    {"keep", "not a format"},
		"q4_k:g32":                    {"valid: q4_K"},
		"marmalade":                   {"valid: keep f32 f16"},
		"int4:round=stochastic:":      {"not a dial"},
	} {
		s, err := Parse(text)
		if err == nil {
			t.Errorf("%q is taken for %s", text, s)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %q does not say %q", text, err, part)
			}
		}
	}
}

func TestADialThatDoesNotApplySaysWhy(t *testing.T) {
	for _, scheme := range []string{"keep", "f16", "int1", "int4", "int4:g32", "q4_K", "fp8_e4m3", "fp8_e4m3:unscaled", "mxfp4", "nf4:g64", "kmeans4", "ternary"} {
		s := mustParse(t, scheme)
		for _, d := range Dials {
			options, at := d.Options(s)
			if why := d.Why(s); (why == "") != (len(options) > 0) {
				t.Errorf("%s, %s: %d options, and why not is %q", scheme, d.Name, len(options), why)
			}
			if len(options) > 0 && (at < 0 || options[at].Scheme != s) {
				t.Errorf("%s, %s: the present position is not among its options", scheme, d.Name)
			}
			if d.Turn(s, 1) == d.Turn(s, 0) && d.Turn(s, -1) == s && len(options) > 1 {
				t.Errorf("%s, %s: turns neither way", scheme, d.Name)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range someSchemes {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		if back, err := Parse(s.String()); err != nil || back != s {
			t.Errorf("%q is %q, which is %q, %v", text, s, back, err)
		}
	})
}
