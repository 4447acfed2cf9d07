package quant

import (
	"context"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

// TestTheDigestOfCodesWithScalesIsThatOfAllWeights: they are more bytes than their
// parts.
func TestTheDigestOfCodesWithScalesIsThatOfAllWeights(t *testing.T) {
	const n = 1 << 12
	codes, err := model.NewTensor("codes", model.U8, []int{n / 2}, model.NewFile("x", make([]byte, n/2)), 0)
	if err != nil {
		t.Fatal(err)
	}
	digest := func(last float32) Digest {
		w, err := model.NewScaled("w", model.Int4, []int{n}, []*model.Tensor{codes}, "", func(dst []float32, from int) error {
			clear(dst)
			if from+len(dst) == n {
				dst[len(dst)-1] = last
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		d, err := DigestOf(context.Background(), w, nil)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if digest(1) == digest(2) {
		t.Error("the last weight is not digested")
	}
}
