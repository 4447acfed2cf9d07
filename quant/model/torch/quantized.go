package torch

import (
	"fmt"
	"sync"

	"github.com/bitdial/bitdial/quant/model"
)

// The ways in which a tensor is quantized; the last has zero points that are no
// integers.
const (
	perTensor       = "torch.per_tensor_affine"
	perChannel      = "torch.per_channel_affine"
	perChannelFloat = "torch.per_channel_affine_float_qparams"
)

// quantizer says what weights the numbers of a tensor stand for: scale·(number −
// zero point).
type quantizer struct {
	scales, zeros numbers
	axis          int64 // along which there are several, or NoAxis
}

// numbers are written into the pickle, or are a tensor.
type numbers struct {
	values []float32
	tensor *tensor
}

func (n numbers) len() int {
	if n.tensor == nil {
		return len(n.values)
	}
	count, _ := model.Count(n.tensor.shape)
	return count
}

// quantized makes a tensor as [machine.tensor] does; its fifth argument is how it
// is quantized, a scale, a zero point and, if there are several, their axis.
func (m *machine) quantized(args tuple) (any, error) {
	if len(args) < 5 {
		return nil, m.fail(ruleCall, "%d arguments", len(args))
	}
	v, err := m.tensor(args)
	if err != nil {
		return nil, err
	}
	params, _ := args[4].(tuple)
	if len(params) < 3 {
		return nil, m.fail(ruleQuantizer, "%s", shown(args[4]))
	}
	scheme, _ := params[0].(global)
	q := &quantizer{axis: model.NoAxis}
	switch name := scheme.String(); {
	case name == perTensor && len(params) == 3:
	case (name == perChannel || name == perChannelFloat) && len(params) == 4:
		axis, ok := params[3].(int64)
		if !ok || axis < 0 {
			return nil, m.fail(ruleQuantizer, "%s for an axis", shown(params[3]))
		}
		q.axis = axis
	default:
		return nil, m.fail(ruleQuantizer, "%.80q of %d", name, len(params))
	}
	if q.scales, err = m.numbers(params[1]); err == nil {
		q.zeros, err = m.numbers(params[2])
	}
	t, _ := v.(*tensor)
	t.quantizer = q
	return t, err
}

// numbers returns the numbers that v is.
func (m *machine) numbers(v any) (numbers, error) {
	if t, ok := v.(*tensor); ok && t.quantizer == nil {
		return numbers{tensor: t}, nil
	}
	items := []any{v}
	if l, ok := v.(*list); ok {
		items = l.items
	}
	if err := m.charge(4 * len(items)); err != nil {
		return numbers{}, err
	}
	n := numbers{values: make([]float32, len(items))}
	for i, item := range items {
		switch x := item.(type) {
		case int64:
			n.values[i] = float32(x)
		case float64:
			n.values[i] = float32(x)
		default:
			return n, m.fail(ruleQuantizer, "%s for a number", shown(item))
		}
	}
	return n, nil
}

// scaledTypes are the types of quantized tensors by that of their numbers.
var scaledTypes = map[*model.DType]struct {
	dtype *model.DType
	name  string
}{
	model.I8: {model.Int8, "qint8"}, model.U8: {model.Int8, "quint8"}, model.I32: {model.Int32, "qint32"},
}

// dequantized returns the weights that codes stand for; open opens a tensor.
func (t named) dequantized(file string, codes *model.Tensor, open func(named) (*model.Tensor, error)) (*model.Tensor, error) {
	q := t.quantizer
	fail := func(format string, args ...any) error {
		return &model.Error{File: file, Offset: t.at, Rule: ruleQuantizer, Found: fmt.Sprintf("tensor %q: ", t.name) + fmt.Sprintf(format, args...)}
	}
	as, ok := scaledTypes[t.dtype]
	if !ok {
		return nil, fail("numbers of %s", t.dtype)
	}
	w := &weights{codes: codes, inner: max(1, codes.Len()), dim: 1}
	encoding := as.name + " per tensor"
	if q.axis != model.NoAxis {
		if q.axis >= int64(len(t.shape)) {
			return nil, fail("axis %d of shape %v", q.axis, t.shape)
		}
		w.dim, w.inner = t.shape[q.axis], 1
		for _, d := range t.shape[q.axis+1:] {
			w.inner *= d
		}
		encoding = fmt.Sprintf("%s along axis %d", as.name, q.axis)
	}
	if s, z := q.scales.len(), q.zeros.len(); s != w.dim || z != w.dim {
		return nil, fail("%d scales and %d zero points for %d", s, z, w.dim)
	}
	parts := []*model.Tensor{codes}
	load := func(n numbers) (func() ([]float32, error), error) {
		if n.tensor == nil {
			return func() ([]float32, error) { return n.values, nil }, nil
		}
		in, err := open(named{t.name, n.tensor})
		if err != nil {
			return nil, err
		}
		parts = append(parts, in)
		return sync.OnceValues(func() ([]float32, error) {
			x := make([]float32, in.Len())
			return x, in.Read(x, 0)
		}), nil
	}
	var err error
	if w.scales, err = load(q.scales); err != nil {
		return nil, err
	}
	if w.zeros, err = load(q.zeros); err != nil {
		return nil, err
	}
	return model.NewScaled(t.name, as.dtype, t.shape, parts, encoding, w.read)
}

// weights computes weights from codes.
type weights struct {
	codes         *model.Tensor
	inner, dim    int // weights of a step along the axis, steps
	scales, zeros func() ([]float32, error)
}

// read is what [model.NewScaled] asks for.
func (w *weights) read(dst []float32, from int) error {
	scales, err := w.scales()
	if err != nil {
		return err
	}
	zeros, err := w.zeros()
	if err != nil {
		return err
	}
	if err := w.codes.Read(dst, from); err != nil {
		return err
	}
	for i := 0; i < len(dst); {
		step := (from + i) / w.inner
		end := min(len(dst), (step+1)*w.inner-from)
		scale, zero := scales[step%w.dim], zeros[step%w.dim]
		for ; i < end; i++ {
			dst[i] = (dst[i] - zero) * scale
		}
	}
	return nil
}
