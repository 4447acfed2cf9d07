package quant

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/bitdial/bitdial/kernels"
)

// TestDoubledScalesAreThoseOfAllGroupsLessTheirMean does it in a plain loop:
// the magnitudes of all groups, their mean, the scales that come back; weights
// are encoded by the former and decoded by the latter.
func TestDoubledScalesAreThoseOfAllGroupsLessTheirMean(t *testing.T) {
	for _, c := range []struct {
		scheme string
		group  int
	}{{"nf4:g64:scale=dq", 64}, {"fp4_bnb:g32:scale=dq", 32}, {"nf4:g4096:scale=dq", 4096}} {
		const rows, row = 40, 9000 // the last group of a row is shorter
		tensor := gaussian(t, rows, row)
		x := make([]float32, rows*row)
		if err := tensor.Read(x, 0); err != nil {
			t.Fatal(err)
		}
		var groups [][]float32
		for i := 0; i < len(x); i += row {
			groups = slices.AppendSeq(groups, slices.Chunk(x[i:i+row], c.group))
		}
		var scales []float32
		var sum float64
		for _, g := range groups {
			lo, hi := kernels.Extremes(g)
			scales = append(scales, max(-lo, hi))
			sum += float64(max(-lo, hi))
		}
		back := make([]float32, len(scales))
		kernels.DoubleQuantize(back, scales, float32(sum/float64(len(scales))))

		s := mustParse(t, c.scheme)
		var want []float32
		for i, g := range groups {
			y := make([]float32, len(g))
			m := kernels.GridMap{Grid: s.Format.Grid, Scale: back[i], Inverse: 1 / scales[i]}
			m.RoundTrip(y, g, nil, 0, 0)
			want = append(want, y...)
		}
		summary := summarize(t, tensor)
		var got []float32
		err := Dequantize(t.Context(), tensor, summary, s, nil, func(y []float32) error {
			got = append(got, y...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: weights differ from the definition", c.scheme)
		}
		traces, err := ExplainWeights(t.Context(), tensor, summary, s, row-3, 6)
		if err != nil {
			t.Fatal(err)
		}
		for _, trace := range traces {
			if trace.Step.Value != want[trace.Index] {
				t.Errorf("%s: weight %d is explained as %v, and comes back as %v", c.scheme, trace.Index, trace.Step.Value, want[trace.Index])
			}
		}
	}
}

// TestDoubledScalesCostLittleError compares with float32 scales: QLoRA reports
// no loss.
func TestDoubledScalesCostLittleError(t *testing.T) {
	tensor := gaussian(t, 64, 3072)
	for _, groups := range []string{"nf4:g64", "fp4_bnb:g64"} {
		plain, doubled := measure(t, tensor, groups+":scale=f32"), measure(t, tensor, groups+":scale=dq")
		if lost := plain.SQNR() - doubled.SQNR(); math.Abs(lost) > 0.1 {
			t.Errorf("%s: doubly quantized scales lose %.2f dB", groups, lost)
		}
		if doubled.Bytes >= plain.Bytes {
			t.Errorf("%s: %d bytes, with float32 scales %d", groups, doubled.Bytes, plain.Bytes)
		}
	}
}

func TestScalesAreDoublyQuantizedOnlyWhereBitsandbytesDoes(t *testing.T) {
	for _, scheme := range []string{"nf4", "nf4:g64", "nf4:g4096", "nf4:g8192", "nf4:channel", "fp4_bnb:g32", "int4:g32", "kmeans4:g64", "fp4_e2m1:g32"} {
		s := mustParse(t, scheme)
		bitsandbytes := s.Has(kernels.Doubled) && s.Granularity > 0 && s.Granularity <= 4096
		_, err := Parse(scheme + ":scale=dq")
		if (err == nil) != bitsandbytes {
			t.Errorf("%s:scale=dq: %v", scheme, err)
		}
		offered := slices.ContainsFunc(storeOptions(s), func(o Option[Scheme]) bool { return o.Scheme.Store == kernels.DoubleQuantized })
		if offered != bitsandbytes {
			t.Errorf("%s: the dial offers scale=dq: %v", scheme, offered)
		}
	}
}

func TestACancelledPassForDoubledScalesStops(t *testing.T) {
	tensor := gaussian(t, 64, 4096)
	sum := summarize(t, tensor)
	s := mustParse(t, "nf4:g64:scale=dq")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Estimate(ctx, tensor, sum, s); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if sum.doubled.Load() != nil {
		t.Error("scales of a cancelled pass are kept")
	}
}
