package quant

import (
	"testing"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/safetensors"
)

// TestTheOptimalScaleOfIntegersIsNeverWorseThanAnyClipping compares group by
// group those of the same codes, with scales that no rounding touches, and with float16 ones within
// what their rounding costs.
func TestTheOptimalScaleOfIntegersIsNeverWorseThanAnyClipping(t *testing.T) {
	const group = 32
	heavy := make([]float32, 64*group)
	for i, v := range weightsOf(t, gaussian(t, 1, len(heavy))) {
		heavy[i] = v * v * v
	}
	for _, x := range [][]float32{weightsOf(t, gaussian(t, 64, group)), heavy} {
		for i := 0; i < len(x); i += group {
			tensor := tensorOf(t, x[i:i+group], 1, group)
			for _, bits := range []string{"int2", "int3", "int4", "int8"} {
				for store, slack := range map[string]float64{"f32": 1e-5, "f16": 0.02} {
					scheme := func(how string) string { return bits + ":g32:scale=" + store + ":" + how }
					best := measure(t, tensor, scheme("search=optimal"))
					for _, how := range []string{"range=minmax", "range=mse", "range=p95"} {
						if other := measure(t, tensor, scheme(how)); best.E2 > other.E2*(1+slack) {
							t.Errorf("group %d: %s has squared error %v, %s has %v", i/group, best.Scheme, best.E2, other.Scheme, other.E2)
						}
					}
				}
			}
		}
	}
}

func weightsOf(t testing.TB, tensor *model.Tensor) []float32 {
	t.Helper()
	x := make([]float32, tensor.Len())
	if err := tensor.Read(x, 0); err != nil {
		t.Fatal(err)
	}
	return x
}

// BenchmarkOptimalOnTheSample tells what the optimal scale saves in error, in
// dB, on the weights of a trained network, and what it costs in time.
func BenchmarkOptimalOnTheSample(b *testing.B) {
	m, err := safetensors.Open("../samples/animals/animals.safetensors")
	if err != nil {
		b.Fatal(err)
	}
	var x []float32 // in rows of whole blocks, as a larger network's are
	for _, tensor := range m.Tensors {
		if IsWeight(tensor) {
			x = append(x, weightsOf(b, tensor)...)
		}
	}
	x = x[:len(x)/32*32]
	tensor := tensorOf(b, x, 1, len(x))
	sum := summarize(b, tensor)
	for _, format := range []string{"q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "int4:g32"} {
		b.Run(format, func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			s := mustParse(b, format+":search=optimal")
			var best *Measurement
			for b.Loop() {
				if best, err = Measure(b.Context(), tensor, sum, s, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(best.SQNR()-measure(b, tensor, format).SQNR(), "dB-less")
		})
	}
}
