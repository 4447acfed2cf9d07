package torch

import (
	"math"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// makers are the names that a pickle may call, and what they make.
var makers map[string]func(m *machine, args tuple) (any, error)

func init() { // a map literal would refer to itself
	makers = map[string]func(m *machine, args tuple) (any, error){
		"collections.OrderedDict":                    (*machine).ordered,
		"builtins.set":                               (*machine).first,
		"__builtin__.set":                            (*machine).first,
		"_codecs.encode":                             (*machine).first, // how Python 2 is given bytes
		"torch.Size":                                 (*machine).first,
		"torch.device":                               (*machine).first,
		"torch._utils._rebuild_tensor":               (*machine).tensor,
		"torch._utils._rebuild_tensor_v2":            (*machine).tensor,
		"torch._utils._rebuild_tensor_v3":            (*machine).typedTensor,
		"torch._utils._rebuild_qtensor":              (*machine).quantized,
		"torch._utils._rebuild_parameter":            (*machine).first,
		"torch._utils._rebuild_parameter_with_state": (*machine).first,
		"torch._tensor._rebuild_from_type_v2":        (*machine).subclass,
		"torch.jit._pickle.build_intlist":            (*machine).first,
		"torch.jit._pickle.build_doublelist":         (*machine).first,
		"torch.jit._pickle.build_boollist":           (*machine).first,
		"torch.jit._pickle.build_tensorlist":         (*machine).first,
		"torch.jit._pickle.restore_type_tag":         (*machine).first,
	}
}

// storages are the types of storages.
var storages = map[string]*model.DType{
	"torch.DoubleStorage": model.F64, "torch.FloatStorage": model.F32, "torch.HalfStorage": model.F16, "torch.BFloat16Storage": model.BF16,
	"torch.LongStorage": model.I64, "torch.IntStorage": model.I32, "torch.ShortStorage": model.I16, "torch.CharStorage": model.I8,
	"torch.ByteStorage": model.U8, "torch.BoolStorage": model.Bool,
	"torch.QInt8Storage": model.I8, "torch.QUInt8Storage": model.U8, "torch.QInt32Storage": model.I32, // of quantized tensors
	"torch.storage.UntypedStorage": nil, "torch.UntypedStorage": nil,
}

// dtypes are the types of tensors whose storages have none.
var dtypes = map[string]*model.DType{
	"torch.float64": model.F64, "torch.float32": model.F32, "torch.float16": model.F16, "torch.bfloat16": model.BF16,
	"torch.float8_e4m3fn": model.F8E4M3, "torch.float8_e5m2": model.F8E5M2,
	"torch.int64": model.I64, "torch.int32": model.I32, "torch.int16": model.I16, "torch.int8": model.I8,
	"torch.uint64": model.U64, "torch.uint32": model.U32, "torch.uint16": model.U16, "torch.uint8": model.U8, "torch.bool": model.Bool,
}

// words are names that are only passed on.
var words = map[string]bool{
	"torch.Tensor": true, "torch.nn.parameter.Parameter": true, "torch.nn.parameter.Buffer": true,
	perTensor: true, perChannel: true, perChannelFloat: true,
	"torch.strided": true, "torch.contiguous_format": true, "torch.channels_last": true, "torch.preserve_format": true,
}

// known reports whether a pickle may name g.
func (g global) known() bool {
	name := g.String()
	_, makes := makers[name]
	_, stores := storages[name]
	_, types := dtypes[name]
	return makes || stores || types || words[name] || g.script()
}

// script reports whether g is a class of a TorchScript program, which is only a
// record of its fields.
func (g global) script() bool {
	return strings.HasPrefix(g.module, "__torch__.") || g.module == "__torch__"
}

// make calls g.
func (m *machine) make(g global, args tuple) (any, error) {
	maker := makers[g.String()]
	if maker == nil {
		return nil, m.fail(ruleOperand, "%.80q to call", g.String())
	}
	return maker(m, args)
}

// ordered makes a dictionary, of pairs if there are any.
func (m *machine) ordered(args tuple) (any, error) {
	d := &dict{}
	if len(args) == 0 {
		return d, nil
	}
	pairs, ok := args[0].(*list)
	if !ok {
		return nil, m.fail(ruleOperand, "%s for pairs", shown(args[0]))
	}
	if err := m.charge(80 * len(pairs.items)); err != nil {
		return nil, err
	}
	for _, item := range pairs.items {
		var pair []any
		switch p := item.(type) {
		case tuple:
			pair = p
		case *list:
			pair = p.items
		}
		if len(pair) != 2 {
			return nil, m.fail(ruleOperand, "%s for a pair", shown(item))
		}
		d.items = append(d.items, pair...)
	}
	return d, nil
}

// first makes nothing new: parameters are their tensors, typed lists are lists.
func (m *machine) first(args tuple) (any, error) {
	if len(args) == 0 {
		return tuple(nil), nil
	}
	return args[0], nil
}

// subclass makes a tensor of a class of its own: a maker, the class, the maker's
// arguments, a state.
func (m *machine) subclass(args tuple) (any, error) {
	if len(args) >= 3 {
		g, ok := args[0].(global)
		inner, ok2 := args[2].(tuple)
		if ok && ok2 && g.String() != "torch._tensor._rebuild_from_type_v2" {
			return m.make(g, inner)
		}
	}
	return nil, m.fail(ruleCall, "%d arguments", len(args))
}

// typedTensor is tensor for storages without a type, which is the seventh
// argument.
func (m *machine) typedTensor(args tuple) (any, error) {
	if len(args) < 7 {
		return nil, m.fail(ruleCall, "%d arguments", len(args))
	}
	v, err := m.tensor(args)
	if err != nil {
		return nil, err
	}
	g, _ := args[6].(global)
	dtype := dtypes[g.String()]
	if dtype == nil {
		return nil, m.fail(ruleType, "%.80q", g.String())
	}
	v.(*tensor).dtype = dtype
	return v, nil
}

// tensor makes a tensor of a storage, an offset, a shape and strides. What
// follows is about gradients.
func (m *machine) tensor(args tuple) (any, error) {
	if len(args) < 4 {
		return nil, m.fail(ruleCall, "%d arguments", len(args))
	}
	if id, ok := args[0].(tuple); ok { // some tar files do without the persistent mark
		s, err := m.persistent(id)
		if err != nil {
			return nil, err
		}
		args = append(tuple{s}, args[1:]...)
	}
	s, ok := args[0].(*storage)
	offset, ok2 := args[1].(int64)
	if !ok || !ok2 || offset < 0 {
		return nil, m.fail(ruleCall, "%s and %s", shown(args[0]), shown(args[1]))
	}
	shape, err := m.sizes(args[2])
	if err != nil {
		return nil, err
	}
	strides, err := m.sizes(args[3])
	if err != nil {
		return nil, err
	}
	t := &tensor{storage: s, dtype: s.dtype, offset: offset, shape: shape, strides: strides, at: m.base + int64(m.at)}
	return t, m.charge(160 + 8*len(shape) + 8*len(strides))
}

// sizes returns the whole numbers of a tuple.
func (m *machine) sizes(v any) ([]int, error) {
	values, ok := v.(tuple)
	if l, is := v.(*list); is {
		values, ok = l.items, true
	}
	if !ok || len(values) > maxDims {
		return nil, m.fail(ruleDims, "%s, at most %d", shown(v), maxDims)
	}
	sizes := make([]int, len(values))
	for i, v := range values {
		n, ok := v.(int64)
		if !ok || n < 0 || n > math.MaxInt {
			return nil, m.fail(ruleCall, "%s for a size", shown(v))
		}
		sizes[i] = int(n)
	}
	return sizes, nil
}

// persistent makes a storage of ('storage', type, key, device, length) and, in
// old files, (key of the view, offset, length) or None.
func (m *machine) persistent(id any) (any, error) {
	args, ok := id.(tuple)
	if !ok || len(args) < 5 || args[0] != "storage" {
		return nil, m.fail(ruleStorage, "%s", shown(id))
	}
	g, ok := args[1].(global)
	key, ok2 := args[2].(string)
	n, ok3 := args[4].(int64)
	if !ok || !ok2 || !ok3 || n < 0 {
		return nil, m.fail(ruleStorage, "%s, %s, %s", shown(args[1]), shown(args[2]), shown(args[4]))
	}
	dtype, ok := storages[g.String()]
	if !ok {
		return nil, m.fail(ruleType, "%.80q", g.String())
	}
	s := &storage{key: key, dtype: dtype, n: n, whole: n, at: m.base + int64(m.at)}
	if len(args) > 5 && args[5] != nil {
		view, _ := args[5].(tuple)
		if len(view) != 3 {
			return nil, m.fail(ruleStorage, "%s for a view", shown(args[5]))
		}
		offset, ok := view[1].(int64)
		length, ok2 := view[2].(int64)
		if !ok || !ok2 || offset < 0 || length < 0 || length > n || offset > n-length {
			return nil, m.fail(ruleStorage, "a view of %s from %s on, of %d", shown(view[2]), shown(view[1]), n)
		}
		s.offset, s.n = offset, length
	}
	if other := m.storages[key]; other != nil && other.bytes() != s.bytes() {
		return nil, m.fail(ruleConflict, "%.80q has %d bytes here, %d elsewhere", key, s.bytes(), other.bytes())
	}
	m.storages[key] = s
	return s, m.charge(200)
}
