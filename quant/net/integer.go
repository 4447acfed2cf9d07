package net

import (
	"math"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// integer is a layer that runs in integers: bytes in, exact 32-bit sums,
// rescaled. Its result is that of fake quantization up to the rounding of
// floats.
type integer struct {
	weights []*kernels.PackedInt8 // by group: patch or inputs × outputs
	scale   []float32             // by output
	bias    []float32
	scratch []integerSpace // by thread
}

type integerSpace struct {
	codes, patches []uint8
	sums           []int32
	work           kernels.MatMulSpace
}

// whyNotInteger returns why the layer of node n does not run in integers under
// v, or "".
func (v *Variant) whyNotInteger(n *Node) string {
	w := n.Inputs[1]
	weight := v.Graph.Weight[w]
	if weight == nil {
		return "it multiplies two values that are both computed"
	}
	maps := v.maps[w]
	in := v.inputs[v.Graph.siteName(n)]
	switch {
	case maps == nil || maps[0].Min < -128 || maps[0].Max > 127:
		return "its weight is not int8 or narrower"
	case len(maps) != 1 && (len(maps) != weight.Shape[0] || weight.Shape[0] == 1):
		return "its weight has scales within a row"
	case len(maps) != 1 && (n.Op == matMul.name || n.Op == gemm.name && n.int("transB", 0) == 0):
		return "the channels of its weight are inputs, which a sum joins"
	case in.scheme.Keep() || !in.scheme.Format.Integer() || in.scheme.Format.Bits > 8:
		return "what flows into it is not int8 or narrower"
	case in.scheme.Granularity > 0:
		return "what flows into it has scales within a row"
	case in.scheme.Granularity == quant.PerChannel && n.Op == conv.name:
		return "what flows into it has scales within a patch"
	case in.scheme.Rounding != kernels.Roundings[0]:
		return "what flows into it is not rounded to nearest"
	}
	for _, m := range maps {
		if m.Zero != 0 {
			return "its weight has zero points"
		}
	}
	return ""
}

// roundBiases gives the biases of layers whose weights and inputs are integers
// of fixed scales the values that 32-bit integers at scale_x·scale_w have.
func (v *Variant) roundBiases() {
	for i := range v.Graph.Nodes {
		n := &v.Graph.Nodes[i]
		if !takesSchemes(n) || len(n.Inputs) < 3 || v.Graph.Weight[n.Inputs[2]] == nil || v.whyNotInteger(n) != "" {
			continue
		}
		x, ok := v.inputs[v.Graph.siteName(n)].static.(kernels.Affine)
		if !ok {
			continue
		}
		bias := v.Graph.Weight[n.Inputs[2]]
		rounded := &Weight{bias.Shape, make([]float32, len(bias.Data))}
		maps := v.maps[n.Inputs[1]]
		for k, b := range bias.Data {
			step := float64(x.Scale) * float64(maps[min(k, len(maps)-1)].Scale)
			rounded.Data[k] = b
			if code := math.RoundToEven(float64(b) / step); math.Abs(code) <= math.MaxInt32 { // neither NaN
				rounded.Data[k] = float32(code * step)
			}
		}
		v.Graph.Weight[n.Inputs[2]] = rounded
	}
}
