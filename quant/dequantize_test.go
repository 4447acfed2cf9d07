package quant

import (
	"math"
	"testing"
)

// TestPackingsRefuseWhatTheyHaveNoCodeFor exports weights that are not finite:
// an error tells the first, and no file is left; of formats that are not packed
// they come back as they are.
func TestPackingsRefuseWhatTheyHaveNoCodeFor(t *testing.T) {
	x := make([]float32, 1<<16)
	x[40000], x[50000] = float32(math.Inf(-1)), float32(math.NaN())
	tensor := tensorOf(t, x, 256, 256)
	sum := summarize(t, tensor)
	for scheme, want := range map[string]string{
		"q4_K": "weight: weight 40000 is -Inf: q4_K has no code for it", "iq2_xs": "weight: weight 40000 is -Inf: iq2_xs has no code for it",
		"int4:g32": "", "mxfp4": "",
	} {
		n := 0
		err := Dequantize(t.Context(), tensor, sum, mustParse(t, scheme), nil, func(y []float32) error {
			n += len(y)
			return nil
		})
		switch {
		case want == "" && (err != nil || n != len(x)):
			t.Errorf("%s: %d weights, %v", scheme, n, err)
		case want != "" && (err == nil || err.Error() != want || n > 0):
			t.Errorf("%s: %d weights, %v, want the error %q", scheme, n, err, want)
		}
	}
}
