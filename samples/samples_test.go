package samples_test

import (
	"math"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/samples"
)

func TestEverySampleOpensAndHoldsRealWeights(t *testing.T) {
	for _, s := range samples.All {
		m, err := samples.Open(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		if m.Name != s.Name || m.Path != samples.Prefix+s.Name || s.About == "" {
			t.Errorf("%q at %q: %q", m.Name, m.Path, s.About)
		}
		for _, w := range m.Tensors {
			dst := make([]float32, w.Len())
			if err := w.Read(dst, 0); err != nil {
				t.Fatal(err)
			}
			var sum float64
			for _, x := range dst {
				sum += math.Abs(float64(x))
			}
			if mean := sum / float64(len(dst)); !(mean > 1e-4 && mean < 10) {
				t.Errorf("%s: %s: the mean of |x| is %v", s.Name, w.Name, mean)
			}
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTheAnimalsNetworkIsWhole(t *testing.T) {
	m, err := samples.Open("animals")
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Tensors) != 10 || m.Params() != 61_292 {
		t.Errorf("%d tensors of %d weights", len(m.Tensors), m.Params())
	}
}

func TestAnUnknownSampleNamesThoseThatExist(t *testing.T) {
	_, err := samples.Open("plants")
	if err == nil {
		t.Fatal("it was opened")
	}
	for _, name := range samples.Names() {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}
