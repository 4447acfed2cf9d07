package quantized

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/bitdial/bitdial/quant/model"
)

// integers are the types of integer codes by their bits.
var integers = []*model.DType{nil, model.Int1, model.Int2, model.Int3, model.Int4, model.Int5, model.Int6, model.Int7, model.Int8}

// packedInColumns joins what GPTQ and AWQ make of a matrix, which they both store
// with its inputs as rows: qweight, qzeros and scales, in groups of inputs. GPTQ
// packs along inputs, AWQ along outputs.
func (p *parts) packedInColumns(codes *model.Tensor) *joined {
	scales, zeros := p.find(".scales"), p.find(".qzeros")
	if scales == nil || zeros == nil || codes.DType != model.I32 || zeros.DType != model.I32 || !scales.DType.Float() {
		return nil
	}
	if len(codes.Shape) != 2 || len(scales.Shape) != 2 || len(zeros.Shape) != 2 ||
		zeros.Shape[0] != scales.Shape[0] || codes.Len() == 0 || scales.Len() == 0 || zeros.Len() == 0 || scales.Shape[0] > maxGroups {
		return nil
	}
	j := &joined{name: p.base + ".weight", parts: []*model.Tensor{codes, scales, zeros}}
	out := scales.Shape[1]
	w := &weights{
		groups: scales.Shape[0],
		scales: table{t: scales, rows: out, tile: 1, row: 1, group: out}.read,
	}
	switch out {
	case codes.Shape[1]:
		return p.gptq(j, w, codes, zeros)
	case 8 * codes.Shape[1]:
		return p.awq(j, w, codes, zeros)
	}
	return nil
}

// gptq is packedInColumns of GPTQ. Its first format stores zero points less one.
func (p *parts) gptq(j *joined, w *weights, codes, zeros *model.Tensor) *joined {
	words, out := codes.Shape[0], codes.Shape[1]
	bits := p.bits(func(bits int) bool {
		return slices.Contains([]int{2, 3, 4, 8}, bits) && 32*zeros.Shape[1] == out*bits && 32*words%bits == 0
	})
	less, known := map[string]float32{"": 1, "gptq": 1, "gptq_v2": 0}[p.config.Format]
	if bits == 0 || !known || p.config.Method == "awq" {
		return nil
	}
	in := 32 * words / bits
	w.cols = in
	w.codes = packed{t: codes, bits: bits, next: out, beside: 1, rows: out}.read
	w.zeros = changed(
		packed{t: zeros, bits: bits, down: true, next: 1, beside: zeros.Shape[1], rows: out}.read,
		func(x float32) float32 { return x + less })
	j.encoding = "GPTQ"
	return p.columns(j, w, integers[bits], out, p.find(".g_idx"))
}

// awq is packedInColumns of AWQ, in the layout that it calls gemm.
func (p *parts) awq(j *joined, w *weights, codes, zeros *model.Tensor) *joined {
	const bits = 4
	words := codes.Shape[1]
	if zeros.Shape[1] != words || len(p.config.Bits) > 0 && !slices.Contains(p.config.Bits, bits) {
		return nil
	}
	out := 8 * words
	w.cols = codes.Shape[0]
	w.codes = packed{t: codes, bits: bits, down: true, next: 1, beside: words, rows: out, order: &awqOrder}.read
	w.zeros = packed{t: zeros, bits: bits, down: true, next: 1, beside: words, rows: out, order: &awqOrder}.read
	j.encoding = "AWQ"
	return p.columns(j, w, model.Int4, out, nil)
}

// columns finishes a matrix whose columns are in groups, as index lists them if it
// is not nil.
func (p *parts) columns(j *joined, w *weights, dtype *model.DType, out int, index *model.Tensor) *joined {
	j.dtype, j.shape, j.read = dtype, []int{out, w.cols}, w.read
	switch group := p.config.Group; {
	case w.groups > w.cols: // all of which an index would make every piece of a row read
		return nil
	case group > 0 && ceil(w.cols, group) == w.groups:
		w.group = group
	case w.cols%w.groups == 0:
		w.group = w.cols / w.groups
	case index != nil:
		w.group = ceil(w.cols, w.groups)
	default:
		return nil
	}
	j.encoding += ", " + groupsOf(w.group, w.cols)
	if !p.indexed(j, w, index) {
		return nil
	}
	return j
}

// indexed makes w take the group of each column from index, if there is one. It
// reports false if index does not fit.
func (p *parts) indexed(j *joined, w *weights, index *model.Tensor) bool {
	if index == nil {
		return true
	}
	if index.DType != model.I32 && index.DType != model.I64 || !slices.Equal(index.Shape, []int{w.cols}) {
		return false
	}
	w.index = index
	j.parts = append(j.parts, index)
	if p.config.Order {
		j.encoding += " in order of activation"
	}
	return true
}

func groupsOf(group, cols int) string {
	if group >= cols {
		return "a scale per row"
	}
	return fmt.Sprintf("groups of %d", group)
}

