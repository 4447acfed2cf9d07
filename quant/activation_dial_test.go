package quant

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// turnedActivation walks the dials at random.
func turnedActivation(t *rapid.T) Activation {
	var a Activation
	for range 12 {
		d := rapid.SampledFrom(ActivationDials).Draw(t, "dial")
		a = d.Turn(a, rapid.IntRange(-20, 20).Draw(t, "steps"))
	}
	return a
}

func TestWhateverADialOfActivationsIsTurnedToIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := turnedActivation(t)
		for _, d := range ActivationDials {
			options, at := d.Options(a)
			if why := d.Why(a); (why == "") != (len(options) > 0) {
				t.Fatalf("%s, %s: %d options, and why not is %q", a, d.Name, len(options), why)
			}
			if len(options) > 0 && (at < 0 || options[at].Scheme != a) {
				t.Fatalf("%s, %s: the present position is not among its options", a, d.Name)
			}
			for _, o := range options {
				back, err := ParseActivation(o.Scheme.String())
				if err != nil || back != o.Scheme {
					t.Fatalf("%s, %s to %s: %q came back as %q, %v", a, d.Name, o.Label, o.Scheme, back, err)
				}
				// What is not packed in blocks fits values of any shape.
				if !back.Keep() && back.Format.Packing == nil && back.WhyNot([]int{3, 7, 5}) != "" {
					t.Fatalf("%s does not fit: %s", back, back.WhyNot([]int{3, 7, 5}))
				}
			}
		}
	})
}

func TestDialsOfActivationsTurnOneThing(t *testing.T) {
	for _, c := range []struct{ from, dial, want string }{
		{"keep", "family", "keep, f16:dynamic, int8:dynamic"},
		{"keep", "when", "keep, int8:dynamic, int8:static"},
		{"int4:token:asym:range=mse:dynamic", "when", "keep, int4:token:asym:range=mse:dynamic, int4:asym:range=mse:static"},
		{"int8:static:range=average", "when", "keep, int8:dynamic, int8:static:range=average"},
		{"int8:static", "range", "int8:static, int8:static:range=average, int8:range=full:static, int8:range=p99.99:static"},
		{"int8:dynamic", "range", "int8:dynamic, int8:range=full:dynamic"},
		{"int8:static:range=average", "zero point", "int8:static:range=average, int8:asym:static:range=average"},
		{"int8:dynamic", "granularity", "int8:dynamic, int8:token:dynamic, int8:g512:dynamic"},
		{"q8_0:dynamic", "when", "keep, q8_0:dynamic"},
		{"fp8_e4m3:unscaled:dynamic", "when", "keep, fp8_e4m3:unscaled:dynamic, fp8_e4m3:static"},
	} {
		a, err := ParseActivation(c.from)
		if err != nil {
			t.Fatal(err)
		}
		d := lookup(ActivationDials, c.dial, func(d *Dial[Activation]) string { return d.Name })
		options, _ := d.Options(a)
		var texts []string
		for _, o := range options {
			texts = append(texts, o.Scheme.String())
		}
		want := strings.Split(c.want, ", ")
		if !slices.Equal(texts[:min(len(texts), len(want))], want) || c.dial == "when" && len(texts) != len(want) {
			t.Errorf("%s, %s: %v, want %v", c.from, c.dial, texts, want)
		}
	}
}

func TestADialOfActivationsThatDoesNotApplySaysWhy(t *testing.T) {
	for _, c := range []struct{ scheme, dial, want string }{
		{"keep", "format", "stays in float"},
		{"int8:static", "granularity", "one scale for all"},
		{"bf16:dynamic", "range", "a cast"},
		{"fp8_e4m3:dynamic", "zero point", "only integers"},
	} {
		a, err := ParseActivation(c.scheme)
		if err != nil {
			t.Fatal(err)
		}
		d := lookup(ActivationDials, c.dial, func(d *Dial[Activation]) string { return d.Name })
		if why := d.Why(a); !strings.Contains(why, c.want) {
			t.Errorf("%s, %s: %q", c.scheme, c.dial, why)
		}
	}
	a, _ := ParseActivation("q8_0")
	if why := a.WhyNotStatic(); !strings.Contains(why, "q8_0") {
		t.Errorf("static q8_0: %q", why)
	}
	if _, err := ParseActivation("ternary:static:range=average"); err == nil {
		t.Error("an average of extremes is taken for a scale that does not follow from them")
	}
}

func TestCalibrationOffersItsRanges(t *testing.T) {
	for text, want := range map[string]string{
		"keep":                    "int8:static int8:static:range=average int8:range=p99.9:static int8:range=mse:static int8:range=entropy:static",
		"int4:asym:token":         "int4:asym:static int4:asym:static:range=average int4:asym:range=p99.9:static int4:asym:range=mse:static int4:asym:range=entropy:static",
		"int4:static:range=p99.5": "int4:static int4:static:range=average int4:range=p99.9:static int4:range=mse:static int4:range=entropy:static",
		"q8_0":                    "int8:static int8:static:range=average int8:range=p99.9:static int8:range=mse:static int8:range=entropy:static",
	} {
		a, err := ParseActivation(text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range a.Calibrated() {
			got = append(got, o.Scheme.String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}
