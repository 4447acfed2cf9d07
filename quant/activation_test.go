package quant

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anyActivation is a scheme of the dials that an activation may have, static or
// not.
func anyActivation(t *rapid.T) Activation {
	for {
		a := Activation{Scheme: anyScheme(t), Static: rapid.Bool().Draw(t, "static"), Average: rapid.Bool().Draw(t, "average")}
		if a, err := ParseActivation(a.String()); err == nil {
			return a
		}
	}
}

func TestParseActivationAndStringAreInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyActivation(t)
		back, err := ParseActivation(a.String())
		if err != nil || back != a {
			t.Fatalf("%q came back as %q, %v", a, back, err)
		}
	})
}

func TestWordsOfAnActivationComeInAnyOrder(t *testing.T) {
	for text, want := range map[string]string{
		"int8":                               "int8:dynamic",
		"static:int8":                        "int8:static",
		"int8:token:asym":                    "int8:token:asym:dynamic",
		"int8:static:asym:range=average":     "int8:asym:static:range=average",
		"int8:range=average:static":          "int8:static:range=average",
		"int8:static:range=p99.9":            "int8:range=p99.9:static",
		"mxfp4:dynamic":                      "mxfp4:dynamic",
		"fp8_e4m3:static:tensor:range=mse":   "fp8_e4m3:range=mse:static",
		"int4:g32":                           "int4:g32:dynamic",
		"keep":                               "keep",
		"fp8_e4m3:unscaled":                  "fp8_e4m3:unscaled:dynamic",
		"int8:token:round=stochastic:seed=3": "int8:token:round=stochastic:seed=3:dynamic",
	} {
		a, err := ParseActivation(text)
		if got := a.String(); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestAnInvalidActivationSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"int8:channel":                        "no granularity of activations",
		"int8:static:dynamic":                 "exclude each other",
		"int8:range=average":                  "is a range of calibration",
		"int8:static:range=average:range=mse": "is set beside another range",
		"int8:static:token":                   "its units are as many as the values that flow",
		"mxfp4:static":                        "finds the scale of each of its blocks anew",
		"f16:static":                          "has no range",
		"kmeans4:static":                      "made from the values themselves",
		"nf4:g64:scale=dq":                    "needs all scales",
		"keep:static":                         "means nothing beside keep",
		"int99":                               "is not a format",
		"":                                    "is not a format",
	} {
		_, err := ParseActivation(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

func TestRemediesSurviveTheirText(t *testing.T) {
	for _, text := range []string{"", "equalize", "correct-bias", "smooth=0.5", "equalize,correct-bias,smooth=1", "smooth=0.07"} {
		r, err := ParseRemedies(text)
		if err != nil || r.String() != text {
			t.Errorf("%q came back as %q, %v", text, r, err)
		}
	}
	for _, text := range []string{"smooth", "smooth=0", "smooth=1.1", "smooth=NaN", "equalise", "equalize,"} {
		if _, err := ParseRemedies(text); err == nil || !strings.Contains(err.Error(), "valid: equalize") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
