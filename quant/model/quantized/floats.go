package quantized

import (
	"slices"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// e2m1 are the values of its codes.
var e2m1 = func() (v [16]float32) {
	codes := make([]byte, len(v))
	for i := range codes {
		codes[i] = byte(i)
	}
	kernels.E2M1.Decode(v[:], codes)
	return v
}()

// fp4 joins bytes of two e2m1, the first in the low bits, with scales of 16
// weights in e4m3 and one for all, which divides them or multiplies, or with
// powers of two for 32.
func (p *parts) fp4(j *joined, codes, scale, global *model.Tensor, divide bool) *joined {
	last := len(codes.Shape) - 1
	if codes.DType != model.U8 || last < 0 || codes.Shape[last] > 1<<40 {
		return nil
	}
	j.shape = slices.Clone(codes.Shape)
	j.shape[last] *= 2
	share := 32
	if scale.DType == model.F8E4M3 {
		share = 16
	}
	s, group, name, ok := scales(scale, j.shape, Config{Group: share})
	if !ok || s.tile != 1 || group != share {
		return nil
	}
	cols := j.shape[last]
	w := &weights{cols: cols, group: group, scales: s.read, codes: nibbles{t: codes, cols: cols, values: func(v *[16]float32) error {
		*v = e2m1
		return nil
	}}.read}
	switch {
	case scale.DType == model.U8 || scale.DType == model.F8E8M0:
		j.dtype, w.scales = model.MXFP4, powers(s.read, scale)
	case scale.DType == model.F8E4M3 && global != nil && single(global) && global.DType.Float():
		j.dtype, w.scales = model.NVFP4, times(s.read, global, divide)
		j.parts = append(j.parts, global)
	default:
		return nil
	}
	j.encoding, j.read = name, w.read
	return j
}

// pairs joins blocks of 32 e2m1 in 16 bytes with their scales, as gpt-oss has them.
func (p *parts) pairs(blocks *model.Tensor) *joined {
	end := blocks.Name[len(p.base):]
	scale := p.find(end[:1] + "scales")
	n := len(blocks.Shape)
	if scale == nil || n < 2 || blocks.Shape[n-1] != 16 || blocks.DType != model.U8 || scale.DType != model.U8 && scale.DType != model.F8E8M0 ||
		!slices.Equal(scale.Shape, blocks.Shape[:n-1]) || blocks.Len() == 0 || blocks.Shape[n-2] > 1<<40 {
		return nil
	}
	shape := append(slices.Clone(blocks.Shape[:n-2]), 32*blocks.Shape[n-2])
	cols := shape[n-2]
	s := table{t: scale, rows: scale.Len(), tile: 1, row: blocks.Shape[n-2], group: 1}
	w := &weights{cols: cols, group: 32, scales: powers(s.read, scale), codes: nibbles{t: blocks, cols: cols, values: func(v *[16]float32) error {
		*v = e2m1
		return nil
	}}.read}
	return &joined{
		name: p.base, dtype: model.MXFP4, shape: shape, encoding: "groups of 32",
		parts: []*model.Tensor{blocks, scale}, read: w.read,
	}
}

// small are the floats of a byte that have scales.
var small = map[*model.DType]*model.DType{model.F8E4M3: model.FP8E4M3, model.F8E5M2: model.FP8E5M2, model.I8: model.Int8}

// scaled joins codes of a byte that are called as weights are with their scales.
func (p *parts) scaled(codes *model.Tensor) *joined {
	if p.named(codes.Name+".absmax") != nil {
		return p.codebook(codes)
	}
	j := &joined{name: codes.Name, shape: codes.Shape, dtype: small[codes.DType]}
	scale := p.find(".weight_scale")
	if scale != nil && codes.DType == model.U8 {
		j.parts = []*model.Tensor{codes, scale}
		return p.fp4(j, codes, scale, p.find(".weight_scale_2"), false)
	}
	if j.dtype == nil {
		return nil
	}
	if inverse := p.find(".weight_scale_inv"); scale == nil { // the inverse of what quantized
		scale = inverse
	}
	rowwise := p.find(".SCB")
	if scale == nil && codes.DType == model.I8 {
		scale = rowwise
	}
	if scale == nil {
		return nil
	}
	s, group, name, ok := scales(scale, codes.Shape, p.config)
	if !ok {
		return nil
	}
	_, _, cols := matrices(codes.Shape)
	w := &weights{cols: cols, group: group, groups: ceil(cols, group), codes: plain(codes, cols), scales: s.read}
	j.parts, j.encoding, j.read = []*model.Tensor{codes, scale}, name, w.read
	switch {
	case scale == rowwise:
		return p.rowwise(j, w, s)
	case (scale.DType == model.U8 || scale.DType == model.F8E8M0) && group == 32 && s.tile == 1 && codes.DType == model.F8E4M3:
		j.dtype, w.scales = model.MXFP8, powers(s.read, scale)
	case !scale.DType.Float():
		return nil
	}
	if zero := p.find(".weight_zero_point"); zero != nil {
		if !slices.Equal(zero.Shape, scale.Shape) || zero.DType != model.I8 && !zero.DType.Float() {
			return nil
		}
		z := s
		z.t = zero
		w.zeros = z.read
		j.parts = append(j.parts, zero)
	}
	if w.groups > maxGroups || !p.indexed(j, w, p.find(".weight_g_idx")) {
		return nil
	}
	return j
}

// rowwise finishes what bitsandbytes stores as int8: the scale of a row is its
// largest weight.
func (p *parts) rowwise(j *joined, w *weights, s table) *joined {
	if !s.t.DType.Float() || len(s.t.Shape) != 1 {
		return nil
	}
	w.scales = changed(s.read, func(x float32) float32 { return x / 127 })
	j.encoding = "bitsandbytes, a scale per row"
	if layout := p.find(".weight_format"); layout != nil {
		var v [1]float32
		if !single(layout) || layout.Read(v[:], 0) != nil || v[0] != 0 { // rows follow each other
			return nil
		}
		j.parts = append(j.parts, layout)
	}
	return j
}
