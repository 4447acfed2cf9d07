package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/clipperhouse/displaywidth"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

func TestSchemesListsEveryTable(t *testing.T) {
	lines := done(t, "", "schemes", "--json")
	count := map[any]int{}
	for i, o := range objects(t, lines) {
		if got := keys(t, lines[i]); got != "kind name family bits bpw about runs values" {
			t.Fatalf("keys %s", got)
		}
		count[o["kind"]]++
		if o["name"] == "int4" && (o["bits"] != 4.0 || o["bpw"] != 4.5) {
			t.Errorf("%v", o)
		}
		if o["name"] == "granularity" && !slices.Contains(o["values"].([]any), "g32") {
			t.Errorf("%v", o)
		}
	}
	for kind, n := range map[string]int{"format": len(kernels.Formats), "dial": len(quant.Dials), "rounding": len(kernels.Roundings), "range": len(kernels.Ranges)} {
		if count[kind] != n {
			t.Errorf("%d of %s, want %d", count[kind], kind, n)
		}
	}
	if plain := done(t, "", "schemes"); len(plain) != len(lines)+1 || plain[0] != "kind\tname\tfamily\tbits\tbpw\tabout\truns\tvalues" {
		t.Errorf("%d lines under %q", len(plain), plain[0])
	}
}

func TestSchemesTellsOfOneFormat(t *testing.T) {
	for _, f := range kernels.Formats {
		text := strings.Join(done(t, "", "schemes", f.Name), "\n")
		for _, want := range []string{f.About, f.Family, f.Runs, "bits per weight", "granularity"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not told:\n%s", f.Name, want, text)
			}
		}
		if f.Bits > 4 && f.Family == "int" { // one of many is enough
			break
		}
	}
	if text := strings.Join(done(t, "", "schemes", "mxfp4"), "\n"); !strings.Contains(text, "values before scaling: 0 ±0.5 ±1 ±1.5 ±2 ±3 ±4 ±6\n") {
		t.Errorf("mxfp4 without its values:\n%s", text)
	}
	if text := strings.Join(done(t, "", "schemes", "q4_0"), "\n"); strings.Contains(text, "values before") {
		t.Errorf("the integers are listed:\n%s", text)
	}
	if r := bitdial(t, "", "schemes", "q9_K"); r.code != exitUsage || !strings.Contains(r.stderr, `"q9_K" is not a format`) {
		t.Errorf("exit %d, %q", r.code, r.stderr)
	}
}

func TestAnUnknownFormatNamesThoseNearIt(t *testing.T) {
	for text, want := range map[string]string{
		"q4_k": "q4_K", "Q4K": "q4_K", "mxfp": "mxfp4", "fp8": "fp8_e4m3", "nf5": "nf4", "kmean3": "kmeans3",
	} {
		r := bitdial(t, "", "schemes", text)
		_, names, _ := strings.Cut(r.stderr, "near it: ")
		if r.code != exitUsage || !slices.Contains(strings.Fields(names), want) {
			t.Errorf("%s: exit %d, %q, want %s", text, r.code, r.stderr, want)
		}
	}
	if r := bitdial(t, "", "schemes", "marmalade"); r.code != exitUsage || strings.Contains(r.stderr, "near it") {
		t.Errorf("exit %d, %q", r.code, r.stderr)
	}
}

func TestTheTextOfAFormatFitsAHundredColumns(t *testing.T) {
	for _, f := range kernels.Formats {
		var out strings.Builder
		if err := about(&out, f); err != nil {
			t.Fatal(err)
		}
		text, _, _ := strings.Cut(out.String(), "bits per weight")
		_, text, _ = strings.Cut(text, "\n") // the title is a line of its own
		for line := range strings.Lines(text) {
			if w := displaywidth.String(strings.TrimSuffix(line, "\n")); w > 100 {
				t.Errorf("%s: %d columns: %s", f.Name, w, line)
			}
		}
	}
}
