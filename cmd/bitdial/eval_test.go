package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEvalTellsWhatRoundingCosts(t *testing.T) {
	lines := done(t, "", "eval", "sample:animals", "-s", "int3", "--inputs", "200", "--json")
	if len(lines) != 2 {
		t.Fatalf("%d lines, not one for each network", len(lines))
	}
	for _, line := range lines {
		if got, want := keys(t, line), "network test top1 top1_lo top1_hi top5 loss kld agree n seconds"; got != want {
			t.Errorf("the keys are %s, want %s", got, want)
		}
	}
	o := objects(t, lines)
	float, rounded := o[0], o[1]
	if float["network"] != "float" || float["agree"] != 1.0 || float["kld"] != 0.0 || float["top1"].(float64) < 0.97 || float["n"] != 200.0 {
		t.Errorf("in float: %v", float)
	}
	if rounded["network"] != "int3" || rounded["top1"].(float64) > 0.95 || rounded["kld"].(float64) < 0.05 {
		t.Errorf("at int3: %v", rounded)
	}
	if lo, hi, p := rounded["top1_lo"].(float64), rounded["top1_hi"].(float64), rounded["top1"].(float64); !(lo < p && p < hi && hi-lo < 0.15) {
		t.Errorf("%v lies in %v to %v", p, lo, hi)
	}
	if alone := done(t, "", "eval", "sample:animals", "--inputs", "50"); len(alone) != 2 || !strings.HasPrefix(alone[1], "float\t") {
		t.Errorf("without a scheme: %q", alone)
	}
}

// TestTheSamplesTeachWhatTheirCardsSay holds the figures of the model cards.
func TestTheSamplesTeachWhatTheirCardsSay(t *testing.T) {
	for _, test := range []struct {
		want float64 // per cent right, or bits per byte
		args string
	}{
		{99.6, "animals -s keep"},
		{79.1, "animals -s keep --test designs"},
		{99.6, "animals -s int8"},
		{99.1, "animals -s int4:channel"},
		{98.5, "animals -s int3:channel"},
		{81.0, "animals -s int3"},
		{13.8, "animals -s int2:channel"},
		{96.4, "animals -a int3:asym:static"},
		{98.7, "animals -a int3:asym:static:range=p99.9"},
		{99.5, "animals -s int8:channel -a int8:asym:static --integers"},
		{92.7, "fashion"},
		{84.8, "fashion -s int3:channel"},
		{1.744, "austen"},
		{1.894, "austen -s int4"},
	} {
		args := strings.Fields(test.args)
		o := objects(t, done(t, "", append([]string{"eval", "--json", "sample:" + args[0]}, args[1:]...)...))
		// Other processors fuse products and sums: an answer or three may change.
		got, slack := o[len(o)-1]["bits_per_byte"], 0.002
		if got == nil {
			got, slack = 100*o[len(o)-1]["top1"].(float64), 0.31
		}
		if math.Abs(got.(float64)-test.want) > slack {
			t.Errorf("%s: %.3f, want %v", test.args, got, test.want)
		}
	}
}

func TestIntegersAnswerAsFakeQuantizationDoes(t *testing.T) {
	args := []string{"eval", "sample:animals", "-s", "int8:channel", "-a", "int8:asym:static", "--inputs", "300", "--json"}
	fake, real := objects(t, done(t, "", args...))[1], objects(t, done(t, "", append(args, "--integers")...))[1]
	if math.Abs(fake["loss"].(float64)-real["loss"].(float64)) > 1e-3 {
		t.Errorf("loss %v by fake quantization, %v in integers", fake["loss"], real["loss"])
	}
	r := bitdial(t, "", "eval", "sample:animals", "-s", "int8:channel", "-a", "conv*=int8", "--inputs", "10", "--integers")
	if r.code != 0 || !strings.Contains(r.stderr, "fc.weight runs in float: what flows into it is not int8") {
		t.Errorf("exit %d, stderr %q", r.code, r.stderr)
	}
}

func TestTrainingWritesANetworkThatSurvivesItsScheme(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.safetensors")
	lines := done(t, dir, "train", "sample:animals", "-s", "int2:channel", "--epochs", "0.1", "-o", out, "--json")
	if got, want := keys(t, lines[len(lines)-1]), "step steps loss top1 seconds"; got != want {
		t.Errorf("the keys are %s, want %s", got, want)
	}
	o := objects(t, done(t, dir, "eval", "sample:animals", "--weights", out, "-s", "int2:channel", "--json"))
	if as, under := o[0]["top1"], o[1]["top1"]; as != under {
		t.Errorf("the network answers %v right, and under its scheme %v", as, under)
	}
	if top1 := o[1]["top1"].(float64); top1 < 0.6 {
		t.Errorf("a tenth of an epoch of training left %.3f at int2; 0.138 were there before", top1)
	}
	if r := bitdial(t, dir, "train", "sample:animals", "-s", "int2", "--epochs", "0.01", "-o", out); r.code != 1 || !strings.Contains(r.stderr, "--force") {
		t.Errorf("OUT is there: exit %d, stderr %q", r.code, r.stderr)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("it left %v behind", entries)
	}
}

func TestWhatCannotRunSaysSoInALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	safetensors(t, path, []float32{1, 2, 3, 4}, []int{2, 2})
	for want, args := range map[string][]string{
		"is not a sample":               {"eval", path},
		"there is none of this name":    {"eval", "sample:none"},
		"it cannot be run":              {"eval", "sample:animals", "--weights", path},
		"no tensor matches":             {"eval", "sample:animals", "-a", "no*=int8"},
		"no granularity of activations": {"eval", "sample:animals", "-a", "int8:channel"},
		"--test \"x\": there is none":   {"eval", "sample:animals", "--test", "x"},
		"carries all of its data":       {"eval", "sample:animals", "--data", "."},
		"at least one input is needed":  {"eval", "sample:animals", "--calibrate", "0"},
		"one of the two":                {"train", "sample:animals", "--epochs", "1", "--minutes", "1"},
		"diverged at step":              {"train", "sample:animals", "--rate", "1e12", "--epochs", "0.01"},
	} {
		r := bitdial(t, "", args...)
		if r.code == 0 || r.stdout != "" || !strings.Contains(r.stderr, want) || strings.Count(strings.TrimSpace(r.stderr), "\n") > 1 {
			t.Errorf("%q: exit %d, stdout %q, stderr %q; want %q", args, r.code, r.stdout, r.stderr, want)
		}
	}
}
