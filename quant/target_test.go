package quant

import (
	"strings"
	"testing"

	"github.com/bitdial/bitdial/kernels"
)

// Every target runs what it would choose from, and the table names formats that
// exist.
func TestTargetsRunTheirCandidates(t *testing.T) {
	for _, target := range Targets {
		for _, s := range target.Candidates() {
			if why := target.WhyNot(s); why != "" {
				t.Errorf("%s: %s", s, why)
			}
		}
		for _, a := range target.can {
			for name := range strings.FieldsSeq(a.formats) {
				if kernels.FormatOf(name) == nil {
					t.Errorf("%s names a format %s", target.Name, name)
				}
			}
			for g := range strings.FieldsSeq(a.groups) {
				if _, ok := granularityOf(g); !ok && g != "gN" {
					t.Errorf("%s names a granularity %s", target.Name, g)
				}
			}
		}
		if why := target.WhyNot(Scheme{}); why != "" {
			t.Errorf("%s cannot keep: %s", target.Name, why)
		}
	}
}

func TestTargetsSayWhatTheyLack(t *testing.T) {
	for _, c := range []struct{ target, scheme, part string }{
		{"llama.cpp", "int4:g32", "llama.cpp has no int4; it runs f32 f16"},
		{"llama.cpp", "iq4_xs", ""},
		{"mlx", "int4:g64", "mlx runs int4 with asym"},
		{"mlx", "int7:g64:asym", "mlx has no int7"},
		{"mlx", "int4:channel:asym", "g32|g64|g128"},
		{"torchao", "int4:g24", ""},
		{"onnxruntime", "int4:g24", "tensor|channel, or g16|"},
		{"compressed-tensors", "int8:asym", "channel|g32|g64|g128, or sym"},
		{"bitsandbytes", "nf4:g64", "scale=f32|dq"},
	} {
		s, err := Parse(c.scheme)
		if err != nil {
			t.Fatal(err)
		}
		if got := TargetOf(c.target).WhyNot(s); (got == "") != (c.part == "") || !strings.Contains(got, c.part) {
			t.Errorf("%s for %s: %q, want %q", c.scheme, c.target, got, c.part)
		}
	}
}