// bits returns the bits of codes: one of those that the checkpoint names, or else
// the most usual one, that fits; 0 if none does.
func (p *parts) bits(fits func(bits int) bool) int {
	for _, bits := range slices.Concat(p.config.Bits, []int{4, 8, 2, 3, 6, 5, 7, 1}) {
		if bits >= 1 && bits <= 8 && fits(bits) {
			return bits
		}
	}
	return 0
}

// packedInRows joins what compressed-tensors packs: words along the rows of a
// matrix or of several, or bytes of two e2m1.
func (p *parts) packedInRows(codes *model.Tensor) *joined {
	scale := p.find(".weight_scale")
	if scale == nil || len(codes.Shape) < 2 || codes.Len() == 0 || scale.Len() == 0 {
		return nil
	}
	j := &joined{name: p.base + ".weight", parts: []*model.Tensor{codes, scale}}
	switch codes.DType {
	case model.U8:
		return p.fp4(j, codes, scale, p.find(".weight_global_scale"), true)
	case model.I32:
		return p.words(j, codes, scale)
	}
	return nil
}

// words is packedInRows of integers. A code is the integer and half the range.
func (p *parts) words(j *joined, codes, scale *model.Tensor) *joined {
	outer, rows, words := matrices(codes.Shape)
	shape := p.find(".weight_shape")
	dims := dimensions(shape, len(codes.Shape))
	if dims == nil || !slices.Equal(dims[:len(dims)-1], codes.Shape[:len(dims)-1]) || !scale.DType.Float() {
		return nil
	}
	cols := dims[len(dims)-1]
	if cols < 1 || cols/8 > words*4 {
		return nil
	}
	apart := false // as older versions pack widths that are no powers of two
	bits := p.bits(func(bits int) bool {
		apart = ceil(cols*bits, 32) != words
		return !apart || ceil(cols, 32/bits) == words
	})
	if bits == 0 {
		return nil
	}
	s, group, name, ok := scales(scale, dims, p.config)
	if !ok {
		return nil
	}
	half := float32(int(1) << (bits - 1))
	w := &weights{
		cols: cols, group: group, groups: ceil(cols, group), scales: s.read,
		codes: packed{t: codes, bits: bits, next: 1, beside: words, matrix: rows * words, rows: rows, apart: apart}.read,
		zeros: func(dst []float32, _, _ int) error {
			for i := range dst {
				dst[i] = half
			}
			return nil
		},
	}
	j.dtype, j.shape, j.read = integers[bits], dims, w.read
	j.encoding = "compressed-tensors, " + name
	j.parts = append(j.parts, shape)
	if zero := p.find(".weight_zero_point"); zero != nil {
		if w.zeros = zeroPoints(zero, scale, s, bits, slices.Concat(outer, []int{rows}), apart); w.zeros == nil {
			return nil
		}
		j.parts = append(j.parts, zero)
	}
	if w.groups > maxGroups || !p.indexed(j, w, p.find(".weight_g_idx")) {
		return nil
	}
	return j
}

// zeroPoints returns the zero points of codes that are half the range more than
// the integers: packed along rows, or as the scales are.
func zeroPoints(zero, scale *model.Tensor, s table, bits int, lines []int, apart bool) source {
	if zero.DType == model.I8 && slices.Equal(zero.Shape, scale.Shape) {
		half := float32(int(1) << (bits - 1))
		s.t = zero
		return changed(s.read, func(x float32) float32 { return x + half })
	}
	rows := lines[len(lines)-1]
	words := ceil(rows*bits, 32)
	if apart {
		words = ceil(rows, 32/bits)
	}
	if len(scale.Shape) != len(lines)+1 || s.tile != 1 || s.row == 0 {
		return nil
	}
	groups := scale.Shape[len(lines)]
	want := slices.Concat(lines[:len(lines)-1], []int{words, groups})
	if zero.DType != model.I32 || !slices.Equal(zero.Shape, want) {
		return nil
	}
	return packed{t: zero, bits: bits, down: true, next: groups, beside: 1, matrix: words * groups, rows: rows, apart: apart}.read
}

// dimensions returns the n dimensions that t holds, nil if it does not.
func dimensions(t *model.Tensor, n int) []int {
	if t == nil || t.DType != model.I64 && t.DType != model.I32 || !slices.Equal(t.Shape, []int{n}) {
		return nil
	}
	raw := make([]byte, t.Bytes())
	if t.ReadRaw(raw, 0) != nil {
		return nil
	}
	dims := make([]int, n)
	for i := range dims {
		var d int64
		if t.DType == model.I64 {
			d = int64(binary.LittleEndian.Uint64(raw[8*i:]))
		} else {
			d = int64(int32(binary.LittleEndian.Uint32(raw[4*i:])))
		}
		dims[i] = int(d)
		if d < 0 || int64(dims[i]) != d {
			return nil
		}
	}
	if _, ok := model.Count(dims); !ok {
		return nil
	}
	return dims
}
