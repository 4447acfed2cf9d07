package quantized

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/bitdial/bitdial/quant/model"
)

// maxState is more than the description of a tensor takes, in bytes.
const maxState = 1 << 12

// state is what bitsandbytes says of a tensor in JSON.
type state struct {
	Block  int     `json:"blocksize"`
	Shape  []int   `json:"shape"`
	Outer  int     `json:"nested_blocksize"`
	Offset float64 `json:"nested_offset"`
}

// codebooks are the types of bitsandbytes by the end of what describes them.
var codebooks = []struct {
	end   string
	dtype *model.DType
}{
	{".quant_state.bitsandbytes__nf4", model.NF4},
	{".quant_state.bitsandbytes__fp4", model.FP4},
}

// codebook joins what bitsandbytes makes of a tensor: codes of four bits for all
// weights in order, the first in the high bits, a codebook of 16 values, and the
// largest magnitude of each block of weights. These may be coded too, by a codebook
// of 256 values with scales and an offset of their own.
func (p *parts) codebook(codes *model.Tensor) *joined {
	at := func(end string) *model.Tensor { return p.named(codes.Name + end) }
	absmax, values := at(".absmax"), at(".quant_map")
	j := &joined{name: codes.Name}
	var st state
	for _, c := range codebooks {
		if t := at(c.end); t != nil {
			if j.dtype != nil || !st.read(t) {
				return nil
			}
			j.dtype, j.parts = c.dtype, []*model.Tensor{codes, absmax, values, t}
		}
	}
	n, ok := model.Count(st.Shape)
	if j.dtype == nil || !ok || n == 0 || st.Block < 1 || int64(n/2+n%2) != codes.Bytes() ||
		values == nil || values.Len() != 16 || !values.DType.Float() || absmax.Len() != ceil(n, st.Block) {
		return nil
	}
	w := &weights{cols: n, group: st.Block, codes: nibbles{t: codes, high: true, values: func(v *[16]float32) error {
		return values.Read(v[:], 0)
	}}.read, scales: plain(absmax, 0)}
	j.shape, j.read = st.Shape, w.read
	j.encoding = fmt.Sprintf("bitsandbytes, groups of %d", st.Block)
	if absmax.DType.Float() {
		return j
	}
	nested := doubled{absmax, at(".nested_absmax"), at(".nested_quant_map"), st.Outer, float32(st.Offset)}
	if absmax.DType != model.U8 || !nested.fit() {
		return nil
	}
	w.scales = nested.read
	j.parts = append(j.parts, nested.outer, nested.values)
	j.encoding += fmt.Sprintf(" with scales in groups of %d", st.Outer)
	return j
}

// read reads the description that t is, and reports whether it is one.
func (st *state) read(t *model.Tensor) bool {
	if t.DType != model.U8 || t.Len() > maxState {
		return false
	}
	b := make([]byte, t.Len())
	return t.ReadRaw(b, 0) == nil && json.Unmarshal(b, st) == nil
}

// doubled is scales that are codes for 256 values, with scales of their own.
type doubled struct {
	codes, outer, values *model.Tensor
	group                int
	offset               float32
}

func (d doubled) fit() bool {
	return d.outer != nil && d.values != nil && d.outer.DType.Float() && d.values.DType.Float() && d.values.Len() == 256 &&
		d.group > 0 && d.outer.Len() == ceil(d.codes.Len(), d.group) && !math.IsNaN(float64(d.offset))
}

// read is a [source] of one row.
func (d doubled) read(dst []float32, _, i int) error {
	var values [256]float32
	if err := d.values.Read(values[:], 0); err != nil {
		return err
	}
	if err := d.codes.Read(dst, i); err != nil {
		return err
	}
	var outer [1]float32
	for j := range dst {
		if j == 0 || (i+j)%d.group == 0 {
			if err := d.outer.Read(outer[:], (i+j)/d.group); err != nil {
				return err
			}
		}
		dst[j] = values[byte(dst[j])]*outer[0] + d.offset
	}
	return nil
}
