package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/bitdial/bitdial/quant/model"
)

// quantization says what weights integers stand for: (code − zero)·scale.
type quantization struct {
	scale, zero *description // zero may be nil
	axis        int          // along which there are several scales, or NoAxis
	block       int          // weights along the axis that share a scale
}

// integers are the inputs of a node that hold weights: their codes, scales and
// zero points.
type integers struct {
	codes, scale, zero int
	axis               func(n *node, dims int) int64 // where scales are counted if there are several
}

// dequantizers are the nodes that make weights of integers, or compute as if
// they did.
var dequantizers = map[string]integers{
	dequantizeLinear: {0, 1, 2, func(n *node, _ int) int64 {
		if n.hasAxis {
			return n.axis
		}
		return 1 // as the operator has it
	}},
	"QLinearConv":   {3, 4, 5, func(*node, int) int64 { return 0 }},
	"QLinearMatMul": {3, 4, 5, func(_ *node, dims int) int64 { return int64(dims - 1) }},
}

const dequantizeLinear = "DequantizeLinear"

// note keeps with d what weights it stands for if it is the codes of n, whose
// i-th input it is, and otherwise that n works with its integers. It reports
// whether n only makes weights of d, so that those who take its output use them.
func (d *description) note(n *node, i int, here scope) (made bool) {
	in, ok := dequantizers[string(n.op)]
	var q *quantization
	if ok && i == in.codes && d.kind.integers() {
		q = in.quantization(n, d, here)
	}
	if q == nil || d.quantized != nil && *d.quantized != *q {
		d.plain = true
		return false
	}
	d.quantized = q
	return string(n.op) == dequantizeLinear && len(n.outputs) == 1
}

// integers reports whether numbers of the type may be codes: small ones.
func (k *dataType) integers() bool {
	return k.codes != nil || k.dtype.Bytes == 1 && k.dtype != model.Bool || !k.dtype.Float() && k.dtype.Bytes <= 4
}

// quantization returns how n makes weights of d, or nil if its scales are not in
// the file or not of a shape that fits.
func (in integers) quantization(n *node, d *description, here scope) *quantization {
	q := &quantization{axis: model.NoAxis}
	input := func(i int) *description {
		if i >= len(n.inputs) {
			return nil
		}
		return here.find(n.inputs[i]).description
	}
	q.scale, q.zero = input(in.scale), input(in.zero)
	switch {
	case q.scale == nil || !q.scale.kind.dtype.Float() || q.scale.n == 0 || q.scale == d || q.zero == d,
		q.zero == nil && in.zero < len(n.inputs) && len(n.inputs[in.zero]) > 0,
		q.zero != nil && q.zero.n != q.scale.n:
		return nil
	case q.scale.n == 1:
		return q
	}
	axis := in.axis(n, len(d.shape))
	if axis < 0 {
		axis += int64(len(d.shape))
	}
	if axis < 0 || axis >= int64(len(d.shape)) {
		return nil
	}
	q.axis, q.block = int(axis), 1
	if len(q.scale.shape) == 1 && n.block == 0 {
		if q.scale.n != d.shape[q.axis] {
			return nil
		}
		return q
	}
	if len(q.scale.shape) != len(d.shape) || n.block < 1 || n.block > math.MaxInt32 {
		return nil
	}
	q.block = int(n.block)
	for i, dim := range d.shape {
		if i == q.axis {
			dim = (dim-1)/q.block + 1
		}
		if q.scale.shape[i] != dim {
			return nil
		}
	}
	return q
}

// encoding says how the weights are held.
func (q *quantization) encoding(d *description) string {
	switch {
	case q.axis == model.NoAxis:
		return d.kind.name + " per tensor"
	case len(q.scale.shape) == 1:
		return fmt.Sprintf("%s along axis %d", d.kind.name, q.axis)
	}
	return fmt.Sprintf("%s in groups of %d along axis %d", d.kind.name, q.block, q.axis)
}

// open returns the weights that codes stand for, given their scales and zero
// points.
func (q *quantization) open(d *description, f *model.File, codes, scale, zero *model.Tensor) (*model.Tensor, error) {
	w := &weights{codes: codes, inner: codes.Len(), dim: 1, block: 1}
	if q.axis != model.NoAxis {
		w.inner, w.block, w.dim = 1, q.block, d.shape[q.axis]
		for _, dim := range d.shape[q.axis+1:] {
			w.inner *= dim
		}
		if len(q.scale.shape) > 1 {
			w.inside = w.inner
		}
	}
	w.load = sync.OnceValues(func() (scales, error) { return loadScales(scale, zero) })
	t, err := model.NewComputed(d.name, model.F32, d.shape, f, d.at, w.fill)
	if err != nil {
		return nil, err
	}
	t.Encoding, t.Uses = q.encoding(d), codes.Uses
	return t, nil
}

// scales are what turns codes into weights; zeros is nil if all are 0.
type scales struct{ scales, zeros []float32 }

// loadScales reads scales, which are few beside the weights.
func loadScales(scale, zero *model.Tensor) (scales, error) {
	s := scales{scales: make([]float32, scale.Len())}
	if err := scale.Read(s.scales, 0); err != nil || zero == nil {
		return s, err
	}
	s.zeros = make([]float32, zero.Len())
	return s, zero.Read(s.zeros, 0)
}

// weights computes weights from codes.
type weights struct {
	codes  *model.Tensor
	inner  int // weights of a step along the axis
	dim    int // steps along the axis
	block  int // steps that share scales
	inside int // scales of a step: inner if they are counted within it too, 0 if not
	load   func() (scales, error)
}

// fill stores weights; see [model.NewComputed].
func (w *weights) fill(dst []byte, from int) error {
	s, err := w.load()
	if err != nil {
		return err
	}
	buf := floatBuffers.Get().(*[1 << 10]float32)
	defer floatBuffers.Put(buf)
	for len(dst) > 0 {
		x := buf[:min(len(dst)/4, len(buf))]
		if err := w.codes.Read(x, from); err != nil {
			return err
		}
		for i := 0; i < len(x); {
			within := (from + i) % w.inner
			run := min(len(x)-i, w.inner-within)
			at, step := w.scale(from+i-within), 0
			if w.inside > 0 {
				at, step = at+within, 1
			}
			for j := range x[i : i+run] {
				zero := float32(0)
				if s.zeros != nil {
					zero = s.zeros[at]
				}
				x[i+j] = (x[i+j] - zero) * s.scales[at]
				at += step
			}
			i += run
		}
		for i, v := range x {
			binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
		}
		dst, from = dst[4*len(x):], from+len(x)
	}
	return nil
}

// scale returns the place of the scale of the weight at i, where a step along the
// axis begins.
func (w *weights) scale(i int) int {
	step := i / w.inner
	along := step % w.dim / w.block
	if w.inside == 0 {
		return along
	}
	blocks := (w.dim-1)/w.block + 1
	return (step/w.dim*blocks + along) * w.inside
}

var floatBuffers = sync.Pool{New: func() any { return new([1 << 10]float32) }}
