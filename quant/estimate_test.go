package quant

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/files"
)

// corpus opens every model file of the corpus.
func corpus(t testing.TB) []*model.Model {
	t.Helper()
	var models []*model.Model
	err := filepath.WalkDir(shared(t, "corpus/safetensors"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".safetensors") {
			return err
		}
		m, err := files.Open(path)
		if err != nil {
			return err
		}
		t.Cleanup(func() {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		})
		models = append(models, m)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return models
}

// TestTheConfidenceIntervalHoldsTheExactSQNR tries every tensor of the corpus
// with a sample much smaller than most of them, under every kind of scheme.
func TestTheConfidenceIntervalHoldsTheExactSQNR(t *testing.T) {
	for _, size := range []int{1 << 15, 1 << 12} {
		pairs, held := 0, 0
		width := 0.0
		for _, m := range corpus(t) {
			for _, tensor := range m.Tensors {
				if !Quantizable(tensor) || tensor.Len() <= size {
					continue
				}
				sum := summarize(t, tensor)
				for _, text := range schemesFor(tensor.Shape...) {
					s := mustParse(t, text)
					exact, err := Measure(t.Context(), tensor, sum, s, nil)
					if err != nil {
						t.Fatal(err)
					}
					about, err := measurement(t.Context(), tensor, sum, s, size, nil)
					if err != nil {
						t.Fatal(err)
					}
					pairs++
					if exact.E2 > 0 && about.E2 > 0 {
						width += about.SQNRHi - about.SQNRLo
					}
					if about.SQNRLo <= exact.SQNR() && exact.SQNR() <= about.SQNRHi {
						held++
					} else {
						t.Logf("%s %v %s: %.2f dB, estimated %.2f to %.2f", tensor.Name, tensor.Shape, s, exact.SQNR(), about.SQNRLo, about.SQNRHi)
					}
				}
			}
		}
		t.Logf("sample of %d: %d of %d intervals hold the exact SQNR, mean width %.2f dB", size, held, pairs, width/float64(pairs))
		if pairs == 0 || float64(held) < 0.95*float64(pairs) {
			t.Errorf("sample of %d: only %d of %d intervals hold the exact SQNR", size, held, pairs)
		}
	}
}

// TestTheEstimateHoldsOnLargeTensors does the same on channels of different
// size and on weights with heavy tails, too large for the corpus.
func TestTheEstimateHoldsOnLargeTensors(t *testing.T) {
	heavy := gaussian(t, 300, 1792)
	x := make([]float32, heavy.Len())
	if err := heavy.Read(x, 0); err != nil {
		t.Fatal(err)
	}
	for i := range x {
		x[i] *= x[i] * x[i]
	}
	pairs, held := 0, 0
	for _, tensor := range []*model.Tensor{gaussian(t, 700, 768), gaussian(t, 3, 200192), tensorOf(t, x, 300, 1792)} {
		sum := summarize(t, tensor)
		for _, text := range schemesFor(tensor.Shape...) {
			s := mustParse(t, text)
			exact, err := Measure(t.Context(), tensor, sum, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			about, err := Estimate(t.Context(), tensor, sum, s)
			if err != nil {
				t.Fatal(err)
			}
			pairs++
			if about.SQNRLo <= exact.SQNR() && exact.SQNR() <= about.SQNRHi {
				held++
			} else {
				t.Logf("%v %s: %.2f dB, estimated %.2f to %.2f", tensor.Shape, s, exact.SQNR(), about.SQNRLo, about.SQNRHi)
			}
			if about.Bytes != exact.Bytes || about.N != exact.N {
				t.Errorf("%s: %d bytes of %d weights, estimated %d of %d", s, exact.Bytes, exact.N, about.Bytes, about.N)
			}
		}
	}
	if float64(held) < 0.95*float64(pairs) {
		t.Errorf("only %d of %d intervals hold the exact SQNR", held, pairs)
	}
}
